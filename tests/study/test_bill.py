"""What steps take beside their operations is learnt from one run to the next."""

from __future__ import annotations

from pathlib import Path

import pytest

from headstart.study import bill as module
from headstart.study.bill import Bill, Price
from headstart.study.learnt import Learnt


@pytest.fixture
def bill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bill:
    clock = iter(range(100))
    monkeypatch.setattr(module.time, "monotonic", lambda: float(next(clock)))
    return Bill(Learnt(tmp_path / "learnt.json"))


def step(bill: Bill, operations: float, like: str) -> Price:
    """A step of one second by the clock, priced by its operations and what is known beside."""
    beside = bill.beside(like)
    price = Price(operations + beside, beside=beside, like=like)
    with bill.step("training", "a run", price):
        pass
    return price


def test_what_a_run_takes_beside_its_operations_is_in_the_next_price(bill: Bill) -> None:
    assert step(bill, 0.4, "fitting, one").seconds == pytest.approx(0.4)
    assert step(bill, 0.4, "fitting, one").seconds == pytest.approx(1.0)
    assert step(bill, 0.4, "fitting, one").seconds == pytest.approx(1.0)


def test_other_work_teaches_nothing(bill: Bill) -> None:
    step(bill, 0.4, "fitting, one")
    assert bill.beside("reading, one") == 0.0
    assert bill.beside("fitting, other") == 0.0


def test_a_run_that_was_quicker_than_its_operations_is_none_the_less_learnt(bill: Bill) -> None:
    step(bill, 5.0, "fitting, one")
    assert 0 < bill.beside("fitting, one") < 0.01
