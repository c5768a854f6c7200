"""What a study measures of its bases before and after adapting them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from headstart.base.skeleton import Skeleton
from headstart.errors import RequestError
from headstart.measure.interval import Interval, bootstrap
from headstart.measure.metric import Predictions
from headstart.progress import Progress
from headstart.retention.default import default_reference
from headstart.retention.forgotten import at_most, forgotten
from headstart.retention.suite import PARTS, Suite, read_suites
from headstart.study.record import RetentionRecord, ScoreRecord, TrialRecord
from headstart.study.scores import score_record
from headstart.task.model import Objective, Task
from headstart.train.workbench import Workbench

NONE = "none"  # as a reference: measure nothing


@dataclass(eq=False)
class Retention:
    """The suites of a study.

    Attributes:
        suites: What is measured.
        progress: Who watches.
        limit: Share of each score that may be lost, at 95% confidence; None for no limit.
    """

    suites: Sequence[Suite]
    progress: Progress
    limit: float | None = None
    _before: dict[tuple[int, int, str], Predictions] = field(default_factory=dict)

    @property
    def parts(self) -> Sequence[str]:
        """The parts of retained rows that are scored: nothing is chosen by them without a limit."""
        return PARTS[-1:] if self.limit is None else PARTS

    def measured(self, bench: Workbench, body: Skeleton) -> list[RetentionRecord]:
        """Return every suite's score before and after."""
        return [
            self._record(suite, part, bench, body) for suite in self.suites for part in self.parts
        ]

    def lost(self, bench: Workbench, body: Skeleton) -> list[Interval]:
        """Return what the body lost of each suite, on the part that choices are made on."""
        found = []
        for suite in self.suites:
            after = suite.told(body, PARTS[0], self.progress)
            found.append(forgotten(suite, PARTS[0], self.before(suite, bench, PARTS[0]), after))
        return found

    def before(self, suite: Suite, bench: Workbench, part: str) -> Predictions:
        """Return what the base makes of a part, computed once."""
        key = (id(suite), id(bench), part)
        if key not in self._before:
            self._before[key] = suite.told(bench.pristine, part, self.progress)  # type: ignore[arg-type]
        return self._before[key]

    def covers(self, record: TrialRecord) -> bool:
        """Tell whether a trial holds the measures of these suites."""
        have = {(one.fingerprint, one.part) for one in record.retention}
        return all(
            (suite.fingerprint(), part) in have for suite in self.suites for part in self.parts
        )

    def keeps(self, record: TrialRecord) -> bool:
        """Tell whether a trial is within the limit on the part that choices are made on."""
        if self.limit is None:
            return True
        seen = [one for one in record.retention if one.part == PARTS[0]]
        return all(at_most(_interval(one.forgotten)) <= self.limit for one in seen)

    def too_few(self, bench: Workbench) -> Suite | None:
        """Return a suite whose rows cannot show that trained weights keep the limit, if any.

        So few that not one of them need change: their own error is larger than the limit.
        """
        for suite in self.suites:
            told = self.before(suite, bench, PARTS[0])
            if self.limit is not None and (
                at_most(forgotten(suite, PARTS[0], told, told)) > self.limit
            ):
                return suite
        return None

    @property
    def recalled(self) -> Suite | None:
        """The suite whose training rows levers hold on to."""
        own = (suite for suite in self.suites if type(suite).recall is not Suite.recall)
        return next(own, None)

    def _record(self, suite: Suite, part: str, bench: Workbench, body: Skeleton) -> RetentionRecord:
        before, last = self.before(suite, bench, part), part == PARTS[-1]
        kept = body is bench.pristine
        after = before if kept else suite.told(body, part, self.progress)
        # rows without a change leave an interval; where no weight changed there is none
        lost = Interval(0.0, 0.0, 0.0) if kept else forgotten(suite, part, before, after)
        return RetentionRecord(
            suite=suite.name,
            fingerprint=suite.fingerprint(),
            metric=suite.metric,
            part="test" if last else "validation",
            items=len(suite.targets(part)),
            before=_scored(suite, part, before),
            after=_scored(suite, part, after),
            forgotten=score_record(lost),
            beside=suite.beside(bench.pristine, body, self.progress) if last else {},  # type: ignore[arg-type]
        )


def _interval(score: ScoreRecord) -> Interval:
    return Interval(score.value, score.low, score.high)


def _scored(suite: Suite, part: str, told: Predictions) -> ScoreRecord:
    targets = suite.targets(part)
    return score_record(bootstrap(suite.objective, suite.classes, targets, [told], suite.metric))


def retention_of(
    references: Sequence[str], limit: float | None, task: Task, progress: Progress
) -> Retention | None:
    """Return what a study measures of its bases; None for nothing.

    A study of texts to be said measures a packaged default where nothing is named, others only
    what is asked for: that, or the default under a limit.

    Raises:
        RequestError: A reference cannot show what such a base forgets.
    """
    writes = task.objective is Objective.TEXT
    named = tuple(dict.fromkeys(references))
    if NONE in named:
        if limit is not None:
            raise RequestError(
                "a limit on what is forgotten needs something retained",
                where="--retain none",
                mend="name a corpus or a labelled set with --retain, or leave it out",
            )
        return None
    if not named and (writes or limit is not None):
        default = default_reference(task, writes)
        named = (default,) if default is not None else ()
    if not named:
        _check_no_limit(limit)
        return None
    suites = [
        suite
        for name in named
        for suite in read_suites(name, writes=writes, modality=task.modality, progress=progress)
    ]
    return Retention(suites, progress, limit)


def _check_no_limit(limit: float | None) -> None:
    """Refuse a limit on nothing: no packaged set is left where the task is one itself."""
    if limit is not None:
        raise RequestError(
            "a limit on what is forgotten needs something retained, and the packaged set for such "
            "a base is the task itself",
            where="--forget-at-most",
            mend="name what is to be kept: --retain REF",
        )
