"""Run all checks of a standard on a candidate, each in its own process; keep the evidence."""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from headstart.hub.gate.checks import CHECKS
from headstart.hub.gate.model import Candidate, Check, Finding
from headstart.hub.gate.sandbox import run_check
from headstart.progress import Progress, Silent

_FIRST = frozenset({"formats", "pickle", "configuration", "templates"})
_PACKAGES = ("headstart", "torch", "transformers", "peft", "timm", "safetensors", "jinja2", "numpy")


@dataclass(frozen=True)
class Evidence:
    """What the gate found; stored with the revision.

    Attributes:
        model: ``team/model``.
        standard: Name of the standard.
        fingerprint: Hash of all rules of the standard.
        findings: One a check, in the standard's order.
        seconds: Time that all checks took.
        versions: Of Python and the libraries that were used.
    """

    model: str
    standard: str
    fingerprint: str
    findings: tuple[Finding, ...]
    seconds: float
    versions: dict[str, str]

    @property
    def passed(self) -> bool:
        """Whether there were checks, and every one passed."""
        return bool(self.findings) and all(finding.passed for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {**asdict(self), "passed": self.passed}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Evidence:
        """Return the evidence that :meth:`to_json` told."""
        kept = {name: told[name] for name in cls.__dataclass_fields__}
        return cls(**{**kept, "findings": tuple(Finding(**row) for row in told["findings"])})


def gate(candidate: Candidate, progress: Progress | None = None) -> Evidence:
    """Run every check of the candidate's standard; none stops the others, but for one rule.

    What the checks of files refuse is not loaded: those that run the model have failed, then.

    Args:
        candidate: One revision, and what it is held against.
        progress: Who watches.

    Raises:
        RequestError: The standard names a check that does not exist; nothing was run.
    """
    progress = Silent() if progress is None else progress
    checks = [CHECKS.get(name) for name in candidate.standard.checks]
    begin = time.monotonic()
    findings: list[Finding] = []
    with progress.bar(f"checks of {candidate.name}", len(checks)) as advance:
        for check in checks:
            findings.append(_unsafe(check, findings) or run_check(check, candidate))
            progress.say(f"{check.name}: {'passed' if findings[-1].passed else 'FAILED'}")
            advance()
    return Evidence(
        model=candidate.name,
        standard=candidate.standard.name,
        fingerprint=candidate.standard.fingerprint,
        findings=tuple(findings),
        seconds=time.monotonic() - begin,
        versions=_versions(),
    )


def _unsafe(check: type[Check], before: Sequence[Finding]) -> Finding | None:
    """Return that a check is not run, since it would load what was refused; None if it may."""
    refused = [one.check for one in before if one.check in _FIRST and not one.passed]
    if not refused or not getattr(check, "runs_model", False):
        return None
    words = f"Not run: the model is not loaded, since its files were refused ({refused[0]})."
    return Finding(check.name, False, words)


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
