"""Kind, input and target are told from names and cells, and flags are obeyed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from headstart.errors import RequestError
from headstart.task.build import build_task
from headstart.task.labels import find_separator
from headstart.task.model import Kind, Objective, Task

ROWS = 120
TEXTS = [f"some text of row {row}" for row in range(ROWS)]
RNG = np.random.default_rng(0)
SETS = [list(RNG.choice(list("abcd"), RNG.integers(1, 4), replace=False)) for _ in range(ROWS)]


def task_of(kind: Kind | None = None, **columns: Any) -> Task:
    return build_task(pd.DataFrame(columns), kind=kind)


def test_lists_of_labels_are_multi_label() -> None:
    task = task_of(text=TEXTS, tags=SETS)
    assert task.objective is Objective.MULTI_LABEL
    row = task.train.inputs.index(next(t for t in TEXTS if t in task.train.inputs))
    labels = SETS[TEXTS.index(str(task.train.inputs[row]))]
    targets = np.asarray(task.train.targets)
    assert targets.dtype == np.float32
    assert {task.classes[at] for at in np.flatnonzero(targets[row])} == set(labels)


@pytest.mark.parametrize("separator", ["|", ";", ", ", " "])
def test_labels_in_one_cell_are_told_apart(separator: str) -> None:
    task = task_of(text=TEXTS, genres=[separator.join(labels) for labels in SETS])
    assert task.objective is Objective.MULTI_LABEL
    assert task.classes == ("a", "b", "c", "d")
    assert (np.asarray(task.train.targets).sum(axis=0) > 0).all()


@pytest.mark.parametrize(
    "names", [["credit card", "lost card", "card"], ["Rock, Pop", "Jazz", "Pop"], ["a/b", "a", "b"]]
)
def test_names_that_contain_separators_stay_whole(names: list[str]) -> None:
    assert find_separator(names * 30) is None


def test_many_numbers_are_a_regression() -> None:
    task = task_of(description=TEXTS, price=np.arange(ROWS) / 7)
    assert (task.kind, task.objective) == (Kind.REGRESSION, Objective.REAL)
    assert np.asarray(task.train.targets).dtype == np.float64


def test_many_whole_numbers_can_be_asked_to_be_classes() -> None:
    ages = [18 + row % 40 for row in range(ROWS)]
    assert task_of(text=TEXTS, age=ages).kind is Kind.REGRESSION
    assert len(task_of(Kind.CLASSIFICATION, text=TEXTS, age=ages).classes) == 40


def test_whole_numbers_in_floats_are_the_same_classes() -> None:
    labels: list[float | None] = [float(row % 3) for row in range(ROWS)]
    labels[7] = None  # this is what makes pandas turn whole numbers into floats
    assert task_of(text=TEXTS, label=labels).classes == ("0", "1", "2")


def test_two_texts_by_name_are_a_pair() -> None:
    task = task_of(premise=TEXTS, hypothesis=TEXTS[::-1], label=list("eno") * 40)
    assert task.kind is Kind.TEXT_PAIR
    assert task.input == ("premise", "hypothesis")
    assert isinstance(task.train.inputs[0], tuple)


def test_a_pair_with_a_score_keeps_its_numbers() -> None:
    task = task_of(sentence1=TEXTS, sentence2=TEXTS[::-1], score=np.arange(ROWS) / 7)
    assert (task.kind, task.objective) == (Kind.TEXT_PAIR, Objective.REAL)


def test_words_with_tags_are_a_token_classification() -> None:
    words = [["in", "Paris", str(row)] for row in range(ROWS)]
    task = task_of(tokens=words, ner_tags=[["O", "B-LOC", "O"]] * ROWS)
    assert (task.kind, task.objective) == (Kind.TOKEN_CLASSIFICATION, Objective.TAGS)
    assert task.classes == ("B-LOC", "O")
    assert np.asarray(task.train.targets[0]).tolist() == [1, 0, 1]


def test_rows_whose_words_and_tags_differ_in_number_are_left_out() -> None:
    words = [["in", "Paris", str(row)] for row in range(ROWS)]
    tags = [["O", "B", "O"]] * (ROWS - 1) + [["O"]]
    task = task_of(tokens=words, ner_tags=tags)
    assert next(w for w in task.warnings if w.code == "unreadable-targets").count == 1


def test_ids_and_domains_are_no_targets() -> None:
    task = task_of(
        id=range(ROWS), domain=["x", "y"] * 60, note=TEXTS, verdict=["in", "in", "out"] * 40
    )
    assert (task.input, task.target) == (("note",), "verdict")
    assert any("not used: columns 'id', 'domain'" in line for line in task.detected)


def test_every_choice_says_why() -> None:
    task = task_of(text=TEXTS, label=["a", "b"] * 60)
    assert "input: column 'text', by its name" in task.detected
    assert "target: column 'label' (2 distinct strings in 120 rows), by its name" in task.detected


def test_a_text_pair_needs_two_columns() -> None:
    with pytest.raises(RequestError, match="two input columns"):
        task_of(Kind.TEXT_PAIR, text=TEXTS, label=["a", "b"] * 60)
