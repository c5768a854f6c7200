"""What the gate found, as a page shows it; read with care, for its checks may be anybody's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from headstart.web.figures import figure
from headstart.web.words import Words

_MOST = 100
_INTERVAL = {"value", "low", "high"}
_FACTS = ("seconds", "versions")


@dataclass(frozen=True)
class Table:
    """Values that belong together, row by row; ``head`` names the columns."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Detail:
    """One thing that a check tells beyond its sentence: a text, or a table."""

    name: str
    text: str = ""
    table: Table | None = None


@dataclass(frozen=True)
class Found:
    """What one check found.

    Attributes:
        check: Its name.
        passed: Whether it is content.
        words: Its sentence for people.
        reasons: Why it is not: file ("" for none), and what is wrong with it.
        details: Figures and names.
    """

    check: str
    passed: bool
    words: str
    reasons: tuple[tuple[str, str], ...]
    details: tuple[Detail, ...]


@dataclass(frozen=True)
class Shown:
    """A gate's whole evidence.

    Attributes:
        findings: Of each check; what did not pass comes first.
        standard: Name of the standard, or "".
        facts: What else is known, by id: seconds, versions.
    """

    findings: tuple[Found, ...]
    standard: str
    facts: tuple[tuple[str, str], ...]

    @property
    def passed(self) -> int:
        """How many checks passed."""
        return sum(one.passed for one in self.findings)


@dataclass(frozen=True)
class Agreed:
    """Who has approved a revision so far, of how many that its standard asks for."""

    by: tuple[str, ...]
    least: int


def agreed(evidence: Mapping[str, Any] | None) -> Agreed:
    """Return who has approved, as the evidence keeps it."""
    by = (evidence or {}).get("approved_by")
    rules = (evidence or {}).get("approval")
    least = rules.get("least", 1) if isinstance(rules, dict) else 1
    names = tuple(str(one) for one in by) if isinstance(by, list) else ()
    return Agreed(names, least if isinstance(least, int) else 1)


def read(evidence: Mapping[str, Any] | None, words: Words) -> Shown | None:
    """Return a gate's evidence; None where it never ran."""
    if not evidence:
        return None
    raw = evidence.get("findings")
    findings = [_finding(one, words) for one in raw if isinstance(one, dict)] if raw else []
    standard = evidence.get("standard")
    if isinstance(standard, dict):
        standard = standard.get("name", "")
    facts = [(key, figure(evidence[key], words)) for key in _FACTS if key in evidence]
    ordered = tuple(sorted(findings, key=lambda one: one.passed))
    return Shown(ordered, figure(standard or "", words), tuple(facts))


def _finding(one: Mapping[str, Any], words: Words) -> Found:
    raw = one.get("details")
    details = dict(raw) if isinstance(raw, dict) else {}
    reasons = _reasons(details.get("reasons"))
    if reasons:
        more = details.get("count")
        details = {key: value for key, value in details.items() if key not in ("reasons", "count")}
        if isinstance(more, int) and more > len(reasons):
            details["reasons in all"] = more
    return Found(
        figure(one.get("check", ""), words), one.get("passed") is True,
        figure(one.get("words", ""), words, most=3000), reasons,
        tuple(_detail(str(key), value, words) for key, value in list(details.items())[:_MOST]),
    )  # fmt: skip


def _reasons(value: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, list):
        return ()
    return tuple(
        (str(one.get("file") or ""), str(one["reason"]))
        for one in value[:_MOST]
        if isinstance(one, dict) and "reason" in one
    )


def _detail(name: str, value: Any, words: Words) -> Detail:
    if isinstance(value, dict) and value and not value.keys() >= _INTERVAL:
        if all(isinstance(one, dict) and not one.keys() >= _INTERVAL for one in value.values()):
            named = [{"": key, **one} for key, one in value.items()]
            return Detail(name, table=_table(named, words))
        if any(isinstance(one, dict) for one in value.values()):
            rows = [(str(key), figure(one, words)) for key, one in list(value.items())[:_MOST]]
            return Detail(name, table=Table((), tuple(rows)))
    if isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
        return Detail(name, table=_table(value, words))
    return Detail(name, figure(value, words))


def _table(rows: Iterable[Mapping[str, Any]], words: Words) -> Table:
    shown = list(rows)[:_MOST]
    head = tuple(dict.fromkeys(str(key) for row in shown for key in row))[:12]
    return Table(
        head,
        tuple(
            tuple(figure(row[key], words) if key in row else "" for key in head) for row in shown
        ),
    )
