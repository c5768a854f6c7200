"""Are enough seeds behind the scores in the card?"""

from __future__ import annotations

from typing import ClassVar

from headstart.hub.gate.lineage import CARD, is_itself_a_base, read_lineage
from headstart.hub.gate.model import Candidate, Finding


class Seeds:
    """``headstart.seeds`` in the card is no less than the standard asks for."""

    name: ClassVar[str] = "seeds"

    def __call__(self, candidate: Candidate) -> Finding:
        """Return what was found."""
        least, found = candidate.standard.seeds, read_lineage(candidate.folder).seeds
        if is_itself_a_base(candidate):
            words = "A base from outside that names no base: nothing was adapted, with any seed."
            return Finding(self.name, True, words, {"seeds": None, "least": least})
        if found is None:
            words = f"{CARD}: the method draws nothing at random, so one run is all there is."
            return Finding(self.name, True, words, {"seeds": None, "least": least})
        passed = found >= least
        words = f"{CARD}: {found} seeds are behind the scores; the standard asks for {least}."
        mend = "" if passed else f" Adapt with --seeds {least}."
        return Finding(self.name, passed, words + mend, {"seeds": found, "least": least})
