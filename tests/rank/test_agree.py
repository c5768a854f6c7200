"""Agreement: Kendall's tau over pairs of scores, and the sentence that says it."""

from __future__ import annotations

import pytest

from headstart.rank.agree import agreement

BASES = ["a", "b", "c", "d"]


def test_scores_with_one_order_agree() -> None:
    found = agreement(BASES, {"x": [1, 2, 3, 4], "y": [-9, 0, 0.1, 70], "z": [5, 6, 7, 8]})
    assert found.tau == pytest.approx(1.0)
    assert len(found.pairs) == 3
    assert found.words == ("the scores agree (Kendall's tau 1.00, mean of 3 pairs of scores)")


def test_scores_with_opposite_orders_disagree_and_say_on_what() -> None:
    found = agreement(BASES, {"x": [1, 2, 3, 4], "y": [4, 3, 2, 1], "z": [1, 2, 3, 4]})
    assert found.tau == pytest.approx(-1 / 3)
    assert found.words.startswith("the scores disagree")
    assert found.words.endswith("x, z put d first; y puts a first")


def test_scores_may_agree_on_the_first_only() -> None:
    found = agreement(BASES, {"x": [1, 2, 3, 4], "y": [2, 3, 1, 4]})
    assert found.tau == pytest.approx(1 / 3)
    assert found.words == (
        "the scores agree in part (Kendall's tau 0.33, mean of 1 pair of scores): "
        "all put d first, then they differ"
    )


def test_ties_are_corrected_for() -> None:
    found = agreement(BASES, {"x": [1, 1, 2, 2], "y": [1, 1, 5, 5]})
    assert found.tau == pytest.approx(1.0)


@pytest.mark.parametrize(
    "scores", [{"x": [1, 2, 3, 4]}, {"x": [1, 2, 3, 4], "y": [7, 7, 7, 7]}, {}]
)
def test_one_telling_score_agrees_with_nobody(scores) -> None:
    found = agreement(BASES, scores)
    assert found.tau is None
    assert found.words == "fewer than two scores tell the bases apart"
