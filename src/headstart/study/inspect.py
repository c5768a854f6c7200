"""What the report shows of the delivered model: confusions, mistakes, classes, calibration."""

from __future__ import annotations

import base64
from dataclasses import asdict
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from headstart.measure.calibration import reliability
from headstart.measure.confusion import class_scores, confusion
from headstart.study.evidence import (
    Calibration,
    ClassScore,
    Evidence,
    Mistake,
    ReliabilityBin,
)
from headstart.task.images import open_image
from headstart.task.model import Dialogue, Image, Input, Objective, Part, Task
from headstart.train.evaluate import Predictions

MISTAKES = 12
POINTS = 2000  # of a residual plot
PICTURE = 128  # pixels a side
TEXT = 300  # characters shown


def inspect(task: Task, predictions: Predictions) -> Evidence:
    """Return what can be read off predictions on the test rows."""
    part = task.test
    if task.objective is Objective.REAL:
        pairs = zip(np.asarray(part.targets), np.asarray(predictions), strict=True)
        rows = [(round(float(t), 6), round(float(p), 6)) for t, p in pairs]
        return Evidence(residuals=rows[:POINTS])
    if task.objective is Objective.TEXT:
        return Evidence()
    evidence = Evidence(
        per_class=[
            ClassScore(**asdict(entry))
            for entry in class_scores(task.objective, task.classes, part.targets, predictions)
        ]
    )
    if task.objective in (Objective.SINGLE_LABEL, Objective.TAGS):
        counts = confusion(task.objective, task.classes, part.targets, predictions)
        evidence.confusion = counts.tolist()
    if task.objective in (Objective.SINGLE_LABEL, Objective.MULTI_LABEL):
        found = reliability(task.objective, part.targets, predictions)
        evidence.calibration = Calibration(
            expected_error=round(found.expected_error, 6),
            bins=[ReliabilityBin(**asdict(b)) for b in found.bins],
        )
    if task.objective is Objective.SINGLE_LABEL:
        evidence.mistakes = _mistakes(task, part, np.asarray(predictions))
    return evidence


def _mistakes(task: Task, part: Part, probabilities: NDArray[np.float64]) -> list[Mistake]:
    predicted = probabilities.argmax(axis=1)
    truth = np.asarray(part.targets, dtype=np.int64)
    confidence = probabilities.max(axis=1)
    wrong = np.flatnonzero(predicted != truth)
    # Rounded, so that float noise does not reorder near-equal confidences.
    order = sorted(wrong.tolist(), key=lambda row: (-round(confidence[row], 4), part.ids[row]))
    return [
        Mistake(
            origin=part.origins[row],
            text=_text(part.inputs[row]),
            picture=_picture(part.inputs[row]),
            truth=task.classes[truth[row]],
            predicted=task.classes[predicted[row]],
            confidence=round(float(confidence[row]), 4),
        )
        for row in order[:MISTAKES]
    ]


def _text(item: Input) -> str | None:
    if isinstance(item, Image):
        return None
    if isinstance(item, Dialogue):
        item = item.messages[-2].content
    text = item if isinstance(item, str) else " | ".join(item)
    return text if len(text) <= TEXT else text[: TEXT - 1] + "…"


def _picture(item: Input) -> str | None:
    if not isinstance(item, Image):
        return None
    picture = open_image(item)
    picture.thumbnail((PICTURE, PICTURE))
    buffer = BytesIO()
    picture.save(buffer, format="JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
