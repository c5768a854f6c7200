"""Scores agree with scikit-learn and scipy, whatever the weights, rows and order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as reference

from headstart.errors import RequestError
from headstart.measure.score import HIGHER_IS_BETTER, METRICS, metrics, score
from headstart.task.model import Objective

from .samples import labels, probabilities

CLASSES = tuple("abcde")
N = 200
TRUTH = labels(N, 5)
GUESS = probabilities(TRUTH, 5, np.random.default_rng(1).random(N) < 0.7)
WEIGHTS = np.random.default_rng(2).integers(0, 4, N).astype(float)
REAL = np.random.default_rng(3).normal(40, 3, N).round(1)
REAL_GUESS = (REAL + np.random.default_rng(4).normal(0, 2, N)).round(1)
MULTI = (np.random.default_rng(5).random((N, 4)) < 0.3).astype(np.float32)
MULTI_GUESS = np.clip(MULTI * 0.5 + np.random.default_rng(6).random((N, 4)) * 0.6, 0, 1)

SINGLE_REFERENCES = {
    "accuracy": lambda t, p, w: reference.accuracy_score(t, p.argmax(1), sample_weight=w),
    "macro_f1": lambda t, p, w: reference.f1_score(
        t, p.argmax(1), average="macro", sample_weight=w
    ),
    "balanced_accuracy": lambda t, p, w: reference.balanced_accuracy_score(
        t, p.argmax(1), sample_weight=w
    ),
    "log_loss": lambda t, p, w: reference.log_loss(t, p, sample_weight=w, labels=range(5)),
}
REAL_REFERENCES = {
    "r2": lambda t, p, w: reference.r2_score(t, p, sample_weight=w),
    "mae": lambda t, p, w: reference.mean_absolute_error(t, p, sample_weight=w),
    "rmse": lambda t, p, w: reference.root_mean_squared_error(t, p, sample_weight=w),
    "spearman": lambda t, p, w: (
        stats.spearmanr(np.repeat(t, w.astype(int)), np.repeat(p, w.astype(int))).statistic
    ),
}
MULTI_REFERENCES = {
    "micro_f1": lambda t, p, w: reference.f1_score(t, p >= 0.5, average="micro", sample_weight=w),
    "macro_f1": lambda t, p, w: reference.f1_score(t, p >= 0.5, average="macro", sample_weight=w),
    "subset_accuracy": lambda t, p, w: reference.accuracy_score(t, p >= 0.5, sample_weight=w),
    "log_loss": lambda t, p, w: np.average(
        [reference.log_loss(a, b, labels=[0, 1]) for a, b in zip(t, p, strict=True)], weights=w
    ),
}


@pytest.mark.parametrize("weights", [np.ones(N), WEIGHTS], ids=["even", "weighted"])
@pytest.mark.parametrize(
    ("objective", "targets", "predictions", "name", "expected"),
    [(Objective.SINGLE_LABEL, TRUTH, GUESS, *pair) for pair in SINGLE_REFERENCES.items()]
    + [(Objective.REAL, REAL, REAL_GUESS, *pair) for pair in REAL_REFERENCES.items()]
    + [(Objective.MULTI_LABEL, MULTI, MULTI_GUESS, *pair) for pair in MULTI_REFERENCES.items()],
)
def test_a_score_is_what_the_reference_library_says(
    objective, targets, predictions, name, expected, weights
):
    found = score(objective, CLASSES, targets, predictions, name, weights=weights)
    assert found == pytest.approx(expected(targets, predictions, weights), abs=1e-9)


def test_rows_select_the_items_that_are_scored():
    rows = np.array([3, 5, 8, 13])
    found = score(Objective.SINGLE_LABEL, CLASSES, TRUTH, GUESS, "accuracy", rows=rows)
    assert found == np.mean(GUESS[rows].argmax(1) == TRUTH[rows])


@pytest.mark.parametrize("objective", [o for o in Objective if o is not Objective.TAGS])
def test_the_main_metric_is_higher_is_better_but_of_texts_and_every_metric_is_registered(objective):
    names = metrics(objective, CLASSES)
    assert HIGHER_IS_BETTER[names[0]] == (objective is not Objective.TEXT)
    assert all(name in METRICS and objective in METRICS.get(name).prepare for name in names)
    assert set(HIGHER_IS_BETTER) == set(METRICS.names())


def test_tags_that_name_spans_are_scored_by_spans_and_others_by_words():
    assert metrics(Objective.TAGS, ("O", "B-PER", "I-PER"))[0] == "span_f1"
    assert metrics(Objective.TAGS, ("NOUN", "VERB", "X"))[0] == "accuracy"


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 30), st.integers(2, 5), st.integers(0, 2**32 - 1))
def test_scores_stay_in_their_bounds_and_do_not_depend_on_the_order_of_items(n, classes, seed):
    generator = np.random.default_rng(seed)
    truth = generator.integers(classes, size=n)
    guess = generator.dirichlet(np.ones(classes), size=n)
    order = generator.permutation(n)
    for name in metrics(Objective.SINGLE_LABEL):
        found = score(Objective.SINGLE_LABEL, CLASSES[:classes], truth, guess, name)
        again = score(Objective.SINGLE_LABEL, CLASSES[:classes], truth[order], guess[order], name)
        assert METRICS.get(name).low <= found <= METRICS.get(name).high
        assert found == pytest.approx(again)


def test_constant_targets_have_no_variance_to_explain():
    flat = np.full(5, 3.7)
    assert score(Objective.REAL, (), flat, flat, "r2") == 1.0
    assert score(Objective.REAL, (), flat, flat + 1, "r2") == 0.0
    assert score(Objective.REAL, (), flat, flat + 1, "spearman") == 0.0


def test_a_class_that_is_nowhere_does_not_pull_macro_f1_down():
    truth, guess = np.array([0, 1]), np.array([[0.9, 0.1, 0.0], [0.1, 0.9, 0.0]])
    assert score(Objective.SINGLE_LABEL, ("a", "b", "c"), truth, guess, "macro_f1") == 1.0


def test_an_unknown_metric_names_the_nearest():
    with pytest.raises(RequestError, match="did you mean 'accuracy'"):
        score(Objective.SINGLE_LABEL, CLASSES, TRUTH, GUESS, "acuracy")


def test_a_metric_of_another_objective_is_refused():
    with pytest.raises(RequestError, match="not defined for real"):
        score(Objective.REAL, (), REAL, REAL_GUESS, "accuracy")


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_predictions_that_are_not_numbers_are_not_scored(bad):
    broken = GUESS.copy()
    broken[3, 1] = bad
    with pytest.raises(ValueError, match="1 of 1000"):
        score(Objective.SINGLE_LABEL, CLASSES, TRUTH, broken, "accuracy")


def test_predictions_must_be_as_many_as_targets():
    with pytest.raises(ValueError, match="199 predictions for 200 targets"):
        score(Objective.SINGLE_LABEL, CLASSES, TRUTH, GUESS[:-1], "accuracy")
