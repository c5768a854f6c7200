"""What the methods that train step by step share: build, train, predict, count."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np

from headstart.base.model import BaseCard, Encoder
from headstart.measure.cost import weight_bytes
from headstart.method.heads import WEIGHTED
from headstart.method.job import Job
from headstart.method.keeping import kept_lesson
from headstart.method.labelling import Labelling
from headstart.method.model import Fitted, Hyperparameters, Method, Need, Setting
from headstart.method.probe import probe_head
from headstart.method.saying import Saying
from headstart.task.model import Dialogue, Input, Objective, Task
from headstart.train.groups import Group
from headstart.train.linear import LinearHead
from headstart.train.loop import Trainer
from headstart.train.network import Network
from headstart.train.place import Place
from headstart.train.rate_finder import RangeTest
from headstart.train.recipe import Recipe
from headstart.train.recompute import recomputing
from headstart.train.tryout import Counts, Tryout
from headstart.train.workbench import Workbench

RANGE_STEPS = 24
BATCH = 32  # rows a step
SAID = 8_192  # characters a step, some two thousand tokens: so that steps cost much the same
SAYING_BATCH = (4, 16)  # fewest and most texts a step


def batch_of(task: Task) -> int:
    """Return the rows a step; of texts the fewer the longer they are, a power of two."""
    if task.objective is not Objective.TEXT:
        return BATCH
    fewest, most = SAYING_BATCH
    wanted = SAID / max(1.0, float(np.mean([_length(text) for text in task.train.inputs])))
    return int(2 ** np.clip(round(np.log2(wanted)), np.log2(fewest), np.log2(most)))


def _length(text: Input) -> int:
    if isinstance(text, Dialogue):
        return sum(len(message.content) for message in text.messages)
    return len(str(text))


@dataclass(frozen=True)
class Ending:
    """What undoing a method's wrapping leaves.

    Attributes:
        adapter: Folder of an adapter, if there is one.
        flop: Operations of checking that the outputs stayed.
        notes: What a reader should know.
    """

    adapter: Path | None = None
    flop: float = 0.0
    notes: tuple[str, ...] = ()


class GradientMethod(Method):
    """A method with a rate and steps; a subclass says what is trained and from where.

    Attributes:
        rates: Peak rates to try; LoRA wants about ten times full fine-tuning's, so each method
            has its own.
        slim: Whether the number of trained weights grows with a layer's width, not its square.
    """

    trains_steps = True
    rates: ClassVar[tuple[float, ...]]
    keep_statistics: ClassVar[bool] = True
    slim: ClassVar[bool] = False

    def search(self, task: Task, bench: Workbench | None, metric: str) -> list[Hyperparameters]:
        """Return one setting a rate."""
        fixed = {"batch": batch_of(task), "warmup": 0.1, "schedule": "cosine", "weight_decay": 0.01}
        weighted = {"class_weighted": True} if metric in WEIGHTED else {}
        return [{"rate": rate, **fixed, **weighted, **self.extra()} for rate in self.rates]

    def extra(self) -> Hyperparameters:
        """Return the method's own hyperparameters."""
        return {}

    def refuse(self, task: Task, card: BaseCard | None) -> str | None:
        """Nothing but heads is refused: texts are a matter of the job."""
        return None

    def encoder(self, setting: Setting) -> Encoder:
        """Return the encoder that training starts from, which may be changed."""
        return setting.base.encoder()

    def prepare(self, network: Network, setting: Setting) -> None:
        """Change the network before training (wrap, initialise)."""
        return

    @abstractmethod
    def groups(self, network: Network, setting: Setting) -> list[Group]:
        """Return what is trained."""

    def finish(self, network: Network, setting: Setting) -> Ending:
        """Undo what :meth:`prepare` wrapped."""
        return Ending()

    def start_head(self, setting: Setting) -> LinearHead:
        """Return the head that training starts from, in the targets' own unit: the probe's."""
        return probe_head(setting.task, setting.base, setting.metric)

    def start_cost(self, setting: Setting) -> tuple[float, float]:
        """Return (flop, seconds) of what training starts from: the probe's features."""
        parts = [setting.base.features(part) for part in ("train", "validation")]
        return sum(p.flop for p in parts), sum(p.seconds for p in parts)

    def fit(self, setting: Setting) -> Fitted:
        """Train the groups; the best weights on validation are kept."""
        job = self._job(setting)
        flop, seconds = job.cost()
        started, cpu_started = time.monotonic(), time.process_time()
        network = job.network()
        watching = job.watching(network)
        recipe = _recipe(setting.hyperparameters, self.keep_statistics, watching.evaluations)
        place = Place(
            setting.folder / "checkpoint.pt",
            setting.base.ceiling(),
            setting.progress,
            f"{self.name}, rate {recipe.rate:.0e}, seed {setting.seed}",
        )
        groups = self.groups(network, setting)
        trainable = sum(p.numel() for group in groups for p in group.parameters())
        samples = job.samples(network, "train")
        trainer = Trainer(
            network=network,
            groups=groups,
            recipe=recipe,
            lesson=kept_lesson(setting, job, network, groups, job.lesson()),
            samples=samples,
            validate=watching,
            seed=setting.seed,
            place=place,
        )
        before, cpu_before = time.monotonic(), time.process_time()
        with recomputing(network.encoder.body, self._again(setting)):
            run = trainer.fit()
        started += (time.monotonic() - before) - run.seconds  # a resumed run counts whole
        cpu_started += (time.process_time() - cpu_before) - run.cpu_seconds
        ending = self.finish(network, setting)
        job.finish(network)
        whole = np.arange(len(setting.task.validation))
        judged = (whole if setting.judged is None else setting.judged).tolist()
        validation = job.predict(network, "validation", judged)
        return Fitted(
            model=job.model(network, ending.adapter),
            validation=validation,
            test=lambda: job.predict(network, "test"),
            flop=flop + run.flop + ending.flop + job.looking(watching, judged, len(run.points)),
            seconds=seconds + time.monotonic() - started,  # features: what they once took
            cpu_seconds=time.process_time() - cpu_started,
            peak_bytes=max(run.peak_bytes, weight_bytes(network)),
            trainable_parameters=trainable,
            points=run.points,
            notes=[*run.notes, *ending.notes],
        )

    def range_test(self, setting: Setting) -> RangeTest | None:
        """Climb through the rates on the first batches of training; the weights are thrown away."""
        trying = self._trying(setting, quick=False)
        with recomputing(trying.network.encoder.body, self._again(setting)):
            return trying.range_test(RANGE_STEPS)

    def need(self, setting: Setting) -> Need:
        """Count the memory of a step on a few rows; the weights are thrown away."""
        return Need(*self._trying(setting).need(self._again(setting)))

    def counts(self, setting: Setting) -> tuple[Counts, Counts]:
        """Count what a step on a few rows keeps, as it is and with blocks computed again."""
        trying = self._trying(setting)
        whole = trying.counts()
        with recomputing(trying.network.encoder.body):
            return whole, trying.counts()

    def step_seconds(self, setting: Setting, batches: Sequence[list[int]]) -> list[float]:
        """Time training steps with all groups active; the weights are thrown away."""
        trying = self._trying(setting)
        with recomputing(trying.network.encoder.body, self._again(setting)):
            return trying.step_seconds(batches)

    def _trying(self, setting: Setting, quick: bool = True) -> Tryout:
        """Return a trainer to try things on, with all groups active from the start."""
        job = self._job(setting)
        network = job.network(quick)
        samples = job.samples(network, "train")
        return Tryout(
            network=network,
            groups=[replace(g, from_step=0) for g in self.groups(network, setting)],
            recipe=_recipe(setting.hyperparameters, self.keep_statistics),
            lesson=job.lesson(),
            samples=samples,
            validate=lambda: (0.0, 0.0),
            seed=setting.seed,
            place=Place(None, setting.base.ceiling(), setting.progress),
        )

    def _again(self, setting: Setting) -> bool:
        """Tell whether activations are computed again in the backward pass."""
        return self.name in setting.base.again

    def _job(self, setting: Setting) -> Job:
        says = setting.task.objective is Objective.TEXT
        return Saying(self, setting) if says else Labelling(self, setting)


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
        moments=values.get("moments", "float32"),
    )
