"""Confusion and per-class scores agree with scikit-learn; spans are scored by type."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as reference

from headstart.measure.confusion import class_scores, confusion
from headstart.task.model import Objective

from .samples import labels, probabilities

CLASSES = tuple("abcd")
TRUTH = labels(150, 4)
GUESS = probabilities(TRUTH, 4, np.random.default_rng(1).random(150) < 0.6)


def columns(scores):
    return np.array([[s.precision, s.recall, s.f1, s.support] for s in scores]).T


def test_the_matrix_has_the_truth_in_rows():
    found = confusion(Objective.SINGLE_LABEL, CLASSES, TRUTH, GUESS)
    assert (found == reference.confusion_matrix(TRUTH, GUESS.argmax(1), labels=range(4))).all()


def test_single_label_class_scores_are_the_references():
    found = class_scores(Objective.SINGLE_LABEL, CLASSES, TRUTH, GUESS)
    expected = reference.precision_recall_fscore_support(TRUTH, GUESS.argmax(1), labels=range(4))
    assert columns(found) == pytest.approx(np.array(expected))
    assert [s.name for s in found] == list(CLASSES)


def test_multi_label_class_scores_are_the_references():
    generator = np.random.default_rng(2)
    truth, guess = generator.random((80, 4)) < 0.4, generator.random((80, 4))
    found = class_scores(Objective.MULTI_LABEL, CLASSES, truth.astype(np.float32), guess)
    expected = reference.precision_recall_fscore_support(truth, guess >= 0.5)
    assert columns(found) == pytest.approx(np.array(expected))


def test_a_class_that_is_never_true_or_predicted_has_zeros():
    found = class_scores(Objective.SINGLE_LABEL, (*CLASSES, "e"), TRUTH, GUESS)
    assert (found[-1].f1, found[-1].support) == (0.0, 0)


def test_entities_are_scored_by_type_and_words_without_prediction_are_missed():
    classes = ("O", "B-PER", "I-PER", "B-LOC")
    truth = [np.array([1, 2, 0, 3]), np.array([3])]
    guess = [np.array([1, 2, 0, 0]), np.array([-1])]
    found = {s.name: s for s in class_scores(Objective.TAGS, classes, truth, guess)}
    assert (found["PER"].f1, found["PER"].support) == (1.0, 1)
    assert (found["LOC"].recall, found["LOC"].support) == (0.0, 2)


def test_plain_tags_are_scored_by_word():
    truth, guess = [np.array([0, 1]), np.array([1])], [np.array([0, 0]), np.array([1])]
    found = class_scores(Objective.TAGS, ("NOUN", "VERB"), truth, guess)
    expected = reference.precision_recall_fscore_support([0, 1, 1], [0, 0, 1])
    assert columns(found) == pytest.approx(np.array(expected))
    assert confusion(Objective.TAGS, ("NOUN", "VERB"), truth, guess).tolist() == [[1, 0], [1, 1]]


def test_a_regression_has_no_classes():
    assert class_scores(Objective.REAL, (), np.zeros(2), np.zeros(2)) == []
    with pytest.raises(ValueError, match="not defined for real"):
        confusion(Objective.REAL, (), np.zeros(2), np.zeros(2))
