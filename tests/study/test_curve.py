"""Learning curves: their sizes and subsets, what they measure, and what is said of them."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headstart.measure.interval import Interval
from headstart.measure.power_law import LabelPoint
from headstart.method.model import Fitted, Setting
from headstart.method.tfidf import Tfidf
from headstart.study.arm import Arm
from headstart.study.curve import (
    FEWEST,
    Curve,
    curve_records,
    curve_sentences,
    labels_sentence,
    measure_curve,
    sizes,
    subset,
)
from headstart.study.trial import Context, Trial, run_trial
from headstart.task.build import build_task
from headstart.task.model import Objective, Part

from .helpers import context_of


@given(st.integers(1, 10**6), st.integers(0, 10**4), st.integers(2, 10))
def test_sizes_rise_to_all_labels_with_two_of_each_class_at_least(
    rows: int, classes: int, count: int
) -> None:
    found = sizes(rows, classes, count)
    assert found[-1] == rows
    assert found == sorted(set(found))
    assert len(found) <= count
    assert min(found) >= min(rows, max(FEWEST, 2 * classes))


def part_of(targets: list[int]) -> Part:
    texts = [f"t{row}" for row in range(len(targets))]
    return Part(inputs=texts, targets=np.array(targets), ids=texts, origins=texts)


@given(st.lists(st.integers(0, 5), min_size=6, max_size=60), st.data())
def test_a_subset_has_distinct_rows_and_every_class_there_is_room_for(
    targets: list[int], data: st.DataObject
) -> None:
    size = data.draw(st.integers(1, len(targets)))
    rows = subset(part_of(targets), Objective.SINGLE_LABEL, size, seed=0)
    assert len(set(rows.tolist())) == size
    classes = {targets[row] for row in rows}
    assert len(classes) >= min(size, len(set(targets)))
    again = subset(part_of(targets), Objective.SINGLE_LABEL, size, seed=0)
    assert rows.tolist() == again.tolist()


def test_draws_differ() -> None:
    part = part_of([0, 1] * 50)
    first, second = (subset(part, Objective.SINGLE_LABEL, 20, seed).tolist() for seed in (0, 1))
    assert first != second


@pytest.fixture
def tfidf(tmp_path: Path, tiny_csv: Path) -> tuple[Context, Arm]:
    """An arm that finished on texts that words tell apart."""
    context = context_of(tmp_path, build_task(tiny_csv))
    arm = Arm(Tfidf(), None)
    settings = arm.method.search(context.task, None, "accuracy")[0]
    arm.trials.append(run_trial(context, Trial(arm.method, None, settings, 0), final=True))
    return context, arm


def test_a_curve_rises_where_there_is_something_to_learn(tfidf: tuple[Context, Arm]) -> None:
    context, arm = tfidf
    curve = measure_curve(context, arm, 3)
    rows = len(context.task.train)
    assert [point.labels for point in curve.points] == sizes(rows, 3, 3)
    assert curve.points[-1].score.value > curve.points[0].score.value
    for point, record in zip(curve.points, curve_records([curve]), strict=True):
        assert point.score.low <= point.score.value <= point.score.high
        assert (record.arm, record.labels) == ("tfidf", point.labels)


def test_a_curve_counts_training_labels_only_and_is_measured_once(
    tfidf: tuple[Context, Arm], monkeypatch: pytest.MonkeyPatch
) -> None:
    context, arm = tfidf
    seen: list[tuple[int, bool]] = []
    fit = Tfidf.fit

    def watched(self: Tfidf, setting: Setting) -> Fitted:
        seen.append((len(setting.task.train), setting.refit))
        return fit(self, setting)

    monkeypatch.setattr(Tfidf, "fit", watched)
    curve = measure_curve(context, arm, 3, draws=2)
    first, second, rows = sizes(len(context.task.train), 3, 3)
    # Refitted on validation too, the last point would have more labels than it says.
    assert seen == [(n, False) for n in (first, first, second, second, rows)]
    assert measure_curve(context, arm, 3, draws=2) == curve
    assert len(seen) == 5


def test_a_subset_that_cannot_be_fitted_leaves_a_gap_and_no_failure(
    tfidf: tuple[Context, Arm], monkeypatch: pytest.MonkeyPatch
) -> None:
    context, arm = tfidf
    fit = Tfidf.fit

    def small_fails(self: Tfidf, setting: Setting) -> Fitted:
        if len(setting.task.train) < 20:
            raise ValueError("too few")
        return fit(self, setting)

    monkeypatch.setattr(Tfidf, "fit", small_fails)
    assert min(p.labels for p in measure_curve(context, arm, 3).points) >= 20


def curve(arm: str, scores: dict[int, float], half: float = 0.01) -> Curve:
    return Curve(arm, [LabelPoint(n, Interval(v, v - half, v + half)) for n, v in scores.items()])


def law(floor: float, scale: float) -> dict[int, float]:
    return {n: 1 - floor - scale / math.sqrt(n) for n in (16, 64, 256, 1024)}


def test_where_curves_cross_or_that_they_do_not_is_said() -> None:
    probe, scratch = curve("probe", law(0.1, 1.0)), curve("scratch", law(0.0, 2.5))
    (crossing,) = curve_sentences([probe, scratch], "probe")
    (apart,) = curve_sentences([probe, curve("tfidf", law(0.3, 1.0))], "probe")
    assert "scratch" in crossing
    assert "tfidf" in apart
    assert crossing.replace("scratch", "") != apart.replace("tfidf", "")
    assert curve_sentences([scratch], "probe") == []


def test_labels_for_a_point_are_forecast_for_shares_with_enough_sizes_only() -> None:
    found = curve("probe", law(0.05, 1.0), half=0.002)
    sentence = labels_sentence(found, True)
    assert sentence is not None
    assert "more labels to gain 1 point" in sentence
    assert sentence.endswith("(Forecast from probe.)")
    assert labels_sentence(found, False) is None
    assert labels_sentence(curve("probe", {16: 0.5, 32: 0.6}), True) is None
