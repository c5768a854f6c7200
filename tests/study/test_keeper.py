"""A limit on what is forgotten: what is delivered keeps it, and adapts as much as it allows."""

from __future__ import annotations

import json

import pytest

import headstart
from headstart.errors import RequestError
from headstart.measure.interval import Interval
from headstart.study.limit import parse_limit
from headstart.study.sweep import GRAIN, LOOKS, farthest

LIMIT = 0.5  # of the perplexity: these weights are few, and soon forget all


@pytest.fixture(scope="module")
def study(taught, news, retained, tmp_path_factory):
    return adapted(taught, news, retained, tmp_path_factory.mktemp("limited"))


def adapted(taught, news, retained, folder, **more):
    asked = {"forget_at_most": f"{100 * LIMIT}%", "budget": "20gflop", "seeds": 1, **more}
    return headstart.adapt(
        str(news), task="language-modeling", base=taught, method=["finetune"], ledger="none",
        retain=str(retained), out=folder / "study", **asked,
    )  # fmt: skip


def measured(study, arm, part):
    trials = {t.key: t for t in [*study.record.trials, *study.record.baselines]}
    [arm] = [one for one in study.record.arms if one.name == arm]
    return [one for one in trials[arm.keys[0]].retention if one.part == part]


def test_what_is_delivered_keeps_the_limit_on_both_parts(study):
    name = study.record.decision.arm
    assert name != "untouched"
    for part in ("validation", "test"):
        [found] = measured(study, name, part)
        assert found.forgotten.value <= LIMIT
    assert measured(study, name, "validation")[0].forgotten.high <= LIMIT


def test_the_plain_arm_forgets_more_and_is_not_delivered(study):
    [found] = measured(study, "finetune", "validation")
    assert found.forgotten.low > LIMIT
    assert study.record.decision.arm.startswith("finetune ")


def test_it_is_still_better_than_the_base(study):
    scores = {arm.name: arm.scores["test"]["bits_per_byte"] for arm in study.record.arms}
    assert scores[study.record.decision.arm].high < scores["untouched"].low


def test_the_way_back_is_told(study):
    evidence = json.loads((study.folder / "evidence.json").read_text())
    points = [one for one in evidence["sweep"] if one["arm"] == "finetune"]
    assert {one["share"] for one in points} >= {1.0}
    ordered = sorted(points, key=lambda one: one["share"])
    assert ordered[0]["forgotten"] < ordered[-1]["forgotten"]
    page = (study.folder / "report.html").read_text()
    assert "What was forgotten" in page
    assert "within the limit" in page
    assert "past the limit" in page


def test_the_verdict_says_what_the_limit_cost(study):
    why = study.record.decision.why
    assert "Past the limit of 50%" in why
    assert "Within the limit it keeps" in why


def test_the_delivered_model_is_the_one_that_was_measured(study):
    before = study.best.predict(["soup bread"])
    assert headstart.load(study.folder).predict(["soup bread"]) == before


def test_without_a_limit_what_is_forgotten_is_told(taught, news, retained, tmp_path):
    found = adapted(taught, news, retained, tmp_path, forget_at_most=None)
    assert found.record.decision.arm == "finetune"
    assert measured(found, "finetune", "test")[0].forgotten.low > 0.0


def test_nothing_retained_is_nothing_measured(taught, news, tmp_path):
    found = adapted(taught, news, "none", tmp_path, forget_at_most=None)
    assert measured(found, "finetune", "test") == []
    with pytest.raises(RequestError, match="needs something retained"):
        adapted(taught, news, "none", tmp_path / "other")


@pytest.mark.parametrize(("text", "share"), [("2%", 0.02), ("0.02", 0.02), (0, 0.0), (None, None)])
def test_limits_are_read(text, share):
    assert parse_limit(text) == share


@pytest.mark.parametrize("text", ["much", "120%", "-1%", "nan", "", "2 per cent"])
def test_what_is_no_limit_is_refused(text):
    with pytest.raises(RequestError, match="forget-at-most"):
        parse_limit(text)


@pytest.mark.parametrize("power", [1.0, 2.0, 3.0])
@pytest.mark.parametrize("worst", [0.01, 0.1, 1.0, 30.0])
def test_the_farthest_share_within_a_limit_is_found(power, worst):
    limit, asked = 0.02, []

    def look(share):
        asked.append(share)
        lost = worst * share**power
        return [Interval(0.0, 0.0, 0.0), Interval(lost, 0.9 * lost, 1.1 * lost)]

    found = farthest(limit, look)
    true = min(1.0, (limit / (worst * (1 + 0.1 * 2**0.5))) ** (1 / power))
    assert len(asked) <= LOOKS
    assert found[-1].high <= limit
    assert found[-1].share >= min(true - 3 * GRAIN, 1.0) or found[-1].share == 0.0
    assert found[-1].share <= true + 1e-9


def test_a_share_is_found_where_what_is_forgotten_jumps_about_the_limit():
    """A few rows of hundreds change: from 0.15 on a little more than the limit, below it less."""

    def look(share):
        lost = 0.021 + 0.001 * share if share > 0.15 else 0.015
        return [Interval(lost, lost, lost)]

    found = farthest(0.02, look)
    assert len(found) <= LOOKS
    assert 0.05 <= found[-1].share <= 0.15
