"""The forest plot: differences to the delivered arm with their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from headstart.report import units
from headstart.report.figures.style import Mark, as_json, figure, label, marker
from headstart.study.record import ScoreRecord
from headstart.study.words import metric_name


@dataclass(frozen=True, slots=True)
class Difference:
    """One arm minus the delivered arm, on the same items."""

    look: Mark
    name: str
    score: ScoreRecord


def forest(differences: Sequence[Difference], metric: str) -> str | None:
    """Return the plot as JSON, top row first; None if there is nothing to compare."""
    if not differences:
        return None
    points = " (points)" if units.is_percentage(metric) else ""
    plot = figure(
        f"difference in {metric_name(metric)} to the delivered{points}",
        "",
        70 + 50 * len(differences),
    )
    for row, difference in enumerate(differences):
        score = difference.score
        value, low, high = (units.scaled(v, metric) for v in (score.value, score.low, score.high))
        name = f"{difference.look.number} {label(difference.name, 44)}"
        plot.add_scatter(
            x=[value],
            y=[row],
            error_x={"type": "data", "array": [high - value], "arrayminus": [value - low]},
            mode="markers",
            marker=marker(difference.look),
            hovertemplate=f"{name}<br>{units.difference_text(score, metric)}<extra></extra>",
        )
        # The name stands over its line, so that a phone keeps the whole width for the intervals.
        plot.add_annotation(
            x=0, xref="paper", xanchor="left", y=row, yshift=17, text=name, showarrow=False
        )
    plot.add_vline(x=0, line={"width": 1.5, "dash": "dash", "color": "#808080"})
    plot.update_yaxes(visible=False, range=[len(differences) - 0.6, -0.75])
    return as_json(plot)
