"""How far the delivered model can be believed: reliability diagram and residual plots."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from headstart.report.figures.style import PALETTE, as_json, figure
from headstart.study.evidence import Calibration

_LINE = {"color": "#808080", "width": 1.5, "dash": "dash"}


def reliability(calibration: Calibration) -> str | None:
    """Return accuracy against confidence by bin (Niculescu-Mizil & Caruana 2005)."""
    bins = [b for b in calibration.bins if b.count > 0]
    if not bins:
        return None
    plot = figure("mean confidence, percent", "accuracy, percent", 340)
    plot.add_scatter(x=[0, 100], y=[0, 100], mode="lines", line=_LINE, hoverinfo="skip")
    largest = max(b.count for b in bins)
    plot.add_scatter(
        x=[b.confidence * 100 for b in bins],
        y=[b.accuracy * 100 for b in bins],
        mode="lines+markers",
        line={"color": PALETTE[0], "width": 1},
        # The area of a marker, not its diameter, grows with the count.
        marker={
            "color": PALETTE[0],
            "size": [7 + 19 * (b.count / largest) ** 0.5 for b in bins],
            "opacity": 0.85,
        },
        customdata=[b.count for b in bins],
        hovertemplate="confidence %{x:.1f}%<br>accuracy %{y:.1f}%<br>%{customdata:,} items"
        "<extra></extra>",
    )
    plot.update_xaxes(range=[-3, 103])
    plot.update_yaxes(range=[-3, 103])
    return as_json(plot)


def predicted_against_truth(residuals: Sequence[tuple[float, float]]) -> str | None:
    """Return predictions against the truth with the line on which they would agree."""
    if not residuals:
        return None
    truth = [pair[0] for pair in residuals]
    predicted = [pair[1] for pair in residuals]
    ends = [min(truth + predicted), max(truth + predicted)]
    plot = figure("truth", "predicted", 320)
    plot.add_scatter(x=ends, y=ends, mode="lines", line=_LINE, hoverinfo="skip")
    _points(plot, truth, predicted, "truth %{x:.4g}<br>predicted %{y:.4g}<extra></extra>")
    return as_json(plot)


def residual_against_predicted(residuals: Sequence[tuple[float, float]]) -> str | None:
    """Return truth minus prediction against the prediction; a pattern means something is missed."""
    if not residuals:
        return None
    predicted = [pair[1] for pair in residuals]
    rest = [pair[0] - pair[1] for pair in residuals]
    plot = figure("predicted", "truth minus predicted", 320)
    plot.add_hline(y=0, line=_LINE)
    _points(plot, predicted, rest, "predicted %{x:.4g}<br>residual %{y:.4g}<extra></extra>")
    return as_json(plot)


def _points(plot: go.Figure, x: list[float], y: list[float], hover: str) -> None:
    style = {"color": PALETTE[0], "size": 6, "opacity": 0.55}
    plot.add_scatter(x=x, y=y, mode="markers", marker=style, hovertemplate=hover)
