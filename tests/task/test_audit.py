"""The audit finds what makes scores misleading, and names rows."""

from __future__ import annotations

import pandas as pd

from headstart.task.build import build_task
from headstart.task.model import Task, Warning


def found(task: Task) -> dict[str, Warning]:
    return {warning.code: warning for warning in task.warnings}


def frame(rows: list[tuple[str, str, str]]) -> pd.DataFrame:
    base = [(f"t{n}", "ab"[n % 2], "train" if n < 30 else "test") for n in range(40)]
    return pd.DataFrame(base + rows, columns=["text", "label", "split"])


def test_a_test_row_that_also_stands_in_train_is_a_leak_and_kept() -> None:
    task = build_task(frame([("t0", "a", "test"), ("t1", "b", "test")]))
    leak = found(task)["leakage"]
    assert leak.count == 2
    assert "DataFrame row 0 (" in leak.examples[0]
    assert {"t0", "t1"} <= set(task.test.inputs)


def test_the_same_input_with_two_labels_is_a_conflict() -> None:
    conflict = found(build_task(frame([("t2", "b", "train")])))["label-conflicts"]
    assert conflict.count == 2
    assert conflict.examples == ("DataFrame row 2: a | DataFrame row 40: b",)


def test_a_class_that_train_lacks_is_named() -> None:
    untaught = found(build_task(frame([("new", "c", "test")])))["untaught-classes"]
    assert untaught.examples == ("c",)
    assert untaught.message.startswith("1 class has no row in train")


def test_imbalance_is_told_in_numbers() -> None:
    rows = [(f"more {n}", "a", "train") for n in range(300)]
    message = found(build_task(frame(rows)))["class-imbalance"].message
    assert "'a' has " in message
    assert "times as many" in message


def test_clean_data_have_no_warning() -> None:
    texts = [f"t{n}" for n in range(100)]
    assert build_task(pd.DataFrame({"text": texts, "label": list("ab") * 50})).warnings == ()
