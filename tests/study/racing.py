"""A method that makes its predictions up, and races of such methods under a purse."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from headstart.method.adapted import FAMILIES, Model, Signature
from headstart.method.model import Fitted, Hyperparameters, Method, Setting
from headstart.progress import Progress
from headstart.study.arm import Arm
from headstart.study.judge import cut
from headstart.study.purse import Purse
from headstart.study.race import Race
from headstart.study.record import ScoreRecord
from headstart.study.speed import Speed
from headstart.study.trial import Context
from headstart.task.model import Input, Task
from headstart.train.evaluate import Predictions
from headstart.train.guard import Ceiling
from headstart.train.rate_finder import RangeTest
from headstart.train.recipe import Point
from headstart.train.workbench import Workbench

from .helpers import wrong_at

Rows = range | list[int]
Fit = tuple[float, int, int]  # rate, steps, seed
Wrong = Callable[[float, int, int], Rows]


class MadeModel(Model):
    """Is wrong at the same rows of each part, which it knows by the numbers in their inputs."""

    family = "made"

    def __init__(self, signature: Signature, wrong: Rows) -> None:
        super().__init__(signature)
        self.wrong = list(wrong)

    def outputs(self, inputs: Sequence[Input], progress: Progress | None = None) -> Predictions:
        places = [int(str(one).split()[-1]) for one in inputs]
        rows = max([*self.wrong, *places], default=-1) + 1
        found: Predictions = wrong_at(rows, self.wrong)[places]
        return found

    def save_weights(self, folder: Any) -> dict[str, Any]:
        return {"wrong": self.wrong}

    @classmethod
    def load_weights(cls, folder: Any, signature: Signature, extra: dict[str, Any]) -> MadeModel:
        return cls(signature, extra["wrong"])


class Made(Method):
    """Is wrong at the rows that a function of (rate, steps, seed) names; trains nothing.

    Args:
        name: As a method's.
        wrong: Rows, of validation and test alike; may raise.
        rates: To be searched.
        control: As a method's.
        price: Forward passes in a step: its batch is one row, and a row is one operation.
        tested: What a range test finds; raised if it is an error.
        points: Evaluations of a fit.
        chosen: What a fit says it chose itself.
    """

    summary = "made predictions"
    trains_steps = True

    def __init__(
        self,
        name: str,
        wrong: Wrong,
        rates: Sequence[float] = (1e-3,),
        *,
        control: bool = False,
        price: float = 1.0,
        tested: RangeTest | Exception | None = None,
        points: Callable[[float, int, int], list[Point]] = lambda *_: [],
        chosen: Hyperparameters | None = None,
    ) -> None:
        self.name, self.wrong, self.rates = name, wrong, rates
        self.control, self.price, self.tested = control, price, tested
        self.points, self.chosen = points, chosen or {}
        self.fits: list[Fit] = []
        self.range_tests: list[Hyperparameters] = []

    def search(self, task: Task, bench: Workbench | None, metric: str) -> list[Hyperparameters]:
        return [{"rate": rate, "batch": 1} for rate in self.rates]

    def flop_factor(self, bench: Workbench) -> float:
        return self.price

    def range_test(self, setting: Setting) -> RangeTest | None:
        self.range_tests.append(setting.hyperparameters)
        if isinstance(self.tested, Exception):
            raise self.tested
        return self.tested

    def fit(self, setting: Setting) -> Fitted:
        values, task = setting.hyperparameters, setting.task
        ran = (values["rate"], values["steps"], setting.seed)
        self.fits.append(ran)
        wrong = list(self.wrong(*ran))
        return Fitted(
            model=MadeModel(Signature.of(task), wrong),
            validation=cut(wrong_at(len(task.validation), wrong), None, setting.judged),
            test=lambda: wrong_at(len(task.test), wrong),
            flop=self.price * values["steps"],
            seconds=1.0,
            cpu_seconds=1.0,
            peak_bytes=1,
            trainable_parameters=1,
            points=self.points(*ran),
            chosen=self.chosen,
        )


def always(rows: Rows) -> Wrong:
    """Return a method's mistakes that no training changes."""
    return lambda rate, steps, seed: rows


def falling(times: int) -> Wrong:
    """Return mistakes whose number falls as fast as the steps grow."""
    return lambda rate, steps, seed: range(times // steps)


def made_bench(task: Task, revision: str = "r", unit: float = 1.0, *, scoring: bool = False) -> Any:
    """Return a base of which a row takes ``unit`` operations; unless asked, scoring is free."""
    rows = {
        name: len(part) if scoring or name == "train" else 0 for name, part in task.parts.items()
    }
    return SimpleNamespace(
        base=f"made:{revision}",
        task=task,
        card=SimpleNamespace(revision=revision, parameters=1),
        pristine=SimpleNamespace(preprocessing=lambda: "{}", device=lambda: torch.device("cpu")),
        once=lambda name, make: make(),
        ceiling=lambda: Ceiling(10**9),
        flop_per_unit=unit,
        units=rows.__getitem__,
        samples=lambda part: task.parts[part],
        again=set(),
        small=set(),
    )


def made_purse(total: float, *, timed: bool = False, rate: float = 1.0) -> Purse:
    """Return a purse of a machine that does all work at the same rate."""
    return Purse(total, timed, lambda arm: Speed(rate, rate, rate, "float32"))


def step_price(task: Task) -> float:
    """Return what a step costs a method whose price is one."""
    arm = Arm(Made("one", always([])), made_bench(task))
    return made_purse(1.0).price(arm, 1, 1) - made_purse(1.0).price(arm, 1, 0)


def raced(
    context: Context,
    methods: Sequence[Method],
    steps: float,
    rivals: Sequence[Arm] = (),
    *,
    purse: Purse | None = None,
    scoring: bool = False,
) -> Race:
    """Run a race of methods on one base; return it.

    Args:
        context: The study.
        methods: That are trained.
        steps: What the purse pays for, of a method whose price is one.
        rivals: Arms that finished without training.
        purse: Another purse.
        scoring: Whether predictions cost something.
    """
    bench = made_bench(context.task, scoring=scoring)
    arms = [Arm(method, bench, alone=True) for method in methods]
    race = Race(context, purse or made_purse(steps * step_price(context.task)), rivals, arms)
    race.run()
    return race


def trials_of(race: Race) -> list[tuple[str, str, str]]:
    """Return (method, key, status) of all trials, in order."""
    return [(arm.name, trial.key, trial.status) for arm in race.arms for trial in arm.trials]


@contextmanager
def made_family() -> Iterator[pytest.MonkeyPatch]:
    """Let made models be loaded while the block runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(FAMILIES._builtin, "made", f"{__name__}:MadeModel")
        yield patch


@contextmanager
def quick() -> Iterator[None]:
    """Score without intervals, and do not wait for the disk: for many races."""

    def accuracy(task: Task, part: Any, predictions: Any, metric: str) -> dict[str, ScoreRecord]:
        right = [(found.argmax(axis=1) == part.targets).mean() for found in predictions]
        value = round(float(sum(right) / len(right)), 6)
        return {metric: ScoreRecord(value=value, low=value, high=value)}

    with made_family() as patch:
        patch.setattr("headstart.study.trial.all_scores", accuracy)
        patch.setattr("os.fsync", lambda handle: None)
        yield
