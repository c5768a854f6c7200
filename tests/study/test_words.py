"""Numbers in plain words, and the forms of a budget."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headstart.errors import RequestError
from headstart.study.budget import parse_budget
from headstart.study.record import ComparisonRecord, ScoreRecord
from headstart.study.words import amount, chance, gap, listed, metric_name, plural, signed
from headstart.study.words import with_interval as shown


def comparison(value: float, low: float, high: float) -> ComparisonRecord:
    return ComparisonRecord(
        first="a",
        second="b",
        part="test",
        difference=ScoreRecord(value=value, low=low, high=high),
        p_value=0.5,
        verdict="tie",
    )


def test_shares_are_per_cent_and_other_metrics_are_not() -> None:
    assert amount("accuracy", 0.9312) == "93.1%"
    assert amount("r2", 0.9312) == "0.931"
    assert shown("accuracy", ScoreRecord(value=0.93, low=0.92, high=0.94)) == "93.0% [92.0, 94.0]"
    assert shown("r2", ScoreRecord(value=0.93, low=0.9, high=0.95)) == "0.930 [0.900, 0.950]"


def test_a_gap_has_no_sign_and_its_interval_ascends() -> None:
    assert gap("accuracy", comparison(-0.021, -0.039, -0.004)) == "2.1 points [0.4, 3.9]"
    assert gap("accuracy", comparison(0.021, 0.004, 0.039)) == "2.1 points [0.4, 3.9]"
    assert gap("spearman", comparison(0.021, 0.004, 0.039)) == "0.021 [0.004, 0.039]"


def test_a_signed_difference_keeps_its_sign() -> None:
    assert signed("accuracy", comparison(-0.003, -0.014, 0.009)) == "-0.3 points [-1.4, 0.9]"
    assert signed("r2", comparison(0.012, -0.003, 0.027)) == "+0.012 [-0.003, 0.027]"


def test_names_and_counts_read_as_people_write_them() -> None:
    assert [listed(n) for n in (["a"], ["a", "b"], ["a", "b", "c"])] == [
        "a", "a and b", "a, b and c",
    ]  # fmt: skip
    assert (plural(1, "row"), plural(2000, "row")) == ("1 row", "2,000 rows")
    assert (metric_name("macro_f1"), metric_name("ece")) == ("macro F1", "ece")
    assert (chance(0.0004), chance(0.0342)) == ("p < 0.001", "p = 0.034")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("10min", 600), ("1.5h", 5400), ("90s", 90), ("2 hours", 7200), (".5m", 30), ("1d", 86400)],
)
def test_a_time_is_a_budget(text: str, seconds: float) -> None:
    assert parse_budget(text).record() == {"seconds": seconds, "flop": None}


@pytest.mark.parametrize(
    ("text", "flop"), [("5e15flop", 5e15), ("2 Gflop", 2e9), ("3pflops", 3e15), ("1E+9FLOP", 1e9)]
)
def test_operations_are_a_budget(text: str, flop: float) -> None:
    assert parse_budget(text).record() == {"seconds": None, "flop": flop}


@pytest.mark.parametrize(
    "text", ["", "10", "min", "0min", "-3h", "500ms", "1e400flop", "1e300h", "1e31flop", "5 apples"]
)
def test_what_is_no_budget_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(RequestError, match="is no budget") as caught:
        parse_budget(text)
    assert caught.value.where == "--budget"
    assert "10min" in str(caught.value.mend)


numbers = st.floats(allow_nan=False).map(str) | st.integers().map(str)


@given(st.text(max_size=20) | st.builds("{}{}".format, numbers, st.sampled_from("smhd")))
def test_any_text_is_a_usable_budget_or_refused(text: str) -> None:
    try:
        found = parse_budget(text)
    except RequestError:
        return
    assert (found.seconds is None) != (found.flop is None)
    assert 0 < (found.seconds or found.flop or 0) < float("inf")
