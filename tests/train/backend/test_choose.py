"""The choice: measured in long jobs only, remembered, and never at the price of the features."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path

import numpy as np
import pytest

from headstart.errors import RequestError, UnwritableError, WorkError
from headstart.train.backend import choose as module
from headstart.train.backend.bfloat16 import BFloat16
from headstart.train.backend.choose import MEMORY, choose
from headstart.train.backend.eager import Eager
from headstart.train.backend.onednn import OneDnn
from headstart.train.backend.onnx import FOLDER

LONG = 10**9  # inputs


class Stopwatch:
    """Seconds of a unit by each kind of backend; notes what was timed."""

    def __init__(self, patch: pytest.MonkeyPatch, **seconds: float) -> None:
        self.seconds = seconds
        self.timed: list[str] = []
        self.made: list[str] = []
        patch.setattr(module, "_least_seconds", self.least)
        patch.setattr(module, "_made", self.make)

    def make(self, name, encoder, words, folder):
        self.made.append(name)
        return Named(name, encoder)

    def least(self, backend, batches) -> float:
        name = getattr(backend, "name", "eager")
        self.timed.append(name)
        return self.seconds[name] * sum(map(module._units, batches)) * backend.workers


class Named(Eager):
    """The reference under another name, or off by ``error``."""

    error = 0.0

    def __init__(self, name, encoder) -> None:
        super().__init__(encoder)
        self.name = name

    def features(self, batch):
        return super().features(batch) + np.float32(self.error)


def picked(encoder, count: int, folder: Path) -> str:
    samples = encoder.encode(["the quick fox", "a dog or a fox", "to be or not to be", "the fox"])
    return getattr(choose(encoder, samples, count, folder), "name", "eager")


@pytest.fixture
def watch(monkeypatch) -> Stopwatch:
    return Stopwatch(monkeypatch, eager=1e-4, onednn=8e-5, onnx=5e-5)


def test_the_fastest_is_chosen_and_remembered(bert, tmp_path, watch):
    assert picked(bert, LONG, tmp_path) == "onnx"
    assert set(watch.timed) == {"eager", "onednn", "onnx"}
    watch.timed.clear()
    assert picked(bert, LONG, tmp_path) == "onnx"
    assert watch.timed == []


def test_a_short_job_measures_nothing_and_stays_eager(bert, tmp_path, watch):
    assert picked(bert, 50, tmp_path) == "eager"
    assert watch.timed == watch.made == []
    assert not (tmp_path / MEMORY).exists()


def test_a_job_of_seconds_exports_nothing(bert, tmp_path, watch):
    seconds, tokens = 20, 6.75  # in eager mode, a text
    assert picked(bert, int(seconds / 1e-4 / tokens), tmp_path) == "onednn"
    assert "onnx" not in watch.made
    assert picked(bert, LONG, tmp_path) == "onnx"  # tried once it is worth it


def test_opening_must_pay_as_well(bert, tmp_path, watch, monkeypatch):
    monkeypatch.setitem(module._STARTING, "onnx", 1e9)
    assert picked(bert, LONG, tmp_path) == "onednn"


@pytest.mark.parametrize("error", [1e-3, np.nan])
def test_a_backend_that_gives_other_features_is_out_for_good(
    bert, tmp_path, watch, monkeypatch, error
):
    monkeypatch.setattr(Named, "error", error)
    assert picked(bert, LONG, tmp_path) == "eager"
    watch.made.clear()
    assert picked(bert, LONG, tmp_path) == "eager"
    assert watch.made == []


def test_a_remembered_backend_is_checked_again_before_it_serves(bert, tmp_path, watch, monkeypatch):
    picked(bert, LONG, tmp_path)
    monkeypatch.setattr(Named, "error", 1e-3)
    assert picked(bert, LONG, tmp_path) == "eager"


@pytest.mark.parametrize(
    "harm",
    ["", "{", "[]", '{"NAME": {"eager": -1}}', '{"NAME": {"eager": 1, "abacus": 1}}',
     '{"NAME": {"onnx": 1e-9}}', '{"NAME": "fast"}'],
)  # fmt: skip
def test_a_damaged_memory_is_measured_again(bert, tmp_path, watch, harm):
    picked(bert, LONG, tmp_path)
    memory = tmp_path / MEMORY
    name = next(iter(json.loads(memory.read_text())))
    memory.write_text(harm.replace("NAME", name))
    watch.timed.clear()
    assert picked(bert, LONG, tmp_path) == "onnx"
    assert set(watch.timed) == {"eager", "onednn", "onnx"}
    assert json.loads(memory.read_text())[name]["onnx"] == 5e-5


def test_an_unwritable_cache_still_gives_a_choice(bert, tmp_path, watch):
    (tmp_path / "file").write_text("in the way")
    assert picked(bert, LONG, tmp_path / "file") == "onnx"


def test_other_lengths_are_measured_for_themselves(bert, tmp_path, watch):
    picked(bert, LONG, tmp_path)
    watch.timed.clear()
    samples = bert.encode(["the quick brown fox or the dog " * 4] * 3)
    choose(bert, samples, LONG, tmp_path)
    assert "eager" in watch.timed


def test_a_full_disk_does_not_speak_against_a_backend(bert, tmp_path, watch, monkeypatch):
    def full(name, encoder, words, folder):
        if name == "onnx":
            raise UnwritableError("no space left")
        return Named(name, encoder)

    with monkeypatch.context() as patch:
        patch.setattr(module, "_made", full)
        assert picked(bert, LONG, tmp_path) == "onednn"
    assert picked(bert, LONG, tmp_path) == "onnx"


def test_another_version_of_the_engine_is_measured_for_itself(bert, tmp_path, watch, monkeypatch):
    picked(bert, LONG, tmp_path)
    watch.timed.clear()
    monkeypatch.setattr(module, "version", lambda package: "99")
    picked(bert, LONG, tmp_path)
    assert "onnx" in watch.timed


def test_a_failing_engine_is_eager_and_said_at_debug_level_only(
    bert, tmp_path, watch, monkeypatch, caplog
):
    def fail(name, encoder, words, folder):
        raise ValueError("no such operator")

    monkeypatch.setattr(module, "_made", fail)
    with caplog.at_level(logging.DEBUG, module.__name__):
        assert picked(bert, LONG, tmp_path) == "eager"
    assert {record.levelno for record in caplog.records} == {logging.DEBUG}
    assert "no such operator" in caplog.text


def test_without_onnxruntime_the_others_serve(bert, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    seconds = {Eager: 3e-4, OneDnn: 2e-4}
    monkeypatch.setattr(
        module, "_least_seconds", lambda backend, batches: seconds[type(backend)] * 100
    )
    samples = bert.encode(["the quick fox"] * 4)
    assert isinstance(choose(bert, samples, LONG, tmp_path), OneDnn)


def test_a_real_choice_exports_the_graph_into_the_cache(bert, tmp_path):
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    samples = bert.encode(["the quick fox", "a dog"])
    backend = choose(bert, samples, LONG, tmp_path)
    assert len(list((tmp_path / FOLDER).glob("*.onnx"))) == 1
    (known,) = json.loads((tmp_path / MEMORY).read_text()).values()
    fastest = min(known, key=known.get)
    kind = {"eager": "Eager", "onednn": "OneDnn", "onnx": "Onnx"}[fastest]
    assert type(backend).__name__ == kind
    batch = bert.collate(samples[:1])
    np.testing.assert_allclose(backend.features(batch), Eager(bert).features(batch), atol=1e-5)


@pytest.mark.parametrize(("name", "kind"), [("eager", Eager), ("onednn", OneDnn)])
def test_the_environment_overrides_also_in_short_jobs(bert, tmp_path, monkeypatch, name, kind):
    monkeypatch.setenv("HEADSTART_EMBED", name)
    assert type(choose(bert, bert.encode(["the fox"]), 1, tmp_path)) is kind


def test_bfloat16_serves_short_jobs_of_who_asks_for_it(bert, tmp_path, monkeypatch):
    monkeypatch.setenv("HEADSTART_EMBED", "bfloat16")
    assert type(choose(bert, bert.encode(["the fox"]), 1, tmp_path)) is BFloat16


def test_bfloat16_serves_rows_to_fit_on_and_never_rows_to_score(bert, tmp_path, monkeypatch):
    Stopwatch(monkeypatch, eager=1.0, onednn=0.9, onnx=0.8, bfloat16=0.5)
    samples = bert.encode(["the quick fox", "a dog or a fox"])
    for _ in range(2):  # measured, then remembered
        fitted = choose(bert, samples, LONG, tmp_path, rounded=True)
        scored = choose(bert, samples, LONG, tmp_path)
        assert (fitted.name, scored.name) == ("bfloat16", "onnx")


def test_rounding_that_is_no_faster_or_misses_the_cosine_does_not_serve(
    bert, tmp_path, monkeypatch
):
    Stopwatch(monkeypatch, eager=1.0, onednn=0.9, onnx=0.8, bfloat16=0.85)
    samples = bert.encode(["the quick fox", "a dog or a fox"])
    assert choose(bert, samples, LONG, tmp_path / "slow", rounded=True).name == "onnx"
    Stopwatch(monkeypatch, eager=1.0, onednn=0.9, onnx=0.8, bfloat16=0.1)
    monkeypatch.setattr("headstart.train.backend.check.LEAST_COSINE", 1.1)
    assert type(choose(bert, samples, LONG, tmp_path / "far", rounded=True)) is Eager


def test_bfloat16_that_misses_the_cosine_does_not_serve(bert, tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("HEADSTART_EMBED", "bfloat16")
    monkeypatch.setattr("headstart.train.backend.check.LEAST_COSINE", 1.0)
    assert type(choose(bert, bert.encode(["the fox"]), 1, tmp_path)) is Eager
    assert "does not hold" in caplog.text


def test_an_unknown_name_is_the_users_error(bert, tmp_path, monkeypatch):
    monkeypatch.setenv("HEADSTART_EMBED", "onx")
    with pytest.raises(RequestError, match="did you mean 'onnx'"):
        choose(bert, bert.encode(["the fox"]), 1, tmp_path)


def test_a_backend_that_was_asked_for_and_cannot_run_says_so(bert, tmp_path, monkeypatch):
    monkeypatch.setenv("HEADSTART_EMBED", "onnx")
    monkeypatch.setattr("headstart.train.backend.onnx._LARGEST", 10)
    with pytest.raises(WorkError, match="too many weights"):
        choose(bert, bert.encode(["the fox"]), 1, tmp_path)
