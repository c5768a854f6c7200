"""Evidence that an expectation was carried out: where it is asked for, and what comes back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from headstart.org.profile import Expectation, Requirement

Filters = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Proof:
    """One thing that was done.

    Attributes:
        title: For people, in the words of what was done.
        when: It came to its end then, in UTC; None if nobody knows.
        where: Where it lies, for people: a folder, an entry of the ledger.
        link: The address of a page that shows it, or "".
        key: What tells that two sources speak of the same thing, or "".
    """

    title: str
    when: datetime | None
    where: str
    link: str = ""
    key: str = ""


class EvidenceSource(Protocol):
    """Something that knows what was done in this installation."""

    def find(self, kind: str, filters: Filters) -> list[Proof]:
        """Return what fits, the newest first; nothing of a kind that this source does not know.

        Args:
            kind: One of ``headstart.org.kinds.KINDS``.
            filters: By name the values of which one must fit; all filters must.
        """


@dataclass(frozen=True)
class Shown:
    """A requirement and what was found for it, the newest first."""

    requirement: Requirement
    proofs: tuple[Proof, ...]

    @property
    def met(self) -> bool:
        """Whether enough was found."""
        return len(self.proofs) >= self.requirement.least


def evidence_for(expectation: Expectation, sources: Iterable[EvidenceSource]) -> tuple[Shown, ...]:
    """Return each of an expectation's requirements with what all sources found for it."""
    asked = tuple(sources)
    return tuple(Shown(one, _found(one, asked)) for one in expectation.evidence)


def _found(requirement: Requirement, sources: Iterable[EvidenceSource]) -> tuple[Proof, ...]:
    seen: set[str] = set()
    proofs = []
    for source in sources:
        for proof in source.find(requirement.kind, requirement.filters):
            if proof.key and proof.key in seen:
                continue
            seen.add(proof.key)
            proofs.append(proof)
    return tuple(sorted(proofs, key=newest_first))


def newest_first(proof: Proof) -> tuple[float, str]:
    """Return what proofs are sorted by; those without a time come last."""
    when = proof.when
    if when is None:
        return (float("inf"), proof.title)
    aware = when if when.tzinfo else when.replace(tzinfo=UTC)
    return (-aware.timestamp(), proof.title)
