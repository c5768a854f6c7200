"""What a ledger promises, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import math
import os
from datetime import UTC, datetime, timedelta
from itertools import count
from threading import Thread
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headstart.errors import RequestError
from headstart.ledger.ledger import Ledger
from headstart.ledger.rows import Outcome, SimilarTask, Totals

from .helpers import TASK, TRIAL, task, trial, vector

HOSTILE = [
    "'; DROP TABLE trials; --",
    '" OR "1"="1',
    "%s %(name)s :name ? {0}",
    "naïve 日本語 🙂 \u202e‮",
    "back\\slash\nnew\tline",
    "",
]


def test_what_was_added_is_known_with_who_and_when(ledger: Ledger) -> None:
    began = datetime.now(UTC)
    ledger.add_task(TASK)
    assert not ledger.has("key-1")
    assert ledger.trial("key-1") is None

    assert ledger.add_trial(TRIAL)

    known = ledger.trial("key-1")
    assert ledger.has("key-1")
    assert known is not None
    assert (known.key, known.task, known.status) == ("key-1", "task-1", "done")
    assert (known.host, known.user) == ("host-a", "ada")
    assert known.record == TRIAL.record
    assert known.predictions == {"validation": b"\x00\x01"}
    assert (known.seconds, known.flop) == (1.5, 2e9)
    assert began - timedelta(seconds=1) <= known.created <= datetime.now(UTC)


def test_it_is_known_to_the_next_who_opens_it(url: str) -> None:
    with Ledger.open(url) as first:
        first.add_task(TASK)
        first.add_trial(TRIAL)
    with Ledger.open(url) as second:
        assert second.has("key-1")
        assert second.totals() == Totals(trials=1, tasks=1, studies=0, seconds=1.5, flop=2e9)


def test_of_two_trials_with_one_key_the_first_stays(ledger: Ledger) -> None:
    ledger.add_task(TASK)
    assert ledger.add_trial(TRIAL)
    assert not ledger.add_trial(trial("key-1", score=0.9, predictions={"validation": b"other"}))
    known = ledger.trial("key-1")
    assert known is not None
    assert known.predictions == {"validation": b"\x00\x01"}
    assert ledger.totals().trials == 1


def test_a_finalist_takes_the_place_of_a_trial_that_is_only_done(ledger: Ledger) -> None:
    final = trial("key-1", status="finalist", predictions={"validation": b"v", "test": b"t"})
    ledger.add_task(TASK)
    ledger.add_trial(TRIAL)
    assert not ledger.has("key-1", final=True)

    assert ledger.add_trial(final)
    assert not ledger.add_trial(final)
    assert not ledger.add_trial(TRIAL)

    known = ledger.trial("key-1")
    assert ledger.has("key-1", final=True)
    assert known is not None
    assert known.status == "finalist"
    assert known.predictions == {"validation": b"v", "test": b"t"}


@pytest.mark.parametrize("status", ["failed", "skipped"])
def test_a_trial_without_a_result_is_not_kept(ledger: Ledger, status: str) -> None:
    ledger.add_task(TASK)
    assert not ledger.add_trial(trial("key-1", status=status))
    assert not ledger.has("key-1")


def test_a_trial_of_an_unknown_task_is_refused_and_nothing_is_kept(ledger: Ledger) -> None:
    with pytest.raises(RequestError, match="a task that the ledger does not hold"):
        ledger.add_trial(TRIAL)
    assert ledger.totals() == Totals(0, 0, 0, 0.0, 0.0)


def test_a_task_is_added_once_and_may_gain_summaries(ledger: Ledger) -> None:
    ledger.add_task(TASK, {"rev-1": vector(0, 0)})
    ledger.add_task(task("task-1", name="later"), {"rev-1": vector(9, 9), "rev-2": vector(1, 1)})
    assert ledger.similar_tasks("rev-1", vector(0, 0), "classification") == [
        SimilarTask("task-1", 0.0, "reviews", 120)
    ]
    assert ledger.similar_tasks("rev-2", vector(1, 1), "classification")[0].distance == 0


def test_the_same_study_is_kept_once(ledger: Ledger) -> None:
    ledger.add_task(TASK)
    record = {"version": 1, "trials": [{"score": 0.5}]}
    first = ledger.add_study("task-1", record, flop=1e9, seconds=3.0)
    assert ledger.add_study("task-1", record, flop=1e9, seconds=3.0) == first
    assert ledger.add_study("task-1", {"version": 2}, flop=1e9, seconds=3.0) != first
    assert ledger.totals().studies == 2


def test_similar_tasks_are_the_nearest_of_the_kind_on_the_base(ledger: Ledger) -> None:
    rng = np.random.default_rng(0)
    vectors = {f"t{n:02d}": rng.normal(size=8).astype(np.float32) for n in range(30)}
    for name, summary in vectors.items():
        ledger.add_task(task(name), {"rev-1": summary})
    ledger.add_task(task("other-kind", kind="regression"), {"rev-1": vectors["t00"]})
    ledger.add_task(task("other-base"), {"rev-2": vectors["t00"]})
    ledger.add_task(task("other-size"), {"rev-1": vector(0, 0)})
    asked = vectors["t00"] + np.float32(0.01)

    found = ledger.similar_tasks("rev-1", asked, "classification", limit=5)

    apart = {name: float(np.linalg.norm(v - asked)) for name, v in vectors.items()}
    expected = sorted(apart, key=apart.__getitem__)[:5]
    assert [one.fingerprint for one in found] == expected
    assert [one.distance for one in found] == pytest.approx([apart[n] for n in expected], rel=1e-5)
    assert ledger.similar_tasks("rev-1", asked, "text-pair") == []
    assert ledger.similar_tasks("unknown", asked, "classification") == []


def test_a_task_that_another_adds_is_found_at_the_next_call(url: str) -> None:
    with Ledger.open(url) as mine, Ledger.open(url) as other:
        mine.add_task(task("a"), {"rev-1": vector(0, 0)})
        assert len(mine.similar_tasks("rev-1", vector(0, 0), "classification")) == 1
        other.add_task(task("b"), {"rev-1": vector(1, 0)})
        found = mine.similar_tasks("rev-1", vector(0, 0), "classification")
    assert [(one.fingerprint, one.distance) for one in found] == [("a", 0.0), ("b", 1.0)]


@pytest.mark.parametrize("bad", [vector(), vector(math.nan), np.zeros((2, 2), np.float32)])
def test_a_summary_that_is_none_is_refused(ledger: Ledger, bad: Any) -> None:
    with pytest.raises(ValueError, match="expected"):
        ledger.add_task(TASK, {"rev-1": bad})
    with pytest.raises(ValueError, match="expected"):
        ledger.similar_tasks("rev-1", bad, "classification")


def test_outcomes_are_the_best_of_each_method_and_base(ledger: Ledger) -> None:
    for name in ("a", "b", "c"):
        ledger.add_task(task(name))
    added = [
        trial("1", task="a", score=0.7),
        trial("2", task="a", score=0.9, hyperparameters={"strength": 3}, flop=5.0, steps=7),
        trial("3", task="a", score=0.9, flop=6.0),
        trial("4", task="a", score=None),
        trial("5", task="a", score=math.nan),
        trial("6", task="a", score=0.95, base_revision="rev-2"),
        trial("7", task="a", score=0.1, method="majority", base=None, base_revision=None),
        trial("8", task="a", score=0.2, metric="macro_f1"),
        trial("9", task="b", score=0.5),
        trial("10", task="c", score=0.99),
    ]
    for one in added:
        ledger.add_trial(one)

    found = ledger.outcomes(["b", "a", "unknown", "b"])

    assert [one.key for one in found] == ["9", "6", "2", "7", "8"]
    assert found[2] == Outcome(
        "a", "accuracy", "probe", "bundled:minilm-l6", "rev-1", {"strength": 3}, 0.9, 5.0, 1.5, 7,
        "2", 3,
    )  # fmt: skip
    assert ledger.outcomes([]) == []


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_just_text(ledger: Ledger, text: str) -> None:
    ledger.add_task(task(text, name=text, kind=text), {text: vector(1)})
    hostile = trial("k", task=text, base=text, base_revision=text, method=text, metric=text,
                    hyperparameters={text: text}, predictions={text: b"x"})  # fmt: skip
    assert ledger.add_trial(hostile)
    assert not ledger.has(text)
    known = ledger.trial("k")
    assert known is not None
    assert known.predictions == {text: b"x"}
    assert ledger.similar_tasks(text, vector(1), text)[0].name == text
    (outcome,) = ledger.outcomes([text])
    assert (outcome.method, outcome.base, outcome.hyperparameters) == (text, text, {text: text})


def test_what_no_database_takes_is_shown_as_such_in_texts_and_refused_in_keys(
    ledger: Ledger,
) -> None:
    broken = "a\0b\ud800"
    ledger.add_task(task("t", name=broken), {"rev-1": vector(0)})
    (found,) = ledger.similar_tasks("rev-1", vector(0), "classification")
    assert found.name == "a\ufffdb?"
    assert not ledger.has(broken)
    assert ledger.trial(broken) is None
    assert ledger.outcomes([broken]) == []
    for wrong in (
        trial(broken), trial(""), trial("k" * 33), trial("k", task="t" * 201),
        trial("k", method=broken), trial("k", seed=2**63), trial("k", steps=2**64),
    ):  # fmt: skip
        with pytest.raises(RequestError):
            ledger.add_trial(wrong)


_TEXT = st.text(st.characters(exclude_categories=()))
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4),
    max_leaves=20,
)  # fmt: skip
_KEYS = count()


@given(
    record=st.dictionaries(_TEXT, _JSON, max_size=5),
    predictions=st.dictionaries(st.sampled_from(["validation", "test"]), st.binary(max_size=300)),
    seed=st.integers(-(2**63), 2**63 - 1),
    cost=st.floats(0, allow_nan=False, allow_infinity=False),
)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_records_and_predictions_come_back_as_they_went_in(
    ledger: Ledger, record: dict[str, Any], predictions: dict[str, bytes], seed: int, cost: float
) -> None:
    key = f"k{next(_KEYS)}"
    ledger.add_task(TASK)
    entry = trial(key, predictions=predictions, seed=seed, seconds=cost, flop=cost)
    object.__setattr__(entry, "record", record)
    ledger.add_trial(entry)
    known = ledger.trial(key)
    assert known is not None
    assert known.record == record
    assert known.predictions == predictions
    assert (known.seconds, known.flop) == (cost, cost)


def test_numbers_that_json_lacks_become_none(ledger: Ledger) -> None:
    ledger.add_task(TASK)
    entry = trial("k")
    object.__setattr__(entry, "record", {"loss": [math.nan, math.inf, -math.inf, 1.0]})
    ledger.add_trial(entry)
    known = ledger.trial("k")
    assert known is not None
    assert known.record == {"loss": [None, None, None, 1.0]}


def test_threads_may_share_a_ledger(ledger: Ledger) -> None:
    ledger.add_task(TASK)

    def write(name: int) -> None:
        for number in range(10):
            ledger.add_trial(trial(f"{name}-{number}"))
            ledger.add_trial(trial(f"shared-{number}"))

    threads = [Thread(target=write, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ledger.totals().trials == 50


def test_a_ledger_may_be_used_on_both_sides_of_a_fork(ledger: Ledger) -> None:
    ledger.add_task(TASK)
    ledger.add_trial(trial("before"))
    pid = os.fork()
    if pid == 0:
        try:
            for number in range(20):
                ledger.add_trial(trial(f"child-{number}"))
        except BaseException:
            os._exit(1)
        os._exit(0)
    for number in range(20):
        ledger.add_trial(trial(f"parent-{number}"))
    assert os.waitpid(pid, 0)[1] == 0
    assert ledger.totals().trials == 41


def test_studies_are_listed_the_newest_first_and_read_by_id(ledger: Ledger) -> None:
    ledger.add_task(TASK)
    ids = [ledger.add_study("task-1", {"n": n}, flop=1.0, seconds=1.0) for n in range(3)]
    listed = [one for one, _ in ledger.newest_studies(10)]
    assert listed == ids[::-1]
    assert [one for one, _ in ledger.newest_studies(1)] == [ids[2]]
    assert ledger.study_records([ids[1], "unknown", "\0"]) == {ids[1]: {"n": 1}}


def test_trials_are_counted_by_task_and_method(ledger: Ledger) -> None:
    ledger.add_task(TASK)
    ledger.add_task(task("task-2", name="mails"))
    for key, method, of in (("a", "lora", "task-1"), ("b", "lora", "task-1"), ("c", "x", "task-2")):
        ledger.add_trial(trial(key, method=method, task=of))
    found = {(one.name, one.method): one.trials for one in ledger.trial_groups()}
    assert found == {("reviews", "lora"): 2, ("mails", "x"): 1}
    assert ledger.trial_groups()[0].method == "x"
    assert ledger.trial_groups()[0].newest.tzinfo is not None
    assert ledger.writers() == 1
