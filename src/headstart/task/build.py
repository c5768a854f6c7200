"""The way into the task room: from what the user names to a task that can be learnt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.errors import RequestError
from headstart.progress import Progress, Silent
from headstart.task.audit import audit
from headstart.task.detect import Detection, detect
from headstart.task.encode import class_names, encoder, labels_of
from headstart.task.fingerprint import fingerprint
from headstart.task.model import Kind, Objective, Part, Task, Warning
from headstart.task.raw import Raw, is_missing
from headstart.task.read import read
from headstart.task.rows import Rows, extract
from headstart.task.split import deal, use_split_column

if TYPE_CHECKING:
    import pandas as pd


def build_task(
    data: str | Path | pd.DataFrame | Any,
    *,
    input: Sequence[str] | None = None,
    target: str | None = None,
    kind: Kind | None = None,
    limit_per_class: int | None = None,
    progress: Progress | None = None,
) -> Task:
    """Read, detect, check and split ``data``.

    Args:
        data: Path of a folder, table or zip archive; ``packaged:emojis``, ``packaged:bbc-news``
            or ``packaged:digits``; a DataFrame; a ``datasets`` set, or ``org/name`` of one.
        input: Input columns (two for a text pair); detected if not given.
        target: Target column; detected if not given.
        kind: What is asked; detected if not given.
        limit_per_class: Keep only this many train rows a class, picked by content.
        progress: Who watches; checking many images takes a while.

    Returns:
        The task. The order of rows in a part depends on their content only.

    Raises:
        RequestError: The data cannot be read or learnt from; names file, row and mend.
    """
    raw = read(data, kind)
    named = [input] if isinstance(input, str) else list(input or ())
    use_split_column(raw, [*named, target])
    detection = detect(raw, input, target, kind)
    warnings = raw.warnings + _drop_unlabelled_part(raw, detection)
    rows, dropped = extract(raw, detection, progress or Silent())
    where = f"{raw.name}, column '{detection.target}'"
    classes = class_names(rows.targets, detection.objective, where)
    parts, split, dealt = deal(rows, detection.objective, raw.split)
    warnings += [*dropped, *dealt, *audit(rows, parts, detection.objective)]
    rows, parts = _by_content(rows, parts)
    if limit_per_class is not None:
        rows, parts = _limited(rows, parts, detection.objective, limit_per_class)
        split += f"; train cut to {limit_per_class} rows a class"
    encode = encoder(detection.objective, classes)
    built = {
        name: _part(rows, [row for row, part in enumerate(parts) if part == name], encode)
        for name in ("train", "validation", "test")
    }
    return Task(
        name=raw.name,
        kind=detection.kind,
        objective=detection.objective,
        modality=detection.modality,
        input=detection.input,
        target=detection.target,
        classes=classes,
        train=built["train"],
        validation=built["validation"],
        test=built["test"],
        fingerprint=fingerprint(detection, classes, parts, rows.ids, rows.targets),
        split=split,
        detected=(*detection.lines, f"parts: {split}"),
        warnings=tuple(warnings),
    )


def _drop_unlabelled_part(raw: Raw, detection: Detection) -> list[Warning]:
    """Leave out a part of the data's own in which no row has a target (a contest's test set)."""
    if raw.parts is None or detection.objective is Objective.TEXT:
        return []
    goals = raw.columns[detection.target]
    sizes = Counter(raw.parts)
    without = Counter(
        part for part, goal in zip(raw.parts, goals, strict=True) if _unlabelled(goal, detection)
    )
    bare = {part for part in sizes if without[part] == sizes[part] and part != "train"}
    if not bare:
        return []
    keep = [row for row, part in enumerate(raw.parts) if part not in bare]
    raw.columns = {name: [cells[row] for row in keep] for name, cells in raw.columns.items()}
    raw.origins = [raw.origins[row] for row in keep]
    raw.parts = [raw.parts[row] for row in keep]
    count = sum(sizes[part] for part in bare)
    names = " and ".join(sorted(bare))
    message = f"no row of the data's own {names} has a target; its {count:,} rows were left out"
    return [Warning("unlabelled-part", message, count)]


def _unlabelled(goal: Any, detection: Detection) -> bool:
    return is_missing(goal) or (detection.integral and str(goal) in ("-1", "-1.0"))


def _by_content(rows: Rows, parts: Sequence[str]) -> tuple[Rows, list[str]]:
    """Put rows in an order that no shuffling of the file changes."""
    key = [(rows.ids[row], labels_of(rows.targets[row])) for row in range(len(rows))]
    return _taken(rows, parts, sorted(range(len(rows)), key=key.__getitem__))


def _taken(rows: Rows, parts: Sequence[str], order: Sequence[int]) -> tuple[Rows, list[str]]:
    picked = Rows(
        inputs=[rows.inputs[row] for row in order],
        targets=[rows.targets[row] for row in order],
        ids=[rows.ids[row] for row in order],
        origins=[rows.origins[row] for row in order],
        parts=None,
    )
    return picked, [parts[row] for row in order]


def _limited(
    rows: Rows, parts: Sequence[str], objective: Objective, most: int
) -> tuple[Rows, list[str]]:
    """Keep the first ``most`` train rows of each class, in content order."""
    if most < 1 or objective not in (Objective.SINGLE_LABEL, Objective.MULTI_LABEL):
        raise RequestError(
            f"cannot keep {most} rows a class of a {objective.value} target",
            where="--labels-per-class",
            mend="give 1 or more, for a task with classes",
        )
    seen: Counter[str] = Counter()
    order = []
    for row, part in enumerate(parts):
        labels = labels_of(rows.targets[row])
        if part == "train":
            if all(seen[label] >= most for label in labels):
                continue
            seen.update(labels)
        order.append(row)
    return _taken(rows, parts, order)


def _part(rows: Rows, picked: Sequence[int], encode: Any) -> Part:
    return Part(
        inputs=[rows.inputs[row] for row in picked],
        targets=encode([rows.targets[row] for row in picked]),
        ids=[rows.ids[row] for row in picked],
        origins=[rows.origins[row] for row in picked],
    )
