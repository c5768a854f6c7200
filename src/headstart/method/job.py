"""What training by steps asks of a task: a network to start from, a loss, looks at validation."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from headstart.method.adapted import Model
from headstart.method.model import Setting
from headstart.train.evaluate import Predictions
from headstart.train.lesson import Lesson
from headstart.train.network import Network
from headstart.train.samples import Samples

if TYPE_CHECKING:
    from headstart.method.gradient import GradientMethod


class Watching(Protocol):
    """Scores a network on some validation rows, the same at each evaluation."""

    evaluations: int
    rows: list[int]

    def __call__(self) -> tuple[float, float]:
        """Return (score, loss); the higher the score the better."""
        ...


class Job(ABC):
    """One trial's training as its objective wants it.

    Args:
        method: What is trained, and how.
        setting: Of the trial.
    """

    def __init__(self, method: GradientMethod, setting: Setting) -> None:
        self.method, self.setting = method, setting

    @abstractmethod
    def cost(self) -> tuple[float, float]:
        """Return (flop, seconds) of what training starts from."""

    @abstractmethod
    def network(self, quick: bool = False) -> Network:
        """Return what is trained, at its start; ``quick`` spares what only good scores need."""

    @abstractmethod
    def pristine(self, network: Network) -> Network:
        """Return a network like ``network`` around the base's own weights, never trained."""

    @abstractmethod
    def samples(self, network: Network, part: str) -> Samples:
        """Return the inputs of a part as training reads them."""

    @abstractmethod
    def lesson(self) -> Lesson:
        """Return what the training rows' loss is."""

    @abstractmethod
    def watching(self, network: Network) -> Watching:
        """Return what scores the network while it trains."""

    @abstractmethod
    def finish(self, network: Network) -> None:
        """Undo what only training needed."""

    @abstractmethod
    def predict(
        self, network: Network, part: str, rows: Sequence[int] | None = None
    ) -> Predictions:
        """Return predictions of a part, or of these rows of it."""

    @abstractmethod
    def looking(self, watching: Watching, judged: Sequence[int], times: int) -> float:
        """Return the operations of ``times`` looks while training, and one at the end."""

    @abstractmethod
    def model(self, network: Network, adapter: Path | None) -> Model:
        """Return the adapted model."""
