"""What all plots share: colours, shapes and dashes that do not rely on colour, and the layout."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

# Okabe & Ito (2008), "Color Universal Design"; black is replaced by a grey that also shows on a
# dark page, and the yellow comes last because it is faint on white.
PALETTE = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#808080",
    "#D9C400",
)
SYMBOLS = (
    ("circle", "●"),
    ("square", "■"),
    ("triangle-up", "▲"),
    ("diamond", "◆"),
    ("triangle-down", "▼"),
    ("star", "★"),
    ("cross", "✚"),
    ("x", "✖"),
)
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")


@dataclass(frozen=True, slots=True)
class Mark:
    """How one arm looks everywhere on the page: number, colour, shape and dash.

    Attributes:
        number: Its row in the table of arms, from 1; written beside its points.
        colour: Hexadecimal, from :data:`PALETTE`.
        symbol: Plotly's name of the shape.
        glyph: The same shape as a character, for text.
        dash: Plotly's name of the line style.
    """

    number: int
    colour: str
    symbol: str
    glyph: str
    dash: str


def mark(position: int) -> Mark:
    """Return the look of the arm in row ``position`` (from 0); 64 looks before one repeats."""
    turn, colour = divmod(position, len(PALETTE))
    symbol, glyph = SYMBOLS[(position + turn) % len(SYMBOLS)]
    dash = DASHES[position % len(DASHES)]
    return Mark(position + 1, PALETTE[colour], symbol, glyph, dash)


def label(text: str, longest: int = 40) -> str:
    """Return ``text`` for plotly, which reads a little HTML: escaped, on one line, not too long."""
    line = " ".join(text.split())
    if len(line) > longest:
        line = line[: longest - 1] + "…"
    return html.escape(line, quote=False)


def figure(x: str, y: str, height: int) -> go.Figure:
    """Return an empty plot with titled axes; text and grid take their colours from the page."""
    plot = go.Figure()
    plot.update_layout(
        template=go.layout.Template(),
        height=height,
        autosize=True,
        margin={"l": 8, "r": 12, "t": 12, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": "system-ui, sans-serif", "size": 12},
        showlegend=False,
        hovermode="closest",
        hoverlabel={"bgcolor": "#222", "font": {"color": "#fff"}},
        dragmode=False,
    )
    shared = {"automargin": True, "gridcolor": "#ccc", "zeroline": False, "ticks": "outside"}
    plot.update_xaxes(title={"text": label(x, 90), "standoff": 8}, **shared)
    plot.update_yaxes(title={"text": label(y, 60), "standoff": 8}, **shared)
    return plot


def as_json(plot: go.Figure) -> str:
    """Return the plot as JSON that may stand inside a ``<script>`` element."""
    text: str = plot.to_json()
    return script_safe(text)


def script_safe(text: str) -> str:
    """Return JSON ``text`` with every character escaped that could end its script element."""
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def marker(look: Mark, size: int = 11) -> dict[str, Any]:
    """Return plotly's description of an arm's marker."""
    return {"color": look.colour, "symbol": look.symbol, "size": size}
