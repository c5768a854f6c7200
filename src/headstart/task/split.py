"""Deals rows to train, validation and test by their content, class by class."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from headstart.errors import RequestError
from headstart.files import digest
from headstart.task.encode import labels_of
from headstart.task.model import PARTS, Dialogue, Objective, Warning
from headstart.task.raw import PART_NAMES, Raw, shown
from headstart.task.rows import Rows

_SHARE = 0.15
_SPLIT_COLUMNS = ("split", "part", "fold", "subset", "set", "partition", "dataset_split")


def use_split_column(raw: Raw, named: Sequence[str | None]) -> None:
    """Take the parts from a column such as ``split``, if it names them in every row.

    Args:
        raw: The table; the column leaves it.
        named: Columns that the user named for something else.
    """
    if raw.parts is not None:
        return
    for name in raw.columns:
        if name.lower() not in _SPLIT_COLUMNS or name in named:
            continue
        cells = [str(cell).strip().lower() for cell in raw.columns[name]]
        found = set(cells)
        if found <= PART_NAMES.keys() and len({PART_NAMES[cell] for cell in found}) > 1:
            raw.parts = [PART_NAMES[cell] for cell in cells]
            raw.split = f"the data's own (column '{name}')"
            del raw.columns[name]
            return
        if found & PART_NAMES.keys():
            other = next(iter(sorted(found - PART_NAMES.keys())), "only one part")
            raw.said.append(f"column '{name}' does not say the parts: it holds {shown(other)}")


def deal(rows: Rows, objective: Objective, own: str) -> tuple[list[str], str, list[Warning]]:
    """Return the part of each row, one phrase on where the parts come from, and warnings.

    The user's own parts are kept. A part that is missing is taken from train: 15% of each class.
    Without parts of their own, rows are dealt 70/15/15. Rows with the same content go together;
    which part they go to depends on their content and on the class sizes, not on file order. A
    class with one row is in train, with two also in test, with three or more in every part.

    Args:
        rows: The usable rows.
        objective: Shape of the targets; classes are dealt one by one, numbers all together.
        own: What to call the user's own parts.

    Raises:
        RequestError: Too few rows for three parts.
    """
    parts = list(rows.parts) if rows.parts else ["train"] * len(rows)
    present = [part for part in PARTS if part in parts]
    if "train" not in present:
        if len(present) == 1:  # one part alone is all the data there is
            parts, present = ["train"] * len(rows), ["train"]
        else:
            raise RequestError(
                f"the data's own parts are {' and '.join(present)}, without train",
                mend="name the training part 'train'",
            )
    missing = [part for part in ("test", "validation") if part not in present]
    if missing:
        train = [row for row, part in enumerate(parts) if part == "train"]
        for row, part in zip(train, _dealt(rows, train, objective, missing), strict=True):
            parts[row] = part
    counts = Counter(parts)
    if len(counts) < 3:
        different = len({_together(rows, row) for row in range(len(rows))})
        what = "prompts" if rows.inputs and isinstance(rows.inputs[0], Dialogue) else "inputs"
        raise RequestError(
            f"{len(rows):,} usable rows ({different:,} different {what}) are too few for "
            "train, validation and test",
            where=", ".join(f"{part}: {counts[part]}" for part in PARTS),
            mend="give more text: three documents or different prompts at least, tens to learn from"
            if objective is Objective.TEXT
            else "give at least three different rows of some class; tens a class to learn from",
        )
    return parts, _phrase(missing, own, objective), []


def _phrase(missing: Sequence[str], own: str, objective: Objective) -> str:
    if len(missing) == 2:
        dealt = "70/15/15 by content"
        return dealt if objective is Objective.TEXT else f"{dealt}, class by class"
    if missing:
        return f"{own}; {missing[0]} is 15% of train, by content"
    return own


def _dealt(
    rows: Rows, among: Sequence[int], objective: Objective, missing: Sequence[str]
) -> list[str]:
    """Return the part of each row in ``among``: one of ``missing``, or train."""
    by_content: dict[str, list[int]] = defaultdict(list)
    for row in among:
        by_content[_together(rows, row)].append(row)
    strata = _strata(rows, by_content, objective)
    part_of: dict[str, str] = {}
    for contents in strata.values():
        # the hash is salted: the ids' own order also serves to pick few labels
        ordered = sorted(contents, key=lambda content: digest("split", content))
        quota = _quota(len(ordered), missing)
        # one part from each end: a row more or less moves few others over a border
        for at, (part, count) in enumerate(zip(missing, quota, strict=True)):
            picked = ordered[:count] if at == 0 else ordered[len(ordered) - count :]
            part_of.update(dict.fromkeys(picked, part))
    if objective in (Objective.MULTI_LABEL, Objective.TAGS):
        _give_train_every_label(rows, by_content, part_of)
    return [part_of.get(_together(rows, row), "train") for row in among]


def _together(rows: Rows, row: int) -> str:
    """Return what rows must share to go together: the content, of a dialogue what is asked."""
    found = rows.inputs[row]
    if not isinstance(found, Dialogue):
        return rows.ids[row]
    return digest("asked", *(part for m in found.prompt for part in (m.role, m.content)))


def _strata(
    rows: Rows, by_content: Mapping[str, Sequence[int]], objective: Objective
) -> dict[str, list[str]]:
    """Return contents by class; by the rarest label where a row has several."""
    strata: dict[str, list[str]] = defaultdict(list)
    if objective in (Objective.REAL, Objective.TAGS, Objective.TEXT):
        strata[""] = list(by_content)
        return strata
    counts = Counter(
        label
        for same in by_content.values()
        for row in same
        for label in labels_of(rows.targets[row])
    )
    for content, same in by_content.items():
        labels = {label for row in same for label in labels_of(rows.targets[row])}
        rarest = min(labels, key=lambda label: (counts[label], label), default="")
        strata[rarest].append(content)
    return strata


def _quota(contents: int, missing: Sequence[str]) -> list[int]:
    """Return how many of a class's contents each missing part gets; train keeps at least one."""
    counts = []
    left = contents - 1
    for _ in missing:
        count = min(left, max(1, int(np.floor(contents * _SHARE + 0.5))))
        counts.append(count)
        left -= count
    return counts


def _give_train_every_label(
    rows: Rows, by_content: Mapping[str, Sequence[int]], part_of: dict[str, str]
) -> None:
    labels = {
        content: {label for row in same for label in labels_of(rows.targets[row])}
        for content, same in by_content.items()
    }
    in_train = set().union(*(labels[c] for c in labels if c not in part_of))
    for content in sorted(part_of):
        if not labels[content] <= in_train:
            del part_of[content]
            in_train |= labels[content]
