"""The report: one self-contained HTML page that opens offline."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs
from pydantic import BaseModel, ValidationError

from headstart.errors import RequestError
from headstart.files import write_text
from headstart.report import plots, retention, sections, units
from headstart.report.arms import arm_views, comparison_views
from headstart.study.evidence import Evidence
from headstart.study.record import StudyRecord
from headstart.study.words import metric_name

Model = TypeVar("Model", bound=BaseModel)


def render(record: StudyRecord, evidence: Evidence) -> str:
    """Return the whole page for a study: HTML with styles, scripts and plots inside.

    All texts from the data are escaped, and the page's content security policy lets nothing run
    but its own two scripts and nothing be fetched, so that a hostile data set can do no harm.

    Args:
        record: The study (``study.json``).
        evidence: What was read off the delivered model (``evidence.json``).
    """
    page = _environment().get_template("page.html")
    return page.render(_context(record, evidence))


def write_report(folder: Path) -> Path:
    """Write ``report.html`` from the ``study.json`` and ``evidence.json`` in ``folder``.

    Without ``evidence.json`` the page says less; everything else is shown.

    Returns:
        The path of the page.

    Raises:
        RequestError: ``study.json`` is missing, or one of the files is not what it should be.
        WorkError: The page cannot be written.
    """
    record = _read(folder / "study.json", StudyRecord)
    beside = folder / "evidence.json"
    evidence = _read(beside, Evidence) if beside.exists() else Evidence()
    path = folder / "report.html"
    write_text(path, render(record, evidence))
    return path


def _read(path: Path, model: type[Model]) -> Model:
    try:
        return model.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise RequestError(
            f"there is no {path.name} here",
            where=str(path.parent),
            mend="name the folder that `headstart adapt` wrote (its --out)",
        ) from error
    except (OSError, ValidationError) as error:
        raise RequestError(
            f"{path.name} cannot be read: {_first_line(error)}",
            where=str(path),
            mend="run `headstart adapt` again with --resume to write it anew",
        ) from error


def _first_line(error: OSError | ValidationError) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place}: {first['msg']}" if place else first["msg"]


def _context(record: StudyRecord, evidence: Evidence) -> dict[str, Any]:
    arms = arm_views(record)
    comparisons = comparison_views(record, arms)
    metric = record.task.metric
    label_plot, label_looks = plots.label_plot(record, arms)
    reliability, residual_plots = plots.fit_plots(evidence)
    return {
        "study": record,
        "task": record.task,
        "decision": record.decision,
        "metric": metric,
        "lower_is_better": units.lower_is_better(metric),
        "arms": arms,
        "cost_plots": plots.cost_plots(arms, metric),
        "kept": retention.kept_views(record, arms),
        "forgetting": retention.forgetting_plot(record, evidence, arms),
        "forget_limit": retention.limit_of(record),
        "features_kept": retention.of_features(record),
        "trials": sections.trial_views(record),
        "comparisons": comparisons,
        "forest": plots.forest_plot(comparisons, metric),
        "training_plots": plots.training_plots(record, arms),
        "rate_plots": plots.rate_plots(record, arms),
        "label_plot": label_plot,
        "label_looks": label_looks,
        "evidence": evidence,
        "written": evidence.answers,
        "answers_shown": sections.answers_shown(evidence),
        "prices": sections.price_views(evidence),
        "matrix": sections.confusion_rows(record, evidence),
        "confused": sections.most_confused(record, evidence),
        "classes": sections.worst_first(evidence),
        "mistakes": sections.safe_mistakes(evidence),
        "reliability": reliability,
        "residual_plots": residual_plots,
        "budget": sections.facts(record.budget),
        "reproduce": sections.facts(
            {key: value for key, value in record.reproduce.items() if key != "command"}
        ),
        **_assets(),
    }


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("headstart.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        score=units.score_text,
        bare_score=units.bare_score,
        interval=units.interval,
        difference=units.difference_text,
        p=units.p_text,
        duration=units.duration,
        flop=units.flop_text,
        bytes=units.bytes_text,
        parameters=units.parameters_text,
        metric_name=metric_name,
        count=lambda value: f"{value:,}",
    )
    return environment


@cache
def _assets() -> dict[str, Any]:
    folder = files("headstart.report") / "templates"
    style = (folder / "page.css").read_text(encoding="utf-8")
    script = (folder / "page.js").read_text(encoding="utf-8")
    plotly = get_plotlyjs()
    allowed = " ".join(f"'sha256-{_sha256(text)}'" for text in (plotly, script))
    return {
        "style": Markup(style),
        "script": Markup(script),
        "plotly": Markup(plotly),
        "allowed_scripts": Markup(allowed),
        "as_markup": Markup,
    }


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
