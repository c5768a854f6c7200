"""Says what a study will take before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from headstart.errors import RequestError
from headstart.measure.gpus import gpu_memory
from headstart.measure.score import metrics
from headstart.method.model import METHODS
from headstart.progress import Progress
from headstart.study.arm import Arm, arms_of
from headstart.study.bill import Bill, Price
from headstart.study.fit import TAKEN, Fit, Question, fits
from headstart.study.forecast import Forecast
from headstart.study.learnt import Learnt
from headstart.study.memory import Memory
from headstart.study.purse import purse_of
from headstart.study.rehearsal import Rehearsal, Run
from headstart.study.request import Request, check_against, with_defaults
from headstart.study.store import Store
from headstart.study.trial import Context
from headstart.study.words import bytes_text, plural
from headstart.task.model import Task
from headstart.train.benches import workbench
from headstart.train.cache import FeatureCache


@dataclass(frozen=True)
class Step:
    """One line of a plan.

    Attributes:
        what: For people.
        price: What it will take.
    """

    what: str
    price: Price


@dataclass(frozen=True)
class Plan:
    """What a study would do, at most.

    Attributes:
        steps: In order.
        left_out: Arm → why it would not be run.
        notes: What a reader should know.
        fits: What a GPU was asked about; then there are no steps.
    """

    steps: Sequence[Step]
    left_out: dict[str, str]
    notes: Sequence[str]
    fits: Sequence[Fit] = ()

    @property
    def seconds(self) -> float:
        """Seconds of all steps whose time is known."""
        return sum(step.price.seconds or 0.0 for step in self.steps)

    @property
    def flop(self) -> float:
        """Operations of all steps."""
        return sum(step.price.flop for step in self.steps)

    @property
    def need(self) -> float:
        """Most bytes that a step takes beside what the process holds before it."""
        return max((step.price.need for step in self.steps), default=0.0)


def plan_study(request: Request, task: Task, progress: Progress) -> Plan:
    """Return what the study that was asked for would take; nothing is trained or left in a folder.

    What this machine's speed is gets measured where it never was: a few seconds a method.

    Raises:
        RequestError: The request does not fit the data.
    """
    request = with_defaults(request, task)
    metric = check_against(request, task)
    with (
        TemporaryDirectory() as folder,
        closing(Memory.opened(request.ledger, task, metric, progress)) as memory,
    ):
        store, cache, forecast = Store(Path(folder)), FeatureCache(), Forecast(Bill(), Learnt())
        context = Context(task, metric, request.seeds, store, progress, request.schedule, memory)
        benches = [workbench(task, base, cache, store.work, progress) for base in request.bases]
        arms = arms_of(request.methods, benches)
        steps = [Step(f"features · {bench.base}", forecast.features(bench)) for bench in benches]
        steps += [
            Step(arm.name, forecast.fit(task, arm)) for arm in arms if not arm.method.trains_steps
        ]
        race = Rehearsal(
            context, purse_of(request.budget, context), [a for a in arms if a.method.trains_steps]
        )
        race.run()
        steps += _training(race)
        steps += [
            Step(f"learning curve of {arm.name}", forecast.curve(task, arm))
            for arm in arms
            if arm.method.name == "probe"
        ][:1]
    return Plan(steps, _left_out(arms), _notes(request, steps, len(benches)))


def plan_fit(
    request: Request, task: Task, gpu: str, context: int | None, progress: Progress
) -> Plan:
    """Return whether what was asked for fits a GPU that need not be here.

    Args:
        request: Its bases and methods.
        task: The data.
        gpu: Name or size.
        context: Tokens of a text; None for what is trained with.
        progress: Who watches.

    Raises:
        RequestError: No such GPU, base or method, or the base reads fewer tokens.
    """
    request = with_defaults(request, task)
    metric = request.metric or metrics(task.objective, task.classes)[0]
    methods = [METHODS.get(name) for name in request.methods]
    trained = [one.name for one in methods if one.trains_steps and not one.control]
    if not trained:
        raise RequestError(
            "none of these methods trains anything, so they take no more than the base",
            where="--method",
            mend="name one that trains, e.g. lora, qlora, prompt, finetune",
        )
    label, size = gpu_memory(gpu)
    notes = [
        f"{label} has {bytes_text(size)}; {bytes_text(TAKEN)} of it are taken for the driver, and "
        "a twentieth of the rest for fragments. All is counted in float32; no GPU was measured."
    ]
    found = fits(Question(request.bases, trained, gpu, context), task, metric, progress)
    return Plan([], {}, notes, found)


def _training(race: Rehearsal) -> list[Step]:
    """Return the runs of a race, those of one arm, length and sort together."""
    alike: dict[tuple[str, int, str], list[Run]] = {}
    for run in race.runs:
        alike.setdefault((run.arm, run.steps, _sort(run)), []).append(run)
    return [
        Step(f"{arm}, {plural(steps, 'step')}: {plural(len(runs), sort)}{_known(runs)}", _sum(runs))
        for (arm, steps, sort), runs in alike.items()
    ]


def _sort(run: Run) -> str:
    if not run.final:
        return "run"
    return "further seed" if run.seed else "reading"


def _known(runs: list[Run]) -> str:
    count = sum(run.known for run in runs)
    return f", {count} of them in the ledger" if count else ""


def _sum(runs: list[Run]) -> Price:
    """Return the price of those that have to be paid."""
    prices = [run.price for run in runs if not run.known]
    seconds = [price.seconds for price in prices if price.seconds is not None]
    return Price(
        sum(seconds) if len(seconds) == len(prices) else None,
        sum(price.flop for price in prices),
        max((price.need for price in prices), default=0.0),
    )


def _left_out(arms: list[Arm]) -> dict[str, str]:
    return {
        arm.name: trial.error or ""
        for arm in arms
        for trial in arm.trials
        if trial.status == "skipped"
    }


def _notes(request: Request, steps: list[Step], bases: int) -> list[str]:
    notes = ["At most: arms that cannot win are stopped, which may buy longer runs of others."]
    if any(step.price.seconds is None for step in steps):
        notes.append(
            "A dash is work that this machine never did: its time is known after the first study."
        )
    if bases > 2:
        notes.append("The bases are ranked first, and the best two at most are adapted.")
    return notes
