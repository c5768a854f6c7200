"""Keeps a study within what may be forgotten: free levers first, then those that cost a run.

Every finalist's weights are brought back towards the base's until the limit holds, which needs no
training (WiSE-FT; of LoRA, its scale). Where that costs too much of what was learnt, the best arm
is trained again with one lever at a time, as far as the budget goes, and brought back as well.
"""

from __future__ import annotations

from collections.abc import Sequence

from headstart.measure.interval import Interval
from headstart.measure.score import METRICS, score
from headstart.method.model import Hyperparameters
from headstart.retention.lever import LEVERS, step_factor
from headstart.study.arm import Arm, guarded
from headstart.study.blends import blend, brought_back, can_go_back
from headstart.study.purse import Purse
from headstart.study.record import SweepPoint, TrialRecord
from headstart.study.remembrance import too_few
from headstart.study.retained import Retention
from headstart.study.sweep import Look, farthest
from headstart.study.trial import Context, run_trial
from headstart.study.words import percent
from headstart.train.evaluate import Predictions

ENOUGH = 0.9  # of what the best arm gained: kept so much, nothing more is paid for
COSTLY = ("replay", "gentle", "l2sp", "ewc", "lwf")  # in the order in which they are tried


class Keeper:
    """The arms that keep the limit, made from those that a race left.

    Args:
        context: The study; it has a retention with a limit.
        purse: What costly levers may cost.
        arms: The race's.
        start: The finalist from which gains are counted: of the base as it was, untouched or
            under a new head. None without one.
    """

    def __init__(
        self, context: Context, purse: Purse, arms: Sequence[Arm], start: TrialRecord | None
    ) -> None:
        assert context.retention is not None
        assert context.retention.limit is not None
        self.context, self.purse, self.start = context, purse, start
        self.retention: Retention = context.retention
        self.limit: float = context.retention.limit
        self.arms = [arm for arm in arms if arm.method.trains_steps and arm.finalists]
        self.made: list[Arm] = []
        self.points: list[SweepPoint] = []

    def run(self) -> list[Arm]:
        """Return new arms, all of them within the limit on validation."""
        self.arms = [arm for arm in self.arms if not self._hopeless(arm)]
        for arm in self.arms:
            guarded(self.context, arm, lambda arm=arm: self._bring_back(arm))  # type: ignore[misc]
        best = max(self.arms, key=self._merit, default=None)
        if best is not None and not self._enough(best):
            for name in COSTLY:
                guarded(self.context, best, lambda name=name: self._pull(best, name))  # type: ignore[misc]
                if self._enough(best):
                    break
        return self.made

    def _hopeless(self, arm: Arm) -> bool:
        """Tell whether no change of the arm's weights can be shown to keep the limit."""
        assert arm.bench is not None
        suite = self.retention.too_few(arm.bench)
        if suite is None:
            return False
        arm.story.append(too_few(suite, self.limit))
        self.context.progress.say(f"{arm.name}: {arm.story[-1]}")
        return True

    def _bring_back(self, arm: Arm) -> None:
        """Add an arm of the weights at the largest share of their way that keeps the limit."""
        leader = _leader(self.context, arm)
        if self.retention.keeps(leader) or not can_go_back(self.context, leader):
            return
        looks = self._swept(arm, leader)
        share = looks[-1].share
        if share == 0.0:
            least = min(one.share for one in looks if one.share > 0.0)
            arm.story.append(
                f"Brought back to {percent(least)} of its way it may still forget more than "
                f"{percent(self.limit)}."
            )
            return
        arm.story.append(
            f"It may forget more than {percent(self.limit)}; at {percent(share)} of its way from "
            f"the base it does not."
        )
        made = Arm(arm.method, arm.bench, alone=arm.alone)
        made.variant = f"{arm.variant} at {percent(share)}"
        for parent in arm.finalists:
            made.keep(blend(self.context, made, parent, share))
        made.story.append(f"{arm.name}, its weights brought back to {percent(share)} of their way.")
        self.made.append(made)

    def _swept(self, arm: Arm, leader: TrialRecord) -> list[Look]:
        """Look along the way of the leader's weights; what is seen is kept for a resumed study."""
        note = f"sweep-{leader.key}"
        known = self.context.store.read_note(note) or {}

        def look(share: float) -> list[Interval]:
            if str(share) not in known:
                known[str(share)] = self._seen(arm, leader, share)
                self.context.store.write_note(note, known)
            return [Interval(*one) for one in known[str(share)]["forgotten"]]

        self.context.progress.say(f"{arm.name}: looking for how much of it keeps the limit")
        found = farthest(self.limit, look)
        self.points += [
            SweepPoint(
                arm=arm.name,
                share=float(share),
                forgotten=max(one[0] for one in seen["forgotten"]),
                high=max(one[2] for one in seen["forgotten"]),
                score=seen["score"],
            )
            for share, seen in sorted(known.items(), key=lambda pair: float(pair[0]))
        ]
        return found

    def _seen(self, arm: Arm, leader: TrialRecord, share: float) -> dict[str, object]:
        """Return what is lost and what is scored at a share, as JSON."""
        context = self.context
        assert arm.bench is not None
        with brought_back(context, arm.bench, leader.key, share) as model:
            body = model.body
            assert body is not None
            lost = self.retention.lost(arm.bench, body)
            told: Predictions = model.outputs(context.task.validation.inputs, context.progress)
        task = context.task
        targets = task.validation.targets
        found = score(task.objective, task.classes, targets, told, context.metric)
        return {"forgotten": [[one.value, one.low, one.high] for one in lost], "score": found}

    def _pull(self, arm: Arm, name: str) -> None:
        """Train the arm's winner again with a lever, and bring it back if need be."""
        lever, retained = LEVERS.get(name), self.retention.recalled
        if lever.needs_rows and retained is None:
            return
        values = lever.setting(_asked(arm.finalists[0].hyperparameters))
        if "levers" in values:
            values["retained"] = retained.fingerprint()[:12] if retained is not None else None
        price = self._price(arm, values)
        if price > self.purse.left:
            arm.story.append(f"The budget does not pay for training it again with {name}.")
            return
        self.purse.pay(price)
        made = Arm(arm.method, arm.bench, alone=arm.alone)
        made.variant = f" + {name}"
        self.context.progress.say(f"{made.name}: {lever.summary}")
        made.keep(run_trial(self.context, made.trial(values, 0), final=True))
        if not made.finalists:
            return
        made.story.append(f"{arm.name}, trained again: {lever.summary}.")
        self.made.append(made)
        self._bring_back(made)

    def _price(self, arm: Arm, values: Hyperparameters) -> float:
        run = self.purse.price(arm, values["batch"], values["steps"], final=True)
        return run * step_factor(values.get("levers", {}))

    def _enough(self, best: Arm) -> bool:
        """Tell whether an arm within the limit kept enough of what the best arm gained."""
        kept = [arm for arm in [*self.arms, *self.made] if self._keeps(arm)]
        if not kept:
            return False
        merits = [self._merit(arm) for arm in kept]
        if self.start is None:
            return max(merits) >= self._merit(best)
        start = self._score(self.start)
        return max(merits) - start >= ENOUGH * (self._merit(best) - start)

    def _keeps(self, arm: Arm) -> bool:
        return self.retention.keeps(_leader(self.context, arm))

    def _merit(self, arm: Arm) -> float:
        return self._score(_leader(self.context, arm))

    def _score(self, record: TrialRecord) -> float:
        metric = self.context.metric
        return METRICS.get(metric).merit(record.scores["validation"][metric].value)


def _leader(context: Context, arm: Arm) -> TrialRecord:
    """Return an arm's seed that did best on validation: the one that would be delivered."""
    merit = METRICS.get(context.metric).merit
    return max(arm.finalists, key=lambda t: merit(t.scores["validation"][context.metric].value))


def _asked(values: Hyperparameters) -> Hyperparameters:
    """Return hyperparameters as they were asked for, without those that a fit adds."""
    return {name: value for name, value in values.items() if name != "share"}
