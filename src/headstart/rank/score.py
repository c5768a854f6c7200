"""What every transferability score is: a name, when it refuses, and one number."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from headstart.errors import WorkError
from headstart.rank.spectrum import Matrix, Spectrum, spectrum
from headstart.registry import Registry
from headstart.task.model import Objective

ALL = frozenset({Objective.SINGLE_LABEL, Objective.MULTI_LABEL, Objective.REAL})
ONE_CLASS_A_ROW = frozenset({Objective.SINGLE_LABEL})


@dataclass(frozen=True, eq=False)
class Evidence:
    """What one base shows of some rows, with their targets.

    Attributes:
        features: (N, D) float32.
        targets: As in :class:`~headstart.task.model.Part`: (N,) class indices, (N, C) of 0 and 1,
            or (N,) values. Words with tags come flattened, as single-label rows.
        objective: What the targets are.
        n_classes: C; 0 for a regression.
        source_probabilities: (N, Z) class probabilities of the base's own source head, if any.
        ids: N content hashes (:attr:`Part.ids <headstart.task.model.Part>`). Rows of one id share
            a fold, and with ids no score hangs on the order of the rows. Without them a row is
            known by its position.

    Raises:
        ValueError: Arrays that do not fit each other, tags, or no rows.
        WorkError: A feature, target or probability is not finite.
    """

    features: NDArray[np.float32]
    targets: NDArray[Any]
    objective: Objective
    n_classes: int
    source_probabilities: NDArray[Any] | None = None
    ids: Sequence[str] | None = None

    def __post_init__(self) -> None:
        if self.objective is Objective.TAGS:
            raise ValueError("tags come flattened: one row a word, as single-label rows")
        rows = len(self.features)
        beside = (self.targets, self.source_probabilities, self.ids)
        if rows == 0 or any(part is not None and len(part) != rows for part in beside):
            raise ValueError("features, targets, probabilities and ids must have the same N ≥ 1")
        if np.ndim(self.features) != 2 or self.features.shape[1] == 0:
            raise ValueError("features must be (N, D), D ≥ 1")
        for what, values in (
            ("feature", self.features),
            ("target", self.targets),
            ("source probability", self.source_probabilities),
        ):
            if values is not None and not np.isfinite(values).all():
                raise WorkError(f"a base cannot be scored: a {what} is not finite")
        theta = self.source_probabilities
        if theta is not None and not ((theta >= 0).all() and (theta.sum(axis=1) > 0).all()):
            raise ValueError("source probabilities must be (N, Z), ≥ 0, and not all 0 in a row")

    def __len__(self) -> int:
        return len(self.features)

    @cached_property
    def centred(self) -> Spectrum:
        """The centred features on their principal axes; computed once for all scores."""
        return spectrum(self.features, centred=True)

    @cached_property
    def columns(self) -> Matrix:
        """The targets as (N, K) columns: one a class, or the values; constant ones left out."""
        targets = np.asarray(self.targets)
        if self.objective is Objective.SINGLE_LABEL:
            columns = (targets[:, np.newaxis] == np.unique(targets)).astype(np.float64)
        else:
            columns = targets.reshape(len(targets), -1).astype(np.float64)
        return np.asarray(columns[:, np.ptp(columns, axis=0) > 0])


class TransferScore(ABC):
    """A number that says, before any training, how well a base will transfer.

    Attributes:
        name: As on the command line.
        summary: One phrase for tables.
        objectives: Shapes of target it is defined for.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    objectives: ClassVar[frozenset[Objective]] = ALL

    def refuse(self, evidence: Evidence) -> str | None:
        """Return why this score says nothing here, or None if it can be computed."""
        if evidence.objective not in self.objectives:
            return f"{self.name} is not defined for {evidence.objective.value} targets"
        if evidence.columns.shape[1] == 0:
            return "all targets are the same: there is nothing to tell apart"
        return None

    @abstractmethod
    def score(self, evidence: Evidence, seed: int = 0) -> float:
        """Return the score; higher is better. Call only where :meth:`refuse` gives None."""


class CrossValidated(TransferScore):
    """A score whose rows were each predicted without having been learnt."""

    @abstractmethod
    def merits(self, evidence: Evidence, seed: int = 0) -> NDArray[np.float64]:
        """Return (N,) what each row adds; their mean is the score.

        The same rows under two bases make pairs, which is what tells a difference from noise.
        """

    def score(self, evidence: Evidence, seed: int = 0) -> float:
        """Return the mean merit."""
        return float(self.merits(evidence, seed).mean())


SCORES: Registry[type[TransferScore]] = Registry(
    "transferability score",
    {
        "probe": "headstart.rank.probe:CrossValidatedProbe",
        "centroid": "headstart.rank.centroid:NearestCentroid",
        "logme": "headstart.rank.logme:LogME",
        "hscore": "headstart.rank.hscore:HScore",
        "leep": "headstart.rank.leep:Leep",
        "nleep": "headstart.rank.nleep:NLeep",
    },
    group="headstart.scores",
)
