"""What a task is: rows with inputs and targets, in three parts, and what is known of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

PARTS = ("train", "validation", "test")


class Modality(StrEnum):
    """What the inputs are made of."""

    TEXT = "text"
    IMAGE = "image"


class Kind(StrEnum):
    """What is asked of the model, in the words of the command line (``--task``)."""

    CLASSIFICATION = "classification"
    REGRESSION = "regression"
    TEXT_PAIR = "text-pair"
    TOKEN_CLASSIFICATION = "token-classification"
    LANGUAGE_MODELING = "language-modeling"
    INSTRUCTION = "instruction"


class Objective(StrEnum):
    """The shape of one row's target, which settles the loss and the scores."""

    SINGLE_LABEL = "single-label"
    MULTI_LABEL = "multi-label"
    REAL = "real"
    TAGS = "tags"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Image:
    """An image that is decoded when it is needed.

    Attributes:
        path: The file, if it lies in one.
        data: The encoded bytes, if they came in a table or an archive.
    """

    path: Path | None = None
    data: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a dialogue.

    Attributes:
        role: Who speaks: "system", "user" or "assistant".
        content: What is said.
    """

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Dialogue:
    """Prompts and answers, in turn; what is learnt are the assistant's words.

    Attributes:
        messages: Perhaps a system message; then user and assistant in turn, the assistant last.
        shown: How many of the first messages are examples: what the assistant says there is read,
            not said.
    """

    messages: tuple[Message, ...]
    shown: int = 0

    @property
    def prompt(self) -> tuple[Message, ...]:
        """What stands before the last answer."""
        return self.messages[:-1]

    @property
    def answer(self) -> str:
        """The last answer."""
        return self.messages[-1].content

    @property
    def answers(self) -> tuple[str, ...]:
        """Everything that the assistant says, examples left out."""
        own = self.messages[self.shown :]
        return tuple(one.content for one in own if one.role == "assistant")


TextPair = tuple[str, str]
Tokens = tuple[str, ...]
Input = str | TextPair | Tokens | Image | Dialogue


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows of a task.

    Attributes:
        inputs: N inputs; all of the same type.
        targets: single-label: (N,) int64 class indices; multi-label: (N, C) float32 of 0 and 1;
            real: (N,) float64; tags: N arrays of int64 tag indices, one a word; text: (N,)
            float64 bytes (UTF-8) of what is to be said: a document, or a dialogue's answers.
        ids: N content hashes of the inputs (32 hex digits); equal inputs have equal ids.
        origins: N places to show a person ("train.csv row 17", "cats/3.jpg").
    """

    inputs: Sequence[Input]
    targets: NDArray[np.int64] | NDArray[np.float32] | NDArray[np.float64] | list[NDArray[np.int64]]
    ids: Sequence[str]
    origins: Sequence[str]

    def __len__(self) -> int:
        return len(self.inputs)

    def take(self, rows: Sequence[int] | NDArray[np.int64]) -> Part:
        """Return the rows at these positions, in this order."""
        picked = [int(row) for row in rows]
        targets = (
            [self.targets[row] for row in picked]
            if isinstance(self.targets, list)
            else self.targets[np.asarray(picked, dtype=np.int64)]
        )
        return Part(
            inputs=[self.inputs[row] for row in picked],
            targets=targets,
            ids=[self.ids[row] for row in picked],
            origins=[self.origins[row] for row in picked],
        )


@dataclass(frozen=True, slots=True)
class Warning:
    """Something about the data that a reader of the report should know.

    Attributes:
        code: Short stable name ("near-duplicates", "class-imbalance", "dropped-rows", …).
        message: One sentence for people.
        count: How many rows it concerns.
        examples: A few origins or values.
    """

    code: str
    message: str
    count: int = 0
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Task:
    """Data plus objective: what to learn.

    Attributes:
        name: Short name for folders and titles.
        kind: What is asked.
        objective: Shape of a target.
        modality: Text or image.
        input: Names of the input columns (two for a text pair).
        target: Name of the target column; empty where documents are their own target.
        classes: Class (or tag) names in index order; empty for a regression and for text.
        train, validation, test: The rows; a row's part depends on its content only.
        fingerprint: Hash of kind, classes and all rows of all parts, independent of file order.
        split: Where the parts came from, one phrase ("the data's own", "70/15/15 by content").
        detected: Lines that say what was detected and why.
        warnings: What the audit found.
    """

    name: str
    kind: Kind
    objective: Objective
    modality: Modality
    input: tuple[str, ...]
    target: str
    classes: tuple[str, ...]
    train: Part
    validation: Part
    test: Part
    fingerprint: str
    split: str
    detected: tuple[str, ...] = ()
    warnings: tuple[Warning, ...] = ()

    @property
    def parts(self) -> dict[str, Part]:
        """The three parts by name, in the order of :data:`PARTS`."""
        return {"train": self.train, "validation": self.validation, "test": self.test}
