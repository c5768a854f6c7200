"""Scoring a network on validation rows while it trains."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from headstart.measure.score import score
from headstart.method.model import Setting
from headstart.method.watch import drawn, looks
from headstart.task.model import Objective
from headstart.train.evaluate import network_logits, predictions_of
from headstart.train.loss import Scale, batch_targets, loss_sum, weight_sum
from headstart.train.network import Network
from headstart.train.samples import Samples


class Watched:
    """Scores a network on some validation rows, the same at each evaluation and for each seed."""

    def __init__(self, setting: Setting, network: Network, scale: Scale, samples: Samples) -> None:
        self.setting, self.network, self.scale = setting, network, scale
        self.samples = samples
        part, values = setting.task.validation, setting.hyperparameters
        found = looks(values["steps"] * values["batch"], len(part))
        self.rows: list[int] = drawn(len(part), found.watched).tolist()
        self.part = part.take(self.rows)
        self.evaluations = found.evaluations
        self.dtype = training_precision(setting)

    def __call__(self) -> tuple[float, float]:
        """Return (score, loss); NaN where the network's outputs are no numbers."""
        setting, part = self.setting, self.part
        words = words_of(part.inputs) if setting.task.objective is Objective.TAGS else None
        logits = network_logits(self.network, self.samples, self.rows, words, dtype=self.dtype)
        if not all(bool(item.isfinite().all()) for item in logits):
            return float("nan"), float("nan")
        found = predictions_of(setting.task.objective, logits, self.scale)
        main = score(
            setting.task.objective, setting.task.classes, part.targets, found, setting.metric
        )
        stacked = torch.nn.utils.rnn.pad_sequence(logits, batch_first=True)
        targets = batch_targets(part, list(range(len(part))), setting.task.objective, self.scale)
        summed = loss_sum(setting.task.objective, stacked, targets)
        return main, float(summed) / max(1.0, weight_sum(setting.task.objective, targets))


def training_precision(setting: Setting) -> torch.dtype:
    """Return the dtype of matrix products while training."""
    dtype: torch.dtype = getattr(torch, setting.hyperparameters.get("precision", "float32"))
    return dtype


def words_of(inputs: Sequence[object]) -> list[int]:
    """Return the number of words of each input of a tagging task."""
    return [len(item) for item in inputs]  # type: ignore[arg-type]
