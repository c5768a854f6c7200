"""What the gate speaks of: a candidate, a check, and what a check found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Protocol, TypeAlias

from headstart.hub.gate.standard import Standard

JSON: TypeAlias = bool | int | float | str | Sequence["JSON"] | Mapping[str, "JSON"] | None

_SHOWN = 5  # reasons told in words; all others are counted, and listed in the details
_KEPT = 100


@dataclass(frozen=True)
class Candidate:
    """One revision that asks to be approved.

    Attributes:
        folder: The revision's files, read only.
        name: ``team/model``.
        standard: What it is held against.
        bases: Reference of each base in its lineage to the base's folder, where it is known here.
        incumbent: Folder of the approved revision, when there is one.
        imported: Where the keeper brought it in from, with its revision; None if it was pushed.
        data: The reference tasks' data, by the standard's names.
    """

    folder: Path
    name: str
    standard: Standard
    bases: Mapping[str, Path] = field(default_factory=dict)
    incumbent: Path | None = None
    imported: str | None = None
    data: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes:
        check: The check's name.
        passed: Whether the candidate may go on.
        words: For people: what was found, in which file, what to do.
        details: Numbers with their intervals, file names, limits.
    """

    check: str
    passed: bool
    words: str
    details: dict[str, JSON] = field(default_factory=dict)


class Check(Protocol):
    """One check of the gate; takes no arguments to make, one file, one line in the registry."""

    name: ClassVar[str]

    def __call__(self, candidate: Candidate) -> Finding:
        """Return what was found; raising counts as failing."""
        ...


@dataclass(frozen=True)
class Reason:
    """One thing to refuse.

    Attributes:
        file: Path within the candidate's folder, or "" for the folder itself.
        words: What is wrong with it, without a full stop.
    """

    file: str
    words: str

    def __str__(self) -> str:
        return f"{self.file}: {self.words}" if self.file else self.words


def judged(
    check: str, reasons: Sequence[Reason], *, good: str, mend: str, details: dict[str, JSON]
) -> Finding:
    """Return the finding of a check that refuses for any reason.

    Args:
        check: Its name.
        reasons: Why to refuse; none passes.
        good: What to say when it passes.
        mend: What to do about the reasons.
        details: Figures to keep either way.
    """
    if not reasons:
        return Finding(check, True, good, details)
    more = len(reasons) - _SHOWN
    shown = "; ".join(printable(str(reason)) for reason in reasons[:_SHOWN])
    words = f"{shown}{f'; and {more:,} more' if more > 0 else ''}. {mend}"
    listed: list[JSON] = [
        {"file": printable(reason.file), "reason": printable(reason.words)}
        for reason in reasons[:_KEPT]
    ]
    return Finding(check, False, words, {**details, "reasons": listed, "count": len(reasons)})


def printable(text: str, most: int = 400) -> str:
    """Return one line of ``text`` that is safe to show, log and send: no control characters."""
    line = "".join(c if c.isprintable() else "�" for c in text[: most + 1])
    return line if len(line) <= most else line[: most - 1] + "…"
