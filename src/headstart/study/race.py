"""Spends the training budget: short runs of all, longer ones of what can still win, then seeds.

Successive halving (Jamieson & Talwalkar 2016, arXiv 1502.07943) over base x method x rate: each
rung trains three times as long as the one before and keeps a third. A run has a whole schedule of
its own, so every rung leaves finished models, and results that a later study can use. What could
not be told from the best untrained arm, even if its errors went on falling, stops at once.
"""

from __future__ import annotations

from collections.abc import Sequence

from headstart.measure.score import METRICS
from headstart.method.gradient import batch_of
from headstart.method.model import Hyperparameters, Need
from headstart.study.arm import Arm, guarded, refused, skip
from headstart.study.bill import Price
from headstart.study.judge import Judge, Rows
from headstart.study.ladder import Ladder
from headstart.study.prior import Prior
from headstart.study.purse import Purse, Work, doubt
from headstart.study.rates import SHARE, within_range
from headstart.study.reach import reach, worth_going_on
from headstart.study.record import RatePoint, TrialRecord
from headstart.study.room import has_room, moments, needed
from headstart.study.runner import Runner, middle_rates
from headstart.study.trial import Context, Trial, is_known, run_trial
from headstart.study.words import amount, plural
from headstart.train.workbench import Workbench

KEPT = 3  # runners that share one place on the next rung
FITTING, READING = "fitting", "reading"  # sorts of work: to train, and to predict with a model
OPENING = 0.2  # of the budget, for the first rung


class Race:
    """The runs of a study's trained arms under one purse.

    Args:
        context: The study.
        purse: What they may cost.
        rivals: Arms that finished without training.
        arms: Those to train.
    """

    def __init__(
        self, context: Context, purse: Purse, rivals: Sequence[Arm], arms: Sequence[Arm]
    ) -> None:
        self.context, self.purse, self.arms = context, purse, arms
        self.ladder = Ladder(len(context.task.train), batch_of(context.task))
        self.judge = Judge(context.task, context.metric, context.store)
        self.rival = self._strongest(rivals)
        self.runners: list[Runner] = []  # every rate that could be tried
        self.controls: list[Runner] = []  # one for each: what its runs will cost
        self.asked: dict[str, Hyperparameters] = {}  # by trial key, without what the fit chose
        self.winners: dict[Arm, Hyperparameters] = {}
        self.priors: dict[Workbench, Prior] = {}
        self.needs: dict[Arm, Need | None] = {}

    def run(self) -> None:
        """Train; afterwards every arm has finalists, or a record that says why not."""
        self.runners = self._entered()
        runners = self._affordable(self.runners)
        if not runners:
            return
        runners = self._rung(runners, self._opening(runners))
        controls = [r for r in runners if r.arm.method.control]
        self.controls = middle_rates(controls)
        field = self._climb([r for r in runners if not r.arm.method.control])
        self._lengthen(controls, field)
        for arm in self.arms:
            guarded(self.context, arm, lambda arm=arm: self._settle(arm))  # type: ignore[misc]
        ahead = [runner.arm for runner in [*field, *self.controls]]
        for arm in dict.fromkeys([*ahead, *self.arms]):
            self._repeat(arm)

    def _entered(self) -> list[Runner]:
        """Return a runner for each rate of each arm that can run."""
        runners: list[Runner] = []

        def enter(arm: Arm) -> None:
            room = has_room(self.context, arm, needed(self.context, arm))
            self.needs[arm] = needed(self.context, arm)  # less, if activations are computed again
            if not room:
                return
            fixed = {
                "precision": self.purse.speed(arm).precision,
                "schedule": self.context.schedule,
                **moments(arm),
            }
            found = arm.method.search(self.context.task, arm.bench, self.context.metric)
            settings = [{**setting, **fixed} for setting in found]
            settings, sentence = self._prior(arm).settings(
                arm.method.name, self.context.metric, settings
            )
            if sentence is not None:
                arm.story.append(sentence)
            share = SHARE / len(self.arms)
            settings, points = self._in_range(arm, settings, share)
            new = [Runner(arm, setting) for setting in settings]
            new[0].rate_finder = points
            self.context.progress.say(f"{arm.name}: {arm.method.summary}")
            runners.extend(new)

        for arm in self.arms:
            if not refused(self.context, arm):
                guarded(self.context, arm, lambda arm=arm: enter(arm))  # type: ignore[misc]
        return runners

    def _in_range(
        self, arm: Arm, settings: list[Hyperparameters], share: float
    ) -> tuple[list[Hyperparameters], list[RatePoint]]:
        return within_range(self.context, arm, self.purse, settings, share)

    def _prior(self, arm: Arm) -> Prior:
        """Return what worked on similar tasks, asked once for each base."""
        memory, bench = self.context.memory, arm.bench
        if memory is None or bench is None:
            return Prior()
        if bench not in self.priors:
            self.priors[bench] = memory.prior(bench)
        return self.priors[bench]

    def _affordable(self, runners: list[Runner]) -> list[Runner]:
        """Leave out rates, then the dearest arms, until the purse pays for the shortest rung.

        A control is never left out. What each arm's finalist will read is paid at once.
        """
        if self._entry(runners) > self.purse.left / 2:
            runners = middle_rates(runners)
            for runner in runners:
                runner.arm.story.append("The budget pays for one rate only, the middle one.")
        others = sorted(
            (r for r in runners if not r.arm.method.control),
            key=lambda r: self._price(r, self.ladder.rungs[0]),
        )
        controls = [r for r in runners if r.arm.method.control]
        while others and self._entry([*controls, *others]) > self.purse.left:
            reason = (
                f"the budget does not pay for {self.ladder.rungs[0]} steps of it beside the others"
            )
            skip(self.context, others.pop().arm, reason)
        left = [r for r in runners if r in controls or r in others]
        self.purse.pay(self._reading(left))
        return left

    def _entry(self, runners: list[Runner]) -> float:
        """Return what the shortest rung costs, and a finalist of each arm."""
        return self._sum(runners, self.ladder.rungs[0]) + self._reading(runners)

    def _reading(self, runners: list[Runner]) -> float:
        arms = dict.fromkeys(runner.arm for runner in runners)
        return sum(self.purse.final_price(arm) for arm in arms)

    def _opening(self, runners: list[Runner]) -> int:
        """Return the steps of the first rung: the longest that a share of the purse pays for."""
        share = OPENING * self.purse.left
        paid = [steps for steps in self.ladder.openings if self._sum(runners, steps) <= share]
        return max(paid, default=self.ladder.rungs[0])

    def _rung(self, runners: list[Runner], steps: int) -> list[Runner]:
        """Train each runner for so many steps; return those that came through."""
        for runner in runners:
            self.purse.pay(self._price(runner, steps))
            values = {**runner.setting, "steps": steps}
            trial = runner.arm.trial(values)
            shown = [] if runner.runs else runner.rate_finder
            work = self.purse.run(runner.arm, values["batch"], steps, final=False)
            price = self._said(runner.arm, work, FITTING)
            record = self._try(trial, price, rate_finder=shown)
            self.asked[record.key] = values
            runner.arm.keep(record)
            if record.status == "done":
                runner.runs.append((steps, record))
        return [r for r in runners if r.runs and r.steps == steps]

    def _try(
        self,
        trial: Trial,
        price: Price,
        *,
        final: bool = False,
        rate_finder: list[RatePoint] | None = None,
    ) -> TrialRecord:
        """Run a trial, and charge what it was predicted to take and what it took."""
        name = f"{trial.method.name}, {plural(trial.hyperparameters['steps'], 'step')}"
        kind = "finalists" if final else "training"
        if is_known(self.context, trial, final=final):
            return run_trial(self.context, trial, final=final, rate_finder=rate_finder)
        with self.context.bill.step(kind, name, price):
            record = run_trial(self.context, trial, final=final, rate_finder=rate_finder)
        if record.curve and record.curve[-1].step == trial.hyperparameters["steps"]:
            doubt(trial, price.seconds, self.context.bill.charges[-1].seconds)
        return record

    def _said(self, arm: Arm, work: Work, sort: str) -> Price:
        """Return the price of an arm's work with what goes with it: memory, and other time.

        The purse is charged the operations only: what is learnt in a study changes no choice.
        """
        assert arm.bench is not None
        like = f"{sort}, {arm.bench.base}"
        beside = self.context.bill.beside(like)
        need = self.needs.get(arm)
        held = need.bytes(arm.bench.ceiling().units) if need is not None else 0.0
        return Price(work.seconds + beside, work.flop, held, beside, like)

    def _climb(self, field: list[Runner]) -> list[Runner]:
        """Take the runners up, rung by rung; return those still in it at the end, best first."""
        while field:
            hopeful = [runner for runner in field if self._may_win(runner)]
            hopeful.sort(key=self._standing, reverse=True)
            kept = hopeful[: -(-len(field) // KEPT)]
            steps = self._next(kept)
            if steps is None:
                self._ended(hopeful)
                break
            self._left_behind(kept[0], hopeful[len(kept) :])
            ran = self._rung(kept, steps)
            if not ran:
                break
            field = ran
        return sorted(field, key=self._standing, reverse=True)

    def _left_behind(self, ahead: Runner, others: list[Runner]) -> None:
        for runner in others:
            runner.arm.story.append(
                f"At {plural(runner.steps, 'step')} {runner.label} reached "
                f"{self._amount(self._standing(runner))} on validation; "
                f"{ahead.label} was ahead and went on."
            )

    def _ended(self, runners: list[Runner]) -> None:
        """Note the runners that the budget stopped, where they had not come to the cap."""
        for runner in runners:
            if runner.steps < self.ladder.cap:
                runner.arm.cut_short = True
                runner.arm.story.append(
                    f"{runner.label} ended at {plural(runner.steps, 'step')}, where the budget did."
                )

    def _may_win(self, runner: Runner) -> bool:
        """Tell whether longer training may show the runner better than the best untrained arm."""
        if self.rival is None or runner.steps >= self.ladder.cap:
            return True
        record = runner.runs[-1][1]
        rows = self.judge.shared(*(record for _, record in runner.runs))
        points = [(steps, self._reached(record, rows)) for steps, record in runner.runs]
        metric = METRICS.get(self.context.metric)
        ceiling = metric.high if metric.higher_is_better else -metric.low
        gain = reach(points, self.ladder.cap, ceiling) - self.judge.score(record, rows)
        found = self.judge.against(record, self.rival.finalists[0])
        if worth_going_on(found, gain, self.judge.share(record)):
            return True
        at_best = self._amount(found.difference.value + gain + self._rival_score)
        runner.arm.story.append(
            f"{runner.label} was stopped after {plural(runner.steps, 'step')}: at best, longer "
            f"training would bring it to {at_best} on validation, which "
            f"{plural(len(self.context.task.validation), 'row')} could not tell from "
            f"{self.rival.name} ({self._amount(self._rival_score)})."
        )
        return False

    def _next(self, field: list[Runner]) -> int | None:
        """Return the steps of the next rung; None where the purse or the cap ends the race.

        What as long runs of each control, and the winner's other seeds, will cost is kept back.
        """
        if not field:
            return None
        longer = self.ladder.after(field[0].steps)
        if longer is None:
            return None
        later = self._seeds(field[:1], longer)
        later += self._sum(self.controls, longer)
        return longer if self._sum(field, longer) + later <= self.purse.left else None

    def _seeds(self, runners: list[Runner], steps: int) -> float:
        """Return what is kept back for the other seeds of these runners.

        Nothing before a run has seen every row: until then longer training gains more than seeds
        vary, and they get what is left.
        """
        if steps < self.ladder.epoch:
            return 0.0
        once = sum(self.purse.price(r.arm, r.setting["batch"], steps, final=True) for r in runners)
        return (self.context.seeds - 1) * once

    def _lengthen(self, controls: list[Runner], field: list[Runner]) -> None:
        """Train the controls as long as the field was, where that can be paid.

        So few steps as those of the first rung teach random weights little: where the long run is
        no better than the short ones, the rate was wrong, and the next is tried, but not with
        what the winner's seeds will cost.
        """
        steps = max((runner.steps for runner in field), default=0)
        kept_back = self._seeds(field[:1], steps)
        for arm in dict.fromkeys(runner.arm for runner in controls):
            rates = self._by_promise([runner for runner in controls if runner.arm is arm])
            before = max(self._standing(runner) for runner in rates)
            for place, runner in enumerate(rates):
                left = self.purse.left - (kept_back if place else 0.0)
                if steps <= runner.steps or self._price(runner, steps) > left:
                    break
                self._rung([runner], steps)
                if self._standing(runner) > before:
                    break

    def _by_promise(self, runners: list[Runner]) -> list[Runner]:
        """Return an arm's runners, best first; among equals the rate in the middle."""
        middle = middle_rates(runners)
        return sorted(runners, key=lambda r: (-self._standing(r), r not in middle))

    def _settle(self, arm: Arm) -> None:
        """Make the arm's best run its finalist, which reads the test rows; drop other models."""
        done = _done(arm)
        if not done:
            return
        rows = self.judge.shared(*done)
        best = max(done, key=lambda t: (self.judge.score(t, rows), t.hyperparameters["steps"]))
        for trial in done:
            if trial.key != best.key:
                self.context.store.drop_model(trial.key)
        self.winners[arm] = self.asked[best.key]
        price = self._said(arm, self.purse.reading(arm, self.winners[arm]), READING)
        arm.keep(self._try(arm.trial(self.asked[best.key], best.seed), price, final=True))

    def _repeat(self, arm: Arm) -> None:
        """Repeat the arm's finalist with other seeds, while that can be paid."""
        values = self.winners.get(arm)
        if values is None or not arm.finalists:
            return
        work = self.purse.run(arm, values["batch"], values["steps"], final=True)
        price = self.purse.in_unit(work)
        for seed in range(1, self.context.seeds):
            if price > self.purse.left:
                return
            self.purse.pay(price)
            said = self._said(arm, work, FITTING)
            arm.keep(self._try(arm.trial(values, seed), said, final=True))

    def _amount(self, merit: float) -> str:
        """Return a merit as people read the metric."""
        metric = self.context.metric
        return amount(metric, METRICS.get(metric).merit(merit))

    def _price(self, runner: Runner, steps: int) -> float:
        return self.purse.price(runner.arm, runner.setting["batch"], steps)

    def _sum(self, runners: Sequence[Runner], steps: int) -> float:
        return sum(self._price(runner, steps) for runner in runners)

    def _standing(self, runner: Runner) -> float:
        return self._reached(runner.runs[-1][1])

    def _reached(self, record: TrialRecord, rows: Rows | None = None) -> float:
        """Return the validation score, less what training lost on the way.

        A run keeps its best weights: where these are the ones it started from, which are the
        probe's for every rate, its score hides what the rate did.
        """
        seen = [p.validation for p in record.curve if p.validation is not None]
        lost = max(0.0, seen[0] - max(seen[1:])) if len(seen) > 1 else 0.0
        return self.judge.score(record, rows) - lost

    def _strongest(self, rivals: Sequence[Arm]) -> Arm | None:
        finished = [arm for arm in rivals if arm.finalists]
        return max(finished, key=lambda a: self.judge.score(a.finalists[0]), default=None)

    @property
    def _rival_score(self) -> float:
        return self.judge.score(self.rival.finalists[0]) if self.rival is not None else 0.0


def _done(arm: Arm) -> list[TrialRecord]:
    return [trial for trial in arm.trials if trial.status == "done"]
