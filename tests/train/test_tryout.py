"""Trying rates and speeds: on real batches, with nothing kept."""

from __future__ import annotations

from headstart.train.tryout import Tryout

from .toys import trainer


def test_the_range_test_climbs_and_counts_no_validation():
    subject = trainer(kind=Tryout)
    found = subject.range_test(20)
    assert found.rates == sorted(found.rates)
    assert len(found.losses) == len(found.rates) <= 20
    assert subject.validate.seen == []


def test_a_step_on_each_batch_is_timed():
    subject = trainer(kind=Tryout)
    found = subject.step_seconds([[0, 1], [2, 3, 4]])
    assert len(found) == 2
    assert all(seconds > 0 for seconds in found)
    assert subject.validate.seen == []
