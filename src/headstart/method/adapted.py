"""An adapted model: predicts, is saved whole, and is loaded in a fresh process."""

from __future__ import annotations

import json
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np
from numpy.typing import NDArray

from headstart.base.device import pick_device
from headstart.base.layout import load_encoder
from headstart.base.skeleton import Skeleton
from headstart.errors import HeadstartError, RequestError
from headstart.files import write_json
from headstart.progress import Progress, Silent
from headstart.registry import Registry
from headstart.task.model import Image, Input, Kind, Modality, Objective, Task
from headstart.train.evaluate import Predictions, network_logits, predictions_of
from headstart.train.linear import LinearHead
from headstart.train.loss import Scale
from headstart.train.network import Network
from headstart.train.samples import Samples

MANIFEST = "headstart.json"
FORMAT = 1


@dataclass(frozen=True)
class Signature:
    """What goes in and what comes out.

    Attributes:
        kind, objective, modality: As in the task.
        input: Names of the input columns.
        target: Name of the target column.
        classes: Class names in index order.
    """

    kind: Kind
    objective: Objective
    modality: Modality
    input: tuple[str, ...]
    target: str
    classes: tuple[str, ...]

    @classmethod
    def of(cls, task: Task) -> Signature:
        """Return the signature of a model for ``task``."""
        return cls(task.kind, task.objective, task.modality, task.input, task.target, task.classes)


class Model(ABC):
    """An adapted model of any family."""

    family: ClassVar[str]

    def __init__(self, signature: Signature) -> None:
        self.signature = signature

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in index order; empty for a regression."""
        return self.signature.classes

    @property
    def objective(self) -> Objective:
        """Shape of a target."""
        return self.signature.objective

    @property
    def modality(self) -> Modality:
        """What the inputs are made of."""
        return self.signature.modality

    @property
    def input(self) -> tuple[str, ...]:
        """Names of the input columns."""
        return self.signature.input

    @abstractmethod
    def outputs(self, inputs: Sequence[Input], progress: Progress | None = None) -> Predictions:
        """Return probabilities (N, C), values (N,), or one array of tag indices an input."""

    @property
    def body(self) -> Skeleton | None:
        """What was a base before it was adapted; None for a model that never had one."""
        return None

    @abstractmethod
    def save_weights(self, folder: Path) -> dict[str, Any]:
        """Write the weights to ``folder``; return what else the manifest must hold."""

    @classmethod
    @abstractmethod
    def load_weights(cls, folder: Path, signature: Signature, extra: dict[str, Any]) -> Model:
        """Return the model that :meth:`save_weights` wrote."""

    def save(self, folder: Path) -> None:
        """Write the model to ``folder`` (which is empty)."""
        extra = self.save_weights(folder)
        manifest = {"format": FORMAT, "family": self.family, **asdict(self.signature), **extra}
        write_json(folder / MANIFEST, manifest)

    def predict_proba(
        self, inputs: Sequence[Any], progress: Progress | None = None
    ) -> NDArray[np.float64]:
        """Return class probabilities, (N, C).

        Args:
            inputs: Texts, pairs of texts, or images (paths, bytes, PIL images).
            progress: Who watches.

        Raises:
            RequestError: The model has no class probabilities (regression, tags), or an input
                is not of its kind.
        """
        if self.objective in (Objective.REAL, Objective.TAGS):
            raise RequestError(
                f"a {self.signature.kind} model gives no class probabilities", mend="use predict"
            )
        found = self._outputs(inputs, progress)
        assert isinstance(found, np.ndarray)
        return found

    def predict(self, inputs: Sequence[Any], progress: Progress | None = None) -> list[Any]:
        """Return a class name, a list of class names (multi-label, tags) or a number an input."""
        return self.decode(self._outputs(inputs, progress))

    def decode(self, found: Predictions) -> list[Any]:
        """Return :meth:`outputs` in the words of the data."""
        if isinstance(found, list):
            return [[self.classes[tag] for tag in tags] for tags in found]
        if self.objective is Objective.REAL:
            return [float(value) for value in found]
        if self.objective is Objective.MULTI_LABEL:
            return [[self.classes[c] for c in np.flatnonzero(row >= 0.5)] for row in found]
        return [self.classes[index] for index in found.argmax(axis=1)]

    def _outputs(self, inputs: Sequence[Any], progress: Progress | None) -> Predictions:
        ready = [coerce(item, self.signature, row) for row, item in enumerate(inputs)]
        if not ready:
            return [] if self.objective is Objective.TAGS else np.zeros((0, len(self.classes)))
        return self.outputs(ready, progress)


def coerce(item: Any, signature: Signature, row: int) -> Input:
    """Return ``item`` as an input of the model.

    Raises:
        RequestError: It is of another kind; ``row`` is named.
    """
    where = f"input {row}"
    if signature.modality is Modality.IMAGE:
        return _image(item, where)
    if signature.objective is Objective.TAGS:
        return _words(item, where)
    if signature.kind is Kind.TEXT_PAIR:
        if isinstance(item, (tuple, list)) and len(item) == 2:
            return str(item[0]), str(item[1])
        raise RequestError("expected a pair of texts", where=where, mend="pass (left, right)")
    if isinstance(item, str):
        return item
    raise RequestError(f"expected a text, found {type(item).__name__}", where=where)


def _words(item: Any, where: str) -> Input:
    if isinstance(item, str):
        return tuple(item.split())
    if isinstance(item, Iterable) and not isinstance(item, bytes):
        return tuple(str(word) for word in item)
    raise RequestError(
        f"expected the words of a text, found {type(item).__name__}",
        where=where,
        mend="pass a text, or a list of words",
    )


def _image(item: Any, where: str) -> Image:
    if isinstance(item, Image):
        return item
    if isinstance(item, (str, Path)):
        return Image(path=Path(item))
    if isinstance(item, bytes):
        return Image(data=item)
    if hasattr(item, "save"):  # a PIL image
        from io import BytesIO

        buffer = BytesIO()
        item.save(buffer, format="TIFF" if item.mode in ("CMYK", "F", "YCbCr", "LAB") else "PNG")
        return Image(data=buffer.getvalue())
    raise RequestError(
        f"expected an image, found {type(item).__name__}",
        where=where,
        mend="pass a path, the bytes of a file, or a PIL image",
    )


class NetworkModel(Model):
    """An encoder with a linear head.

    Args:
        signature: What goes in and out.
        network: The weights; a real target's scale is folded into the head.
        adapter: Folder of a peft adapter to keep beside the merged weights.
    """

    family = "network"

    def __init__(self, signature: Signature, network: Network, adapter: Path | None = None) -> None:
        super().__init__(signature)
        self.network, self.adapter = network, adapter

    @property
    def body(self) -> Skeleton | None:
        """The encoder."""
        return cast(Skeleton, self.network.encoder)

    def outputs(self, inputs: Sequence[Input], progress: Progress | None = None) -> Predictions:
        """Return predictions from fresh forward passes."""
        samples = Samples(self.network.encode, self.network.size, inputs, memory=0)
        words = [len(item) for item in inputs] if self.objective is Objective.TAGS else None  # type: ignore[arg-type]
        rows = range(len(samples))
        logits = network_logits(self.network, samples, rows, words, progress or Silent())
        return predictions_of(self.objective, logits)

    def save_weights(self, folder: Path) -> dict[str, Any]:
        """Write the base library's own layout, with the head in it or beside it."""
        self.network.encoder.save(folder, self.network.head, self.classes)
        if self.adapter is not None and self.adapter.is_dir():
            shutil.copytree(self.adapter, folder / "adapter")
        return {"pair": self.network.pair}

    @classmethod
    def load_weights(cls, folder: Path, signature: Signature, extra: dict[str, Any]) -> Model:
        """Return the network in evaluation mode on the best device."""
        encoder, linear, _ = load_encoder(folder)
        if linear is None:
            raise RequestError("the model has no head", where=str(folder), mend="adapt again")
        head = LinearHead(
            weight=linear.weight.detach().numpy(),
            bias=linear.bias.detach().numpy(),
        )
        encoder.to(pick_device())
        network = Network(encoder, head, signature.objective, pair=bool(extra.get("pair")))
        adapter = folder / "adapter"
        network.eval()
        return cls(signature, network, adapter if adapter.is_dir() else None)


def fold_scale(head: LinearHead, scale: Scale) -> LinearHead:
    """Return the head that gives targets in their own unit, from one that gives them scaled."""
    return LinearHead(
        weight=(head.weight * scale.deviation).astype(np.float32),
        bias=(head.bias * scale.deviation + scale.mean).astype(np.float32),
    )


def unfold_scale(head: LinearHead, scale: Scale) -> LinearHead:
    """Undo :func:`fold_scale`."""
    return LinearHead(
        weight=(head.weight / scale.deviation).astype(np.float32),
        bias=((head.bias - scale.mean) / scale.deviation).astype(np.float32),
    )


FAMILIES: Registry[type[Model]] = Registry(
    "model family",
    {
        "network": "headstart.method.adapted:NetworkModel",
        "speaker": "headstart.method.speaker:SpeakerModel",
        "majority": "headstart.method.majority:MajorityModel",
        "tfidf": "headstart.method.tfidf:TfidfModel",
    },
    group="headstart.families",
)


@dataclass(frozen=True)
class Manifest:
    """What a model's manifest says.

    Attributes:
        signature: What goes in and out.
        family: One of :data:`FAMILIES`.
        whole: All of it, as JSON.
    """

    signature: Signature
    family: str
    whole: dict[str, Any]


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of the adapted model in ``folder``.

    Raises:
        RequestError: There is none, or it is damaged.
    """
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        _check_format(int(manifest["format"]), path)
        signature = Signature(
            kind=Kind(manifest["kind"]),
            objective=Objective(manifest["objective"]),
            modality=Modality(manifest["modality"]),
            input=tuple(manifest["input"]),
            target=str(manifest["target"]),
            classes=tuple(manifest["classes"]),
        )
        return Manifest(signature, str(manifest["family"]), manifest)
    except FileNotFoundError as error:
        raise RequestError(
            "no adapted model here",
            where=str(folder),
            mend="name the best/ folder that `headstart adapt` left",
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RequestError(
            f"the model's manifest is damaged: {error}", where=str(path), mend="adapt again"
        ) from error


def load_model(folder: Path) -> Model:
    """Return the adapted model in ``folder``.

    Raises:
        RequestError: There is none, or its manifest or weights are damaged.
    """
    found = read_manifest(folder)
    try:
        family = FAMILIES.get(found.family)
        return family.load_weights(folder, found.signature, found.whole)
    except HeadstartError:
        raise
    except Exception as error:  # whatever a library says of files that are cut or missing
        raise RequestError(
            f"the model's files are damaged: {error or type(error).__name__}",
            where=str(folder),
            mend="copy the folder again, or adapt again",
        ) from error


def _check_format(found: int, path: Path) -> None:
    if found > FORMAT:
        raise RequestError(
            f"the model has format {found}; this headstart reads up to {FORMAT}",
            where=str(path),
            mend="pip install --upgrade headstart",
        )
