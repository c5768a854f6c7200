"""The rows of a labelled set that are retained, and what bodies make of them."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from hashlib import blake2b

import numpy as np
import torch
from numpy.typing import NDArray

from headstart.base.model import Encoder
from headstart.base.text import TextEncoder
from headstart.progress import Progress
from headstart.task.model import Modality, Objective, Part, Task
from headstart.train.embed import embed
from headstart.train.linear import LinearHead, fit_path
from headstart.train.scaling import Scaling

TEXTS = {"train": 1_000, "validation": 1_000, "test": 1_000}  # fewer cannot show a loss of 2%
IMAGES = {"train": 500, "validation": 500, "test": 500}  # each costs what several short texts do
LONGEST = 300  # characters of a text: many short ones tell more than a few long ones
STRENGTH = 3.0  # scikit-learn's C on standardised features; from 1 to 10 scores hardly change
BODIES = 4  # whose features are kept: the base's, and those of the last few that were looked at

Values = NDArray[np.float32]


@dataclass
class _Seen:
    """What one body made of the rows so far."""

    values: dict[str, Values] = field(default_factory=dict)
    head: LinearHead | None = None


class Labelled:
    """Some rows of each part of a labelled set, drawn by content and class by class.

    Features are those of a forward pass without padding in float32; of a body, each row's are
    computed once. Bodies are told apart by their weights, which may change, and are not kept.

    Args:
        task: The set; one class a row.

    Attributes:
        parts: The rows, texts cut to their first :data:`LONGEST` characters.
    """

    def __init__(self, task: Task) -> None:
        self.name, self.classes, self.modality = task.name, task.classes, task.modality
        most = IMAGES if task.modality is Modality.IMAGE else TEXTS
        self.parts = {name: _short(_drawn(part, most[name])) for name, part in task.parts.items()}
        self._seen: OrderedDict[str, _Seen] = OrderedDict()

    def targets(self, part: str) -> NDArray[np.int64]:
        """Return class indices (N,)."""
        return np.asarray(self.parts[part].targets, dtype=np.int64)

    def features(self, body: Encoder, part: str, progress: Progress) -> Values:
        """Return what a body makes of the rows of a part, (N, D)."""
        seen = self._of(body)
        if part not in seen.values:
            seen.values[part] = self._embedded(body, part, progress)
        return seen.values[part]

    def head(self, body: Encoder, progress: Progress) -> LinearHead:
        """Return the linear head fitted on a body's features of the training rows."""
        seen = self._of(body)
        if seen.head is None:
            features = self.features(body, "train", progress)
            scaling = Scaling.of(features)
            [head] = fit_path(
                scaling(features),
                self.targets("train"),
                Objective.SINGLE_LABEL,
                len(self.classes),
                [STRENGTH],
            )
            seen.head = scaling.undone(head)
        return seen.head

    def _of(self, body: Encoder) -> _Seen:
        key = state_of(body)
        seen = self._seen.setdefault(key, _Seen())
        self._seen.move_to_end(key)
        while len(self._seen) > BODIES:
            self._seen.popitem(last=False)
        return seen

    def _embedded(self, body: Encoder, part: str, progress: Progress) -> Values:
        label = f"retained: {self.name}"
        inputs = self.parts[part].inputs
        with whole_texts(body):
            return np.asarray(embed(body, inputs, progress=progress, label=label).values)


@contextmanager
def whole_texts(body: Encoder) -> Iterator[None]:
    """Let a body that learns to tag words take the mean of a text where it has a pooler.

    Words do not pass the pooler: it is not trained with the rest, and not saved.
    """
    if not isinstance(body, TextEncoder) or not body.word_level or body.pooling != "pooler":
        yield
        return
    body.pooling = "mean"
    try:
        yield
    finally:
        body.pooling = "pooler"


def state_of(body: Encoder) -> str:
    """Return a hash of a body's weights and of how it reads its inputs."""
    state = blake2b(body.preprocessing().encode(), digest_size=16)
    for name, tensor in sorted(body.body.state_dict().items()):
        state.update(name.encode())
        plain = tensor.detach().cpu().contiguous().reshape(-1)
        state.update(plain.view(torch.uint8).numpy().data)
    return state.hexdigest()


def _drawn(part: Part, most: int) -> Part:
    """Return so many rows, of each class its share: the first by content, in their order.

    A class that has rows keeps one, as long as there is room.
    """
    classes = np.asarray(part.targets).tolist()
    sizes, seen = Counter(classes), Counter[int]()
    places = []
    for row, label in enumerate(classes):
        places.append((seen[label] > 0, (seen[label] + 0.5) / sizes[label], row))
        seen[label] += 1
    return part.take(sorted(row for _, _, row in sorted(places)[:most]))


def _short(part: Part) -> Part:
    if not len(part) or not isinstance(part.inputs[0], str):
        return part
    return replace(part, inputs=[str(text)[:LONGEST] for text in part.inputs])
