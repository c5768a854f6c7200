"""What is measured before and after adapting: something the base could do, with its own rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from headstart.base.skeleton import Skeleton
from headstart.errors import RequestError
from headstart.measure.metric import Predictions, Targets
from headstart.progress import Progress
from headstart.registry import Registry
from headstart.task.model import Modality, Objective
from headstart.train.lesson import Lesson
from headstart.train.network import Network
from headstart.train.samples import Samples

PARTS = ("validation", "test")  # choices are made on the first; the second only says their worth


@dataclass(frozen=True)
class Recall:
    """Retained training rows.

    Attributes:
        samples: Encoded.
        lesson: Their loss.
    """

    samples: Samples
    lesson: Lesson


class Suite(ABC):
    """One score of a body (a decoder, or an encoder whatever its head) on retained rows.

    A suite tells for each row what the body makes of it, so that before and after are paired.

    Attributes:
        name: As a person reads it, e.g. "bbc-news".
        metric: Name in :data:`headstart.measure.score.METRICS`.
        objective: Shape of a target.
        classes: Class names in index order; empty for text.
        modality: What its inputs are made of.
    """

    name: str
    metric: str
    objective: Objective
    classes: tuple[str, ...] = ()
    modality: Modality = Modality.TEXT
    writes: ClassVar[bool]
    """Whether it is for bodies that write text (decoders), or for those that have features."""

    @classmethod
    @abstractmethod
    def read(cls, reference: str, progress: Progress) -> list[Suite] | None:
        """Return the suites of what ``reference`` names; None where it is not of this kind.

        Raises:
            RequestError: It is of this kind, and cannot be used.
        """

    @abstractmethod
    def targets(self, part: str) -> Targets:
        """Return the targets of a part ("validation" or "test"), or of its "train"."""

    @abstractmethod
    def told(self, body: Skeleton, part: str, progress: Progress) -> Predictions:
        """Return what the body makes of the rows of a part."""

    @abstractmethod
    def fingerprint(self) -> str:
        """Return a hash of the rows and of what settles their score."""

    def recall(self, pristine: Network) -> Recall | None:
        """Return retained training rows with their loss, for levers; None if there are none.

        Args:
            pristine: A network around the base as it was.
        """
        return None

    def beside(self, before: Skeleton, after: Skeleton, progress: Progress) -> dict[str, float]:
        """Return what else tells the two bodies apart, by name (linear CKA)."""
        return {}


SUITES: Registry[type[Suite]] = Registry(
    "retention suite",
    {
        "harness": "headstart.retention.harness:Harness",
        "choices": "headstart.retention.choices:Choices",
        "corpus": "headstart.retention.corpus:Corpus",
        "labels": "headstart.retention.labels:Labels",
    },
    group="headstart.retention",
)
"""Kinds of suite, in the order in which they are asked whether a reference is theirs."""


def read_suites(
    reference: str, *, writes: bool, modality: Modality, progress: Progress
) -> list[Suite]:
    """Return the suites of what ``--retain`` names.

    Args:
        reference: A path, a packaged set, or whatever a kind of suite knows.
        writes: Whether the base writes text.
        modality: What the base reads.
        progress: Who watches.

    Raises:
        RequestError: Nothing can be made of it for such a base.
    """
    for name in SUITES:
        kind = SUITES.get(name)
        found = kind.read(reference, progress) if kind.writes == writes else None
        if found is not None:
            _check_modality(found, reference, modality)
            return found
    wanted = (
        "a corpus or multiple-choice questions"
        if writes
        else f"{modality.value}s with a class each: a table, class folders, or a packaged set"
    )
    raise RequestError(
        f"'{reference}' cannot show what the base forgets",
        where=f"--retain {reference}",
        mend=f"for such a base name {wanted}",
    )


def _check_modality(suites: list[Suite], reference: str, modality: Modality) -> None:
    for suite in suites:
        if suite.modality is not modality:
            raise RequestError(
                f"'{reference}' holds {suite.modality.value}s, and the base reads "
                f"{modality.value}s",
                where=f"--retain {reference}",
                mend=f"name a set of {modality.value}s",
            )
