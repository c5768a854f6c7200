"""What holds for every registered transferability score."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import replace
from math import isfinite

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits

from headstart.errors import RequestError, WorkError
from headstart.rank.score import SCORES, CrossValidated, Evidence, TransferScore
from headstart.task.model import Objective

from .toys import MULTI, REAL, SINGLE, blurred, classified, labelled, names, shuffled, taken, valued

SOME = settings(
    max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
MAKERS = {SINGLE: classified, MULTI: labelled, REAL: valued}
PAIRS = [
    pytest.param(name, objective, id=f"{name}-{objective.value}")
    for name in SCORES
    for objective in sorted(SCORES.get(name).objectives)
]


@pytest.fixture(autouse=True)
def no_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def scored(name: str, evidence: Evidence, seed: int = 0) -> float:
    """Return the score, or fail where it refuses."""
    score = SCORES.get(name)()
    assert score.refuse(evidence) is None
    return score.score(evidence, seed)


@pytest.mark.parametrize("name", list(SCORES))
def test_a_score_says_what_it_is(name: str) -> None:
    kind = SCORES.get(name)
    assert issubclass(kind, TransferScore)
    assert kind.name == name
    assert kind.summary
    assert all(word in (kind.__doc__ or "") for word in ("Range", "Cost"))


@pytest.mark.parametrize(("name", "objective"), PAIRS)
def test_more_informative_features_score_higher(name: str, objective: Objective) -> None:
    evidence = MAKERS[objective](3.0)
    strong, weak = scored(name, evidence), scored(name, blurred(evidence, 1.5))
    none = scored(name, shuffled(evidence))
    assert strong > weak > none


@pytest.mark.parametrize(("name", "objective"), PAIRS)
def test_the_same_seed_gives_the_same_score(name: str, objective: Objective) -> None:
    make = MAKERS[objective]
    assert scored(name, make(0.8), seed=3) == scored(name, make(0.8), seed=3)


@pytest.mark.parametrize(("name", "objective"), PAIRS)
def test_the_order_of_rows_does_not_matter(name: str, objective: Objective) -> None:
    evidence = MAKERS[objective](0.8)
    order = np.random.default_rng(5).permutation(len(evidence))
    assert scored(name, taken(evidence, order)) == pytest.approx(scored(name, evidence), rel=1e-5)


@pytest.mark.parametrize(("name", "objective"), PAIRS)
@pytest.mark.parametrize("change", ["rotation", "scale"])
def test_rotation_and_common_scale_do_not_matter(
    name: str, objective: Objective, change: str
) -> None:
    evidence = MAKERS[objective](0.8)
    width = evidence.features.shape[1]
    turn = np.linalg.qr(np.random.default_rng(7).normal(size=(width, width)))[0]
    features = evidence.features @ turn if change == "rotation" else evidence.features * 1000
    changed = replace(evidence, features=features.astype(np.float32))
    expected = scored(name, evidence)
    assert scored(name, changed) == pytest.approx(expected, rel=1e-3, abs=1e-4)


@pytest.mark.parametrize(("name", "objective"), [p for p in PAIRS if p.values[0] != "logme"])
def test_an_offset_does_not_matter(name: str, objective: Objective) -> None:
    # logme's model has no bias, as published: an offset is a feature to it
    evidence = MAKERS[objective](0.8)
    moved = replace(evidence, features=evidence.features + np.float32(10))
    assert scored(name, moved) == pytest.approx(scored(name, evidence), rel=1e-3, abs=1e-4)


DEGENERATE = {
    "one class": lambda e: replace(e, targets=np.zeros_like(e.targets)),
    "constant features": lambda e: replace(e, features=np.full_like(e.features, 0.1)),
    "zero features": lambda e: replace(e, features=np.zeros_like(e.features)),
    "two rows": lambda e: taken(e, np.arange(2)),
    "one row": lambda e: taken(e, np.arange(1)),
    "wide": lambda e: replace(e, features=np.tile(e.features, (1, 40))),
    "huge": lambda e: replace(e, features=e.features * np.float32(1e6)),
    "tiny": lambda e: replace(e, features=e.features * np.float32(1e-12)),
    "offset": lambda e: replace(e, features=e.features + np.float32(1e5)),
    "copies": lambda e: taken(e, np.zeros(20, dtype=int)),
    "one feature": lambda e: replace(e, features=e.features[:, :1]),
    "one different feature": lambda e: replace(
        e, features=np.eye(len(e), 3, dtype=np.float32)[:, :1]
    ),
    "no ids": lambda e: replace(e, ids=None),
}


@pytest.mark.parametrize("case", list(DEGENERATE))
@pytest.mark.parametrize(("name", "objective"), PAIRS)
def test_degenerate_evidence_is_scored_or_refused(
    name: str, objective: Objective, case: str
) -> None:
    evidence = DEGENERATE[case](MAKERS[objective](1.0))
    score = SCORES.get(name)()
    reason = score.refuse(evidence)
    if reason is None:
        assert isfinite(score.score(evidence))
    else:
        assert len(reason) > 10


@pytest.mark.parametrize("name", list(SCORES))
def test_one_row_a_class_is_scored_or_refused(name: str) -> None:
    evidence = classified(1.0, rows=7, classes=7)
    assert isfinite(scored(name, evidence))


@pytest.mark.parametrize("name", list(SCORES))
@SOME
@given(
    rows=st.integers(2, 40),
    width=st.integers(1, 60),
    classes=st.integers(2, 8),
    seed=st.integers(0, 99),
)
def test_any_shape_is_scored_or_refused(
    name: str, rows: int, width: int, classes: int, seed: int
) -> None:
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(rows, width)).astype(np.float32)
    x = x[generator.integers(rows, size=rows)]  # copies
    theta = generator.dirichlet(np.full(5, 0.01), size=rows)
    y = generator.integers(classes, size=rows)
    evidence = Evidence(x, y, SINGLE, classes, theta, names(rows))
    score = SCORES.get(name)()
    if score.refuse(evidence) is None:
        assert isfinite(score.score(evidence, seed))
    else:
        assert len(set(y.tolist())) == 1


@pytest.mark.parametrize(
    ("name", "objective"), [p for p in PAIRS if issubclass(SCORES.get(p.values[0]), CrossValidated)]
)
def test_a_cross_validated_score_is_the_mean_of_its_rows(name: str, objective: Objective) -> None:
    evidence = MAKERS[objective](0.8)
    score = SCORES.get(name)()
    assert isinstance(score, CrossValidated)
    merits = score.merits(evidence)
    assert merits.shape == (len(evidence),)
    assert merits.mean() == pytest.approx(score.score(evidence))


@pytest.mark.parametrize("name", ["hscore", "leep", "nleep", "centroid"])
@pytest.mark.parametrize("make", [labelled, valued])
def test_scores_of_classes_refuse_other_targets(name: str, make) -> None:
    evidence = make(1.0)
    theta = np.full((len(evidence), 2), 0.5)
    reason = SCORES.get(name)().refuse(replace(evidence, source_probabilities=theta))
    assert reason is not None
    assert name in reason


def digits(kind: str) -> Evidence:
    """600 of scikit-learn's digits: pixels, three random projections of them, or noise."""
    images, y = load_digits(return_X_y=True)
    images, y = images[:600], y[:600]
    generator = np.random.default_rng(0)
    x = {
        "pixels": images,
        "projected": images @ generator.normal(size=(64, 3)),
        "noise": generator.normal(size=images.shape),
    }[kind]
    apart = (x - x.mean(axis=0)) / (x.std(axis=0) + 1e-9)
    logits = apart @ generator.normal(size=(x.shape[1], 30))  # a source head of 30 classes
    theta = np.exp(logits - logits.max(axis=1, keepdims=True))
    theta /= theta.sum(axis=1, keepdims=True)
    return Evidence(x.astype(np.float32), y, SINGLE, 10, theta, names(600))


@pytest.mark.parametrize("name", list(SCORES))
def test_real_digits_are_put_in_the_right_order(name: str) -> None:
    pixels, projected, noise = (scored(name, digits(k)) for k in ("pixels", "projected", "noise"))
    assert pixels > projected > noise


def test_an_unknown_score_is_answered_with_the_nearest() -> None:
    with pytest.raises(RequestError, match="did you mean 'logme'"):
        SCORES.get("logmee")


def test_evidence_that_does_not_fit_is_named() -> None:
    good = classified(1.0)
    with pytest.raises(ValueError, match="same N"):
        replace(good, targets=good.targets[:-1])
    with pytest.raises(ValueError, match="flattened"):
        replace(good, objective=Objective.TAGS)
    with pytest.raises(ValueError, match=r"\(N, D\)"):
        replace(good, features=good.features[:, 0])
    with pytest.raises(ValueError, match="D ≥ 1"):
        replace(good, features=good.features[:, :0])
    with pytest.raises(ValueError, match="not all 0"):
        replace(good, source_probabilities=np.zeros((len(good), 3)))
    broken = good.features.copy()
    broken[3, 2] = np.nan
    with pytest.raises(WorkError, match="feature is not finite"):
        replace(good, features=broken)
