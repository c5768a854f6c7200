"""What a study would take, said without training; and what it took, beside what was said."""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import headstart
from headstart import api
from headstart.method.gradient import GradientMethod
from headstart.method.probe import Probe
from headstart.study.arm import Arm
from headstart.study.bill import Bill, Price
from headstart.study.evidence import Evidence
from headstart.study.learnt import Learnt
from headstart.study.rehearsal import Rehearsal

from .helpers import context_of, text_task
from .racing import Made, always, falling, made_bench, made_family, made_purse, raced, step_price

TASK = text_task(40, 40)
RATES = (1e-4, 1e-3, 1e-2)


def rehearsed(folder: Path, methods: list[Any], steps: float, seeds: int = 1) -> Rehearsal:
    bench = made_bench(TASK, scoring=True)
    arms = [Arm(method, bench, alone=True) for method in methods]
    total = steps * step_price(TASK)
    rehearsal = Rehearsal(context_of(folder, TASK, seeds), made_purse(total), arms)
    rehearsal.run()
    return rehearsal


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0.1, 10.0), st.integers(1, 3)), min_size=1, max_size=4),
    st.floats(1.0, 5.0).map(lambda power: 10**power),
    st.integers(1, 3),
)
def test_a_rehearsal_fits_nothing_and_promises_no_more_than_the_purse_holds(
    tmp_path_factory: pytest.TempPathFactory,
    drawn: list[tuple[float, int]],
    steps: float,
    seeds: int,
) -> None:
    methods = [
        Made(f"m{number}", always([]), RATES[:rates], price=price)
        for number, (price, rates) in enumerate(drawn)
    ]
    found = rehearsed(tmp_path_factory.mktemp("plan"), methods, steps, seeds)
    assert not any(method.fits for method in methods)
    assert sum(run.price.flop for run in found.runs) <= found.purse.total * (1 + 1e-9)
    assert found.purse.spent <= found.purse.total * (1 + 1e-9)


def test_a_race_that_stops_nobody_does_what_was_rehearsed(tmp_path: Path) -> None:
    real = Made("real", falling(1), RATES)
    with made_family():
        race = raced(context_of(tmp_path / "a", TASK), [real], 900, scoring=True)
    found = rehearsed(tmp_path / "b", [Made("real", always([]), RATES)], 900)
    assert sorted(steps for _, steps, _ in real.fits) == sorted(
        run.steps for run in found.runs if not run.final
    )
    assert race.purse.spent == found.purse.spent


@pytest.fixture
def untrained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let any fit fail."""
    for method in (GradientMethod, Probe):
        monkeypatch.delattr(method, "fit")


@pytest.mark.slow
@pytest.mark.usefixtures("untrained")
def test_a_plan_names_every_step_and_makes_no_folder(
    tiny_csv: Path, options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = api.plan(tiny_csv, **{**options, "budget": "20s"}, ledger="none")
    names = " ".join(step.what for step in found.steps)
    for word in ("features", "majority", "tfidf", "probe", "finetune", "scratch", "learning"):
        assert word in names
    assert found.left_out == {}
    assert 0 < found.seconds < 60
    assert found.flop > 0
    assert found.need > 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_study_leaves_what_each_step_was_to_take_and_took(study: headstart.Study) -> None:
    text = (study.folder / "evidence.json").read_text(encoding="utf-8")
    prices = Evidence.model_validate_json(text).prices
    assert {p.kind for p in prices} == {
        "features", "heads and baselines", "training", "finalists", "learning curves",
    }  # fmt: skip
    assert all(p.seconds >= 0 for p in prices)
    trained = [p for p in prices if p.kind in ("training", "finalists")]
    assert all(p.predicted_seconds is not None and p.predicted_seconds > 0 for p in trained)
    assert "The price, said before and paid" in study.report().read_text(encoding="utf-8")


def test_a_bill_learns_what_a_process_holds_beside_its_tensors(tmp_path: Path) -> None:
    learnt = Learnt(tmp_path / "learnt.json")
    bill = Bill(learnt)
    with bill.step("training", "first", Price(1.0, 1.0, 150e6)):
        block = mmap.mmap(-1, 200 * 10**6)  # pages of its own, whatever was freed before
        for _ in range(200):
            block.write(b"x" * 10**6)
    (charge,) = bill.charges
    assert charge.seconds >= 0
    if charge.bytes is not None and charge.predicted_bytes is not None:
        again = Bill(learnt)
        with again.step("training", "second", Price(1.0, 1.0, 150e6)):
            pass
        assert again.held is not None
        assert again.charges[0].predicted_bytes is not None
        more = again.charges[0].predicted_bytes - again.held
        assert more == pytest.approx(200e6, rel=0.3)
