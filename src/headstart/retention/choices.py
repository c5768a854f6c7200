"""choices: multiple-choice questions, answered with what a decoder finds likeliest."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import ascii_uppercase
from typing import Any, cast

import numpy as np
from scipy.special import softmax

from headstart.base.decoder import Decoder
from headstart.base.skeleton import Skeleton
from headstart.errors import RequestError
from headstart.files import canonical, digest
from headstart.measure.metric import Predictions, Targets
from headstart.progress import Progress
from headstart.retention.likelihood import likelihoods, paired
from headstart.retention.rows import affordable, halves
from headstart.retention.suite import PARTS, Suite
from headstart.task.model import Objective
from headstart.task.raw import Raw, shown
from headstart.task.read import read
from headstart.task.table import TABLE_SUFFIXES

QUERY = ("query", "question")
OPTIONS = "choices"
ANSWER = ("answer", "answerKey", "label", "gold")
LONGEST = 2_000  # characters of a choice

_FORM = (
    'write each row as {"query": "…", "choices": ["…", "…"], "answer": 0}; the answer is the '
    "place of the right choice from 0 on, its letter, or its text"
)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, what may be answered, and the place of the right answer."""

    query: str
    choices: tuple[str, ...]
    answer: int

    @property
    def content(self) -> str:
        """A hash of all but the answer."""
        return digest(self.query, *self.choices)

    @property
    def size(self) -> int:
        """Characters that a decoder reads."""
        return sum(len(self.query) + len(choice) for choice in self.choices)


class Choices(Suite):
    """Questions with given answers, scored as lm-eval's ``multiple_choice`` by ``acc_norm``.

    The answer is the choice whose log-likelihood after the query and a space, divided by the
    choice's characters, is the highest. No chat template is used.

    Args:
        name: As a person reads it.
        questions: Of each distinct one the first is kept; some are asked, drawn by content
            (:data:`~headstart.retention.rows.ROWS` a part at most). None is trained on.

    Raises:
        RequestError: There are fewer than two.
    """

    writes = True
    metric = "accuracy"
    objective = Objective.SINGLE_LABEL

    def __init__(self, name: str, questions: Sequence[Question]) -> None:
        distinct = {one.content: one for one in reversed(questions)}
        drawn = [distinct[content] for content in sorted(distinct)]
        if len(drawn) < len(PARTS):
            raise RequestError(
                f"{len(drawn)} question is too few: choices are made on one half and told on "
                "the other",
                where=f"--retain {name}",
                mend="give more questions, some hundred for a difference of a few points",
            )
        drawn = drawn[: affordable([one.size for one in drawn])]
        places = halves([one.content for one in drawn])
        self.name = name
        self.parts = {part: [drawn[at] for at in rows] for part, rows in places.items()}
        self.classes = _letters(max(len(one.choices) for one in drawn))

    @classmethod
    def read(cls, reference: str, progress: Progress) -> list[Suite] | None:
        """Return the questions of a table that has choices."""
        path = Path(reference).expanduser()
        if path.suffix.lower() not in TABLE_SUFFIXES or not path.is_file():
            return None
        try:
            raw = read(reference)
        except RequestError:
            return None  # whoever takes it for documents says what is wrong with it
        if OPTIONS not in raw.columns or not any(name in raw.columns for name in QUERY + ANSWER):
            return None
        return [cls(path.stem, _questions(raw, f"--retain {reference}"))]

    def targets(self, part: str) -> Targets:
        """Return the places (N,) of the right answers."""
        return np.array([one.answer for one in self.parts[part]], dtype=np.int64)

    def told(self, body: Skeleton, part: str, progress: Progress) -> Predictions:
        """Return (N, C) shares of the choices; those that a question lacks have 0."""
        decoder, asked = cast(Decoder, body), self.parts[part]
        pairs = [
            paired(decoder, one.query, " " + choice) for one in asked for choice in one.choices
        ]
        found = iter(likelihoods(decoder, pairs, progress, f"retained: {self.name}")[:, 0])
        shares = np.zeros((len(asked), len(self.classes)))
        for row, one in enumerate(asked):
            scores = [next(found) / len(choice) for choice in one.choices]
            shares[row, : len(scores)] = softmax(scores)
        return shares

    def fingerprint(self) -> str:
        """Return a hash of the questions with their answers, and of how they are scored."""
        asked = [canonical([part, *_plain(one)]) for part in PARTS for one in self.parts[part]]
        return digest(self.metric, "acc_norm", *asked)


def _plain(question: Question) -> tuple[Any, ...]:
    return question.query, list(question.choices), question.answer


def _letters(count: int) -> tuple[str, ...]:
    return tuple(ascii_uppercase[at] if at < 26 else str(at) for at in range(count))


def _questions(raw: Raw, where: str) -> list[Question]:
    """Return the questions of a table.

    Raises:
        RequestError: A column is missing, or rows are no questions; the first is named.
    """
    query = _column(raw, QUERY, "the question", where)
    answer = _column(raw, ANSWER, "the right answer", where)
    found: list[Question] = []
    wrong: list[tuple[str, str]] = []
    for origin, *cells in zip(
        raw.origins, raw.columns[query], raw.columns[OPTIONS], raw.columns[answer], strict=True
    ):
        try:
            found.append(_question(*cells))
        except ValueError as error:
            wrong.append((origin, str(error)))
    if wrong:
        origin, why = wrong[0]
        raise RequestError(
            f"{len(wrong):,} of {len(raw):,} rows are no multiple-choice questions; the first "
            f"has {why}",
            where=f"{where}, {origin}",
            mend=_FORM,
        )
    return found


def _column(raw: Raw, names: Sequence[str], what: str, where: str) -> str:
    for name in names:
        if name in raw.columns:
            return name
    raise RequestError(
        f"there are choices, but no column for {what} ({', '.join(names)})", where=where, mend=_FORM
    )


def _question(query: Any, options: Any, answer: Any) -> Question:
    """Return one question.

    Raises:
        ValueError: It cannot be asked; says what the row has.
    """
    if not isinstance(query, str):
        raise ValueError(f"{shown(query)!r} where the question is to stand")
    choices, labels = _options(options)
    if len(choices) < 2:
        raise ValueError(f"{len(choices)} choice where there are to be two or more")
    for choice in choices:
        if not isinstance(choice, str) or not choice.strip():
            raise ValueError(f"the choice {shown(choice)!r}, which is no text")
        if len(choice) > LONGEST:
            raise ValueError(
                f"a choice of {len(choice):,} characters, more than {LONGEST:,}: {shown(choice)}"
            )
    return Question(query, tuple(choices), _place(answer, choices, labels))


def _options(cell: Any) -> tuple[list[Any], list[Any]]:
    """Return the choices and, where they are named (ARC's form), their names."""
    if isinstance(cell, str) and cell.lstrip()[:1] in ("[", "{"):
        try:
            cell = json.loads(cell)  # a list in the cell of a CSV file
        except ValueError as error:
            raise ValueError(f"choices that are no JSON list: {shown(cell)}") from error
    labels: Any = []
    if isinstance(cell, Mapping):
        cell, labels = cell.get("text"), cell.get("label") or []
    if not isinstance(cell, list):
        raise ValueError(f"{shown(cell)!r} where a list of choices is to stand")
    return cell, labels if isinstance(labels, list) and len(labels) == len(cell) else []


def _place(answer: Any, choices: list[str], labels: list[Any]) -> int:
    """Return the place of the right answer, given as such or as text, name or letter."""
    if isinstance(answer, str):
        told = answer.strip()
        for named in ([one.strip() for one in choices], labels, _letters(len(choices))):
            if told in named:
                return named.index(told)
    try:
        place = -1 if isinstance(answer, bool) else int(str(answer).removesuffix(".0"))
    except ValueError:
        place = -1
    if not 0 <= place < len(choices):
        raise ValueError(f"the answer {shown(answer)!r} to {len(choices)} choices")
    return place
