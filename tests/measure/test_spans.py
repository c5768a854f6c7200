"""Spans are read as conlleval reads them; span F1 counts whole spans only."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headstart.measure.score import score
from headstart.measure.spans import are_span_tags, spans
from headstart.task.model import Objective

TAGS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("O O", set()),
        ("B-PER I-PER O B-LOC", {(0, 2, "PER"), (3, 4, "LOC")}),
        ("B-PER B-PER", {(0, 1, "PER"), (1, 2, "PER")}),
        ("I-PER I-PER O I-LOC", {(0, 2, "PER"), (3, 4, "LOC")}),
        ("B-PER I-LOC", {(0, 1, "PER"), (1, 2, "LOC")}),
        ("S-PER B-LOC I-LOC E-LOC", {(0, 1, "PER"), (1, 4, "LOC")}),
        ("U-PER B-LOC L-LOC I-LOC", {(0, 1, "PER"), (1, 3, "LOC"), (3, 4, "LOC")}),
        ("B-a-b I-a-b", {(0, 2, "a-b")}),
        ("", set()),
    ],
)
def test_spans_are_read_as_by_conlleval(tags, expected):
    assert spans(tags.split()) == expected


@given(st.lists(st.sampled_from(TAGS), max_size=12))
def test_spans_cover_every_word_that_is_not_o_exactly_once(tags):
    covered = [word for start, end, _ in spans(tags) for word in range(start, end)]
    assert sorted(covered) == [i for i, tag in enumerate(tags) if tag != "O"]


@pytest.mark.parametrize(
    ("classes", "claim"),
    [
        (TAGS, True),
        (("O", "S-X", "B-X", "I-X", "E-X"), True),
        (("O",), False),
        (("NOUN", "VERB"), False),
        (("B-PER", "I-PER"), False),
        (("O", "B", "I"), False),
    ],
)
def test_span_tags_are_told_from_word_classes(classes, claim):
    assert are_span_tags(classes) is claim


def test_span_f1_counts_whole_spans():
    truth = [np.array([1, 2, 0]), np.array([3, 4])]
    guess = [np.array([1, 0, 0]), np.array([3, 4])]  # the first span is cut short
    assert score(Objective.TAGS, TAGS, truth, guess, "span_f1") == 0.5
    assert score(Objective.TAGS, TAGS, truth, guess, "accuracy") == 0.8


def test_a_word_that_was_cut_off_counts_as_wrong():
    assert score(Objective.TAGS, TAGS, [np.array([0, 1])], [np.array([0, -1])], "accuracy") == 0.5


def test_sentences_must_have_a_prediction_for_every_word():
    with pytest.raises(ValueError, match="sentence 1: 1 predicted tags for 2 words"):
        score(
            Objective.TAGS, TAGS, [np.array([0]), np.array([0, 1])], [np.array([0])] * 2, "span_f1"
        )
