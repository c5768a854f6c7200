"""What every method is: a name, a small search space, and a fit that returns a model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from headstart.base.model import BaseCard
from headstart.method.adapted import Model
from headstart.progress import Progress, Silent
from headstart.registry import Registry
from headstart.retention.suite import Suite
from headstart.task.model import Objective, Task
from headstart.train.evaluate import Predictions
from headstart.train.rate_finder import RangeTest
from headstart.train.recipe import Point
from headstart.train.workbench import Workbench

Hyperparameters = dict[str, Any]


@dataclass
class Setting:
    """Everything one trial is fitted from.

    Attributes:
        task: What to learn; a fit reads its train and validation parts only.
        bench: The base at work on the task; None for methods without a base.
        hyperparameters: Part of the trial's key.
        seed: Part of the trial's key.
        metric: Validation score by which choices are made.
        folder: The trial's own folder, for checkpoints.
        progress: Who watches.
        refit: Whether closed-form methods are fitted again on train and validation together for
            the test; a learning curve counts labels, so it does without.
        judged: Validation rows that a run which trains steps predicts at its end; None for all.
        retained: What levers against forgetting hold on to.
    """

    task: Task
    bench: Workbench | None
    hyperparameters: Hyperparameters
    seed: int
    metric: str
    folder: Path
    progress: Progress = field(default_factory=Silent)
    refit: bool = True
    judged: NDArray[np.int64] | None = None
    retained: Suite | None = None

    @property
    def base(self) -> Workbench:
        """The workbench of a method that needs a base."""
        if self.bench is None:
            raise ValueError("this method needs a base")
        return self.bench


@dataclass(frozen=True)
class Need:
    """Memory that training takes beside the base itself.

    Attributes:
        fixed: Bytes of the weights' copy, gradients, optimiser state and best weights.
        per_unit: Bytes of activations a token or image of a micro-batch.
        largest: Units of the largest single input: no piece can be smaller.
        end: Bytes of what is delivered, where training itself may hold less.
    """

    fixed: float
    per_unit: float
    largest: int
    end: float = 0.0

    def bytes(self, units: float) -> float:
        """Return what micro-batches of so many units take."""
        return max(self.end, self.fixed + self.per_unit * max(units, self.largest))


@dataclass
class Fitted:
    """What a fit leaves.

    Attributes:
        model: The adapted model.
        validation: Its predictions on the validation rows (of a run that trains steps, those it is
            judged on), made without having learnt them.
        test: Makes its predictions on the test rows; called for finalists only.
        flop: Operations of the fit, cached or not.
        seconds, cpu_seconds: Its time, with what cached features once took to compute.
        peak_bytes: Tensor bytes at the widest point: of a training step, or of the model that is
            left where that is wider.
        trainable_parameters: Weights that were fitted.
        points: Evaluations while training.
        chosen: What the fit itself chose on validation (the probe's strength).
        notes: What a reader should know.
    """

    model: Model
    validation: Predictions
    test: Callable[[], Predictions]
    flop: float
    seconds: float
    cpu_seconds: float
    peak_bytes: int
    trainable_parameters: int
    points: list[Point] = field(default_factory=list)
    chosen: Hyperparameters = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


class Method(ABC):
    """One way to adapt a base to a task; one file a method.

    Attributes:
        name: As on the command line.
        summary: One phrase for tables.
        control: It transfers nothing; it is what transfer has to beat.
        needs_base: It starts from a base (or, from scratch, from its architecture).
        trains_steps: It trains step by step: its steps are set by the budget, its rate is
            searched, and its model is kept on disk rather than fitted again.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    control: ClassVar[bool] = False
    needs_base: ClassVar[bool] = True
    trains_steps: ClassVar[bool] = False

    def refuse(self, task: Task, card: BaseCard | None) -> str | None:
        """Return why this method cannot run here, or None if it can."""
        return "it tells classes, not texts" if task.objective is Objective.TEXT else None

    def search(self, task: Task, bench: Workbench | None, metric: str) -> list[Hyperparameters]:
        """Return the few settings to try; the best on validation is repeated over the seeds."""
        return [{}]

    def flop_factor(self, bench: Workbench) -> float:
        """Return operations of a training step, in forward passes."""
        return 3.0

    def once_factor(self, bench: Workbench) -> float:
        """Return operations that a run spends once on each row, in forward passes."""
        return 0.0

    def range_test(self, setting: Setting) -> RangeTest | None:
        """Return a learning-rate range test, for methods that have a rate."""
        return None

    def need(self, setting: Setting) -> Need | None:
        """Return the memory that training takes; None for methods without steps."""
        return None

    def step_seconds(self, setting: Setting, batches: Sequence[list[int]]) -> list[float]:
        """Return the time of a training step on each of these rows, for methods with steps."""
        raise NotImplementedError

    @abstractmethod
    def fit(self, setting: Setting) -> Fitted:
        """Fit one trial."""


METHODS: Registry[type[Method]] = Registry(
    "method",
    {
        "majority": "headstart.method.majority:Majority",
        "tfidf": "headstart.method.tfidf:Tfidf",
        "probe": "headstart.method.probe:Probe",
        "prototype": "headstart.method.prototype:Prototype",
        "lora": "headstart.method.lora:Lora",
        "lora-top": "headstart.method.lora_top:LoraTop",
        "rslora": "headstart.method.rslora:RsLora",
        "dora": "headstart.method.dora:Dora",
        "qlora": "headstart.method.qlora:Qlora",
        "partial": "headstart.method.partial:Partial",
        "gradual": "headstart.method.gradual:Gradual",
        "finetune": "headstart.method.finetune:Finetune",
        "scratch": "headstart.method.scratch:Scratch",
        "untouched": "headstart.method.untouched:Untouched",
        "fewshot": "headstart.method.fewshot:Fewshot",
        "prompt": "headstart.method.prompt:Prompt",
        "prefix": "headstart.method.prefix:PrefixTuning",
    },
    group="headstart.methods",
)
