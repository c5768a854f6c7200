"""Does the model load in a fresh process, by its own library, and say something?"""

from __future__ import annotations

from typing import ClassVar

from headstart.hub.gate.model import JSON, Candidate, Finding
from headstart.hub.gate.running.check import RunningCheck
from headstart.hub.gate.running.loading import subject_in


class Load(RunningCheck):
    """All weights are there, no code of its own is needed, and outputs are numbers."""

    name: ClassVar[str] = "load"

    def found(self, candidate: Candidate) -> Finding:
        """Return what was found."""
        subject = subject_in(candidate.folder, candidate.bases)
        said = subject.sayings()
        details: dict[str, JSON] = {
            "library": subject.library,
            "kind": str(subject.signature.kind) if subject.signature else None,
            "classes": len(subject.signature.classes) if subject.signature else 0,
            "inputs": len(said),
        }
        notes = "".join(f", {note}" for note in subject.notes)
        did = (
            f", and says numbers of {len(said)} inputs"
            if said
            else "; nothing here makes inputs for it, so it was not run"
        )
        return Finding(self.name, True, f"Loads by {subject.library}{notes}{did}.", details)
