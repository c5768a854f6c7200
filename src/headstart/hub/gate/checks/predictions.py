"""Does the model still say what was recorded of it?"""

from __future__ import annotations

from typing import ClassVar

from headstart.errors import WorkError
from headstart.hub.gate.model import JSON, Candidate, Finding, Reason, judged
from headstart.hub.gate.running.check import RunningCheck
from headstart.hub.gate.running.loading import subject_in
from headstart.method.samples import FILE, difference, read_samples


class Predictions(RunningCheck):
    """``predictions.json`` is reproduced: input by input, by the names of classes."""

    name: ClassVar[str] = "predictions"

    def found(self, candidate: Candidate) -> Finding:
        """Return what was found."""
        recorded = read_samples(candidate.folder)
        if recorded is None:
            needed = candidate.standard.samples == "required"
            words = (
                f"There is no {FILE}, which the standard requires: headstart hub record FOLDER."
                if needed
                else f"There is no {FILE}, and the standard does not require it."
            )
            return Finding(self.name, not needed, words, {"samples": 0})
        subject = subject_in(candidate.folder, candidate.bases)
        now = subject.said([one.as_input() for one in recorded.samples])
        tolerance, apart = candidate.standard.predictions, 0.0
        reasons: list[Reason] = []
        for number, (sample, said) in enumerate(zip(recorded.samples, now, strict=True), start=1):
            try:
                apart = max(apart, difference(sample.output, said, tolerance))
            except WorkError as error:
                reasons.append(Reason(FILE, f"sample {number}: {error.what}"))
        details: dict[str, JSON] = {
            "samples": len(now), "allowed": tolerance, "largest": None if reasons else apart,
        }  # fmt: skip
        good = f"{len(now)} recorded predictions are reproduced, off by at most {apart:.1g}."
        mend = (
            "The weights, the classes' names or the preprocessing are not those that were recorded."
        )
        return judged(self.name, reasons, good=good, mend=mend, details=details)
