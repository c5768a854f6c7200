"""What only a base can tell of the data: inputs that it cuts, and rows that nearly repeat."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from headstart.task.model import Dialogue, Kind, Modality, Objective, Task, Warning
from headstart.task.near import near_duplicates
from headstart.train.workbench import Workbench

NEAR = {Modality.TEXT: 0.97, Modality.IMAGE: 0.98}  # cosine from which two inputs are near twins
COMPARED = 20_000  # rows of a part looked at for near duplicates


def audited(task: Task, bench: Workbench) -> Task:
    """Return the task with what only a base can tell: cut inputs and near duplicates."""
    found = _untemplated(task, bench) + _controlled(task, bench)
    if task.modality is Modality.TEXT and task.objective is not Objective.TAGS:
        found += _cut(task, bench)
    if task.objective not in (Objective.TAGS, Objective.TEXT):
        found += _near(task, bench)
    return replace(task, warnings=(*task.warnings, *found))


def _cut(task: Task, bench: Workbench) -> list[Warning]:
    warnings = []
    for name, part in task.parts.items():
        texts = [t for item in part.inputs for t in (item if isinstance(item, tuple) else (item,))]
        dropped = bench.pristine.truncated(texts)
        rows = [row for row, tokens in enumerate(dropped) if tokens]
        if not rows:
            continue
        share = 100 * len(rows) / len(dropped)
        sides = len(dropped) // len(part)
        warnings.append(
            Warning(
                "cut-inputs",
                f"{bench.base} reads {bench.card.input_size} tokens: {len(rows):,} inputs of "
                f"{name} ({share:.1f}%) are longer and lose {sum(dropped):,} tokens {_where(task)}",
                len(rows),
                tuple(part.origins[row // sides] for row in rows[:3]),
            )
        )
    return warnings


def _where(task: Task) -> str:
    """Say what is cut; of documents nothing is, they are read in windows."""
    if task.kind is Kind.INSTRUCTION:
        return "(a prompt its beginning; an answer that is longer still, its end)"
    return "at their end"


def _untemplated(task: Task, bench: Workbench) -> list[Warning]:
    """Say how dialogues are written where the base does not."""
    decoder: Any = bench.pristine
    if task.kind is not Kind.INSTRUCTION or decoder.tokenizer.chat_template:
        return []
    message = (
        f"{bench.base} has no chat template: prompts and answers are set apart by blank lines, "
        "and an answer ends with the base's end of text"
    )
    return [Warning("no-chat-template", message)]


def _controlled(task: Task, bench: Workbench) -> list[Warning]:
    """Count dialogues with text that the base reads as control tokens: an answer may end there."""
    decoder: Any = bench.pristine
    if task.kind is not Kind.INSTRUCTION:
        return []
    tokens = sorted(set(decoder.tokenizer.all_special_tokens))
    pattern = re.compile("|".join(map(re.escape, tokens)) or r"(?!)")
    warnings = []
    for name, part in task.parts.items():
        rows = [
            row
            for row, one in enumerate(part.inputs)
            if isinstance(one, Dialogue) and any(pattern.search(m.content) for m in one.messages)
        ]
        if rows:
            message = (
                f"{len(rows):,} of {len(part):,} dialogues of {name} hold text that {bench.base} "
                f"reads as control tokens ({', '.join(tokens[:4])}): an answer is learnt up to "
                "the first that ends it"
            )
            examples = tuple(part.origins[row] for row in rows[:3])
            warnings.append(Warning("control-tokens", message, len(rows), examples))
    return warnings


def _near(task: Task, bench: Workbench) -> list[Warning]:
    """Look for rows of validation and test that nearly repeat a training row."""
    train = task.train
    left = bench.features("train").values
    warnings = []
    for name in ("validation", "test"):
        part, right = task.parts[name], bench.features(name).values
        pairs = near_duplicates(left[:COMPARED], right[:COMPARED], NEAR[task.modality])  # type: ignore[arg-type]
        pairs = [p for p in pairs if train.ids[p[0]] != part.ids[p[1]]]
        rows = {j for _, j, _ in pairs}
        if rows:
            examples = tuple(f"{train.origins[i]} ~ {part.origins[j]}" for i, j, _ in pairs[:3])
            warnings.append(
                Warning(
                    "near-duplicates",
                    f"{len(rows):,} of {len(part):,} {name} rows nearly repeat a "
                    f"training row (cosine ≥ {NEAR[task.modality]} in the features of "
                    f"{bench.base}): scores on them are easier than on new data",
                    len(rows),
                    examples,
                )
            )
    return warnings
