"""labels: whether a body's features still tell the classes of a labelled set apart."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from headstart.base.model import Batch
from headstart.base.skeleton import Skeleton
from headstart.errors import RequestError
from headstart.files import canonical, digest
from headstart.measure.metric import Predictions, Targets
from headstart.progress import Progress, Silent
from headstart.retention.labelled import LONGEST, STRENGTH, Labelled, whole_texts
from headstart.retention.similarity import linear_cka
from headstart.retention.suite import PARTS, Recall, Suite
from headstart.task.build import build_task
from headstart.task.model import Input, Kind, Objective, Task
from headstart.train.lesson import Lesson
from headstart.train.linear import LinearHead, predict
from headstart.train.network import Network, Sample
from headstart.train.samples import Samples

NEIGHBOURS = 5
_RECIPES = (".yaml", ".yml")  # of an evaluation, never a table


class Labels(Suite):
    """What a linear probe on the body's features gets right, whatever its head is.

    The probe is fitted on the training rows of each body anew, so that features which were only
    turned or scaled have lost nothing.

    Args:
        rows: Of the set.
    """

    writes = False
    metric = "accuracy"
    objective = Objective.SINGLE_LABEL
    reader, settings = "probe", f"standardised, C {STRENGTH}"

    def __init__(self, rows: Labelled) -> None:
        self.rows, self.name = rows, f"{rows.name} {self.reader}"
        self.classes, self.modality = rows.classes, rows.modality

    @classmethod
    def read(cls, reference: str, progress: Progress) -> list[Suite] | None:
        """Return the probe and the nearest neighbours on a set with one class a row."""
        if Path(reference).suffix.lower() in _RECIPES:
            return None
        try:
            task = build_task(reference, progress=progress)
        except RequestError as error:
            raise _said_of_retain(error, reference) from error
        _check(task, reference)
        rows = Labelled(task)
        return [cls(rows), Neighbours(rows)]

    def targets(self, part: str) -> Targets:
        """Return class indices (N,)."""
        return self.rows.targets(part)

    def told(self, body: Skeleton, part: str, progress: Progress) -> Predictions:
        """Return the probe's probabilities, (N, C)."""
        head = self.rows.head(body, progress)
        return predict(head, self.rows.features(body, part, progress), self.objective)

    def beside(self, before: Skeleton, after: Skeleton, progress: Progress) -> dict[str, float]:
        """Return how alike the two bodies' features of the test rows are."""
        first, second = (self.rows.features(b, PARTS[-1], progress) for b in (before, after))
        return {"linear CKA": linear_cka(first, second)}

    def recall(self, pristine: Network) -> Recall | None:
        """Return the training rows under the head that was fitted on the base's features."""
        part = self.rows.parts["train"]

        def encode(inputs: Sequence[Input]) -> list[Sample]:
            return [(sample,) for sample in pristine.encoder.encode(inputs)]

        samples = Samples(encode, pristine.size, part.inputs)
        head = self.rows.head(pristine.encoder, Silent())
        return Recall(samples, FixedHead(head, self.rows.targets("train")))

    def fingerprint(self) -> str:
        """Return a hash of the rows, their classes, and how they are told."""
        told = [self.reader, self.settings, LONGEST, list(self.classes)]
        parts = self.rows.parts.items()
        rows = [[name, list(p.ids), self.rows.targets(name).tolist()] for name, p in parts]
        return digest(canonical([told, rows]))


class Neighbours(Labels):
    """What the nearest training rows vote for, by the cosine of the body's features.

    It has no weights of its own: what it loses, the features lost.
    """

    reader, settings = "nearest neighbours", f"cosine, {NEIGHBOURS} votes"

    def told(self, body: Skeleton, part: str, progress: Progress) -> Predictions:
        """Return the shares of the votes, (N, C); a tie goes to the nearer neighbours."""
        known, asked = (
            _directions(self.rows.features(body, name, progress)) for name in ("train", part)
        )
        near = asked @ known.T  # (N, M)
        order = np.argsort(-near, axis=1, kind="stable")[:, :NEIGHBOURS]
        labels = self.rows.targets("train")[order]
        votes = 1.0 + 1e-3 * np.take_along_axis(near, order, axis=1)
        found = np.zeros((len(asked), len(self.classes)))
        np.add.at(found, (np.arange(len(asked))[:, None], labels), votes)
        return np.asarray(found / found.sum(axis=1, keepdims=True))

    def beside(self, before: Skeleton, after: Skeleton, progress: Progress) -> dict[str, float]:
        """Say nothing: the probe on the same features does."""
        return {}


class FixedHead(Lesson):
    """Classes of retained rows, told by a head on the features that is not trained.

    Args:
        head: Fitted on the base's features.
        targets: (N,) class indices.
    """

    def __init__(self, head: LinearHead, targets: NDArray[np.int64]) -> None:
        self.slopes, self.bias = torch.from_numpy(head.weight), torch.from_numpy(head.bias)
        self.targets = torch.from_numpy(targets)

    def weight(self, rows: Sequence[int]) -> float:
        """Return the number of rows."""
        return float(len(rows))

    def loss(self, network: Network, batch: tuple[Batch, ...], rows: Sequence[int]) -> Tensor:
        """Return the cross-entropy, summed; logits are scored in float32."""
        with whole_texts(network.encoder):
            features = network.encoder(batch[0])
        place = features.device
        with torch.autocast(place.type, enabled=False):
            logits = F.linear(features.float(), self.slopes.to(place), self.bias.to(place))
            targets = self.targets[list(rows)].to(place)
            return F.cross_entropy(logits, targets, reduction="sum")


def _directions(features: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return rows of length 1; rows of zeros stay as they are."""
    rows = features.astype(np.float64)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1.0))


def _check(task: Task, reference: str) -> None:
    """Refuse what has no one class a row to tell from a vector."""
    if task.kind is Kind.CLASSIFICATION and task.objective is Objective.SINGLE_LABEL:
        return
    several = " with several labels a row" if task.objective is Objective.MULTI_LABEL else ""
    raise RequestError(
        f"'{reference}' is read as {task.kind.value}{several}, and a probe tells one class a row",
        where=f"--retain {reference}",
        mend="name texts or images with one class each; numbers count as classes where few recur",
    )


def _said_of_retain(error: RequestError, reference: str) -> RequestError:
    """Return the error as one of ``--retain``, whose data cannot be described by options."""
    place = error.where or ""
    inside = place and not place.startswith("-") and place != reference
    where = f"--retain {reference}" + (f", {place}" if inside else "")
    mend = error.mend
    if mend and "--" in mend:
        mend = "keep two columns of it: a text or an image, and its class, with a header"
    return RequestError(error.what, where=where, mend=mend)
