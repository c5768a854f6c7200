"""corpus: the perplexity of retained documents."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import numpy as np

from headstart.base.decoder import Decoder
from headstart.base.skeleton import Skeleton
from headstart.errors import RequestError
from headstart.files import digest
from headstart.measure.metric import Predictions, Targets
from headstart.progress import Progress
from headstart.retention.suite import Recall, Suite
from headstart.task.build import build_task
from headstart.task.model import Kind, Objective, Part, Task
from headstart.train.language import LanguageNetwork, nats_of
from headstart.train.lesson import Sayings
from headstart.train.network import Network
from headstart.train.windows import Windows

BYTES = 40_000  # of a part: some 10,000 tokens, 20 seconds for a small model on two cores
TRAINED = 2_000  # documents at most that levers may replay
LONGEST = 1_000  # characters of a document: many short ones tell more than a few long ones


class Corpus(Suite):
    """Documents, scored by what each of their tokens costs.

    Args:
        task: The corpus; of each part the first documents by content are used, their beginnings.
    """

    writes = True
    metric = "perplexity"
    objective = Objective.TEXT

    def __init__(self, task: Task) -> None:
        self.task, self.name = task, task.name
        self.parts = {name: _short(part) for name, part in task.parts.items()}

    @classmethod
    def read(cls, reference: str, progress: Progress) -> list[Suite] | None:
        """Return the documents; of a table its longest texts."""
        try:
            task = build_task(reference, kind=Kind.LANGUAGE_MODELING, progress=progress)
        except RequestError as error:
            raise replace_where(error) from error
        return [cls(task)]

    def targets(self, part: str) -> Targets:
        """Return the bytes of each document."""
        return self.parts[part].targets

    def told(self, body: Skeleton, part: str, progress: Progress) -> Predictions:
        """Return (N, 2) nats and tokens."""
        decoder = cast(Decoder, body)
        texts = Windows(decoder, self.parts[part].inputs)
        rows = range(len(texts.places))
        label = f"retained: {self.name}"
        return nats_of(LanguageNetwork(decoder), texts, rows, progress=progress, label=label)

    def recall(self, pristine: Network) -> Recall | None:
        """Return the training documents."""
        decoder = cast(Decoder, pristine.encoder)
        texts = Windows(decoder, self.task.train.inputs[:TRAINED])
        return Recall(texts, Sayings(texts)) if len(texts) else None

    def fingerprint(self) -> str:
        """Return a hash of the documents."""
        return digest(self.metric, *(i for part in self.parts.values() for i in part.ids))


def replace_where(error: RequestError) -> RequestError:
    """Return the error, said to be of ``--retain``."""
    where = f"--retain, {error.where}" if error.where else "--retain"
    return RequestError(error.what, where=where, mend=error.mend)


def _short(part: Part) -> Part:
    """Return the beginnings of the first documents, up to :data:`BYTES`."""
    texts = [str(text)[:LONGEST] for text in part.inputs]
    sizes = np.array([len(text.encode()) for text in texts], dtype=np.float64)
    count = max(1, int(np.searchsorted(np.cumsum(sizes), BYTES)))
    first = part.take(range(min(count, len(texts))))
    return replace(first, inputs=texts[: len(first)], targets=sizes[: len(first)])
