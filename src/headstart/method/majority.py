"""majority: always the commonest answer; what any model must beat."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.method.adapted import Model, Signature
from headstart.method.model import Fitted, Method, Setting
from headstart.progress import Progress
from headstart.task.model import Input, Objective, Part
from headstart.train.evaluate import Predictions


class MajorityModel(Model):
    """Answers the same whatever it is asked.

    Args:
        signature: What goes in and out.
        answer: Class shares (C,), or the mean of a real target (1,).
    """

    family = "majority"

    def __init__(self, signature: Signature, answer: NDArray[np.float64]) -> None:
        super().__init__(signature)
        self.answer = answer

    def outputs(self, inputs: Sequence[Input], progress: Progress | None = None) -> Predictions:
        """Return the one answer N times."""
        if self.objective is Objective.TAGS:
            tag = int(self.answer.argmax())
            return [np.full(len(item), tag, dtype=np.int64) for item in inputs]  # type: ignore[arg-type]
        if self.objective is Objective.REAL:
            return np.full(len(inputs), self.answer[0])
        return np.tile(self.answer, (len(inputs), 1))

    def save_weights(self, folder: Path) -> dict[str, Any]:
        """Keep the answer in the manifest."""
        return {"answer": self.answer.tolist()}

    @classmethod
    def load_weights(cls, folder: Path, signature: Signature, extra: dict[str, Any]) -> Model:
        """Return the model from its manifest."""
        return cls(signature, np.asarray(extra["answer"], dtype=np.float64))


class Majority(Method):
    """The commonest class (or the mean), whatever the input."""

    name = "majority"
    summary = "always the commonest answer"
    control = True
    needs_base = False

    def fit(self, setting: Setting) -> Fitted:
        """Count the train rows."""
        started, cpu_started = time.monotonic(), time.process_time()
        task = setting.task
        answer = _shares(task.train, task.objective, len(task.classes))
        model = MajorityModel(Signature.of(task), answer)
        return Fitted(
            model=model,
            validation=model.outputs(task.validation.inputs),
            test=lambda: model.outputs(task.test.inputs),
            flop=0.0,
            seconds=time.monotonic() - started,
            cpu_seconds=time.process_time() - cpu_started,
            peak_bytes=answer.nbytes,
            trainable_parameters=answer.size,
        )


def _shares(part: Part, objective: Objective, classes: int) -> NDArray[np.float64]:
    if isinstance(part.targets, list):
        counts = np.bincount(np.concatenate(part.targets), minlength=classes)
        return np.asarray(counts / counts.sum(), dtype=np.float64)
    if objective is Objective.SINGLE_LABEL:
        counts = np.bincount(part.targets.astype(np.int64), minlength=classes)
        return np.asarray(counts / counts.sum(), dtype=np.float64)
    return np.atleast_1d(part.targets.mean(axis=0).astype(np.float64))
