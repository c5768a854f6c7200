"""Looks for what makes a result misleading: leaks, conflicts, rare and missing classes."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from headstart.task.encode import labels_of
from headstart.task.model import Objective, Warning
from headstart.task.rows import Rows, Target

_FEW_ROWS = 8
_IMBALANCE = 10


def audit(rows: Rows, parts: Sequence[str], objective: Objective) -> list[Warning]:
    """Return warnings on the rows as they were dealt; nothing is removed.

    Args:
        rows: The usable rows.
        parts: The part of each.
        objective: Shape of the targets.
    """
    same = _by_content(rows)
    warnings = [*_duplicates(rows, parts, same), *_conflicts(rows, same)]
    if objective in (Objective.SINGLE_LABEL, Objective.MULTI_LABEL):
        warnings += _classes(rows, parts)
    return warnings


def _by_content(rows: Rows) -> dict[str, list[int]]:
    """Return the rows of each content that occurs more than once."""
    found: dict[str, list[int]] = defaultdict(list)
    for row, identity in enumerate(rows.ids):
        found[identity].append(row)
    return {identity: same for identity, same in found.items() if len(same) > 1}


def _duplicates(rows: Rows, parts: Sequence[str], same: Mapping[str, list[int]]) -> list[Warning]:
    across = [found for found in same.values() if len({parts[row] for row in found}) > 1]
    inside = [found for found in same.values() if len({parts[row] for row in found}) == 1]
    warnings = []
    leaked = sum(parts[row] != "train" for found in across for row in found)
    if across:
        message = (
            f"leakage: {leaked:,} validation or test rows also stand in another part, so scores "
            "on them flatter; the data's own parts were kept, remove these rows from one"
        )
        warnings.append(
            Warning("leakage", message, leaked, _examples(rows, parts, across, by_part=True))
        )
    extra = sum(len(found) - 1 for found in inside)
    if extra:
        message = f"{extra:,} rows repeat another row of their part"
        warnings.append(Warning("duplicates", message, extra, _examples(rows, parts, inside)))
    return warnings


def _examples(
    rows: Rows, parts: Sequence[str], groups: Sequence[list[int]], by_part: bool = False
) -> tuple[str, ...]:
    return tuple(
        " = ".join(
            f"{rows.origins[row]} ({parts[row]})" if by_part else rows.origins[row]
            for row in group[:3]
        )
        for group in groups[:5]
    )


def _conflicts(rows: Rows, same: Mapping[str, list[int]]) -> list[Warning]:
    groups = [found for found in same.values() if len({rows.targets[row] for row in found}) > 1]
    if not groups:
        return []
    count = sum(map(len, groups))
    examples = tuple(
        " | ".join(f"{rows.origins[row]}: {_word(rows.targets[row])}" for row in group[:3])
        for group in groups[:5]
    )
    message = f"{count:,} rows have the same input as another row but a different target"
    return [Warning("label-conflicts", message, count, examples)]


def _word(target: Target) -> str:
    return " ".join(target)[:60] if isinstance(target, tuple) else str(target)


def _classes(rows: Rows, parts: Sequence[str]) -> list[Warning]:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for target, part in zip(rows.targets, parts, strict=True):
        counts[part].update(labels_of(target))
    train = counts["train"]
    every = set().union(*counts.values())
    warnings = _rare(train) + _unbalanced(train)
    untaught = sorted(every - train.keys())
    if untaught:
        message = f"{_classes_of(untaught)} no row in train and cannot be learnt"
        warnings.append(Warning("untaught-classes", message, len(untaught), tuple(untaught[:5])))
    untested = sorted(every - counts["test"].keys())
    if untested:
        message = f"{_classes_of(untested)} no row in test: nothing is measured on them"
        warnings.append(Warning("untested-classes", message, len(untested), tuple(untested[:5])))
    return warnings


def _classes_of(found: Sequence[object]) -> str:
    return "1 class has" if len(found) == 1 else f"{len(found):,} classes have"


def _rare(train: Counter[str]) -> list[Warning]:
    rare = sorted((count, label) for label, count in train.items() if count < _FEW_ROWS)
    if not rare:
        return []
    message = (
        f"{_classes_of(rare)} fewer than {_FEW_ROWS} rows in train; what is learnt of "
        "them is uncertain"
    )
    examples = tuple(f"{label}: {count}" for count, label in rare[:5])
    return [Warning("few-rows", message, sum(count for count, _ in rare), examples)]


def _unbalanced(train: Counter[str]) -> list[Warning]:
    if len(train) < 2:
        return []
    (most, many), (least, few) = train.most_common()[0], train.most_common()[-1]
    if many < _IMBALANCE * few:
        return []
    message = (
        f"class imbalance: '{most}' has {many:,} rows in train, '{least}' {few:,} "
        f"({many / few:.0f} times as many)"
    )
    examples = (f"{most}: {many}", f"{least}: {few}")
    return [Warning("class-imbalance", message, 0, examples)]
