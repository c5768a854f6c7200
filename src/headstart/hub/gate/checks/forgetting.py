"""How much of what its base could do has the model lost?"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from headstart.base.decoder import Decoder
from headstart.base.skeleton import Skeleton
from headstart.errors import RequestError
from headstart.hub.gate.lineage import CARD, is_itself_a_base, known_base, read_lineage
from headstart.hub.gate.model import JSON, Candidate, Finding, Reason, judged
from headstart.hub.gate.running.bodies import body_in, body_named
from headstart.hub.gate.running.check import RunningCheck
from headstart.hub.gate.running.loading import subject_in
from headstart.measure.interval import Interval
from headstart.progress import Silent
from headstart.retention.forgotten import forgotten
from headstart.retention.labelled import state_of
from headstart.retention.suite import PARTS, Suite, read_suites
from headstart.task.model import Modality

_USUAL = {Modality.TEXT: "packaged:bbc-news", Modality.IMAGE: "packaged:digits"}


class Forgetting(RunningCheck):
    """Base against model on what is retained: the interval's upper end is within the limit."""

    name: ClassVar[str] = "forgetting"

    def found(self, candidate: Candidate) -> Finding:
        """Return what was found."""
        rule = candidate.standard.forgetting
        if rule is None:
            return Finding(self.name, True, "The standard sets no limit on what is forgotten.")
        if is_itself_a_base(candidate):
            words = "A base from outside that names no base: there is nothing it could have lost."
            return Finding(self.name, True, words)
        body = subject_in(candidate.folder, candidate.bases).body()
        if body is None:
            return Finding(self.name, True, "It has no base: it was not pre-trained on anything.")
        writes = isinstance(body, Decoder)
        base = _base(candidate, writes=writes)
        kept = _state(base) == _state(body)
        reasons: list[Reason] = []
        rows: list[JSON] = []
        told: list[str] = []
        for suite in _suites(candidate, body, writes=writes):
            lost = Interval(0.0, 0.0, 0.0) if kept else _lost(suite, base, body)
            words = f"{suite.name}: {lost.value:.1%} [{lost.low:.1%}, {lost.high:.1%}] forgotten"
            told.append(words)
            rows.append(
                {
                    "suite": suite.name, "metric": suite.metric, "value": lost.value,
                    "low": lost.low, "high": lost.high, "at_most": rule.at_most,
                    "fingerprint": suite.fingerprint(),
                }
            )  # fmt: skip
            if not lost.high <= rule.at_most:
                reasons.append(Reason("", f"{words}; allowed is at most {rule.at_most:.1%}"))
        mend = "Adapt it with --forget-at-most, or by a method that leaves the base as it is."
        return judged(
            self.name, reasons, good="; ".join(told) + ".", mend=mend, details={"suites": rows}
        )


def _base(candidate: Candidate, *, writes: bool) -> Skeleton:
    """Return the base that the card names.

    Raises:
        RequestError: It names none, or one that is not known here.
    """
    lineage = read_lineage(candidate.folder)
    place = known_base(lineage, candidate.bases)
    if place is None:
        named = lineage.base or next(iter(lineage.models), None)
        raise RequestError(
            f"its base '{named}' is not known here" if named else "it names no base",
            where=CARD,
            mend="name an approved model of this hub (base_model), or a bundled base",
        )
    if isinstance(place, Path):
        return body_in(place, writes=writes)
    return body_named(place, writes=writes)


def _suites(candidate: Candidate, body: Skeleton, *, writes: bool) -> list[Suite]:
    rule = candidate.standard.forgetting
    modality = body.card.modality
    names = (rule.retain if rule else ()) or (_USUAL[modality],)
    return [
        suite
        for name in names
        for suite in read_suites(
            str(candidate.data.get(name, name)), writes=writes, modality=modality, progress=Silent()
        )
    ]


def _lost(suite: Suite, base: Skeleton, body: Skeleton) -> Interval:
    part = PARTS[-1]
    before, after = (suite.told(one, part, Silent()) for one in (base, body))
    return forgotten(suite, part, before, after)


def _state(body: Skeleton) -> str:
    """Return a hash of all that the body is; virtual tokens before a text change what it says."""
    virtual = getattr(body, "virtual", None)
    return state_of(body) + ("" if virtual is None else " with virtual tokens")
