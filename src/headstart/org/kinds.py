"""What can be looked for as evidence, and by what it can be told apart.

A filter's value is one word; of several values given for a filter one must fit. What a filter
may be asked for is open where the words are names (methods, tasks), else listed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from headstart.errors import nearest

OPEN: frozenset[str] = frozenset()

MEASURED = frozenset({"forgetting", "limit", "learning-curve", "few-labels", "seeds", "audit"})
"""What a study measured beyond its scores: what was forgotten; that under a limit; score against
labels; with few labels a class; each winner over several seeds; what the planner left out."""

STATES = frozenset({"candidate", "gated", "approved", "retired", "refused", "expired", "revoked"})
_MODALITY = frozenset({"text", "image"})

KINDS: Mapping[str, Mapping[str, frozenset[str]]] = {
    # A study that came to its end. ``beside``: another method in the same study.
    "study": {
        "method": OPEN,
        "beside": OPEN,
        "task": OPEN,
        "modality": _MODALITY,
        "source": OPEN,
        "bases": frozenset({"one", "several"}),
        "measured": MEASURED,
    },
    # A method's finished trials on one task.
    "trial": {"method": OPEN, "task": OPEN, "modality": _MODALITY},
    # The ledger itself. ``writers``, ``tasks``: how many.
    "ledger": {
        "writers": frozenset({"one", "several"}),
        "tasks": frozenset({"one", "several"}),
    },
    # A model in a hub. ``lineage``: it has a base that is known, in one step or more.
    "model": {
        "state": STATES,
        "modality": _MODALITY,
        "origin": frozenset({"pushed", "imported"}),
        "lineage": frozenset({"adapted", "adapted-again"}),
    },
    # A gate's decision on a revision.
    "gate": {"outcome": frozenset({"passed", "refused"}), "check": OPEN},
    # An organization's rules as a file. ``rules``: what they speak of.
    "standard": {
        "rules": frozenset({"licences", "tasks", "forgetting", "card", "latency", "approvers"}),
    },
}


def check_filters(kind: str, filters: Mapping[str, Iterable[str]]) -> None:
    """Refuse what no source of evidence could find.

    Raises:
        ValueError: An unknown kind, filter or value; the nearest is named.
    """
    if kind not in KINDS:
        raise ValueError(f"unknown kind of evidence '{kind}': {nearest(kind, KINDS)}")
    known = KINDS[kind]
    for name, values in filters.items():
        if name not in known:
            raise ValueError(f"{kind} has no filter '{name}': {nearest(name, known)}")
        for value in values:
            if known[name] and value not in known[name]:
                raise ValueError(f"{name} cannot be '{value}': {nearest(value, known[name])}")


def fits(traits: Mapping[str, Iterable[str]], filters: Mapping[str, Iterable[str]]) -> bool:
    """Whether something with these traits is what the filters ask for: of each, one value."""
    return all(not set(traits.get(name, ())).isdisjoint(filters[name]) for name in filters)


def amount(number: int) -> str:
    """Return the trait of a number of things: "none", "one" or "several"."""
    return ("none", "one")[number] if number < 2 else "several"
