"""Does the model say the same once it is written out again?"""

from __future__ import annotations

import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

from headstart.errors import HeadstartError
from headstart.hub.gate.model import JSON, Candidate, Finding, Reason, judged
from headstart.hub.gate.running.check import RunningCheck, sentence
from headstart.hub.gate.running.loading import subject_in

_NEEDS = {"onnx": "onnxruntime", "gguf": "gguf"}


class Export(RunningCheck):
    """In each of the standard's forms that the model has, outputs are the same but for drift."""

    name: ClassVar[str] = "export"

    def found(self, candidate: Candidate) -> Finding:
        """Return what was found."""
        rules = candidate.standard
        subject = subject_in(candidate.folder, candidate.bases)
        reasons: list[Reason] = []
        told: list[str] = []
        for form in rules.exports:
            needed = _NEEDS.get(form)
            if needed is not None and not find_spec(needed):
                reasons.append(Reason("", f"writing {form} needs the package {needed}"))
                continue
            with tempfile.TemporaryDirectory(prefix="form-") as place:
                try:
                    words = subject.written(form, Path(place), rules.drift)
                except HeadstartError as error:
                    reasons.append(Reason("", f"as {form}: {sentence(error, candidate)[:-1]}"))
                    continue
            told.append(words or f"there is no {form} of such a model")
        details: dict[str, JSON] = {"forms": list(rules.exports), "allowed": rules.drift}
        mend = f"Exports may differ by {rules.drift:g} at most."
        return judged(
            self.name, reasons, good=_capital("; ".join(told)) + ".", mend=mend, details=details
        )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:] if text else "The standard names no forms"
