"""Answers to test prompts: written after the decision, scored next to the base's own."""

from __future__ import annotations

import json

import numpy as np
import pytest

import headstart
from headstart.base import reference
from headstart.base.compat import prepare_torchvision
from headstart.files import digest
from headstart.method.generate import Answer
from headstart.study import answers
from headstart.study.answers import answers_record, drawn_rows
from headstart.study.evidence import Evidence
from headstart.study.request import Request, with_defaults
from headstart.task.build import build_task
from headstart.task.model import Dialogue, Kind, Message, Part
from tests.speakers import write_base

SAYINGS = {"fox": "over the lazy dog", "best": "it was the best of times"}


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    prepare_torchvision(say=False)
    return write_base(tmp_path_factory.mktemp("answers") / "base", max_position_embeddings=128)


@pytest.fixture(scope="module")
def dialogues(tmp_path_factory):
    """400 prompts of digits and a word, and an answer that goes by the word alone."""
    generator = np.random.default_rng(0)
    rows = []
    for row in range(400):
        word = list(SAYINGS)[row % 2]
        asked = " ".join(map(str, generator.integers(9, size=3)))
        rows.append({"prompt": f"{asked} {word}", "completion": SAYINGS[word]})
    path = tmp_path_factory.mktemp("data") / "sayings.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def study(base, dialogues, tmp_path_factory):
    return headstart.adapt(
        str(dialogues), base=base, method=["finetune"], budget="60gflop", seeds=1, retain="none",
        ledger="none", out=tmp_path_factory.mktemp("whole") / "study",
    )  # fmt: skip


@pytest.fixture(scope="module")
def found(study):
    text = (study.folder / "evidence.json").read_text(encoding="utf-8")
    return Evidence.model_validate_json(text).answers


def test_learnt_answers_match_and_the_bases_own_do_not(study, found):
    scores = {one.metric: one for one in found.scores}
    exact = scores["exact_match"]
    assert (exact.delivered.value, exact.untouched.value) == (1.0, 0.0)
    assert (exact.difference.value, exact.verdict) == (1.0, "better")
    assert exact.delivered.low < 1.0  # few rows
    assert list(scores) == ["exact_match", "token_f1", "rouge_l"]
    assert scores["rouge_l"].delivered.value == 1.0 > scores["rouge_l"].untouched.value
    assert found.delivered == study.record.decision.arm == "finetune"


def test_answers_end_by_themselves(study, found):
    assert found.ended == len(found.rows) > found.untouched_ended
    answer = study.best.answers(["1 2 3 4 fox"])[0]
    assert answer == Answer(SAYINGS["fox"], ended=True)


def test_what_was_asked_and_answered_is_kept_and_shown(study, found):
    assert (
        len(found.rows) == 32 < study.record.task.rows["test"]
        or len(found.rows) == (study.record.task.rows["test"])
    )
    for row in found.rows:
        assert row.reference == SAYINGS[row.prompt.split()[-1]] == row.delivered != row.untouched
    page = (study.folder / "report.html").read_text(encoding="utf-8")
    assert "What it answers" in page
    assert found.rows[0].prompt in page


def test_the_headline_says_which_way_is_better(study):
    assert "bits per byte, lower is better, on the test rows" in study.record.decision.headline


def test_the_few_shot_control_was_run_and_transfer_beats_it(study):
    [arm] = [arm for arm in study.record.arms if arm.method == "fewshot"]
    [trial] = [trial for trial in study.record.baselines if trial.method == "fewshot"]
    assert arm.baseline
    assert trial.hyperparameters["shots"] in (0, 2, 4)
    assert any("chosen on" in note for note in trial.notes)
    delivered = next(arm for arm in study.record.arms if arm.name == study.record.decision.arm)
    metric = study.record.task.metric
    assert delivered.scores["test"][metric].high < arm.scores["test"][metric].low


def test_documents_have_no_few_shot_control_and_no_answers(tmp_path, dialogues):
    lines = [json.loads(line) for line in dialogues.read_text().splitlines()]
    corpus = tmp_path / "corpus.jsonl"
    corpus.write_text("".join(json.dumps({"text": " ".join(one.values())}) + "\n" for one in lines))
    asked = build_task(str(dialogues))
    told = build_task(str(corpus), kind=Kind.LANGUAGE_MODELING)
    for task, methods in ((asked, ["untouched", "fewshot"]), (told, ["untouched"])):
        request = with_defaults(Request(data=None, out=tmp_path, methods=("lora",)), task)
        assert request.methods == (*methods, "lora")


def part(texts: list[str]) -> Part:
    inputs = [Dialogue((Message("user", text), Message("assistant", "dog"))) for text in texts]
    return Part(inputs, np.ones(len(texts)), [digest(text) for text in texts], texts)


def test_rows_are_drawn_by_content_and_fit(base):
    decoder = reference.load_decoder(base)
    texts = [f"{row} fox" for row in range(50)]
    one = drawn_rows(part(["fox " * 200, *texts]), decoder)
    other = drawn_rows(part([*texts[::-1], "fox " * 200]), decoder)
    assert one.origins == other.origins
    assert len(one) == answers.ROWS


def test_where_the_base_is_delivered_it_is_not_compared_with_itself():
    record = answers_record("untouched", part(["a", "b"]), [Answer("dog", True)] * 2, None)
    assert record.untouched_ended is None
    assert all(one.untouched is one.difference is one.verdict is None for one in record.scores)
    assert record.scores[0].delivered.value == 1.0


def test_a_failure_costs_the_study_nothing_else(study, monkeypatch, tmp_path, base, dialogues):
    def broken(*_: object) -> None:
        raise RuntimeError("no answer")

    monkeypatch.setattr(answers, "_answered", broken)
    again = headstart.adapt(
        str(dialogues), base=base, method=["finetune"], budget="1gflop", seeds=1, retain="none",
        ledger="none", out=tmp_path / "study",
    )  # fmt: skip
    text = (again.folder / "evidence.json").read_text(encoding="utf-8")
    assert Evidence.model_validate_json(text).answers is None
    assert "could not be written: RuntimeError" in (again.folder / "log.txt").read_text()
    assert "What it answers" not in (again.folder / "report.html").read_text(encoding="utf-8")
