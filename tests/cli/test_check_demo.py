"""The check of the demo finds each thing that can be wrong with what a demo leaves."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from headstart.study.record import ComparisonRecord, LearningCurvePoint, ScoreRecord, StudyRecord

SCRIPT = Path(__file__).resolve().parents[2] / "scripts/check_demo.py"


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module, whose model predicts well."""
    spec = importlib.util.spec_from_file_location("check_demo", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "_model", lambda *_: [])
    return module


def interval(value: float) -> ScoreRecord:
    return ScoreRecord(value=value, low=value - 0.01, high=value + 0.01)


@pytest.fixture
def good(record: StudyRecord) -> StudyRecord:
    """A record with all that the demo promises."""
    probe, tfidf = record.arms[2], record.arms[0]
    extra = [
        probe.model_copy(update={"name": name, "method": name, "keys": [name]})
        for name in ("finetune", "scratch")
    ]
    majority = tfidf.model_copy(update={"name": "majority", "method": "majority", "keys": ["m"]})
    record.arms = [*record.arms, *extra, majority]
    record.comparisons.append(
        ComparisonRecord(
            first="scratch",
            second="probe",
            part="test",
            difference=interval(-0.3),
            p_value=0.001,
            verdict="worse",
        )
    )
    record.learning_curve = [
        LearningCurvePoint(arm="probe", labels=labels, score=interval(0.5)) for labels in (9, 90)
    ]
    return record


@pytest.fixture
def found(check: ModuleType, good: StudyRecord, tmp_path: Path) -> Callable[..., list[str]]:
    """Returns what the check says of ``good`` as it is when called."""

    def found(seconds: float = 100.0) -> list[str]:
        (tmp_path / "study.json").write_text(good.model_dump_json())
        if not (tmp_path / "report.html").exists():
            (tmp_path / "report.html").write_text(f"<h1>{good.decision.headline}</h1>")
        return list(check.problems(tmp_path, seconds))

    return found


def test_a_good_demo_has_no_problems(found: Callable[..., list[str]]) -> None:
    assert found() == []


def test_a_slow_demo_is_found(found: Callable[..., list[str]]) -> None:
    assert found(seconds=361.0) == ["it took 361 s, more than 360"]


def low_accuracy(record: StudyRecord) -> None:
    record.arms[2].scores = {"test": {"accuracy": interval(0.7)}}


def scratch_as_good(record: StudyRecord) -> None:
    record.comparisons[1].verdict = "tie"


def tfidf_better(record: StudyRecord) -> None:
    record.comparisons[0].verdict = "worse"


def tfidf_not_compared(record: StudyRecord) -> None:
    del record.comparisons[0]


def control_delivered(record: StudyRecord) -> None:
    record.decision.arm = "tfidf"


def lora_missing(record: StudyRecord) -> None:
    del record.arms[1]


def no_curve(record: StudyRecord) -> None:
    record.learning_curve = []


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (low_accuracy, "accuracy 0.700 is below 0.77"),
        (scratch_as_good, "not significantly better than 'scratch'"),
        (tfidf_better, "not significantly better than 'tfidf'"),
        (tfidf_not_compared, "not significantly better than 'tfidf'"),
        (control_delivered, "is no transfer"),
        (lora_missing, "no arm for 'lora'"),
        (no_curve, "no learning curve"),
    ],
)
def test_a_spoilt_demo_is_found(
    found: Callable[..., list[str]], good: StudyRecord, spoil: Callable[[Any], None], said: str
) -> None:
    spoil(good)
    assert any(said in problem for problem in found())


def test_a_report_without_the_headline_is_found(
    found: Callable[..., list[str]], tmp_path: Path
) -> None:
    (tmp_path / "report.html").write_text("<h1>other</h1>")
    assert found() == ["the headline is not in the report"]
