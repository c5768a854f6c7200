"""The order of bases: votes that know their noise, ties that a test does not tell apart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headstart.rank.assess import Assessment, assess
from headstart.rank.combine import combine, paired

from .toys import blurred, classified

ROWS = 400


def base(accuracy: float, logme: float, seed: int = 0, **others: float) -> Assessment:
    """An assessment whose probe is right on that share of rows."""
    hits = (np.random.default_rng(seed).permutation(ROWS) < accuracy * ROWS).astype(float)
    scores = {"probe": float(hits.mean()), "logme": logme, **others}
    return Assessment(scores, {"probe": hits})


def order(assessments: dict[str, Assessment]) -> list[str]:
    return [one.base for one in combine(assessments).bases]


def test_a_base_that_is_best_on_all_scores_is_first_with_all_votes() -> None:
    found = combine({"c": base(0.5, 0.1, 1), "a": base(0.9, 0.3, 2), "b": base(0.7, 0.2, 3)})
    assert [one.base for one in found.bases] == ["a", "b", "c"]
    assert [one.combined for one in found.bases] == pytest.approx([1, 0.5, 0], abs=1e-3)
    assert [one.tie_with_first for one in found.bases] == [True, False, False]
    assert found.judged_by == "probe"
    assert found.weights == {"probe": 2.0, "logme": 1.0}
    assert found.agreement.tau == pytest.approx(1.0)


def test_a_difference_within_noise_is_a_tie_that_other_scores_order() -> None:
    found = combine({"a": base(0.805, 0.1, 1), "b": base(0.8, 0.4, 2)})
    assert [one.base for one in found.bases] == ["b", "a"]
    assert [one.tie_with_first for one in found.bases] == [True, True]


def test_a_difference_beyond_noise_outweighs_one_other_score() -> None:
    assert order({"a": base(0.9, 0.1, 1), "b": base(0.7, 0.4, 2)}) == ["a", "b"]


def test_a_base_that_the_rows_show_to_be_better_than_the_first_is_not_called_worse() -> None:
    many = {f"score{k}": 1.0 for k in range(5)}
    less = {f"score{k}": 0.0 for k in range(5)}
    found = combine({"a": base(0.9, 0.1, 1, **less), "b": base(0.7, 0.4, 2, **many)})
    assert [one.base for one in found.bases] == ["b", "a"]
    assert found.bases[1].tie_with_first


def test_rows_in_pairs_tell_apart_what_two_accuracies_alone_cannot() -> None:
    better = np.zeros(ROWS)
    better[:320] = 1
    worse = better.copy()
    worse[:12] = 0  # 0.80 and 0.77: the intervals overlap, but no row speaks for the second
    assert paired(better, worse) > 0.99
    assert paired(better, np.random.default_rng(0).permutation(worse)) < 0.975


def test_a_wild_value_counts_as_one_vote() -> None:
    tame = {
        "a": base(0.9, 0.1, 1, x=0.2),
        "b": base(0.7, 0.4, 2, x=0.1),
        "c": base(0.5, 0.0, 3, x=0),
    }
    wild = {**tame, "b": base(0.7, 1e9, 2, x=0.1)}
    assert [(r.base, r.combined) for r in combine(tame).bases] == [
        (r.base, r.combined) for r in combine(wild).bases
    ]


def test_a_score_that_one_base_lacks_is_shown_and_not_counted() -> None:
    found = combine({"a": base(0.9, 0.3, 1), "b": base(0.6, 0.1, 2, leep=-0.1)})
    assert "leep" not in found.weights
    assert found.bases[1].scores["leep"] == -0.1


def test_equal_bases_share_the_votes_and_follow_by_name() -> None:
    found = combine({"b": base(0.8, 0.2), "a": base(0.8, 0.2)})
    assert [(one.base, one.combined) for one in found.bases] == [("a", 0.5), ("b", 0.5)]
    assert all(one.tie_with_first for one in found.bases)
    assert found.agreement.tau is None


def test_without_a_cross_validated_score_nothing_is_called_worse() -> None:
    found = combine({"a": Assessment({"logme": 0.2}), "b": Assessment({"logme": 0.1})})
    assert found.judged_by is None
    assert [(one.base, one.tie_with_first, one.standard_error) for one in found.bases] == [
        ("a", True, None),
        ("b", True, None),
    ]


def test_a_single_base_is_first() -> None:
    found = combine({"only": base(0.8, 0.2)})
    assert [(one.base, one.combined, one.tie_with_first) for one in found.bases] == [
        ("only", 1.0, True)
    ]
    assert found.bases[0].standard_error == pytest.approx(np.sqrt(0.8 * 0.2 / ROWS))


def test_the_order_of_the_bases_does_not_matter() -> None:
    bases = {f"b{k}": base(0.5 + 0.02 * k, 0.1 * (k % 3), k) for k in range(6)}
    assert order(bases) == order(dict(reversed(bases.items())))


def test_bases_that_share_no_score_are_refused() -> None:
    with pytest.raises(ValueError, match="no score that all bases have"):
        combine({"a": Assessment({"logme": 0.1}), "b": Assessment({"leep": 0.1})})
    with pytest.raises(ValueError, match="no score"):
        combine({})


def test_bases_shown_other_rows_are_refused() -> None:
    few = Assessment({"probe": 1.0}, {"probe": np.ones(3)})
    with pytest.raises(ValueError, match="3 and 400 rows"):
        combine({"a": few, "b": base(0.8, 0.1)})


@settings(max_examples=50, deadline=None, derandomize=True)
@given(rows=st.integers(1, 60), seed=st.integers(0, 999), real=st.booleans())
def test_what_speaks_for_one_base_speaks_against_the_other(rows, seed, real) -> None:
    generator = np.random.default_rng(seed)
    draw = generator.normal if real else lambda size: generator.integers(2, size=size)
    first, second = np.asarray(draw(size=rows), float), np.asarray(draw(size=rows), float)
    assert paired(first, second) + paired(second, first) == pytest.approx(1.0)


@pytest.mark.parametrize("rows", [5, 20, 100, 1000])
def test_equal_bases_are_called_different_as_rarely_as_said(rows: int) -> None:
    generator = np.random.default_rng(rows)
    found = [paired(*(generator.random((2, rows)) < 0.8).astype(float)) for _ in range(2000)]
    assert np.mean(np.abs(np.array(found) - 0.5) > 0.475) < 0.06


def test_real_scores_put_clearer_features_first() -> None:
    clear = classified(1.5, rows=200)
    bases = {
        "blurred": blurred(clear, 1.0),
        "clear": clear,
        "noise": blurred(clear, 50.0),
    }
    found = combine({name: assess(evidence) for name, evidence in bases.items()})
    assert [one.base for one in found.bases] == ["clear", "blurred", "noise"]
    assert len(found.weights) == 6
    assert found.agreement.words.startswith("the scores agree (")
