"""Evidence from the hub: models, gates and standards, as far as whoever looks may know of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, or_, select

from headstart.hub.access.model import Asker
from headstart.hub.actions import finding
from headstart.hub.registry import states
from headstart.hub.registry.database import Database
from headstart.hub.registry.model import State
from headstart.hub.registry.search import owned, seen
from headstart.hub.registry.states import Standing
from headstart.hub.registry.tables import EventTable, RepoTable, RevisionTable
from headstart.org.kinds import fits
from headstart.org.proof import Filters, Proof

MOST = 500
_IMAGES = ("image", "object-detection", "depth", "video")
_RULES = {  # what a standard speaks of, by the names that its file may have for it
    "licences": ("licences", "licenses"),
    "tasks": ("tasks",),
    "forgetting": ("forgetting", "forget_at_most"),
    "card": ("card",),
    "latency": ("latency",),
    "approvers": ("approvers", "approval"),
}


@dataclass(frozen=True)
class _Revision:
    """One judged revision of a model."""

    name: str
    bases: tuple[str, ...]
    pipeline: str | None
    standing: Standing


class HubEvidence:
    """The newest five hundred revisions that were judged, read once: made anew for each look.

    Args:
        database: The hub's registry.
        asker: Who looks: what they may not see is no evidence, and is not counted.
    """

    def __init__(self, database: Database, asker: Asker) -> None:
        self._database, self._asker = database, asker
        self._known: list[_Revision] | None = None
        self._imported: set[str] = set()

    def find(self, kind: str, filters: Filters) -> list[Proof]:
        """Return what fits, the newest first."""
        ways: dict[str, Callable[[_Revision], Mapping[str, set[str]] | None]] = {
            "model": self._model, "gate": _gate, "standard": _standard,
        }  # fmt: skip
        if kind not in ways:
            return []
        found: dict[str, Proof] = {}
        for one in self._revisions():
            traits = ways[kind](one)
            if traits is not None and fits(traits, filters):
                proof = _proof(kind, one)
                found.setdefault(proof.key, proof)
        return list(found.values())

    def _model(self, one: _Revision) -> Mapping[str, set[str]]:
        image = (one.pipeline or "").startswith(_IMAGES)
        parents = {other.name for other in self._revisions() if other.bases}
        lineage = {"adapted"} if one.bases else set()
        if parents.intersection(one.bases):
            lineage.add("adapted-again")
        return {
            "state": {str(one.standing.state)},
            "modality": {"image" if image else "text"} if one.pipeline else set(),
            "origin": {"imported" if one.name in self._imported else "pushed"},
            "lineage": lineage,
        }

    def _revisions(self) -> list[_Revision]:
        if self._known is None:
            self._known = self._database.read(self._read)
        return self._known

    def _read(self, connection: Connection) -> list[_Revision]:
        sight = finding.sight_of(connection, self._asker)
        rows = connection.execute(
            select(RevisionTable.__table__, RepoTable.name, RepoTable.card, RepoTable.pipeline)
            .join(RepoTable, RepoTable.id == RevisionTable.repo)
            .where(*seen(sight), or_(RevisionTable.state == State.APPROVED, owned(sight.drafts)))
            .order_by(RevisionTable.changed.desc())
            .limit(MOST)
        ).all()
        brought = select(EventTable.target).where(EventTable.what == "import").distinct()
        self._imported = set(connection.execute(brought.limit(10 * MOST)).scalars())
        return [
            _Revision(row.name, _bases(row.card), row.pipeline, states.standing_of(row))
            for row in rows
        ]


def _gate(one: _Revision) -> Mapping[str, set[str]] | None:
    evidence = one.standing.evidence
    if not evidence:
        return None
    findings = [found for found in evidence.get("findings") or () if isinstance(found, dict)]
    passed = all(found.get("passed") is True for found in findings)
    return {
        "outcome": {"passed" if findings and passed else "refused"},
        "check": {str(found.get("check", "")) for found in findings},
    }


def _standard(one: _Revision) -> Mapping[str, set[str]] | None:
    standard = (one.standing.evidence or {}).get("standard")
    if not isinstance(standard, dict):
        return None
    rules = {rule for rule, keys in _RULES.items() if any(standard.get(key) for key in keys)}
    return {"rules": rules}


def _proof(kind: str, one: _Revision) -> Proof:
    standing = one.standing
    title, key = f"{one.name}: {standing.state}", f"{kind} {standing.commit}"
    if kind == "standard":
        name = str((standing.evidence or {})["standard"].get("name", "standard"))[:100]
        title, key = f"{name} ({one.name})", f"standard {name}"
    where = f"hub, {one.name} at {standing.commit[:7]}"
    return Proof(title, standing.changed, where, f"/{one.name}/commit/{standing.commit}", key)


def _bases(card: Mapping[str, Any]) -> tuple[str, ...]:
    value = card.get("base_model")
    return tuple(str(one) for one in (value if isinstance(value, list) else [value]) if one)
