"""What a person sees at the end of a study, and what a machine gets with ``--json``."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from headstart.study.plan import Plan
    from headstart.study.record import StudyRecord

REPORT, MODEL = "report.html", "best"
# Columns where no terminal says how many it has.
WIDE = 120
_STYLES = {"delivered": "bold green", "tie": "cyan", "worse": "dim", "better": "yellow"}


def console() -> Console:
    """Return the console for results; a pipe or a file gets room for whole lines."""
    found = Console(highlight=False)
    return found if found.is_terminal else Console(highlight=False, width=WIDE)


def as_json(value: Any) -> None:
    """Write ``value`` as JSON to stdout; nothing else goes there with ``--json``."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def study_as_dict(record: StudyRecord, folder: Path) -> dict[str, Any]:
    """Return what ``headstart adapt --json`` prints: places, and the whole of study.json."""
    return {
        "folder": str(folder),
        "report": str(folder / REPORT),
        "model": str(folder / MODEL),
        "study": record.model_dump(mode="json"),
    }


def study(record: StudyRecord, folder: Path) -> None:
    """Print the end of a study: data, verdict, arms, places and what to type next."""
    out = console()
    out.print(_data(record))
    out.print()
    out.print(Text(record.decision.headline, style="bold"))
    out.print(_reasons(record))
    out.print(_arms(record))
    out.print(_places(record, folder), soft_wrap=True)


def plan(found: Plan) -> None:
    """Print what a study would take, step by step."""
    from headstart.study.words import duration

    def time(seconds: float | None) -> str:
        return "–" if seconds is None else duration(seconds)

    out = console()
    if found.fits:
        out.print(_fits(found))
    else:
        out.print(_steps(found, time))
    for name, why in found.left_out.items():
        out.print(Text(f"not run: {name}: {why}"))
    for note in found.notes:
        out.print(Text(note), style="dim")


def _steps(found: Plan, time: Callable[[float | None], str]) -> Table:
    from headstart.study.words import bytes_text, flop_text

    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, show_footer=True)
    table.add_column("step", "at most", overflow="fold")
    for name, total in (
        ("time", time(found.seconds)),
        ("operations", flop_text(found.flop)),
        ("memory", bytes_text(found.need)),
    ):
        table.add_column(name, total, justify="right", no_wrap=True)
    for step in found.steps:
        price = step.price
        table.add_row(
            Text(step.what), time(price.seconds), flop_text(price.flop), bytes_text(price.need)
        )
    return table


def _fits(found: Plan) -> Table:
    """Return what each method takes on a GPU, by what it is for."""
    from headstart.study.words import bytes_text

    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    table.add_column("base", overflow="fold")
    table.add_column("method")
    for name in ("base", "weights", "optimiser", "a text", "in all"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("answer")
    for fit in found.fits:
        memory, style = fit.memory, "bold" if fit.fits else "red"
        text = memory.token * fit.context
        sizes = (memory.base, memory.weights, memory.state, text, memory.total(fit.context))
        table.add_row(
            Text(fit.base), fit.method, *map(bytes_text, sizes), Text(fit.answer, style=style)
        )
    return table


def plan_as_json(found: Plan) -> None:
    """Print a plan as JSON: seconds (null where not known), FLOP, bytes."""
    as_json(
        {
            "steps": [{"what": step.what, **asdict(step.price)} for step in found.steps],
            "seconds": found.seconds,
            "flop": found.flop,
            "need": found.need,
            "left_out": found.left_out,
            "notes": list(found.notes),
            "fits": [
                {**asdict(fit), "fits": fit.fits, "need": fit.memory.total(fit.context)}
                for fit in found.fits
            ],
        }
    )


def _data(record: StudyRecord) -> Text:
    # What was detected and what the audit found was said when the work began; it is not repeated.
    task = record.task
    rows = ", ".join(f"{count:,} {part}" for part, count in task.rows.items())
    notes = len(task.warnings)
    told = f"; {notes} note{'s' * (notes > 1)} on the data, see the report" if notes else ""
    return Text(f"{task.name}: {task.kind} of {task.modality}, {rows} rows{told}", style="dim")


def _reasons(record: StudyRecord) -> Table:
    grid = Table.grid(padding=(0, 1))
    for reason in record.decision.reasons:
        grid.add_row(" •", Text(reason))
    return grid


def _arms(record: StudyRecord) -> Table:
    # Order, standing and units are the report's, so that page and terminal never disagree.
    from headstart.report import units
    from headstart.report.arms import arm_views

    metric = record.task.metric
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    table.add_column("arm", overflow="fold")
    table.add_column(f"test {metric} [95%]", justify="right", no_wrap=True)
    table.add_column("validation", justify="right", no_wrap=True)
    table.add_column("time", justify="right", no_wrap=True)
    table.add_column("verdict")
    for view in arm_views(record):
        validation = view.arm.scores.get("validation", {}).get(metric)
        table.add_row(
            Text(view.arm.name),
            units.score_text(view.score, metric),
            units.bare_score(validation.value, metric) if validation else "–",
            units.duration(view.arm.seconds),
            ", ".join(word for word in (view.standing, *view.tags) if word),
            style=_STYLES.get(view.standing, ""),
        )
    return table


def _places(record: StudyRecord, folder: Path) -> Text:
    best = shlex.quote(str(folder / MODEL))
    text = Text("\n".join(_failures(record)))
    text.append("report  ", style="bold")
    text.append(f"{folder / REPORT}\n")
    text.append("model   ", style="bold")
    text.append(f"{folder / 'best'}\n")
    text.append("next    ", style="bold")
    inputs = "photos/" if record.task.modality == "image" else "new.csv"
    text.append(f"headstart predict {best} {inputs} --out predictions.csv")
    for line in record.decision.advice[:3]:
        text.append("\nadvice  ", style="bold")
        text.append(line)
    return text


def _failures(record: StudyRecord) -> list[str]:
    failed = [trial for trial in record.trials if trial.status == "failed"]
    if not failed:
        return []
    first = failed[0]
    said = (first.error or "no reason given").splitlines()[0]
    return [f"{len(failed)} trial(s) failed; the first, {first.method} of {first.base}: {said}\n"]
