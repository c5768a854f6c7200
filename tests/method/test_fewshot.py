"""fewshot: examples come from training rows, are chosen on validation, and stay with the model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from headstart.base import reference
from headstart.errors import RequestError
from headstart.method import fewshot
from headstart.method.adapted import load_model
from headstart.method.fewshot import Fewshot
from headstart.method.shots import Shots, nats_with
from headstart.method.speaker import SpeakerModel
from headstart.progress import Silent
from headstart.task.model import Dialogue, Message
from tests.speakers import signature, write_base

EXAMPLES = tuple(
    Dialogue((Message("user", asked), Message("assistant", said)))
    for asked, said in (("the quick", "brown fox"), ("1 2", "3"), ("it was", "the best of times"))
)
ASKED = Dialogue((Message("user", "the lazy dog"), Message("assistant", "jumps")))


@pytest.fixture(scope="module")
def decoder(tmp_path_factory):
    return reference.load_decoder(write_base(tmp_path_factory.mktemp("shots") / "base"))


def test_examples_and_instruction_stand_before_the_question():
    found = Shots("Be brief.", EXAMPLES[:1]).before(ASKED, lambda one: True)
    told = [(one.role, one.content) for one in found.messages]
    assert told == [
        ("system", "Be brief."), ("user", "the quick"), ("assistant", "brown fox"),
        ("user", "the lazy dog"), ("assistant", "jumps"),
    ]  # fmt: skip
    assert found.answers == ASKED.answers


def test_a_rows_own_system_message_has_precedence():
    own = Dialogue((Message("system", "Sing."), *ASKED.messages))
    found = Shots("Be brief.", (own,)).before(own, lambda one: True)
    assert [one.content for one in found.messages if one.role == "system"] == ["Sing."]
    assert found.messages[0].role == "system"


def test_examples_are_left_out_rather_than_the_question_cut():
    shots = Shots(None, EXAMPLES)
    found = shots.before(ASKED, lambda one: len(one.messages) <= 4)
    assert found.messages == (*EXAMPLES[-1].messages, *ASKED.messages)
    assert shots.before(ASKED, lambda one: False).messages == ASKED.messages


def test_of_rows_of_many_lengths_each_is_scored_with_what_fits(decoder):
    longest = decoder.card.input_size
    inputs = [ASKED, *(Dialogue((Message("user", "x " * size), Message("assistant", "fox")))
                       for size in (longest // 3, longest // 2 - 15, longest * 2))]  # fmt: skip
    shots = Shots("Be brief.", EXAMPLES)
    ready = [shots.before(one, lambda d: not decoder.truncated([d])[0]) for one in inputs]
    assert len({one.shown for one in ready}) > 1
    found, _ = nats_with(decoder, shots, inputs, Silent(), "")
    plain, _ = nats_with(decoder, Shots(), inputs, Silent(), "")
    alone = SpeakerModel(signature(), decoder).outputs(ready)
    np.testing.assert_allclose(found, alone, rtol=1e-5, atol=1e-4)
    np.testing.assert_array_equal(found[:, 1], plain[:, 1])  # the same tokens are said
    assert not np.allclose(found[0], plain[0])


def test_a_saved_model_keeps_its_examples(decoder, tmp_path):
    shots = Shots("Be brief.", EXAMPLES)
    model = SpeakerModel(signature(), decoder, shots=shots)
    model.save(tmp_path)
    again = load_model(tmp_path)
    assert isinstance(again, SpeakerModel)
    assert again.shots == shots
    np.testing.assert_allclose(again.outputs([ASKED]), model.outputs([ASKED]), rtol=1e-5)
    assert again.predict(["the lazy dog"], max_tokens=8) == model.predict([ASKED], max_tokens=8)
    assert (
        "".join(again.stream("the lazy dog", 8)) == again.predict(["the lazy dog"], max_tokens=8)[0]
    )


def test_answers_are_written_behind_the_examples(decoder):
    whole = Shots(None, EXAMPLES).before(ASKED, lambda one: True)
    plain = SpeakerModel(signature(), decoder)
    model = SpeakerModel(signature(), decoder, shots=Shots(None, EXAMPLES))
    assert model.predict([ASKED], max_tokens=8) == plain.predict([whole], max_tokens=8)
    assert model.predict([ASKED], max_tokens=8) != plain.predict([ASKED], max_tokens=8)


def test_no_validation_or_test_row_is_shown(shop):
    model = shop.fitted("dialogues", "fewshot").model
    bench, setting = shop.bench("dialogues"), shop.setting("dialogues", "fewshot")
    candidates = fewshot._candidates(setting, bench)
    train = setting.task.train.inputs
    assert all(one in train for shots, _ in candidates for one in shots.examples)
    assert len({shots for shots, _ in candidates}) == len(candidates)
    assert model.shots in [shots for shots, _ in candidates]


def test_the_prompt_is_the_best_of_those_on_validation(shop, monkeypatch):
    monkeypatch.setattr(fewshot, "LOOKED", (48, 48))  # all rows
    setting, bench = shop.setting("dialogues", "fewshot"), shop.bench("dialogues")
    fitted = Fewshot().fit(setting)
    inputs = setting.task.validation.inputs
    scores = [
        shop.score("dialogues", nats_with(bench.pristine, shots, inputs, Silent(), "")[0])
        for shots, _ in fewshot._candidates(setting, bench)
    ]
    assert shop.score("dialogues", fitted.validation) == pytest.approx(max(scores))
    assert fitted.chosen["shots"] == len(fitted.model.shots.examples)


def test_few_validation_rows_are_looked_at():
    assert len(fewshot._looked(1000, 10)) == 32
    assert len(fewshot._looked(150, 10)) == 15
    assert len(fewshot._looked(5, 10)) == 5


def test_a_template_without_a_system_message_still_gets_examples(shop):
    setting, bench = shop.setting("dialogues", "fewshot"), shop.bench("dialogues")
    tokenizer = bench.pristine.tokenizer
    tokenizer.chat_template = (
        "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}"
        "{% for m in messages %}{{ m['content'] }} {% endfor %}"
    )
    try:
        fitted = Fewshot().fit(setting)
    finally:
        tokenizer.chat_template = None
    assert fitted.chosen["instruction"] is False


def test_a_template_that_refuses_every_prompt_is_an_error(shop):
    setting, bench = shop.setting("dialogues", "fewshot"), shop.bench("dialogues")
    bench.pristine.tokenizer.chat_template = "{{ raise_exception('never') }}"
    try:
        with pytest.raises(RequestError, match="refuses a dialogue: never"):
            Fewshot().fit(setting)
    finally:
        bench.pristine.tokenizer.chat_template = None


def test_documents_are_refused_with_the_reason(shop):
    assert "prompts that are to be answered" in Fewshot().refuse(shop.task("corpus"), None)
    assert Fewshot().refuse(shop.task("text"), None)
    assert Fewshot().refuse(shop.task("dialogues"), None) is None


def test_another_seed_shows_other_rows(shop):
    bench, setting = shop.bench("dialogues"), shop.setting("dialogues", "fewshot")
    first = fewshot._examples(setting, bench, 4, 0)
    assert first == fewshot._examples(setting, bench, 4, 0)
    assert first != fewshot._examples(setting, bench, 4, 1)
    assert first != fewshot._examples(replace(setting, seed=1), bench, 4, 0)
