"""What was asked for: checked before anything slow, and kept to resume by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from headstart.base import reference
from headstart.errors import RequestError, nearest
from headstart.measure.score import METRICS, metrics
from headstart.method.model import METHODS
from headstart.study.budget import DEFAULT, Budget, parse_budget
from headstart.task.model import Kind, Modality, Objective, Task

DEFAULT_BASES = {
    Modality.TEXT: ("bundled:minilm-l6",),
    Modality.IMAGE: ("bundled:efficientnet-lite0",),
}
WRITERS = ("bundled:smollm2-135m",)  # where texts are to be said
ALL = "all"  # stands for the bundled bases of the data's modality
DEFAULT_METHODS = ("probe", "lora", "finetune")
SAYING_METHODS = ("lora", "prompt", "finetune")
BUNDLED = "bundled:"
SCHEDULES = ("cosine", "linear", "constant")
CONTROLS = ("majority", "tfidf", "scratch")  # never skipped
SAYING_CONTROLS = ("untouched", "fewshot")


@dataclass(frozen=True)
class Request:
    """The options of ``headstart adapt``.

    Attributes:
        data: Path, name, DataFrame or ``datasets`` set.
        input, target, task: Override what is detected.
        bases, methods: What to compare; empty takes the defaults.
        budget: What training may cost.
        seeds: Repeats of each winner.
        learning_curve: Measure score against number of labels.
        audit: Run what the planner left out too, and say what that cost.
        metric: What choices go by; None takes the objective's main one.
        schedule: How the rate falls after its warm-up: "cosine", "linear" or "constant".
        labels_per_class: Keep only so many training rows a class.
        retain: What the base could do, measured before and after.
        forget_at_most: Share of it that may be lost.
        out: The study's folder.
        resume: Go on with the study there.
        command: What was typed, for the report.
    """

    data: Any
    out: Path
    input: tuple[str, ...] | None = None
    target: str | None = None
    task: Kind | None = None
    bases: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    budget: Budget = field(default_factory=Budget)
    seeds: int = 3
    learning_curve: bool = False
    audit: bool = False
    metric: str | None = None
    schedule: str = "cosine"
    labels_per_class: int | None = None
    retain: tuple[str, ...] = ()
    forget_at_most: float | None = None
    ledger: str | None = None
    resume: bool = False
    command: str | None = None

    def settles(self, task: Task) -> dict[str, Any]:
        """Return what settles the numbers, as JSON: a resumed study must have the same."""
        return {
            "fingerprint": task.fingerprint,
            "input": list(task.input),
            "target": task.target,
            "bases": list(self.bases),
            "methods": list(self.methods),
            "budget": self.budget.record(),
            "seeds": self.seeds,
            "learning_curve": self.learning_curve,
            "audit": self.audit,
            "metric": self.metric,
            "schedule": self.schedule,
            "labels_per_class": self.labels_per_class,
            "retain": list(self.retain),
            "forget_at_most": self.forget_at_most,
        }


def check_names(
    *,
    task: str | None,
    bases: Sequence[str],
    methods: Sequence[str],
    budget: str | None,
    metric: str | None,
    seeds: int,
    schedule: str = "cosine",
) -> tuple[Kind | None, Budget]:
    """Refuse names that nothing has before the data are read; return kind and budget.

    Raises:
        RequestError: An unknown name, with the nearest known.
    """
    if task is not None and task not in [kind.value for kind in Kind]:
        known = ", ".join(kind.value for kind in Kind)
        raise RequestError(f"unknown task '{task}'", where="--task", mend=f"known: {known}")
    for name in methods:
        METHODS.get(name)
    for base in bases:
        if base != ALL:
            reference.parse(base)
    if metric is not None:
        METRICS.get(metric)
    if schedule not in SCHEDULES:
        raise RequestError(
            f"unknown schedule '{schedule}'", where="--schedule", mend=nearest(schedule, SCHEDULES)
        )
    if seeds < 1:
        raise RequestError(f"{seeds} seeds are too few", where="--seeds", mend="name 1 or more")
    return Kind(task) if task else None, parse_budget(budget or DEFAULT)


def check_bases(bases: Sequence[str], task: Task) -> None:
    """Refuse bases that do not read what the data are made of.

    Raises:
        RequestError: One reads something else, or its weights cannot be had.
    """
    for base in bases:
        found = reference.card(base)
        if found.modality is not task.modality:
            fits = ", ".join(default_bases(task))
            raise RequestError(
                f"{base} reads {found.modality.value}, the data are {task.modality.value}",
                where="--base",
                mend=f"choose a base for {task.modality.value}, e.g. {fits}",
            )


def default_bases(task: Task) -> tuple[str, ...]:
    """Return the bases of a task for which none is named."""
    return WRITERS if task.objective is Objective.TEXT else DEFAULT_BASES[task.modality]


def bases_at_hand(task: Task) -> tuple[str, ...]:
    """Return the bundled bases of the task's modality."""
    return tuple(
        card.reference
        for card in reference.cards_at_hand()
        if card.modality is task.modality and card.reference.startswith(BUNDLED)
    )


def named_bases(bases: Sequence[str], task: Task) -> tuple[str, ...]:
    """Return the references that were asked for, each once; "all" is what is at hand."""
    found = [one for base in bases for one in (bases_at_hand(task) if base == ALL else (base,))]
    return tuple(dict.fromkeys(found or default_bases(task)))


def check_against(request: Request, task: Task) -> str:
    """Refuse bases and a metric that do not fit the data; return the metric.

    Raises:
        RequestError: A base reads something else, its weights cannot be had, or the metric is
            for another objective.
    """
    check_bases(request.bases, task)
    known = metrics(task.objective, task.classes)
    metric = request.metric or known[0]
    upward = [name for name in known if METRICS.get(name).higher_is_better] or list(known)
    if metric not in upward:
        raise RequestError(
            f"choices cannot go by '{metric}' for {task.objective.value} targets",
            where="--metric",
            mend=f"choose one of {', '.join(upward)}",
        )
    return metric


def with_defaults(request: Request, task: Task) -> Request:
    """Return the request with bases and methods filled in, controls among them."""
    says = task.objective is Objective.TEXT
    named = request.methods or (SAYING_METHODS if says else DEFAULT_METHODS)
    known: tuple[str, ...] = SAYING_CONTROLS if says else CONTROLS
    if says and task.kind is not Kind.INSTRUCTION:
        known = tuple(name for name in known if name != "fewshot")  # documents ask nothing
    controls = [name for name in known if name not in named]
    return replace(
        request,
        bases=named_bases(request.bases, task),
        methods=tuple(dict.fromkeys([*controls[:2], *named, *controls[2:]])),
    )
