"""What the methods that train step by step share: build, train, predict, count."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np

from headstart.method.adapted import NetworkModel, Signature, fold_scale, unfold_scale
from headstart.method.heads import WEIGHTED
from headstart.method.model import Fitted, Hyperparameters, Method, Need, Setting
from headstart.method.probe import probe_head
from headstart.method.watched import Watched, training_precision, words_of
from headstart.task.model import Objective, Task
from headstart.train.evaluate import Predictions, network_logits, predictions_of
from headstart.train.groups import Group
from headstart.train.linear import LinearHead
from headstart.train.loop import Trainer
from headstart.train.loss import Scale, target_scale
from headstart.train.network import Network, random_head
from headstart.train.place import Place
from headstart.train.rate_finder import RangeTest
from headstart.train.recipe import Recipe
from headstart.train.samples import Samples
from headstart.train.tryout import Tryout
from headstart.train.workbench import Workbench

RANGE_STEPS = 24
BATCH = 32  # rows a step


class GradientMethod(Method):
    """A method with a rate and steps; a subclass says what is trained and from where.

    Attributes:
        rates: Peak rates to try; LoRA wants about ten times full fine-tuning's, so each method
            has its own.
    """

    trains_steps = True
    rates: ClassVar[tuple[float, ...]]
    keep_statistics: ClassVar[bool] = True

    def search(self, task: Task, bench: Workbench | None, metric: str) -> list[Hyperparameters]:
        """Return one setting a rate."""
        fixed = {"batch": BATCH, "warmup": 0.1, "schedule": "cosine", "weight_decay": 0.01}
        weighted = {"class_weighted": True} if metric in WEIGHTED else {}
        return [{"rate": rate, **fixed, **weighted, **self.extra()} for rate in self.rates]

    def extra(self) -> Hyperparameters:
        """Return the method's own hyperparameters."""
        return {}

    def prepare(self, network: Network, setting: Setting) -> None:
        """Change the network before training (wrap, initialise)."""
        return

    @abstractmethod
    def groups(self, network: Network, setting: Setting) -> list[Group]:
        """Return what is trained."""

    def samples(self, network: Network, setting: Setting, part: str) -> Samples:
        """Return the inputs of a part as training reads them.

        Where the hyperparameter "top" says that only blocks from the top are trained, the network
        is entered at the frozen boundary, with what is kept of each input.
        """
        top = setting.hyperparameters.get("top")
        if top is None:
            return setting.base.samples(part)
        network.boundary = setting.base.boundary(top)
        return setting.base.states(part, top, training_precision(setting))

    def finish(self, network: Network, setting: Setting) -> Path | None:
        """Undo what :meth:`prepare` wrapped; return the folder of an adapter, if there is one."""
        return None

    def start_head(self, setting: Setting) -> LinearHead:
        """Return the head that training starts from, in the targets' own unit: the probe's."""
        return probe_head(setting.task, setting.base, setting.metric)

    def start_cost(self, setting: Setting) -> tuple[float, float]:
        """Return (flop, seconds) of what training starts from: the probe's features."""
        parts = [setting.base.features(part) for part in ("train", "validation")]
        return sum(p.flop for p in parts), sum(p.seconds for p in parts)

    def fit(self, setting: Setting) -> Fitted:
        """Train the groups; the best weights on validation are kept."""
        flop, seconds = self.start_cost(setting)
        started, cpu_started = time.monotonic(), time.process_time()
        network, scale = self._network(setting, self.start_head(setting))
        watched = Watched(setting, network, scale, self.samples(network, setting, "validation"))
        recipe = _recipe(setting.hyperparameters, self.keep_statistics, watched.evaluations)
        place = Place(
            setting.folder / "checkpoint.pt",
            setting.base.ceiling(),
            setting.progress,
            f"{self.name}, rate {recipe.rate:.0e}, seed {setting.seed}",
        )
        groups = self.groups(network, setting)
        trainable = sum(p.numel() for group in groups for p in group.parameters())
        trainer = Trainer(
            network=network,
            groups=groups,
            recipe=recipe,
            part=setting.task.train,
            samples=self.samples(network, setting, "train"),
            validate=watched,
            seed=setting.seed,
            place=place,
            scale=scale,
        )
        before, cpu_before = time.monotonic(), time.process_time()
        run = trainer.fit()
        started += (time.monotonic() - before) - run.seconds  # a resumed run counts whole
        cpu_started += (time.process_time() - cpu_before) - run.cpu_seconds
        adapter = self.finish(network, setting)
        network.set_head(fold_scale(_head_of(network), scale))
        whole = np.arange(len(setting.task.validation))
        judged = (whole if setting.judged is None else setting.judged).tolist()
        validation = predict_part(network, setting, "validation", judged)
        return Fitted(
            model=NetworkModel(Signature.of(setting.task), network, adapter),
            validation=validation,
            test=lambda: predict_part(network, setting, "test"),
            flop=flop + run.flop + self._predicting(setting, watched, judged, len(run.points)),
            seconds=seconds + time.monotonic() - started,  # features: what they once took
            cpu_seconds=time.process_time() - cpu_started,
            peak_bytes=run.peak_bytes,
            trainable_parameters=trainable,
            points=run.points,
            notes=run.notes,
        )

    def _predicting(
        self, setting: Setting, watched: Watched, judged: Sequence[int], times: int
    ) -> float:
        """Return the operations of scoring ``times`` while training, and once at the end."""
        bench, top = setting.base, setting.hyperparameters.get("top")
        sizes = watched.samples.sizes
        looked = times * sum(sizes[row] for row in watched.rows)
        whole = sum(sizes[row] for row in judged) * bench.flop_per_unit
        if top is None:
            return whole + looked * bench.flop_per_unit
        above = (1.0 - bench.below(top)) * bench.flop_per_unit
        visits = [watched.samples.below_flop(watched.rows, first=n == 0) for n in range(times)]
        return whole + looked * above + sum(visits)

    def range_test(self, setting: Setting) -> RangeTest | None:
        """Climb through the rates on the first batches of training; the weights are thrown away."""
        head = self.start_head(setting)
        return self._trying(setting, head).range_test(RANGE_STEPS)

    def need(self, setting: Setting) -> Need:
        """Count the memory of a step on a few rows; the weights are thrown away."""
        return Need(*self._trying(setting, _any_head(setting)).need())

    def step_seconds(self, setting: Setting, batches: Sequence[list[int]]) -> list[float]:
        """Time training steps with all groups active; the weights are thrown away."""
        return self._trying(setting, _any_head(setting)).step_seconds(batches)

    def _trying(self, setting: Setting, head: LinearHead) -> Tryout:
        """Return a trainer to try things on, with all groups active from the start."""
        network, scale = self._network(setting, head)
        return Tryout(
            network=network,
            groups=[replace(g, from_step=0) for g in self.groups(network, setting)],
            recipe=_recipe(setting.hyperparameters, self.keep_statistics),
            part=setting.task.train,
            samples=self.samples(network, setting, "train"),
            validate=lambda: (0.0, 0.0),
            seed=setting.seed,
            place=Place(None, setting.base.ceiling(), setting.progress),
            scale=scale,
        )

    def _network(self, setting: Setting, start: LinearHead) -> tuple[Network, Scale]:
        task = setting.task
        scale = target_scale(task.train, task.objective)
        head = unfold_scale(start, scale)
        network = Network(setting.base.encoder(), head, task.objective, setting.base.pair)
        self.prepare(network, setting)
        return network, scale


def _any_head(setting: Setting) -> LinearHead:
    """Return a head to try things with: the probe's would need the features of all rows."""
    return random_head(setting.task, setting.base.card.width, seed=0)


def predict_part(
    network: Network, setting: Setting, part: str, rows: Sequence[int] | None = None
) -> Predictions:
    """Return the network's predictions on a part of the task, or on these rows of it."""
    inputs = setting.task.parts[part].inputs
    samples = setting.base.samples(part)
    rows = range(len(inputs)) if rows is None else rows
    tags = setting.task.objective is Objective.TAGS
    words = words_of([inputs[row] for row in rows]) if tags else None
    logits = network_logits(network, samples, rows, words, setting.progress, f"predicting {part}")
    return predictions_of(setting.task.objective, logits)


def _head_of(network: Network) -> LinearHead:
    return LinearHead(
        weight=network.head.weight.detach().cpu().numpy(),
        bias=network.head.bias.detach().cpu().numpy(),
    )


def _recipe(values: Hyperparameters, keep_statistics: bool, evaluations: int = 1) -> Recipe:
    return Recipe(
        rate=values["rate"],
        steps=values["steps"],
        batch=values["batch"],
        weight_decay=values["weight_decay"],
        warmup=values["warmup"],
        shape=values["schedule"],
        keep_statistics=keep_statistics,
        evaluations=evaluations,
        class_weighted=values.get("class_weighted", False),
        precision=values.get("precision", "float32"),
    )
