"""The race: who goes on, who stops and why, what it costs, and that all of it is repeatable."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headstart.errors import UnwritableError
from headstart.method.gradient import RANGE_STEPS
from headstart.method.watch import JUDGED
from headstart.study.arm import Arm
from headstart.study.ladder import FEWEST_CAP, FEWEST_STEPS, STRIDE
from headstart.study.race import Race
from headstart.study.rates import SHARE
from headstart.study.trial import Context, run_trial
from headstart.train.rate_finder import RangeTest
from headstart.train.recipe import Point

from .helpers import context_of, made_arm, text_task, wrong_at
from .racing import (
    Made,
    Rows,
    Wrong,
    always,
    falling,
    made_bench,
    made_family,
    made_purse,
    quick,
    raced,
    step_price,
    trials_of,
)

ROWS = 200
CAP = FEWEST_CAP  # the tasks here are small
OPENING = CAP // STRIDE**2
RUNGS = [OPENING, 3 * OPENING, CAP]
RICH = 1e6
RATES = (1e-4, 1e-3, 1e-2)
TASK = text_task(ROWS, ROWS)


@pytest.fixture(autouse=True)
def _loadable() -> object:
    with made_family():
        yield


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return context_of(tmp_path, TASK)


def probe(context: Context, wrong: Rows) -> Arm:
    """Return an untrained arm that is wrong at these rows."""
    return made_arm(context, "probe", 1.0, [wrong_at(len(context.task.validation), wrong)])


def lengths(method: Made, rate: float | None = None) -> list[int]:
    """Return the steps of a method's fits with the first seed."""
    return [steps for at, steps, seed in method.fits if seed == 0 and rate in (None, at)]


def models(context: Context) -> set[str]:
    return {path.stem for path in context.store.work.glob("*.model")}


def of(race: Race, method: Made) -> Arm:
    return next(arm for arm in race.arms if arm.method is method)


# Who goes on


def test_a_method_that_gains_with_steps_is_trained_to_the_cap_and_repeated(tmp_path: Path) -> None:
    context = context_of(tmp_path, TASK, seeds=3)
    method = Made("rising", falling(40 * OPENING))
    arm = raced(context, [method], RICH, [probe(context, range(40))]).arms[0]
    assert method.fits == [(1e-3, steps, 0) for steps in RUNGS] + [(1e-3, CAP, 1), (1e-3, CAP, 2)]
    assert [(t.seed, t.hyperparameters["steps"]) for t in arm.finalists] == [
        (0, CAP),
        (1, CAP),
        (2, CAP),
    ]
    best, rival = arm.finalists[0], probe(context, range(40)).finalists[0]
    assert best.scores["test"]["accuracy"].value > rival.scores["test"]["accuracy"].value
    assert arm.story == []
    assert not arm.cut_short


@pytest.mark.parametrize(
    ("rows", "wrong", "rival"),
    [
        (200, range(80), range(20)),  # far behind
        (40, range(8), range(8, 16)),  # as good, but forty rows could not show what it may gain
        (200, [], []),  # nothing left to gain
    ],
)
def test_what_cannot_be_told_from_the_rival_stops_after_the_first_rung(
    tmp_path: Path, rows: int, wrong: Rows, rival: Rows
) -> None:
    context = context_of(tmp_path, text_task(rows, rows))
    method = Made("flat", always(wrong))
    arm = raced(context, [method], RICH, [probe(context, rival)]).arms[0]
    assert lengths(method) == [OPENING]
    assert len(arm.finalists) == 1
    assert len(arm.story) == 1
    assert arm.story[0].startswith(f"flat at rate 1e-03 was stopped after {OPENING} steps: at best")
    share = 100 * (1 - len(rival) / rows)
    assert f"which {rows} rows could not tell from probe ({share:.1f}%)." in arm.story[0]
    assert not arm.cut_short


def test_the_rival_is_the_best_of_the_untrained(context: Context) -> None:
    rivals = [probe(context, range(60)), made_arm(context, "tfidf", 1.0, [wrong_at(ROWS)])]
    method = Made("flat", always(range(60)))
    arm = raced(context, [method], RICH, rivals).arms[0]
    assert "could not tell from tfidf (100.0%)" in arm.story[0]


def test_a_method_that_gained_nothing_by_a_longer_run_stops_there(context: Context) -> None:
    """The first rung leaves hope that the second does not bear out."""
    method = Made("slow", always(range(60)))
    arm = raced(context, [method], RICH, [probe(context, range(50))]).arms[0]
    assert lengths(method) == RUNGS[:2]
    assert f"was stopped after {RUNGS[1]} steps" in arm.story[0]


def test_without_an_untrained_arm_all_go_on(context: Context) -> None:
    method = Made("flat", always(range(80)))
    assert raced(context, [method], RICH).arms[0].finalists
    assert lengths(method) == RUNGS


def test_of_three_rates_the_best_goes_up_and_the_others_are_told_why(context: Context) -> None:
    errors = dict(zip(RATES, (60, 40, 80), strict=True))
    method = Made("made", lambda rate, steps, seed: range(errors[rate]), RATES)
    arm = raced(context, [method], RICH).arms[0]
    assert lengths(method, 1e-3) == RUNGS
    assert lengths(method, 1e-4) == lengths(method, 1e-2) == [OPENING]
    assert arm.story == [
        f"At {OPENING} steps made at rate {rate} reached {reached} on validation; "
        "made at rate 1e-03 was ahead and went on."
        for rate, reached in (("1e-04", "70.0%"), ("1e-02", "60.0%"))
    ]
    assert [t.hyperparameters["rate"] for t in arm.finalists] == [1e-3]


def test_a_third_of_all_methods_goes_up_whichever_they_are(context: Context) -> None:
    methods = [Made(f"m{n}", always(range(10 * n, 80)), (1e-3, 1e-2)) for n in range(3)]
    raced(context, methods, RICH)
    assert [method.fits.count((1e-3, 48, 0)) for method in methods] == [0, 0, 1]
    assert [method.fits.count((1e-2, 48, 0)) for method in methods] == [0, 0, 1]


def test_a_rate_that_spoilt_what_it_began_with_stands_where_it_ended(context: Context) -> None:
    """Best weights are kept: both rates score as the probe they began from."""

    def points(rate: float, steps: int, seed: int) -> list[Point]:
        after = 0.5 if rate == 1e-4 else 0.79
        return [Point(s, 1.0, rate, 1.0, v) for s, v in ((0, 0.8), (steps, after))]

    method = Made("made", always(range(40)), (1e-4, 1e-3), points=points)
    arm = raced(context, [method], RICH).arms[0]
    assert lengths(method, 1e-4) == [OPENING]
    assert lengths(method, 1e-3)[-1] == CAP
    assert f"At {OPENING} steps made at rate 1e-04 reached 50.0%" in arm.story[0]


def test_where_the_budget_ends_it_is_said(context: Context) -> None:
    method = Made("rising", falling(40 * OPENING))
    arm = raced(context, [method], 100.0).arms[0]
    assert lengths(method) == [OPENING, 3 * OPENING]
    assert arm.cut_short
    assert arm.story == [
        f"rising at rate 1e-03 ended at {3 * OPENING} steps, where the budget did."
    ]


@pytest.mark.parametrize(
    ("total", "expected"), [(220, [16, 48, 150]), (200, [16, 48]), (60, [8, 16])]
)
def test_the_rungs_are_the_same_whatever_the_budget_which_says_how_many_are_taken(
    context: Context, total: float, expected: list[int]
) -> None:
    method = Made("rising", falling(40 * OPENING))
    raced(context, [method], total)
    assert lengths(method) == expected


# What it costs


def least(race: Race, *, control: bool) -> float:
    """Return what the fits and range tests of some arms come to, by what they were asked for."""
    spent = 0.0
    for arm in race.arms:
        method = arm.method
        assert isinstance(method, Made)
        if method.control is control:
            spent += sum(race.purse.price(arm, 1, steps) for _, steps, _ in method.fits)
            tests = len(method.range_tests) if method.tested is not None else 0
            spent += tests * race.purse.price(arm, 1, RANGE_STEPS)
    return spent


def drawn_wrong(number: int, noise: int) -> Wrong:
    """Return mistakes that fall with the steps, more or less, by a rate and a seed."""

    def wrong(rate: float, steps: int, seed: int) -> list[int]:
        rng = np.random.default_rng([number, noise, round(1e6 * rate), steps, seed])
        share = 0.05 + 0.4 * rng.random() * (OPENING / steps) ** rng.random()
        return rng.permutation(40)[: round(40 * share)].tolist()

    return wrong


SMALL = text_task(40, 40)
price = st.floats(0.01, 100.0)
trained = st.lists(st.tuples(price, st.integers(1, 4), st.booleans()), min_size=1, max_size=4)


@settings(max_examples=50, deadline=None)
@given(
    trained,
    st.none() | st.tuples(price, st.integers(1, 3)),
    st.floats(0.0, 5.0).map(lambda power: 10**power),
    st.integers(1, 3),
    st.integers(0, 999),
    st.booleans(),
    st.booleans(),
)
def test_the_purse_is_never_overspent_and_every_fit_is_charged(
    drawn: list[tuple[float, int, bool]],
    control: tuple[float, int] | None,
    total: float,
    seeds: int,
    noise: int,
    rival: bool,
    scoring: bool,
) -> None:
    rates = (1e-5, *RATES)
    methods = [
        Made(
            f"m{number}",
            drawn_wrong(number, noise),
            rates[:count],
            price=cost,
            tested=RangeTest([1e-3], [1.0], None) if tested else None,
        )
        for number, (cost, count, tested) in enumerate(drawn)
    ]
    if control is not None:
        cost, count = control
        wrong = drawn_wrong(99, noise)
        methods.append(Made("control", wrong, rates[:count], price=cost, control=True))
    with tempfile.TemporaryDirectory() as folder, quick():
        context = context_of(Path(folder), SMALL, seeds)
        rivals = [probe(context, range(12))] if rival else []
        race = raced(context, methods, total, rivals, scoring=scoring)
    transfer, controls = (least(race, control=control) for control in (False, True))
    assert race.purse.spent >= (transfer + controls) * (1 - 1e-9)
    trained = any(arm.method.fits for arm in race.arms if not arm.method.control)
    if trained or not controls:
        assert race.purse.spent <= race.purse.total * (1 + 1e-9)
    else:  # but for the control, which runs whatever is left
        shortest = race.purse.price(race.arms[-1], 1, FEWEST_STEPS)
        shortest += race.purse.final_price(race.arms[-1]) + transfer  # of range tests, if any
        assert race.purse.spent <= max(race.purse.total * (1 + 1e-9), shortest)
    assert bool(control) is bool(controls)
    for arm in race.arms:  # each has a result, or a record of why not
        assert arm.finalists or {t.status for t in arm.trials} == {"skipped"}


def test_the_dearest_methods_are_left_out_where_not_all_can_be_paid_and_it_is_said(
    context: Context,
) -> None:
    prices = {"cheap": 1.0, "dear": 9.0, "middling": 4.0}
    methods = [Made(name, always([]), price=cost) for name, cost in prices.items()]
    race = raced(context, methods, 6 * FEWEST_STEPS)
    assert [bool(method.fits) for method in methods] == [True, False, True]
    (record,) = race.arms[1].trials
    assert record.status == "skipped"
    assert record.error == (
        f"the budget does not pay for {FEWEST_STEPS} steps of it beside the others"
    )


def test_rates_are_left_out_before_methods_are(context: Context) -> None:
    methods = [Made(name, always([]), RATES) for name in ("one", "two")]
    raced(context, methods, 3 * FEWEST_STEPS)
    assert [method.fits[0] for method in methods] == 2 * [(1e-3, FEWEST_STEPS, 0)]
    assert {rate for method in methods for rate, _, _ in method.fits} == {1e-3}


def test_a_purse_in_seconds_buys_what_one_in_operations_buys(tmp_path: Path) -> None:
    rate = 2.0**20
    prices = (1.0, 3.0, 20.0)
    found = []
    for timed in (False, True):
        context = context_of(tmp_path / str(timed), TASK, seeds=2)
        methods = [
            Made(f"m{n}", falling(40 * OPENING), RATES[: n + 1], price=cost)
            for n, cost in enumerate(prices)
        ]
        purse = made_purse(8192.0 / rate if timed else 8192.0, timed=timed, rate=rate)
        race = raced(context, methods, 0.0, purse=purse, scoring=True)
        found.append((trials_of(race), [arm.story for arm in race.arms]))
        assert 0 < purse.spent <= purse.total
    assert found[0] == found[1]


# The control


@pytest.mark.parametrize("total", [1e-9, 1.0, 30.0, 200.0, 1000.0, RICH])
def test_the_control_runs_whatever_the_purse(context: Context, total: float) -> None:
    control = Made("control", always(range(90)), RATES, control=True, price=5.0)
    method = Made("rising", falling(40 * OPENING))
    race = raced(context, [method, control], total, [probe(context, range(40))])
    assert of(race, control).finalists
    if total < 5 * FEWEST_STEPS:
        assert control.fits == [(1e-3, FEWEST_STEPS, 0)]
        assert [t.status for t in of(race, method).trials] == ["skipped"]


def test_a_control_is_not_stopped_by_the_rival_and_runs_as_long_as_the_field(
    context: Context,
) -> None:
    control = Made("control", lambda rate, steps, seed: range(99 - steps // 10), control=True)
    method = Made("rising", falling(40 * OPENING))
    race = raced(context, [control, method], RICH, [probe(context, range(40))])
    assert lengths(method) == RUNGS
    assert lengths(control) == [OPENING, CAP]
    assert of(race, control).finalists[0].hyperparameters["steps"] == CAP


@pytest.mark.parametrize("seeds", [1, 3])
def test_the_controls_long_run_is_kept_back_from_the_field(tmp_path: Path, seeds: int) -> None:
    for total in range(100, 2000, 200):
        context = context_of(tmp_path / str(total), TASK, seeds)
        method = Made("rising", falling(40 * OPENING))
        control = Made("control", always(range(90)), control=True, price=2.0)
        with quick():
            raced(context, [method, control], float(total))
        assert lengths(control)[-1] == lengths(method)[-1]


def control_that_learns_at(*rates: float) -> Made:
    """Return a control that only long runs at these rates teach anything."""

    def wrong(rate: float, steps: int, seed: int) -> Rows:
        return range(60) if rate in rates and steps > OPENING else range(100)

    return Made("control", wrong, RATES, control=True)


@pytest.mark.parametrize(
    ("learns", "tried"),
    [((1e-3,), [1e-3]), ((1e-4,), [1e-3, 1e-4]), ((1e-2,), [1e-3, 1e-4, 1e-2]), ((), [*RATES])],
)
def test_where_the_controls_long_run_is_no_better_than_its_short_ones_the_next_rate_is_tried(
    context: Context, learns: tuple[float, ...], tried: list[float]
) -> None:
    control = control_that_learns_at(*learns)
    method = Made("rising", falling(40 * OPENING))
    race = raced(context, [control, method], RICH)
    long = [rate for rate, steps, _ in control.fits if steps == CAP]
    assert sorted(long) == sorted(tried)
    assert long[0] == 1e-3
    if learns:
        assert of(race, control).finalists[0].hyperparameters["rate"] == learns[0]


def test_a_control_begins_with_the_rate_that_did_best(context: Context) -> None:
    def wrong(rate: float, steps: int, seed: int) -> Rows:
        return range(50) if steps > OPENING else range(70 if rate == 1e-2 else 80)

    control = Made("control", wrong, RATES, control=True)
    raced(context, [control, Made("rising", falling(40 * OPENING))], RICH)
    assert [rate for rate, steps, _ in control.fits if steps == CAP] == [1e-2]


def test_a_control_whose_long_run_fails_is_tried_at_the_next_rate(context: Context) -> None:
    def wrong(rate: float, steps: int, seed: int) -> Rows:
        if rate == 1e-3 and steps > OPENING:
            raise ValueError("came apart")
        return range(100 - steps // 10)

    control = Made("control", wrong, RATES, control=True)
    race = raced(context, [control, Made("rising", falling(40 * OPENING))], RICH)
    assert [rate for rate, steps, _ in control.fits if steps == CAP] == [1e-3, 1e-4]
    assert of(race, control).finalists[0].hyperparameters["rate"] == 1e-4


# What fails


def broken(rate: float, steps: int, seed: int) -> Rows:
    raise ValueError("no such layer")


def test_an_arm_whose_every_trial_fails_is_recorded_and_the_others_go_on(context: Context) -> None:
    bad, good = Made("bad", broken, RATES), Made("good", falling(40 * OPENING))
    race = raced(context, [bad, good], RICH, [probe(context, range(40))])
    assert [(t.status, t.error) for t in race.arms[0].trials] == 3 * [
        ("failed", "ValueError: no such layer")
    ]
    assert race.arms[0].finalists == []
    assert lengths(good) == RUNGS
    assert race.arms[1].finalists


def test_a_race_in_which_all_fail_comes_to_its_end(context: Context) -> None:
    race = raced(context, [Made("bad", broken), Made("worse", broken, control=True)], RICH)
    assert {t.status for arm in race.arms for t in arm.trials} == {"failed"}


@pytest.mark.parametrize("name", ["search", "refuse"])
def test_an_arm_that_cannot_enter_is_recorded(context: Context, name: str) -> None:
    bad, good = Made("bad", always([])), Made("good", always([]))

    def refuse(*_: object) -> str:
        if name == "search":
            raise KeyError("no rates")
        return "it reads images"

    setattr(bad, name, refuse)
    race = raced(context, [bad, good], RICH)
    (record,) = race.arms[0].trials
    assert record.status == ("failed" if name == "search" else "skipped")
    assert record.error in ("KeyError: 'no rates'", "it reads images")
    assert race.arms[1].finalists


def test_that_nothing_can_be_written_ends_the_race(context: Context) -> None:
    def full(rate: float, steps: int, seed: int) -> Rows:
        if steps > OPENING:
            raise UnwritableError("the disk is full")
        return range(200 // steps)

    with pytest.raises(UnwritableError):
        raced(context, [Made("made", full)], RICH)


def test_a_seed_that_fails_leaves_the_other_seeds(tmp_path: Path) -> None:
    def wrong(rate: float, steps: int, seed: int) -> Rows:
        return broken(rate, steps, seed) if seed == 1 else range(10)

    context = context_of(tmp_path, TASK, seeds=3)
    arm = raced(context, [Made("made", wrong)], RICH).arms[0]
    assert [t.seed for t in arm.finalists] == [0, 2]
    assert [t.seed for t in arm.trials if t.status == "failed"] == [1]


# Twice the same


def field() -> list[Made]:
    """Return methods that do most of what can happen in a race."""

    def fails_late(rate: float, steps: int, seed: int) -> Rows:
        return broken(rate, steps, seed) if steps == CAP and rate == 1e-2 else range(500 // steps)

    tested = RangeTest([1e-3, 1e-2], [0.7, 3.0], 5e-3)
    return [
        Made("rising", falling(20 * OPENING), RATES),
        Made("late", fails_late, RATES, price=2.0),
        Made("flat", always(range(35)), RATES, tested=tested),
        control_that_learns_at(1e-4),
    ]


def record_of(race: Race) -> dict[str, tuple[str, ...]]:
    return {
        trial.key: (arm.name, trial.status, str(trial.scores), str(trial.rate_finder))
        for arm in race.arms
        for trial in arm.trials
    }


def failures(race: Race) -> int:
    return sum(trial.status == "failed" for arm in race.arms for trial in arm.trials)


PURSES = [1.0, 150.0, 400.0, 1000.0, 2000.0, RICH]


@pytest.mark.parametrize("total", PURSES)
def test_a_resumed_race_does_the_same_trials_pays_the_same_and_fits_none(
    tmp_path: Path, total: float
) -> None:
    races = []
    with quick():
        for _ in range(2):
            context = context_of(tmp_path, TASK, seeds=2)
            races.append(raced(context, field(), total, [probe(context, range(40))]))
    first, again = races
    assert trials_of(again) == trials_of(first)
    assert record_of(again) == record_of(first)
    assert [arm.story for arm in again.arms] == [arm.story for arm in first.arms]
    assert again.purse.spent == first.purse.spent
    refits = [fit for arm in again.arms for fit in arm.method.fits]
    assert len(refits) == failures(first)  # a failure is tried again: its cause may be mended
    assert again.arms[2].method.range_tests == []


@pytest.mark.parametrize("total", PURSES)
def test_the_same_input_gives_the_same_trials(tmp_path: Path, total: float) -> None:
    found = []
    with quick():
        for place in ("one", "two"):
            context = context_of(tmp_path / place, TASK, seeds=2)
            race = raced(context, field(), total, [probe(context, range(40))])
            found.append((trials_of(race), [arm.story for arm in race.arms], race.purse.spent))
    assert found[0] == found[1]


class Killed(BaseException):
    """What no method can catch."""


def killed_after(fits: int) -> list[Made]:
    """Return the field, of which the process dies in its next fit."""
    count = itertools.count()
    methods = field()
    for method in methods:

        def wrong(rate: float, steps: int, seed: int, known=method.wrong) -> Rows:
            if next(count) == fits:
                raise Killed
            return known(rate, steps, seed)

        method.wrong = wrong
    return methods


def test_a_race_that_was_killed_goes_on_to_the_same_end(tmp_path: Path) -> None:
    with quick():
        context = context_of(tmp_path / "whole", TASK, seeds=2)
        whole = raced(context, field(), 2000.0, [probe(context, range(40))])
        fits = sum(len(arm.method.fits) for arm in whole.arms)
        assert fits > 15
        for after in range(0, fits, 3):
            shutil.rmtree(tmp_path / "killed", ignore_errors=True)
            context = context_of(tmp_path / "killed", TASK, seeds=2)
            with pytest.raises(Killed):
                raced(context, killed_after(after), 2000.0, [probe(context, range(40))])
            again = raced(context, field(), 2000.0, [probe(context, range(40))])
            assert trials_of(again) == trials_of(whole)
            assert record_of(again) == record_of(whole)
            assert again.purse.spent == whole.purse.spent


# Models


def test_the_finalists_model_reads_the_test_rows_and_is_not_fitted_again(
    tmp_path: Path,
) -> None:
    context = context_of(tmp_path, TASK, seeds=2)
    method = Made("made", lambda rate, steps, seed: range(20 + seed, 600 // steps + 20), RATES)
    arm = raced(context, [method], RICH).arms[0]
    assert max(Counter(method.fits).values()) == 1
    for trial in arm.finalists:
        ran = tuple(trial.hyperparameters[name] for name in ("rate", "steps"))
        expected = wrong_at(ROWS, method.wrong(*ran, trial.seed))
        for part in ("validation", "test"):
            assert np.array_equal(context.store.predictions(trial.key, part), expected)
            right = (expected.argmax(axis=1) == np.arange(ROWS) % 2).mean()
            assert trial.scores[part]["accuracy"].value == pytest.approx(right)
        assert set(trial.scores) == {"validation", "test"}


def test_of_runs_that_score_the_same_the_longest_is_the_finalist(context: Context) -> None:
    method = Made("made", always(range(20)))
    arm = raced(context, [method], RICH).arms[0]
    assert [t.hyperparameters["steps"] for t in arm.finalists] == [CAP]


def test_of_all_runs_the_best_on_validation_is_the_finalist(context: Context) -> None:
    method = Made("made", lambda rate, steps, seed: range(30 if steps == CAP else 20))
    arm = raced(context, [method], RICH).arms[0]
    assert [t.hyperparameters["steps"] for t in arm.finalists] == [RUNGS[1]]


def test_the_models_of_what_lost_are_gone_and_the_test_rows_unread(tmp_path: Path) -> None:
    context = context_of(tmp_path, TASK, seeds=2)
    race = raced(context, field(), RICH, [probe(context, range(40))])
    finalists = {trial.key for arm in race.arms for trial in arm.finalists}
    assert len(finalists) == 8
    assert models(context) == finalists
    for trial in (t for arm in race.arms for t in arm.trials if t.status == "done"):
        assert set(trial.scores) == {"validation"}
        assert context.store.try_predictions(trial.key, "test") is None


def test_a_finalist_whose_model_is_missing_is_fitted_again(context: Context) -> None:
    first = Made("made", falling(10 * OPENING))
    arm = raced(context, [first], RICH).arms[0]
    before = arm.finalists[0]
    before.status = "done"  # as a killed study leaves it
    context.store.write_trial(before, {"validation": context.store.predictions(before.key, "test")})
    context.store.drop_model(before.key)
    again = Made("made", falling(10 * OPENING))
    found = raced(context, [again], RICH).arms[0]
    assert again.fits == [(1e-3, CAP, 0)]
    assert [t.key for t in found.finalists] == [before.key]


# What went wrong once


def test_a_longer_run_that_fails_is_not_tried_again(context: Context) -> None:
    def wrong(rate: float, steps: int, seed: int) -> Rows:
        return range(40) if steps == OPENING else broken(rate, steps, seed)

    method = Made("made", wrong)
    raced(context, [method], 2000.0)
    assert max(Counter(method.fits).values()) == 1


class Hashed(Arm):
    """An arm whose place in memory is settled: a set of arms goes by it."""

    def __hash__(self) -> int:
        return self.place


def test_the_controls_of_several_bases_take_their_turns_in_order(tmp_path: Path) -> None:
    found = []
    for places in ((0, 1), (1, 0)):
        context = context_of(tmp_path / str(places[0]), TASK)
        control = control_that_learns_at()
        arms = [Hashed(control, made_bench(TASK, revision)) for revision in "ab"]
        for arm, place in zip(arms, places, strict=True):
            arm.place = place
        method = Made("rising", falling(40 * OPENING))
        everyone = [*arms, Arm(method, made_bench(TASK, "a"))]
        race = Race(context, made_purse(950.0 * step_price(TASK)), [], everyone)
        race.run()
        found.append(trials_of(race))
    assert found[0] == found[1]


@pytest.mark.parametrize(("count", "total"), [(4, 100.0), (10, RICH)])
def test_nobody_is_said_to_have_gone_on_who_did_not(
    context: Context, count: int, total: float
) -> None:
    """Four of which the purse ends the race of the last two, ten of which two reach the cap."""
    methods = [Made(f"m{n}", falling((20 + n) * OPENING)) for n in range(count)]
    race = raced(context, methods, total)
    longest = max(steps for method in methods for steps in lengths(method))
    assert sum(longest in lengths(method) for method in methods) == 2
    for sentence in itertools.chain.from_iterable(arm.story for arm in race.arms):
        assert not (sentence.startswith(f"At {longest} steps") and "went on" in sentence)


def overtakes(rate: float, steps: int, seed: int) -> Rows:
    return range(40) if steps == OPENING else range(10)


def test_the_winner_of_the_last_rung_is_the_first_to_be_repeated(tmp_path: Path) -> None:
    missed = []
    for total in range(120, 400, 20):
        context = context_of(tmp_path / str(total), TASK, seeds=3)
        methods = [Made("leads", always(range(30))), Made("overtakes", overtakes)]
        methods += [Made(f"last{n}", always(range(90))) for n in range(2)]
        with quick():
            race = raced(context, methods, float(total))
        leads, winner = (len(arm.finalists) for arm in race.arms[:2])
        if winner < leads and lengths(methods[0])[-1] == lengths(methods[1])[-1]:
            missed.append((total, leads, winner))
    assert missed == []


def test_what_a_fit_chose_itself_is_no_part_of_its_finalists_key(context: Context) -> None:
    method = Made("made", falling(40 * OPENING), chosen={"strength": 3})
    arm = raced(context, [method], RICH).arms[0]
    assert max(Counter(method.fits).values()) == 1
    assert {t.key for t in arm.finalists} == models(context)


def test_a_failure_that_was_mended_does_not_leave_two_winners(tmp_path: Path) -> None:
    def mended(rate: float, steps: int, seed: int) -> Rows:
        return range(10) if rate == 1e-3 else range(40 if steps == OPENING else 50)

    def best_fails(rate: float, steps: int, seed: int) -> Rows:
        return broken(rate, steps, seed) if rate == 1e-3 else mended(rate, steps, seed)

    for wrong in (best_fails, mended):
        context = context_of(tmp_path, TASK, seeds=2)
        arm = raced(context, [Made("made", wrong, (1e-4, 1e-3))], RICH).arms[0]
    assert {t.hyperparameters["rate"] for t in arm.finalists} == {1e-3}
    assert [t.seed for t in arm.finalists] == [0, 1]


def test_the_range_tests_of_many_arms_do_not_eat_the_purse(context: Context) -> None:
    found = RangeTest([1e-3], [1.0], None)
    methods = [Made(f"m{n}", always([]), tested=found) for n in range(40)]
    with quick():
        race = raced(context, methods, 1.001 * RANGE_STEPS / SHARE)
    assert race.purse.spent <= race.purse.total
    assert any(arm.finalists for arm in race.arms)


def test_a_controls_further_rates_leave_the_winner_its_seeds(tmp_path: Path) -> None:
    missed = []
    for total in range(500, 1500, 100):
        context = context_of(tmp_path / str(total), TASK, seeds=2)
        method = Made("rising", falling(40 * OPENING))
        control = control_that_learns_at()
        with quick():
            race = raced(context, [method, control], float(total))
        if len(of(race, method).finalists) < 2 and lengths(method)[-1] > FEWEST_STEPS:
            missed.append((total, lengths(method), control.fits))
    assert missed == []


def test_a_finalist_whose_model_is_damaged_is_fitted_again(context: Context) -> None:
    arm = raced(context, [Made("made", falling(10 * OPENING))], RICH).arms[0]
    before = arm.finalists[0]
    before.status = "done"  # as a killed study leaves it
    context.store.write_trial(before, {"validation": context.store.predictions(before.key, "test")})
    for path in context.store.model(before.key).iterdir():
        path.write_text("{", encoding="utf-8")
    found = raced(context, [Made("made", falling(10 * OPENING))], RICH).arms[0]
    assert [t.key for t in found.finalists] == [before.key]


def test_a_seed_that_failed_is_not_tried_and_paid_twice(tmp_path: Path) -> None:
    def wrong(rate: float, steps: int, seed: int) -> Rows:
        return broken(rate, steps, seed) if seed else range(10)

    method = Made("made", wrong, [n * 1e-4 for n in range(1, 11)])  # two rates reach the cap
    raced(context_of(tmp_path, TASK, seeds=2), [method], RICH)
    assert sum(seed == 1 for _, _, seed in method.fits) == 1


@pytest.mark.parametrize(
    "scoring",
    [
        False,
        True,
    ],
)
def test_what_was_kept_back_for_the_winners_seeds_pays_for_them(
    tmp_path: Path, scoring: bool
) -> None:
    missed = []
    for total in range(100, 2500, 150):
        method = Made("rising", falling(40 * OPENING))
        context = context_of(tmp_path / str(total), TASK, seeds=2)
        with quick():
            arm = raced(context, [method], float(total), scoring=scoring).arms[0]
        if lengths(method)[1:] and len(arm.finalists) < 2:
            missed.append((total, lengths(method)))
    assert missed == []


def test_a_search_run_is_judged_on_a_part_of_many_validation_rows_a_finalist_on_all(
    tmp_path: Path,
) -> None:
    task = text_task(2000, 2000)
    context = context_of(tmp_path, task, 1)
    race = raced(context, [Made("m", always(range(500)), RATES)], 200)
    (arm,) = race.arms
    lost = next(trial for trial in arm.trials if trial.status == "done")
    (won,) = arm.finalists
    few, all_rows = (context.store.predictions(t.key, "validation") for t in (lost, won))
    assert len(few) == JUDGED < len(all_rows) == 2000
    assert lost.scores["validation"]["accuracy"].value == race.judge.score(
        won, race.judge.rows(lost)
    )
    assert won.scores["validation"]["accuracy"].value == 0.75
    again = raced(context, [Made("m", always(range(500)), RATES)], 200)
    assert trials_of(again) == trials_of(race)
    assert [t.scores for t in again.arms[0].trials] == [t.scores for t in arm.trials]
    known = run_trial(context, arm.trial(race.winners[arm]), final=False)  # as it was searched
    assert known.status == "done"
    assert list(known.scores) == ["validation"]
    assert (
        known.scores["validation"]["accuracy"].value == lost.scores["validation"]["accuracy"].value
    )
