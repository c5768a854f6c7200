"""Is it told where the model comes from: base, data and study, and is the base known?

What the keeper imported is a base itself: the audit log says from where.
"""

from __future__ import annotations

from typing import ClassVar

from headstart.hub.gate.lineage import CARD, known_base, read_lineage
from headstart.hub.gate.model import JSON, Candidate, Finding, Reason, judged, printable

_TOLD = {"trial": "trial", "fingerprint": "data.fingerprint"}


class LineageCheck:
    """The card's ``headstart`` block is whole, and its base is one this hub or machine has."""

    name: ClassVar[str] = "lineage"

    def __call__(self, candidate: Candidate) -> Finding:
        """Return what was found."""
        if candidate.imported is not None:
            words = f"A base from outside: {printable(candidate.imported)}."
            return Finding(self.name, True, words, {"imported": candidate.imported})
        lineage = read_lineage(candidate.folder)
        reasons: list[Reason] = []
        if not lineage.told:
            reasons.append(Reason(CARD, "the field 'headstart' is missing or holds none"))
        reasons += [
            Reason(CARD, f"'headstart.{key}' is missing")
            for name, key in _TOLD.items()
            if lineage.told and getattr(lineage, name) is None
        ]
        named = lineage.base or next(iter(lineage.models), None)
        if named is None:
            if _needs_base(candidate):
                reasons.append(Reason(CARD, "no base is named ('headstart.base')"))
        elif known_base(lineage, candidate.bases) is None:
            words = f"the base '{named}' is neither an approved model of this hub nor bundled"
            reasons.append(Reason(CARD, words))
        details: dict[str, JSON] = {
            "base": named, "trial": lineage.trial, "fingerprint": lineage.fingerprint,
        }  # fmt: skip
        good = f"Base, data and trial are told, and the base {named or '(none)'} is known."
        mend = "`headstart adapt` writes these fields; push or import the base first."
        return judged(self.name, reasons, good=good, mend=mend, details=details)


def _needs_base(candidate: Candidate) -> bool:
    """Return whether the folder holds more than a baseline that starts from nothing."""
    return (candidate.folder / "config.json").is_file() or not (
        candidate.folder / "headstart.json"
    ).is_file()
