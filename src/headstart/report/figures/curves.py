"""Curves over training: validation by step, loss by learning rate, score by number of labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from headstart.report import units
from headstart.report.figures.style import DASHES, Mark, as_json, figure, label, marker
from headstart.study.record import LearningCurvePoint, RatePoint, TrialRecord
from headstart.study.words import metric_name

_MOST_LINES = 12


def validation_by_step(look: Mark, trials: Sequence[TrialRecord], metric: str) -> str | None:
    """Return one arm's small plot: finalists as full lines, lost search runs thin and pale."""
    curves = [(t, [p for p in t.curve if p.validation is not None]) for t in trials]
    curves = [(trial, points) for trial, points in curves if points]
    if not curves:
        return None
    curves.sort(key=lambda pair: pair[0].status != "finalist")
    unit = ", %" if units.is_percentage(metric) else ""
    plot = figure("step", f"validation {metric_name(metric)}{unit}", 230)
    sign = -1.0 if units.lower_is_better(metric) else 1.0  # what is kept is higher the better
    for row, (trial, points) in enumerate(curves[:_MOST_LINES]):
        final = trial.status == "finalist"
        rate = trial.hyperparameters.get("rate")
        told = f", rate {units.value_text(rate)}" if rate is not None else ""
        plot.add_scatter(
            x=[point.step for point in points],
            y=[units.scaled(sign * (point.validation or 0.0), metric) for point in points],
            mode="lines+markers",
            opacity=1.0 if final else 0.4,
            line={
                "color": look.colour,
                "width": 2 if final else 1,
                "dash": DASHES[row % len(DASHES)] if final else "dot",
            },
            marker=marker(look, 6 if final else 4),
            hovertemplate=f"seed {trial.seed}{label(told)}<br>step %{{x}}: %{{y:.4g}}"
            "<extra></extra>",
        )
    return as_json(plot)


def loss_by_rate(look: Mark, test: Sequence[RatePoint], used: float | None) -> str | None:
    """Return a range test (Smith 2017); a dashed line marks the rate that was ``used``."""
    points = [point for point in test if point.learning_rate > 0]
    if not points:
        return None
    plot = figure("learning rate (logarithmic)", "training loss", 230)
    plot.add_scatter(
        x=[point.learning_rate for point in points],
        y=[point.loss for point in points],
        mode="lines",
        line={"color": look.colour, "width": 2},
        hovertemplate="rate %{x:.2g}: loss %{y:.4g}<extra></extra>",
    )
    if used:
        plot.add_vline(x=used, line={"width": 1.5, "dash": "dash", "color": "#808080"})
    plot.update_xaxes(type="log", exponentformat="power", dtick=1)
    return as_json(plot)


def score_by_labels(
    points: Sequence[LearningCurvePoint], looks: dict[str, Mark], metric: str
) -> str | None:
    """Return score against training rows, a line with a band an arm; None without points."""
    if not points:
        return None
    unit = ", percent" if units.is_percentage(metric) else ""
    plot = figure("labelled training rows (logarithmic)", f"{metric_name(metric)}{unit}", 360)
    for arm in dict.fromkeys(point.arm for point in points):
        own = sorted((p for p in points if p.arm == arm), key=lambda point: point.labels)
        _add_band(plot, looks[arm], arm, own, metric)
    counts = sorted({point.labels for point in points})
    plot.update_xaxes(type="log", **_ticks(counts))
    return as_json(plot)


def _add_band(
    plot: go.Figure, look: Mark, arm: str, points: Sequence[LearningCurvePoint], metric: str
) -> None:
    labels = [point.labels for point in points]
    high = [units.scaled(point.score.high, metric) for point in points]
    low = [units.scaled(point.score.low, metric) for point in points]
    plot.add_scatter(
        x=labels + labels[::-1],
        y=high + low[::-1],
        fill="toself",
        mode="lines",
        line={"width": 0},
        fillcolor=_pale(look.colour),
        hoverinfo="skip",
    )
    plot.add_scatter(
        x=labels,
        y=[units.scaled(point.score.value, metric) for point in points],
        mode="lines+markers",
        line={"color": look.colour, "width": 2, "dash": look.dash},
        marker=marker(look, 8),
        text=[units.score_text(point.score, metric) for point in points],
        hovertemplate=f"{label(arm)}<br>%{{x:,}} rows: %{{text}}<extra></extra>",
    )


def _ticks(counts: Sequence[int]) -> dict[str, Any]:
    # Ticks that lie closer than a factor of 1.35 would print over each other on a phone.
    kept: list[int] = []
    for count in counts:
        if count > 0 and (not kept or count / kept[-1] >= 1.35):
            kept.append(count)
    return {"tickmode": "array", "tickvals": kept, "ticktext": [f"{count:,}" for count in kept]}


def _pale(colour: str) -> str:
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.18)"
