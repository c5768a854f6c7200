"""Exact match, token F1 and ROUGE-L of written answers, by hand and against rouge-score."""

from __future__ import annotations

import numpy as np
import pytest

from headstart.errors import RequestError
from headstart.measure.compare import compare
from headstart.measure.exact_match import normalised
from headstart.measure.interval import bootstrap
from headstart.measure.score import ANSWERS, METRICS, metrics, score
from headstart.study.request import Request, check_against
from headstart.task.model import Objective

TEXT = Objective.TEXT
WORDS = ["a", "the", "cat", "sat", "on", "mat", "dog", "ran", "12", "Don't", "it,", "was.", "best"]


def scored(reference: str, answer: str, metric: str) -> float:
    return score(TEXT, (), [reference], [answer], metric)


def drawn(count: int, seed: int) -> list[str]:
    generator = np.random.default_rng(seed)
    sizes = generator.integers(0, 15, count)
    return [" ".join(generator.choice(WORDS, size)) for size in sizes]


def test_case_punctuation_articles_and_space_do_not_count():
    assert normalised("  The U.S. Navy,\n a ship! ") == "us navy ship"
    assert normalised("theatre and another") == "theatre and another"
    assert scored("The Navy.", "navy", "exact_match") == 1
    assert scored("The Navy.", "navy ships", "exact_match") == 0


@pytest.mark.parametrize(
    ("reference", "answer", "expected"),
    [
        ("the cat sat", "cat sat down", 0.8),  # 2 of 2 and 2 of 3
        ("red red blue", "red green", 0.4),  # a word counts as often as both have it
        ("cat", "dog", 0.0),
        ("the", "a", 1.0),  # neither has words
        ("cat", "", 0.0),
    ],
)
def test_token_f1_by_hand(reference, answer, expected):
    assert scored(reference, answer, "token_f1") == pytest.approx(expected)


@pytest.mark.parametrize(
    ("reference", "answer", "expected"),
    [
        ("police killed the gunman", "police kill the gunman", 0.75),  # Lin 2004, section 3.1
        ("police killed the gunman", "the gunman kill police", 0.5),
        ("Größe zählt", "größe ZÄHLT nicht", 0.8),
        ("cat", "", 0.0),
        ("", "", 0.0),
    ],
)
def test_rouge_l_by_hand(reference, answer, expected):
    assert scored(reference, answer, "rouge_l") == pytest.approx(expected)


def test_rouge_l_is_that_of_rouge_score():
    package = pytest.importorskip("rouge_score.rouge_scorer", reason="needs rouge-score")
    scorer = package.RougeScorer(["rougeL"])
    for reference, answer in zip(drawn(80, 0), drawn(80, 1), strict=True):
        expected = scorer.score(reference, answer)["rougeL"].fmeasure
        assert scored(reference, answer, "rouge_l") == pytest.approx(expected)


@pytest.mark.parametrize("metric", ANSWERS)
def test_answers_have_intervals_and_paired_tests(metric):
    references = [f"answer {row}" for row in range(40)]
    wrong = [f"x{row}" for row in range(40)]
    half = [
        one if row % 2 else other
        for row, (one, other) in enumerate(zip(references, wrong, strict=True))
    ]
    found = bootstrap(TEXT, (), references, [half], metric)
    assert 0.3 < found.low < found.value < found.high < 0.7
    assert compare(TEXT, (), references, [half], [wrong], metric).verdict == "better"
    assert compare(TEXT, (), references, [half], [half], metric).verdict == "tie"
    assert METRICS.get(metric).higher_is_better


def test_all_right_is_not_surely_right():
    references = [f"answer {row}" for row in range(12)]
    found = bootstrap(TEXT, (), references, [references], "exact_match")
    assert found.value == 1
    assert found.low == pytest.approx(0.757, abs=0.01)  # Wilson's, of 12 of 12


def test_losses_are_no_answers():
    with pytest.raises(ValueError, match="as texts against texts"):
        score(TEXT, (), np.array([9.0]), np.array([[3.0, 2.0]]), "rouge_l")


def test_choices_do_not_go_by_answers(monkeypatch):
    assert not set(ANSWERS) & set(metrics(TEXT))
    from headstart.study import request
    from tests.study.helpers import text_task

    monkeypatch.setattr(request, "check_bases", lambda bases, task: None)
    with pytest.raises(RequestError, match="choices cannot go by 'rouge_l'"):
        check_against(Request(data=None, out=None, metric="rouge_l"), text_task())
