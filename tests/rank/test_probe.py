"""The cross-validated probe: the main metric of rows that were held out, and of no others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from headstart.measure.score import metrics, score
from headstart.rank.folds import folds
from headstart.rank.probe import CrossValidatedProbe
from headstart.rank.score import Evidence
from headstart.task.model import Objective
from headstart.train.linear import STRENGTHS, fit_path, predict

from .toys import REAL, SINGLE, classified, labelled, valued


def by_hand(evidence: Evidence) -> float:
    """Return the best strength's main metric, fold by fold on the features as they are."""
    x, y = evidence.features - evidence.features.mean(axis=0), evidence.targets
    strengths = STRENGTHS if evidence.objective is REAL else (1.0, 10.0, 100.0)
    shape = (len(x),) if evidence.objective is REAL else (len(x), evidence.n_classes)
    found = np.zeros((len(strengths), *shape))
    fold = folds(evidence, 0)
    for held_out in range(5):
        test = fold == held_out
        heads = fit_path(x[~test], y[~test], evidence.objective, evidence.n_classes, strengths)
        for at, head in enumerate(heads):
            found[at, test] = predict(head, x[test], evidence.objective)
    classes = tuple(str(k) for k in range(evidence.n_classes))
    metric = metrics(evidence.objective)[0]
    return max(score(evidence.objective, classes, y, one, metric) for one in found)


@pytest.mark.parametrize("make", [classified, labelled, valued])
def test_it_is_the_main_metric_over_five_folds(make) -> None:
    evidence = make(0.8)
    assert CrossValidatedProbe().score(evidence) == pytest.approx(by_hand(evidence), abs=0.01)


@pytest.mark.parametrize("make", [classified, labelled])
def test_what_was_learnt_is_not_what_is_scored(make) -> None:
    evidence = make(0.0, rows=100, width=300)  # wide enough to learn every row by heart
    chance = by_hand(evidence)
    assert CrossValidatedProbe().score(evidence) < 0.65
    assert chance < 0.65


def test_copies_of_a_content_are_not_predicted_from_each_other() -> None:
    single = classified(0.0, rows=60, width=100, classes=2)
    five = np.repeat(np.arange(60), 5)
    assert single.ids is not None
    copied = replace(
        single,
        features=single.features[five],
        targets=single.targets[five],
        source_probabilities=None,
        ids=[single.ids[row] for row in five],
    )
    assert CrossValidatedProbe().score(copied) < 0.75
    assert CrossValidatedProbe().score(replace(copied, ids=None)) == 1.0  # by heart


def test_features_wider_than_the_cut_score_as_well() -> None:
    evidence = classified(1.5, rows=600, width=500, classes=4)
    found = CrossValidatedProbe().score(evidence)
    assert found == pytest.approx(by_hand(evidence), abs=0.04)


def test_micro_f1s_rows_spread_as_it_does_over_fresh_rows() -> None:
    evidence = labelled(0.8)
    merits = CrossValidatedProbe().merits(evidence)
    fresh = [CrossValidatedProbe().score(labelled(0.8, seed=seed)) for seed in range(20)]
    assert merits.std() / np.sqrt(len(merits)) == pytest.approx(np.std(fresh), rel=0.6)


def test_rows_of_one_content_are_refused() -> None:
    evidence = replace(classified(1.0, rows=6), ids=["a"] * 6)
    assert "same content" in (CrossValidatedProbe().refuse(evidence) or "")


def test_a_large_offset_of_values_does_no_harm() -> None:
    evidence = valued(1.0)
    moved = replace(evidence, targets=evidence.targets + 1e4)
    assert CrossValidatedProbe().score(moved) == pytest.approx(
        CrossValidatedProbe().score(evidence), abs=1e-3
    )


def test_objectives_are_the_three() -> None:
    assert CrossValidatedProbe.objectives == {SINGLE, Objective.MULTI_LABEL, REAL}
