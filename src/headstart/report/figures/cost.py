"""The plot of test score against cost, one point with its interval an arm."""

from __future__ import annotations

from collections.abc import Sequence
from math import log10
from typing import Literal

from headstart.report import units
from headstart.report.figures.style import Mark, as_json, figure, label, marker
from headstart.study.record import ArmRecord
from headstart.study.words import metric_name

Cost = Literal["seconds", "flop"]
_AXIS = {"seconds": "time (logarithmic)", "flop": "compute (logarithmic)"}
_TIMES = (0.001, 0.01, 0.1, 1, 10, 60, 600, 3600, 36_000, 360_000)
_MOST_TICKS = 5


def score_against_cost(
    arms: Sequence[tuple[Mark, ArmRecord]], metric: str, cost: Cost
) -> str | None:
    """Return the plot as JSON, or None if no arm has both a test score and a positive cost."""
    shown = [
        (look, arm, arm.scores["test"][metric], float(getattr(arm, cost)))
        for look, arm in arms
        if metric in arm.scores.get("test", {}) and getattr(arm, cost) > 0
    ]
    if not shown:
        return None
    unit = ", percent" if units.is_percentage(metric) else ""
    plot = figure(_AXIS[cost], f"test {metric_name(metric)}{unit}", 380)
    spelled = units.duration if cost == "seconds" else units.flop_text
    places = _places([(price, units.scaled(s.value, metric)) for _, _, s, price in shown])
    for (look, arm, score, price), place in zip(shown, places, strict=True):
        value, low, high = (units.scaled(v, metric) for v in (score.value, score.low, score.high))
        plot.add_scatter(
            x=[price],
            y=[value],
            error_y={"type": "data", "array": [high - value], "arrayminus": [value - low]},
            mode="markers+text",
            marker=marker(look, 12),
            text=[f" {look.number} "],
            textposition=place,
            name=label(arm.name),
            hovertemplate=f"{label(arm.name)}<br>{units.score_text(score, metric)}"
            f"<br>{spelled(price)}<extra></extra>",
        )
    ticks = _ticks([price for *_, price in shown], cost)
    words = [_time(tick) if cost == "seconds" else spelled(tick) for tick in ticks]
    plot.update_xaxes(type="log", tickmode="array", tickvals=ticks, ticktext=words)
    return as_json(plot)


def _ticks(prices: Sequence[float], cost: Cost) -> list[float]:
    """Return round prices about the given ones: few enough that their labels stand apart."""
    low, high = min(prices), max(prices)
    ratio = high / low
    steps = (1, 1.5, 2, 3, 4, 5, 6, 8) if ratio < 5 else (1, 2, 5) if ratio < 30 else (1,)
    powers = [step * 10.0**power for power in range(-5, 25) for step in steps]
    known = list(_TIMES) if cost == "seconds" and ratio >= 30 else powers
    first = max((at for at, tick in enumerate(known) if tick <= low), default=0)
    last = min((at for at, tick in enumerate(known) if tick >= high), default=len(known) - 1)
    ticks = known[first : last + 1]
    every = -(-len(ticks) // _MOST_TICKS)
    return ticks[(len(ticks) - 1) % every :: every]


def _time(seconds: float) -> str:
    return f"{seconds:g} s" if seconds < 60 or seconds % 60 else units.duration(seconds)


def _places(points: Sequence[tuple[float, float]]) -> list[str]:
    """Return on which side of each point its number stands, so that neighbours' do not meet."""
    tall = max(y for _, y in points) - min(y for _, y in points) or 1.0
    places = []
    for at, (x, y) in enumerate(points):
        near = [
            other
            for number, other in enumerate(points)
            if number != at and abs(log10(x / other[0])) < 0.5 and abs(y - other[1]) < 0.12 * tall
        ]
        if all(other[0] < x for other in near):
            places.append("middle right")
        elif all(other[0] > x for other in near):
            places.append("middle left")
        else:
            closest = min(near, key=lambda other: abs(log10(x / other[0])))
            # Beside the interval, which runs straight up and down through the point.
            places.append("top right" if y >= closest[1] else "bottom right")
    return places
