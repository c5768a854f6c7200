"""A study's record and a fake api, so that the command line is tested without training."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from headstart.cli.main import app
from headstart.study.record import (
    Alternatives,
    ArmRecord,
    ComparisonRecord,
    CostRecord,
    DecisionRecord,
    ScoreRecord,
    StudyRecord,
    TaskRecord,
    TrialRecord,
    WarningRecord,
)

COST = CostRecord(
    seconds=2.0, cpu_seconds=2.0, flop=1e9, peak_bytes=1, energy_joule=None, trainable_parameters=5
)


def score(value: float) -> dict[str, dict[str, ScoreRecord]]:
    found = ScoreRecord(value=value, low=value - 0.02, high=value + 0.02)
    return {"validation": {"accuracy": found}, "test": {"accuracy": found}}


def arm(name: str, value: float, *, baseline: bool = False) -> ArmRecord:
    return ArmRecord(
        name=name,
        base=None if baseline else "bundled:minilm-l6",
        method=name,
        keys=[f"key-{name}"],
        scores=score(value),
        seconds=75.0,
        flop=1e9,
        parameters=10,
        baseline=baseline,
    )


def trial(method: str, status: str = "finalist", error: str | None = None) -> TrialRecord:
    return TrialRecord(
        key=f"key-{method}",
        base="bundled:minilm-l6",
        base_revision="r",
        method=method,
        hyperparameters={},
        seed=0,
        status=status,  # type: ignore[arg-type]
        scores={},
        cost=COST,
        error=error,
    )


def comparison(first: str, second: str, verdict: str) -> ComparisonRecord:
    return ComparisonRecord(
        first=first,
        second=second,
        part="test",
        difference=ScoreRecord(value=0.1, low=0.05, high=0.15),
        p_value=0.001,
        verdict=verdict,  # type: ignore[arg-type]
    )


@pytest.fixture
def record() -> StudyRecord:
    """A study in which probe is delivered, lora ties, tfidf is worse and finetune failed."""
    return StudyRecord(
        task=TaskRecord(
            name="reviews",
            kind="classification",
            objective="single-label",
            modality="text",
            input=["text"],
            target="label",
            classes=["bad", "good"],
            rows={"train": 70, "validation": 15, "test": 15},
            split="70/15/15 by content",
            fingerprint="f",
            metric="accuracy",
            detected=["target: 'label', the only column with few values"],
            warnings=[
                WarningRecord(code="duplicates", message="3 rows are twice", count=3, examples=[])
            ],
        ),
        budget={"text": None},
        baselines=[trial("tfidf")],
        trials=[trial("probe"), trial("lora"), trial("finetune", "failed", "the loss was NaN")],
        arms=[arm("tfidf", 0.5, baseline=True), arm("lora", 0.79), arm("probe", 0.8)],
        comparisons=[comparison("probe", "tfidf", "better")],
        learning_curve=[],
        decision=DecisionRecord(
            key="key-probe",
            arm="probe",
            headline="Frozen features are enough.",
            why="They are.",
            reasons=["lora is not better"],
            ties=["key-probe", "key-lora"],
            alternatives=Alternatives(cheapest_tie="key-probe", smallest_tie="key-probe"),
            advice=["label 200 more rows"],
        ),
        reproduce={},
    )


class FakeStudy:
    def __init__(self, record: StudyRecord, folder: Path) -> None:
        self.record, self.folder = record, folder


class FakeAdapted:
    """Says "good" of a text with an o in it; an image or text named broken cannot be read."""

    def __init__(
        self, modality: str = "text", objective: str = "single-label", columns: Any = ("text",)
    ) -> None:
        self.modality, self.objective, self.input = modality, objective, columns
        self.classes = ("bad", "good")
        self.calls: list[int] = []

    def predict_proba(self, inputs: list[Any]) -> Any:
        self.calls.append(len(inputs))
        return np.array([self._row(item) for item in inputs])

    def predict(self, inputs: list[Any]) -> list[Any]:
        if self.objective == "real":
            return [float(len(item)) for item in inputs]
        if self.objective == "tags":
            return [["O"] * len(item) for item in inputs]
        return [["bad", "good"] if self._row(item)[1] > 0.5 else [] for item in inputs]

    def _row(self, item: Any) -> tuple[float, float]:
        from headstart.errors import RequestError

        name = item.path.name if hasattr(item, "path") else str(item)
        if "broken" in name:
            raise RequestError("the image is cut short")
        return (0.25, 0.75) if "o" in name else (0.875, 0.125)


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Stands in for headstart.api; tests put functions on it."""
    import headstart

    fake = ModuleType("headstart.api")
    monkeypatch.setitem(sys.modules, "headstart.api", fake)
    monkeypatch.setattr(headstart, "api", fake, raising=False)
    return fake


@pytest.fixture
def headstart_cli(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs the command line in this process: ``headstart_cli("adapt", "x.csv")``."""

    def call(*arguments: str, stdin: str | bytes | None = None) -> Result:
        monkeypatch.setattr(sys, "argv", ["headstart", *arguments])
        return CliRunner().invoke(app, list(arguments), input=stdin)

    return call


@pytest.fixture
def make_study(record: StudyRecord) -> Callable[[Path], FakeStudy]:
    """Returns the fake study that left its files in a folder."""
    return lambda folder: FakeStudy(record, folder)


@pytest.fixture
def make_adapted() -> type[FakeAdapted]:
    """The class of fake adapted models."""
    return FakeAdapted
