"""The plot of test score against cost, one point with its interval an arm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from headstart.report import units
from headstart.report.figures.style import Mark, as_json, figure, label, marker
from headstart.study.record import ArmRecord

Cost = Literal["seconds", "flop"]
_AXIS = {
    "seconds": "time to train and evaluate, seconds (logarithmic)",
    "flop": "compute, floating-point operations (logarithmic)",
}


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
    plot = figure(_AXIS[cost], f"test {metric}{unit}", 380)
    spelled = units.duration if cost == "seconds" else units.flop_text
    for look, arm, score, price in shown:
        value, low, high = (units.scaled(v, metric) for v in (score.value, score.low, score.high))
        plot.add_scatter(
            x=[price],
            y=[value],
            error_y={"type": "data", "array": [high - value], "arrayminus": [value - low]},
            mode="markers+text",
            marker=marker(look, 12),
            text=[f" {look.number}"],
            textposition="middle right",
            name=label(arm.name),
            hovertemplate=f"{label(arm.name)}<br>{units.score_text(score, metric)}"
            f"<br>{spelled(price)}<extra></extra>",
        )
    plot.update_xaxes(type="log", exponentformat="power", dtick=1 if cost == "seconds" else None)
    return as_json(plot)
