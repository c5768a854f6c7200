"""What keeps a base from being forgotten while it is trained: a term added to the loss."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

from headstart.base.model import Batch
from headstart.errors import RequestError
from headstart.registry import Registry
from headstart.retention.suite import Recall
from headstart.train.groups import Group
from headstart.train.lesson import Lesson
from headstart.train.network import Network

Strengths = Mapping[str, float]  # levers by name: how hard each is pulled


@dataclass(frozen=True)
class Ground:
    """What levers hold on to.

    Attributes:
        network: What is trained, with the base's weights still in it.
        groups: Which of its weights are trained.
        pristine: A network with the base's weights that is never trained.
        kept: Retained training rows and their loss, if there are any.
        seed: Of what is drawn.
    """

    network: Network
    groups: Sequence[Group]
    pristine: Network
    kept: Recall | None
    seed: int

    @property
    def recall(self) -> Recall:
        """The retained rows, for levers that need them."""
        if self.kept is None:
            raise RequestError(
                "there are no retained rows to train on",
                where="--retain",
                mend="name a corpus, or rows with classes",
            )
        return self.kept


class Lever(ABC):
    """One way to forget less, pulled by ``strength``.

    Attributes:
        name: As in hyperparameters and tables.
        summary: One phrase.
        strength: A sensible one.
        factor: Operations of a step with it, in steps without.
        needs_rows: Whether it needs retained rows to train on.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    strength: ClassVar[float]
    factor: ClassVar[float] = 1.0
    needs_rows: ClassVar[bool] = False

    def __init__(self, ground: Ground, strength: float) -> None:
        self.ground, self.pull = ground, strength

    @classmethod
    def setting(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Return hyperparameters with the lever pulled beside those that are."""
        return {**values, "levers": {**values.get("levers", {}), cls.name: cls.strength}}

    @abstractmethod
    def term(self, network: Network, batch: tuple[Batch, ...], rows: Sequence[int]) -> Tensor:
        """Return what is added to the mean loss of an item of ``rows``, strength included."""


class Levered(Lesson):
    """A lesson with levers: their terms are added to its loss.

    The term of a piece of a batch counts by the piece's weight, so that accumulation equals the
    large batch wherever a term is the same for all rows, or a mean over them.

    Args:
        inner: What is learnt.
        levers: What keeps the base.
    """

    def __init__(self, inner: Lesson, levers: Sequence[Lever]) -> None:
        self.inner, self.levers = inner, levers

    def weight(self, rows: Sequence[int]) -> float:
        """Return the inner lesson's weight."""
        return self.inner.weight(rows)

    def loss(self, network: Network, batch: tuple[Batch, ...], rows: Sequence[int]) -> Tensor:
        """Return the inner loss, and each term times the weight of the rows."""
        found = self.inner.loss(network, batch, rows)
        weight = self.inner.weight(rows)
        for lever in self.levers:
            found = found + weight * lever.term(network, batch, rows)
        return found


LEVERS: Registry[type[Lever]] = Registry(
    "lever",
    {
        "gentle": "headstart.retention.gentle:Gentle",
        "replay": "headstart.retention.replay:Replay",
        "l2sp": "headstart.retention.l2sp:L2SP",
        "ewc": "headstart.retention.ewc:EWC",
        "lwf": "headstart.retention.lwf:LwF",
    },
    group="headstart.levers",
)


def levered(inner: Lesson, strengths: Strengths, ground: Ground) -> Lesson:
    """Return the lesson with these levers; the lesson itself if there are none.

    Raises:
        RequestError: A lever that nothing has.
    """
    levers = [LEVERS.get(name)(ground, pull) for name, pull in sorted(strengths.items()) if pull]
    return Levered(inner, levers) if levers else inner


def step_factor(strengths: Strengths) -> float:
    """Return the operations of a step with these levers, in steps without."""
    return 1.0 + sum(LEVERS.get(name).factor - 1.0 for name, pull in strengths.items() if pull)
