"""One hash that stands for all of a task: what is asked, the classes, and every row's part."""

from __future__ import annotations

from collections.abc import Sequence

from headstart.files import digest
from headstart.task.detect import Detection
from headstart.task.encode import labels_of
from headstart.task.rows import Target


def fingerprint(
    detection: Detection,
    classes: Sequence[str],
    parts: Sequence[str],
    ids: Sequence[str],
    targets: Sequence[Target],
) -> str:
    """Return 32 hex digits that change with any row, target or part, not with the file order.

    Args:
        detection: What is asked.
        classes: Class names in index order.
        parts, ids, targets: N parts, content hashes and targets.
    """
    rows = sorted(
        digest(part, identity, *labels_of(target))
        for part, identity, target in zip(parts, ids, targets, strict=True)
    )
    return digest(
        "headstart-task-1", detection.kind, detection.objective, "\x1f".join(classes), *rows
    )
