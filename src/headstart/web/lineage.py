"""Where a model comes from and what came of it, as a drawing: one row a model, bases above.

It grows downwards, so that it fits a phone; a line leads from each base to what was made of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

ROW, STEP, RADIUS = 34, 26, 6
_LETTER = 9.6  # an upper bound for the width of a bold sign, in the drawing's units


@dataclass(frozen=True)
class Node:
    """One model.

    Attributes:
        name: As the card that names it has it.
        place: Its page, or "" where it is not on this hub, or not the reader's to see.
        bases: What it was made from, by name.
        facts: What its card tells of the step (:mod:`headstart.web.steps`).
    """

    name: str
    place: str = ""
    bases: tuple[str, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Drawn:
    """A node at its place in the drawing."""

    node: Node
    x: int
    y: int


@dataclass(frozen=True)
class Drawing:
    """A graph laid out, in its own units."""

    width: int
    height: int
    nodes: tuple[Drawn, ...]
    lines: tuple[str, ...]


def drawing(nodes: Sequence[Node]) -> Drawing:
    """Lay a graph out; a circle, which only a wrong card can make, is cut somewhere."""
    known = {node.name: node for node in nodes}
    depths: dict[str, int] = {}

    def depth(name: str, path: tuple[str, ...] = ()) -> int:
        if name not in depths:
            bases = [one for one in known[name].bases if one in known and one not in path]
            depths[name] = 1 + max((depth(one, (*path, name)) for one in bases), default=-1)
        return depths[name]

    ordered = sorted(nodes, key=lambda node: (depth(node.name), node.name.lower()))
    drawn = {
        node.name: Drawn(node, RADIUS + 2 + depths[node.name] * STEP, ROW // 2 + row * ROW)
        for row, node in enumerate(ordered)
    }
    lines = [
        f"M{drawn[base].x} {drawn[base].y}V{one.y}H{one.x}"
        for one in drawn.values()
        for base in one.node.bases
        if base in drawn and drawn[base].y < one.y
    ]
    width = max((one.x + 16 + int(_LETTER * len(one.node.name)) for one in drawn.values()),
                default=0)  # fmt: skip
    return Drawing(width, ROW * len(ordered), tuple(drawn.values()), tuple(lines))


def bases_in(card: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what a card names as its base, at most ten; else the one that headstart began with."""
    found = card.get("base_model") or own_block(card).get("base")
    values = found if isinstance(found, list) else [found]
    named = [_plain(one.strip())[:200] for one in values if isinstance(one, str) and one.strip()]
    return tuple(dict.fromkeys(named))[:10]


def own_block(card: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a card's ``headstart`` block: how the model was made, and what that cost."""
    own = card.get("headstart")
    return own if isinstance(own, dict) else {}


def _plain(base: str) -> str:
    """Return the name of a model on this hub for ``hub:team/name@revision``; others as they are."""
    return base.removeprefix("hub:").partition("@")[0] if base.startswith("hub:") else base


def listed(value: Any) -> str:
    """Return a value of a card on one line, cut where it is long."""
    if isinstance(value, dict):
        text = ", ".join(f"{key}: {listed(one)}" for key, one in list(value.items())[:20])
    elif isinstance(value, list):
        text = ", ".join(listed(one) for one in value[:20])
    else:
        text = "" if value is None else str(value)
    return " ".join(text.split())[:300]
