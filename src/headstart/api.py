"""The Python face: ``headstart.adapt``, ``headstart.load`` and what the command line calls."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.base.model import BaseCard
from headstart.errors import RequestError
from headstart.method.adapted import Model
from headstart.progress import Progress, Silent
from headstart.study.record import StudyRecord

if TYPE_CHECKING:
    from headstart.forms.export import Exported
    from headstart.method.speakers import Speakers
    from headstart.study.plan import Plan
    from headstart.study.ranking import RankedBases
    from headstart.study.request import Request
    from headstart.task.model import Task

RUNS = Path("headstart-runs")
DEMOS = {"text": "packaged:emojis", "image": "packaged:digits", "llm": "packaged:chatterbot"}
# In operations: the same numbers on every machine; one and a half to two minutes on two cores.
DEMO_BUDGETS = {"text": "15tflop", "image": "11tflop", "llm": "25tflop"}
DEMO_METHODS = {"llm": ["lora", "prompt"]}


@dataclass(frozen=True)
class Study:
    """A finished study.

    Attributes:
        folder: Where it lies.
        record: The whole of ``study.json``.
    """

    folder: Path
    record: StudyRecord

    @cached_property
    def best(self) -> Model:
        """The delivered model."""
        return load(self.folder)

    def report(self, path: str | Path | None = None) -> Path:
        """Write the report, to ``path`` or the study's own ``report.html``; return its place."""
        from headstart.files import write_text
        from headstart.report.page import write_report

        written = write_report(self.folder)
        if path is None:
            return written
        write_text(Path(path), written.read_text(encoding="utf-8"))
        return Path(path)


def adapt(
    data: Any,
    *,
    input: str | Sequence[str] | None = None,
    target: str | None = None,
    task: str | None = None,
    base: str | Sequence[str] | None = None,
    method: str | Sequence[str] | None = None,
    budget: str | None = None,
    seeds: int = 3,
    learning_curve: bool = False,
    audit: bool = False,
    licence: str | None = None,
    metric: str | None = None,
    schedule: str = "cosine",
    labels_per_class: int | None = None,
    retain: str | Sequence[str] | None = None,
    forget_at_most: str | float | None = None,
    ledger: str | Path | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
    command: str | None = None,
) -> Study:
    """Adapt pre-trained models to ``data`` in several ways, compare them fairly, keep the best.

    Args:
        data: A table (CSV, TSV, JSONL, Parquet), a folder or zip of class folders, a DataFrame,
            a ``datasets`` set, or a packaged set ("packaged:emojis").
        input: Input column, two for a text pair; detected if not given.
        target: Target column; detected if not given.
        task: "classification", "regression", "text-pair" or "token-classification".
        base: References of bases; a bundled one for the modality if not given.
        method: Names of methods; probe, lora and finetune if not given. Controls always run.
        budget: What training may cost: "10min", "5e15flop".
        seeds: Repeats of each winner.
        learning_curve: Measure score against number of labels.
        audit: Run what the planner left out too, and say what leaving it out cost.
        licence: Of the model, if one that was trained from nothing wins; else the base's holds.
        metric: What choices go by; the objective's main one if not given.
        schedule: How learning rates fall after their warm-up: "cosine", "linear", "constant".
        labels_per_class: Keep only so many training rows a class.
        retain: What the base could do and may forget, measured before and after: corpora,
            labelled sets, multiple-choice questions, lm-eval tasks; "none" for nothing. If not
            given, a packaged corpus for language models, nothing for others.
        forget_at_most: Share of each retained score that may be lost at 95% confidence: "2%".
        ledger: Where the trials of all studies are kept, and looked up before they are paid for:
            a file, a database URL, or "none"; if not given, $HEADSTART_LEDGER or a file of the
            user's own.
        out: The study's folder; a new one under ``headstart-runs/`` if not given.
        resume: Go on with the study in ``out``.
        progress: Who watches.
        command: What was typed, for the report.

    Raises:
        RequestError: The request or the data are wrong; nothing was written.
        WorkError: Nothing could be fitted.
    """
    from headstart.report.card import write_card
    from headstart.report.licence import check_licence
    from headstart.study.run import run_study
    from headstart.study.store import refuse_taken

    if licence is not None:
        licence = check_licence(licence)
    if out is not None:
        refuse_taken(Path(out), resume)  # before the data are read, which may take long
    request, built = _request(
        data,
        input=input,
        target=target,
        task=task,
        base=base,
        method=method,
        budget=budget,
        seeds=seeds,
        learning_curve=learning_curve,
        metric=metric,
        schedule=schedule,
        labels_per_class=labels_per_class,
        retain=retain,
        forget_at_most=forget_at_most,
        ledger=ledger,
        progress=progress,
    )
    folder = Path(out) if out is not None else _new_folder(built.name, resume)
    request = replace(request, out=folder, resume=resume, command=command, audit=audit)
    record = run_study(request, built, progress or Silent())
    study = Study(request.out, record)
    write_card(folder / "best", record, licence)
    study.report()
    return study


def plan(
    data: Any,
    *,
    input: str | Sequence[str] | None = None,
    target: str | None = None,
    task: str | None = None,
    base: str | Sequence[str] | None = None,
    method: str | Sequence[str] | None = None,
    budget: str | None = None,
    seeds: int = 3,
    learning_curve: bool = False,
    metric: str | None = None,
    schedule: str = "cosine",
    labels_per_class: int | None = None,
    retain: str | Sequence[str] | None = None,
    forget_at_most: str | float | None = None,
    ledger: str | Path | None = None,
    gpu: str | None = None,
    context: int | None = None,
    progress: Progress | None = None,
) -> Plan:
    """Say what :func:`adapt` with the same arguments would take: seconds, FLOPs and memory.

    Nothing is trained and no folder is made. A machine that never did the like is measured for a
    few seconds a method. With ``gpu`` ("H100", "24GB") it says instead whether each method fits
    there, for texts of ``context`` tokens: then a base may be a folder with a configuration alone.

    Raises:
        RequestError: The request or the data are wrong.
    """
    from headstart.study.plan import plan_fit, plan_study

    if context is not None and gpu is None:
        raise RequestError(
            "a context is planned for on a GPU", where="--context", mend="name it with --gpu"
        )
    request, built = _request(
        data,
        input=input,
        target=target,
        task=task,
        base=base,
        method=method,
        budget=budget,
        seeds=seeds,
        learning_curve=learning_curve,
        metric=metric,
        schedule=schedule,
        labels_per_class=labels_per_class,
        retain=retain,
        forget_at_most=forget_at_most,
        ledger=ledger,
        progress=progress,
    )
    if gpu is not None:
        return plan_fit(request, built, gpu, context, progress or Silent())
    return plan_study(request, built, progress or Silent())


def _request(
    data: Any,
    *,
    input: str | Sequence[str] | None,
    target: str | None,
    task: str | None,
    base: str | Sequence[str] | None,
    method: str | Sequence[str] | None,
    budget: str | None,
    seeds: int,
    learning_curve: bool,
    metric: str | None,
    schedule: str,
    labels_per_class: int | None,
    retain: str | Sequence[str] | None,
    forget_at_most: str | float | None,
    ledger: str | Path | None,
    progress: Progress | None,
) -> tuple[Request, Task]:
    """Check what was asked for and read the data."""
    from headstart.study.limit import parse_limit
    from headstart.study.request import Request, check_names
    from headstart.task.build import build_task

    limit_of_loss = parse_limit(forget_at_most)
    bases, methods = _listed(base), _listed(method)
    kind, limit = check_names(
        task=task,
        bases=bases,
        methods=methods,
        budget=None if budget is None else str(budget),
        metric=metric,
        seeds=seeds,
        schedule=schedule,
    )
    built = build_task(
        data,
        input=_listed(input) or None,
        target=target,
        kind=kind,
        limit_per_class=labels_per_class,
        progress=progress or Silent(),
    )
    request = Request(
        data=data,
        out=Path(),
        bases=bases,
        methods=methods,
        budget=limit,
        seeds=seeds,
        learning_curve=learning_curve,
        metric=metric,
        schedule=schedule,
        labels_per_class=labels_per_class,
        retain=_listed(retain),
        forget_at_most=limit_of_loss,
        ledger=_ledger_url(ledger),
    )
    return request, built


def demo(
    which: str = "text",
    *,
    out: str | Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
    command: str | None = None,
) -> Study:
    """Run the main job on packaged data and weights.

    "text" (emoji names), "image" (digits) or "llm" (a language model that learns small talk).
    """
    if which not in DEMOS:
        raise RequestError(f"no demo '{which}'", mend=f"choose one of {', '.join(DEMOS)}")
    return adapt(
        DEMOS[which],
        method=DEMO_METHODS.get(which, ["probe", "lora", "finetune"]),
        budget=DEMO_BUDGETS[which],
        learning_curve=which != "llm",
        out=out,
        resume=resume,
        progress=progress,
        command=command or f"headstart demo {which}",
    )


def load(folder: str | Path) -> Model:
    """Return the adapted model in ``folder``: a study's folder or its ``best/``.

    Raises:
        RequestError: There is none, or it is damaged.
    """
    from headstart.study.run import load_delivered

    return load_delivered(Path(folder))


def load_adapters(base: str, folders: Mapping[str, str | Path]) -> Speakers:
    """Return the language models of several studies that share one base, held once.

    ``load_adapters(base, {"faq": "runs/faq", "jokes": "runs/jokes"}).predict("faq", ["…"])``
    answers as ``load("runs/faq").predict(["…"])`` does.

    Args:
        base: Reference of the base that all were adapted from.
        folders: Name to a study's folder, its ``best/``, or the ``adapter/`` in that.

    Raises:
        RequestError: A folder holds no adapter, or one that was not made for this base.
    """
    from headstart.method.speakers import Speakers

    return Speakers(base, folders)


def export(folder: str | Path, to: str, out: str | Path, dtype: str = "float32") -> Path:
    """Export an adapted model and check it against the original; return where it lies.

    Args:
        folder: A study's folder or its ``best/``.
        to: "transformers", "onnx" (classifiers) or "gguf" (language models).
        out: A folder that is not there yet; of GGUF also a file ending in .gguf.
        dtype: Of a GGUF file's matrices: "float32" or "float16".

    Raises:
        RequestError: The model cannot be written in this form.
        WorkError: What was written gives other outputs; nothing is left.
    """
    return export_checked(folder, to, out, dtype).place


def export_checked(
    folder: str | Path, to: str, out: str | Path, dtype: str = "float32"
) -> Exported:
    """Do as :func:`export`; return also how far the export lies from the original."""
    from headstart.forms.export import export as export_model

    path = Path(folder)
    inner = path / "best"
    return export_model(inner if inner.is_dir() else path, to, Path(out), dtype)


def bases() -> list[BaseCard]:
    """Return the cards of every base whose weights are at hand."""
    from headstart.base import reference

    return reference.cards_at_hand()


def base_card(reference: str) -> BaseCard:
    """Return the card of one base."""
    from headstart.base.reference import card

    return card(reference)


def base_speed(reference: str) -> float:
    """Return samples a second that this machine embeds with a base, measured now."""
    from headstart.base.reference import load as load_base
    from headstart.base.speed import measured_speed

    return measured_speed(load_base(reference))


def rank_bases(
    data: Any,
    *,
    input: str | Sequence[str] | None = None,
    target: str | None = None,
    task: str | None = None,
    base: str | Sequence[str] | None = None,
    progress: Progress | None = None,
) -> RankedBases:
    """Order bases for ``data`` from frozen features of a subsample, without any training.

    Args:
        data, input, target, task: As in :func:`adapt`.
        base: References; the bundled ones of the data's modality if not given.
        progress: Who watches.

    Raises:
        RequestError: The request or the data are wrong.
    """
    from headstart.study.ranking import rank_bases as rank
    from headstart.study.request import bases_at_hand, check_names
    from headstart.task.build import build_task

    names, watching = _listed(base), progress or Silent()
    kind, _ = check_names(task=task, bases=names, methods=(), budget=None, metric=None, seeds=1)
    built = build_task(
        data, input=_listed(input) or None, target=target, kind=kind, progress=watching
    )
    for line in built.detected:
        watching.say(line)
    return rank(built, names or bases_at_hand(built), watching)


def rebuild_report(folder: str | Path) -> Path:
    """Write a study's report again."""
    from headstart.report.page import write_report

    return write_report(Path(folder))


def _ledger_url(named: str | Path | None) -> str | None:
    """Return where the ledger is; None if there shall be none."""
    from headstart.ledger.place import OFF, default_url

    if named is None:
        return default_url()
    return None if str(named) == OFF else str(named)


def _listed(value: str | Sequence[str] | None) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value or ())


def _new_folder(name: str, resume: bool) -> Path:
    """Return an unused folder for a study of ``name``, or the last used one to resume."""
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "study"
    taken = [RUNS / stem] + [RUNS / f"{stem}-{number}" for number in range(2, 10_000)]
    free = next(index for index, path in enumerate(taken) if not path.exists())
    return taken[max(0, free - 1)] if resume else taken[free]
