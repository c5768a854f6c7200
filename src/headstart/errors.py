"""The errors a user can meet: each names the thing, the place and the mend."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class HeadstartError(Exception):
    """Base of every error that headstart raises on purpose.

    Args:
        what: What was found and what was expected, one sentence.
        where: File, row or option in which it was found.
        mend: What the user can do or type to go on.
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str | None = None, mend: str | None = None) -> None:
        self.what, self.where, self.mend = what, where, mend
        lines = [what]
        if where:
            lines.append(f"  where: {where}")
        if mend:
            lines.append(f"  mend:  {mend}")
        super().__init__("\n".join(lines))


class RequestError(HeadstartError):
    """The request was wrong: bad data, unknown name, impossible option (exit code 2)."""

    exit_code = 2


class UnusableError(RequestError):
    """A place that was named cannot be used now: out of reach, damaged, or something else."""


class UnwritableError(UnusableError):
    """A place cannot be written to: read-only, or full. Nothing goes on without it."""


class NoRoomError(UnwritableError):
    """A place cannot be written to, for it is full."""


class WorkError(HeadstartError):
    """The request was right, the work failed: disk full, all trials failed (exit code 1)."""

    exit_code = 1


class CrowdedError(WorkError):
    """Others were in the way for too long: the same may work a little later."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the sentence that helps with an unknown ``name``: the nearest known, then all."""
    names = sorted(known)
    close = get_close_matches(name, names, n=1, cutoff=0.5)
    guess = f"did you mean '{close[0]}'? " if close else ""
    shown = ", ".join(names[:20]) + (", …" if len(names) > 20 else "")
    return f"{guess}known: {shown}"
