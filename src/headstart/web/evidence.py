"""What the gate found, as a page shows it; read with care, for its checks may be anybody's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_LONGEST = 400
_MOST = 40


@dataclass(frozen=True)
class Found:
    """What one check found.

    Attributes:
        check: Its name.
        passed: Whether it is content.
        words: Its sentence for people.
        details: Numbers and names, each as a text.
    """

    check: str
    passed: bool
    words: str
    details: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Shown:
    """A gate's whole evidence.

    Attributes:
        findings: Of each check; what did not pass comes first.
        standard: Name of the standard, or "".
        facts: What else is known: seconds, versions.
    """

    findings: tuple[Found, ...]
    standard: str
    facts: tuple[tuple[str, str], ...]

    @property
    def passed(self) -> int:
        """How many checks passed."""
        return sum(one.passed for one in self.findings)


def read(evidence: Mapping[str, Any] | None) -> Shown | None:
    """Return a gate's evidence; None where it never ran."""
    if not evidence:
        return None
    raw = evidence.get("findings")
    findings = [_finding(one) for one in raw if isinstance(one, dict)] if raw else []
    standard = evidence.get("standard")
    if isinstance(standard, dict):
        standard = standard.get("name", "")
    facts = {key: evidence[key] for key in ("seconds", "versions") if key in evidence}
    return Shown(
        tuple(sorted(findings, key=lambda one: one.passed)), text(standard or ""), _pairs(facts)
    )


def text(value: Any) -> str:
    """Return a value of the evidence for people: an interval as ``0.91 [0.88, 0.94]``."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        found = str(value)
    elif isinstance(value, int | float):
        found = f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
    elif isinstance(value, dict) and {"value", "low", "high"} <= value.keys():
        found = f"{text(value['value'])} [{text(value['low'])}, {text(value['high'])}]"
    elif isinstance(value, dict):
        found = ", ".join(f"{key}: {text(one)}" for key, one in list(value.items())[:_MOST])
    elif isinstance(value, list):
        found = ", ".join(text(one) for one in value[:_MOST])
    else:
        found = json.dumps(value, default=str)
    return found if len(found) <= _LONGEST else found[: _LONGEST - 1] + "…"


def _finding(one: Mapping[str, Any]) -> Found:
    details = one.get("details")
    return Found(
        text(one.get("check", "")), one.get("passed") is True, text(one.get("words", "")),
        _pairs(details) if isinstance(details, dict) else (),
    )  # fmt: skip


def _pairs(values: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((str(key), text(value)) for key, value in list(values.items())[:_MOST])
