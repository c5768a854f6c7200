"""A model as the gate runs it, whatever library it is of."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from headstart.base.skeleton import Skeleton
from headstart.errors import WorkError
from headstart.method.adapted import Signature
from headstart.method.samples import difference, neutral_inputs, said
from headstart.task.model import Input, Modality, Objective

_UNNAMED = re.compile(r"LABEL_\d+")


class Subject(ABC):
    """A loaded model.

    Attributes:
        library: What loaded it.
        signature: What goes in and comes out; None for a model that gives features only.
        modality: What its inputs are made of; None if nothing here makes inputs for it.
        notes: What else to say of how it was loaded.
    """

    library: str
    signature: Signature | None
    modality: Modality | None
    notes: tuple[str, ...] = ()

    @abstractmethod
    def scores(self, inputs: Sequence[Input]) -> Any:
        """Return probabilities (N, C), numbers (N,), nats and tokens (N, 2), or features (N, D).

        Of tags: for each input the probabilities (W, C), or the tags (W,).
        """

    @abstractmethod
    def body(self) -> Skeleton | None:
        """Return what was a base before it was adapted; None for what never had one."""

    def written(self, form: str, folder: Path, tolerance: float) -> str | None:
        """Write the model out again, load that, and compare; return what was found.

        Args:
            form: "transformers" (its own library's layout), "onnx" or "gguf".
            folder: Empty.
            tolerance: As of :func:`headstart.method.samples.difference`.

        Returns:
            A sentence; None if such a model has no such form.

        Raises:
            WorkError: What was written says something else.
        """
        if form != "transformers" or self.modality is None:
            return None
        again = self.again(folder)
        inputs = neutral_inputs(self.signature, self.modality)
        pairs = zip(self.said(inputs), again.said(inputs), strict=True)
        drift = max(difference(one, two, tolerance) for one, two in pairs)
        return f"written by {self.library} and loaded again, outputs differ by at most {drift:.1g}"

    @abstractmethod
    def again(self, folder: Path) -> Subject:
        """Write the model to an empty folder; return what is loaded from there."""

    def said(self, inputs: Sequence[Input]) -> list[Any]:
        """Return outputs by name, as predictions are recorded."""
        return said(self.signature, self.scores(inputs))

    def sayings(self) -> list[Any]:
        """Return what the model says of headstart's own inputs; nothing where there are none.

        Raises:
            WorkError: It is no number.
        """
        if self.modality is None:
            return []
        found = self.scores(neutral_inputs(self.signature, self.modality))
        rows = found if isinstance(found, list) else [found]
        if not all(np.isfinite(np.asarray(row, dtype=np.float64)).all() for row in rows):
            raise WorkError("its outputs are no numbers (NaN or infinite)")
        return said(self.signature, found)

    @property
    def unnamed(self) -> bool:
        """Whether its classes have numbers only."""
        classes = self.signature.classes if self.signature else ()
        return bool(classes) and all(_UNNAMED.fullmatch(name) for name in classes)


def predictions(subject: Subject, inputs: Sequence[Input]) -> Any:
    """Return outputs as metrics take them: of tags their indices (W,) for each input."""
    found = subject.scores(inputs)
    if subject.signature is None or subject.signature.objective is not Objective.TAGS:
        return found
    return [
        np.asarray(item if np.ndim(item) == 1 else np.argmax(item, axis=-1), dtype=np.int64)
        for item in found
    ]
