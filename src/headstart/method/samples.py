"""Sample predictions kept beside a model: what it said of a few inputs, by the names of classes.

Whoever loads the model elsewhere can see whether it still says the same. Nobody's rows are kept:
the inputs are headstart's own, short texts and small pictures that a formula draws.
"""

from __future__ import annotations

import base64
import io
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from headstart.errors import RequestError, WorkError
from headstart.files import write_json
from headstart.method.adapted import Model, NetworkModel, Signature
from headstart.task.model import Dialogue, Image, Input, Kind, Message, Modality, Objective
from headstart.train.evaluate import network_logits
from headstart.train.samples import Samples as Encoded

FILE = "predictions.json"
_TEXTS = (
    "The train to the coast was late again, and nobody said why.",
    "I like the soup very much!",
    "How do I open a new account?",
)
_SIDE = 48  # pixels of a picture's side
_PICTURES = 3
_MOST = 20  # classes told of an input: the likeliest
_NUMBERS = 32  # told of a feature vector
_LEAST = 1e-300  # of a probability: below, its logarithm is of no use
_LARGEST = 2**20  # bytes of the file


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Picture(_Strict):
    """A PNG file in base64."""

    png: str


class Turn(_Strict):
    """What somebody says in a dialogue."""

    role: str
    content: str


class Sample(_Strict):
    """One input and what was said of it.

    ``input``: a text, two texts of a pair, the words of a text, a picture, or a dialogue.
    ``output``: natural logarithms of probabilities by class, a number, for each word the same by
    tag, or its tag, ``nats`` a token and ``tokens`` of a text, or the first features.
    """

    input: str | tuple[str, ...] | Picture | tuple[Turn, ...]
    output: Any

    def as_input(self) -> Input:
        """Return the input as models take it."""
        if isinstance(self.input, Picture):
            return Image(data=base64.b64decode(self.input.png))
        if isinstance(self.input, tuple) and self.input and isinstance(self.input[0], Turn):
            return Dialogue(tuple(Message(one.role, one.content) for one in self.input))
        return self.input  # type: ignore[return-value]


class Recorded(_Strict):
    """What ``predictions.json`` says."""

    version: Literal[1] = 1
    samples: tuple[Sample, ...] = Field(min_length=1, max_length=100)


def neutral_inputs(signature: Signature | None, modality: Modality) -> list[Input]:
    """Return a few inputs of headstart's own, of the kind that a model takes.

    Args:
        signature: What goes in and out; None for a model that gives features only.
        modality: What the inputs are made of.
    """
    if modality is Modality.IMAGE:
        return [Image(data=_drawn(number)) for number in range(_PICTURES)]
    if signature is None:
        return list(_TEXTS)
    if signature.objective is Objective.TAGS:
        return [tuple(text.split()) for text in _TEXTS]
    if signature.kind is Kind.TEXT_PAIR:
        return list(zip(_TEXTS, _TEXTS[1:] + _TEXTS[:1], strict=True))
    if signature.kind is Kind.INSTRUCTION:
        asked = zip(_TEXTS, _TEXTS[1:] + _TEXTS[:1], strict=True)
        return [Dialogue((Message("user", one), Message("assistant", two))) for one, two in asked]
    return list(_TEXTS)


def scores_of(model: Model, inputs: Sequence[Input]) -> Any:
    """Return a model's outputs; of tags the probabilities (W, C) of each input."""
    if isinstance(model, NetworkModel) and model.objective is Objective.TAGS:
        encoded = Encoded(model.network.encode, model.network.size, inputs, memory=0)
        words = [len(item) for item in inputs]  # type: ignore[arg-type]
        logits = network_logits(model.network, encoded, range(len(encoded)), words)
        return [item.double().softmax(-1).numpy() for item in logits]
    return model.outputs(inputs)


def said(signature: Signature | None, scores: Any) -> list[Any]:
    """Return scores as they are written down, one value an input.

    Args:
        signature: What goes in and out; None for features.
        scores: (N, C) probabilities, (N,) numbers, N arrays (W,) of tags or (W, C) of their
            probabilities, (N, 2) nats and tokens, or (N, D) features.
    """
    if signature is None:
        return [[float(value) for value in row[:_NUMBERS]] for row in scores]
    if signature.objective is Objective.REAL:
        return [float(value) for value in scores]
    if signature.objective is Objective.TEXT:
        return [
            {"nats": float(nats) / max(1.0, float(tokens)), "tokens": float(tokens)}
            for nats, tokens in scores
        ]
    if signature.objective is Objective.TAGS:
        return [[_by_name(signature.classes, word) for word in item] for item in scores]
    return [_by_name(signature.classes, row) for row in scores]


def record_samples(model: Model, folder: Path) -> None:
    """Write what ``model`` says of its neutral inputs to ``folder``.

    Raises:
        WorkError: It says nonsense, as one that diverged does, or fails on these inputs; nothing
            is written. A standard may require samples.
    """
    inputs = neutral_inputs(model.signature, model.modality)
    try:
        write_samples(folder, inputs, said(model.signature, scores_of(model, inputs)))
    except Exception as error:  # a model from elsewhere may fail in any way
        (folder / FILE).unlink(missing_ok=True)
        raise WorkError(
            f"no sample predictions were recorded: {error or type(error).__name__}",
            where=FILE, mend="headstart hub record FOLDER, once the model says numbers",
        ) from error  # fmt: skip


def write_samples(folder: Path, inputs: Sequence[Input], outputs: Sequence[Any]) -> None:
    """Write samples to ``folder``.

    Raises:
        ValueError: An output is no number.
    """
    samples = tuple(
        Sample(input=_shown(one), output=_shortened(out))
        for one, out in zip(inputs, outputs, strict=True)
    )
    json.dumps(list(outputs), allow_nan=False)  # before anything is written
    write_json(folder / FILE, Recorded(samples=samples).model_dump(mode="json"))


def read_samples(folder: Path) -> Recorded | None:
    """Return the samples in ``folder``; None where nobody recorded any.

    Raises:
        RequestError: The file holds something else.
    """
    file = folder / FILE
    if not file.is_file():
        return None
    try:
        if file.stat().st_size > _LARGEST:
            raise ValueError(f"it is larger than {_LARGEST:,} bytes")
        return Recorded.model_validate_json(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, ValidationError) as error:
        raise RequestError(
            f"the recorded predictions cannot be read: {str(error).splitlines()[0]}",
            where=FILE,
            mend="record them again: headstart hub record FOLDER",
        ) from error


def difference(recorded: Any, now: Any, tolerance: float) -> float:
    """Return how far what is said now lies from what was recorded, at most.

    Args:
        recorded: An output, as :func:`said` gives it.
        now: The same input's output now; it may name more classes.
        tolerance: Largest difference of a number, or part of it where it is above 1.

    Raises:
        WorkError: It lies further apart, or something else is said; the words say what.
    """
    if isinstance(recorded, bool) or not isinstance(recorded, (int, float)):
        return _within(recorded, now, tolerance)
    if not isinstance(now, (int, float)):
        raise WorkError(f"recorded was {recorded:.6g}, now it is {str(now)[:80]}")
    apart = abs(float(now) - float(recorded)) / max(1.0, abs(float(recorded)))
    if not apart <= tolerance:  # not a number is too far, too
        raise WorkError(f"recorded was {recorded:.6g}, now it is {now:.6g}")
    return apart


def _within(recorded: Any, now: Any, tolerance: float) -> float:
    if isinstance(recorded, dict) and isinstance(now, dict):
        return max((_named(recorded, now, name, tolerance) for name in recorded), default=0.0)
    if isinstance(recorded, list) and isinstance(now, list) and len(recorded) == len(now):
        pairs = zip(recorded, now, strict=True)
        return max((difference(one, two, tolerance) for one, two in pairs), default=0.0)
    if isinstance(recorded, str) and recorded == now:
        return 0.0
    raise WorkError(f"recorded was {str(recorded)[:80]}, now it is {str(now)[:80]}")


def _named(recorded: dict[str, Any], now: dict[str, Any], name: str, tolerance: float) -> float:
    if name not in now:
        known = ", ".join(list(now)[:5])
        raise WorkError(f"recorded was '{name[:80]}', and now there is no such class ({known}, …)")
    try:
        return difference(recorded[name], now[name], tolerance)
    except WorkError as error:
        raise WorkError(f"'{name[:80]}': {error.what}") from error


def _by_name(classes: Sequence[str], row: Any) -> Any:
    """Return the name of a tag, or by name the logarithms of probabilities: the likeliest first.

    Logarithms show a change of weights where a model is all but sure.
    """
    if np.ndim(row) == 0:
        return classes[int(row)]
    order = np.argsort(-np.asarray(row), kind="stable")
    return {classes[int(at)]: math.log(max(float(row[int(at)]), _LEAST)) for at in order}


def _shortened(output: Any) -> Any:
    """Return an output with the likeliest of many classes only, to be written down."""
    if isinstance(output, dict):
        return dict(list(output.items())[:_MOST])
    return [_shortened(one) for one in output] if isinstance(output, list) else output


def _shown(item: Input) -> Any:
    if isinstance(item, Image):
        return Picture(png=base64.b64encode(item.data or b"").decode("ascii"))
    if isinstance(item, Dialogue):
        return tuple(Turn(role=one.role, content=one.content) for one in item.messages)
    return item


def _drawn(number: int) -> bytes:
    """Return a PNG of waves, whose colours and directions go by ``number``."""
    from PIL import Image as pillow  # noqa: N813

    across, down = np.meshgrid(np.arange(_SIDE), np.arange(_SIDE))
    turned = (across + number * down) / (3.0 + number), (down - across) / (5.0 + number), across / 9
    waves = np.stack([127.5 + 127.5 * np.sin(one + number) for one in turned], axis=-1)
    buffer = io.BytesIO()
    pillow.fromarray(waves.astype(np.uint8)).save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()
