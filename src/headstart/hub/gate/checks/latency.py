"""Is the model quick enough, one input at a time?"""

from __future__ import annotations

import time
from typing import ClassVar

import numpy as np

from headstart.hub.gate.model import JSON, Candidate, Finding
from headstart.hub.gate.running.check import RunningCheck
from headstart.hub.gate.running.loading import subject_in
from headstart.method.samples import neutral_inputs

_WARM, _TIMES = 3, 40


class Latency(RunningCheck):
    """A percentile of the times of single inputs, on one thread, is within the limit."""

    name: ClassVar[str] = "latency"

    def found(self, candidate: Candidate) -> Finding:
        """Return what was found."""
        rule = candidate.standard.latency
        if rule is None:
            return Finding(self.name, True, "The standard sets no limit on time.")
        subject = subject_in(candidate.folder, candidate.bases)
        if subject.modality is None:
            return Finding(self.name, False, "Nothing here makes inputs for it, to be timed.")
        inputs = neutral_inputs(subject.signature, subject.modality)
        taken = []
        for number in range(_WARM + _TIMES):
            begin = time.perf_counter()
            subject.scores([inputs[number % len(inputs)]])
            taken.append(1000 * (time.perf_counter() - begin))
        found = float(np.percentile(taken[_WARM:], rule.percentile))
        passed = found <= rule.milliseconds
        words = f"{rule.percentile:g}% of {_TIMES} inputs took at most {found:.3g} ms each"
        limit = f"the limit is {rule.milliseconds:g} ms"
        details: dict[str, JSON] = {
            "milliseconds": found, "percentile": rule.percentile, "limit": rule.milliseconds,
        }  # fmt: skip
        mend = "" if passed else " Take a smaller base."
        return Finding(self.name, passed, f"{words}; {limit}.{mend}", details)
