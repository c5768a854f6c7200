"""The plot of what was learnt against what was forgotten, with its Pareto front."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from headstart.report import units
from headstart.report.figures.style import Mark, as_json, figure, label, marker
from headstart.study.record import ScoreRecord, SweepPoint
from headstart.study.words import metric_name, percent


@dataclass(frozen=True, slots=True)
class Kept:
    """An arm between what it learnt and what it forgot.

    Attributes:
        look: Of the arm.
        name: Of the arm.
        score: On the task.
        forgotten: Share of the retained score that was lost.
    """

    look: Mark
    name: str
    score: ScoreRecord
    forgotten: ScoreRecord


def front(points: Sequence[tuple[float, float]], lower_is_better: bool) -> list[int]:
    """Return the points that no other beats on both counts, the least forgetful first.

    Args:
        points: (forgotten, score) pairs.
        lower_is_better: Whether a lower score is a better one.
    """
    sign = -1.0 if lower_is_better else 1.0
    order = sorted(range(len(points)), key=lambda at: (points[at][0], -sign * points[at][1]))
    found: list[int] = []
    for at in order:
        if not found or sign * points[at][1] > sign * points[found[-1]][1]:
            found.append(at)
    return found


def learnt_against_forgotten(
    arms: Sequence[Kept], way: Sequence[SweepPoint], metric: str, limit: float | None
) -> str | None:
    """Return the plot as JSON, or None for fewer than two arms.

    Args:
        arms: Points with intervals both ways.
        way: Weights on their way back to the base's, as thin lines.
        metric: Of the task.
        limit: Share that may be lost, as an upright line.
    """
    if len(arms) < 2:
        return None
    unit = ", percent" if units.is_percentage(metric) else ""
    plot = figure("forgotten, percent of the retained score", f"{metric_name(metric)}{unit}", 400)
    if limit is not None:
        plot.add_vline(x=100 * limit, line={"color": "#888", "dash": "dash", "width": 1})
    for name in dict.fromkeys(point.arm for point in way):
        own = sorted((p for p in way if p.arm == name), key=lambda p: p.share)
        plot.add_scatter(
            x=[100 * p.forgotten for p in own],
            y=[units.scaled(p.score, metric) for p in own],
            mode="lines+markers",
            line={"color": "#888", "width": 1},
            marker={"color": "#888", "size": 5},
            text=[f"{label(name)} at {percent(p.share)}" for p in own],
            hovertemplate="%{text}: %{y:.4g}, %{x:.3g}% forgotten<extra>validation</extra>",
        )
    points = [(kept.forgotten.value, kept.score.value) for kept in arms]
    best = [arms[at] for at in front(points, units.lower_is_better(metric))]
    plot.add_scatter(
        x=[100 * kept.forgotten.value for kept in best],
        y=[units.scaled(kept.score.value, metric) for kept in best],
        mode="lines",
        line={"color": "#888", "dash": "dot", "shape": "hv"},
        hoverinfo="skip",
    )
    for kept in arms:
        _add(plot, kept, metric)
    return as_json(plot)


def _add(plot: object, kept: Kept, metric: str) -> None:
    value, low, high = (
        units.scaled(v, metric) for v in (kept.score.value, kept.score.low, kept.score.high)
    )
    lost = kept.forgotten
    plot.add_scatter(  # type: ignore[attr-defined]
        x=[100 * lost.value],
        y=[value],
        error_x={
            "type": "data",
            "array": [100 * (lost.high - lost.value)],
            "arrayminus": [100 * (lost.value - lost.low)],
        },
        error_y={"type": "data", "array": [high - value], "arrayminus": [value - low]},
        mode="markers+text",
        marker=marker(kept.look, 12),
        text=[f" {kept.look.number} "],
        textposition="top right",
        name=label(kept.name),
        hovertemplate=f"{label(kept.name)}<br>{units.score_text(kept.score, metric)}"
        f"<br>{percent(lost.value)} forgotten<extra></extra>",
    )
