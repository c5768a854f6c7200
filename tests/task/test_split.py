"""How rows are dealt: every class where it can be, by content, the user's parts untouched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest

from headstart.errors import RequestError
from headstart.task.model import Objective
from headstart.task.raw import Raw
from headstart.task.rows import Rows, Target, content_id
from headstart.task.split import deal, use_split_column


def rows_of(targets: Sequence[Target], parts: list[str] | None = None) -> Rows:
    texts = [f"text {n}" for n in range(len(targets))]
    return Rows(list(texts), list(targets), [content_id(text) for text in texts], texts, parts)


@pytest.mark.parametrize("count", [3, 4, 5, 7, 10, 20])
def test_a_class_of_three_or_more_rows_is_in_every_part(count: int) -> None:
    rows = rows_of(["rare"] * count + ["common"] * 50)
    parts, _, _ = deal(rows, Objective.SINGLE_LABEL, "")
    assert len({part for part, t in zip(parts, rows.targets, strict=True) if t == "rare"}) == 3


@pytest.mark.parametrize(("count", "expected"), [(1, {"train"}), (2, {"train", "test"})])
def test_a_smaller_class_is_in_train_first(count: int, expected: set[str]) -> None:
    rows = rows_of(["rare"] * count + ["common"] * 50)
    parts, _, _ = deal(rows, Objective.SINGLE_LABEL, "")
    assert {p for p, t in zip(parts, rows.targets, strict=True) if t == "rare"} == expected


def test_numbers_are_dealt_all_together() -> None:
    parts, phrase, _ = deal(rows_of([n / 3 for n in range(100)]), Objective.REAL, "")
    assert Counter(parts) == {"train": 70, "validation": 15, "test": 15}
    assert phrase.startswith("70/15/15")


@pytest.mark.parametrize("objective", [Objective.TAGS, Objective.MULTI_LABEL])
def test_train_has_every_label_even_one_that_occurs_once(objective: Objective) -> None:
    targets = [("O", f"rare {n}") if n < 20 else ("O", "common") for n in range(100)]
    parts, _, _ = deal(rows_of(targets), objective, "")
    assert set(parts[:20]) == {"train"}
    assert {"validation", "test"} <= set(parts)


def test_own_parts_are_untouched_and_a_missing_test_comes_from_train() -> None:
    own = ["train"] * 40 + ["validation"] * 10
    parts, phrase, _ = deal(rows_of(list("ab" * 25), own), Objective.SINGLE_LABEL, "own")
    assert parts[40:] == ["validation"] * 10
    assert Counter(parts[:40]) == {"train": 34, "test": 6}
    assert phrase == "own; test is 15% of train, by content"


def test_one_part_alone_is_all_the_data() -> None:
    parts, phrase, _ = deal(rows_of(list("ab" * 50), ["test"] * 100), Objective.SINGLE_LABEL, "own")
    assert phrase.startswith("70/15/15")
    assert len(set(parts)) == 3


def test_parts_without_train_are_refused() -> None:
    own = ["validation", "test"] * 10
    with pytest.raises(RequestError, match="without train"):
        deal(rows_of(list("ab" * 10), own), Objective.SINGLE_LABEL, "own")


def test_a_split_column_that_holds_other_words_is_left_alone_and_said() -> None:
    raw = Raw("x", {"split": ["train", "test", "later"]}, ["1", "2", "3"])
    use_split_column(raw, [])
    assert raw.parts is None
    assert "later" in raw.said[0]


def test_a_split_column_that_the_user_names_as_target_stays() -> None:
    raw = Raw("x", {"split": ["train", "test"]}, ["1", "2"])
    use_split_column(raw, ["split"])
    assert raw.parts is None
    assert "split" in raw.columns
