"""Writing: together as alone, drawn by a seed, ended or cut, never beyond what a base reads."""

from __future__ import annotations

import pytest
import torch

from headstart.base.decoder import Decoder
from headstart.base.virtual import KINDS
from headstart.errors import RequestError
from headstart.method import generate
from headstart.method.adapted import Signature
from headstart.method.generate import Writing, answers, pieces, room, written
from headstart.method.speaker import SpeakerModel
from headstart.progress import Silent
from headstart.task.model import Dialogue, Kind, Message, Modality, Objective
from tests.speakers import write_base

PROMPTS = ["the", "it was the best of times", "1 2 3 the lazy dog jumps", "fox", "a b c d e f"]


@pytest.fixture(scope="module")
def decoder(tmp_path_factory) -> Decoder:
    from headstart.base import reference

    return reference.load_decoder(write_base(tmp_path_factory.mktemp("speaker") / "base"))


@pytest.fixture
def ids(decoder) -> list[list[int]]:
    return [decoder.prompt_ids(prompt) for prompt in PROMPTS]


def alone(decoder, ids, writing) -> list[list[int]]:
    return [list(written(decoder, one, writing)) for one in ids]


def together(decoder, ids, most) -> list[list[int]]:
    found, _ = generate._together(decoder, ids, [most] * len(ids))
    return found


def test_greedy_is_what_the_library_generates(decoder, ids):
    for one in ids:
        found = decoder.causal
        with decoder.cached():
            expected = found.generate(
                torch.tensor([one]), max_new_tokens=20, do_sample=False,
                eos_token_id=sorted(decoder.end_ids), pad_token_id=0,
            )  # fmt: skip
        assert list(written(decoder, one, Writing(20))) == expected[0, len(one) :].tolist()


def test_prompts_of_many_lengths_are_written_together_as_alone(decoder, ids):
    found, unsure = generate._together(decoder, ids, [20] * len(ids))
    expected = alone(decoder, ids, Writing(20))
    sure = [row for row in range(len(ids)) if row not in unsure]
    assert len(sure) >= 3  # the test says something
    assert [found[row] for row in sure] == [expected[row] for row in sure]
    told = [answer.text for answer in answers(decoder, ids, Writing(20), Silent())]
    texts = ["".join(pieces(decoder, iter(tokens))) for tokens in expected]
    assert told == texts


@pytest.mark.parametrize("kind", KINDS.values())
def test_behind_virtual_tokens_too(decoder, ids, kind):
    decoder.virtual = kind(torch.randn(3, kind(torch.zeros(3, 1)).width(decoder.config)) * 0.3)
    try:
        found, unsure = generate._together(decoder, ids, [20] * len(ids))
        expected = alone(decoder, ids, Writing(20))
    finally:
        decoder.virtual = None
    sure = [row for row in range(len(ids)) if row not in unsure]
    assert sure
    assert [found[row] for row in sure] == [expected[row] for row in sure]


def test_where_two_tokens_are_as_likely_a_row_is_written_alone(decoder, ids, monkeypatch):
    monkeypatch.setattr(generate, "_LEAD", float("inf"))  # every lead is too small
    found, unsure = generate._together(decoder, ids, [20] * len(ids))
    assert unsure == list(range(len(ids)))
    assert all(len(tokens) == 1 for tokens in found)  # nothing more is spent on them
    told = [answer.text for answer in answers(decoder, ids, Writing(20), Silent())]
    expected = alone(decoder, ids, Writing(20))
    assert told == ["".join(pieces(decoder, iter(tokens))) for tokens in expected]


def test_draws_repeat_with_their_seed_and_differ_without(decoder, ids):
    drawn = [alone(decoder, ids, Writing(20, 1.0, seed)) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    cold = alone(decoder, ids, Writing(20, 1e-6))
    assert cold == alone(decoder, ids, Writing(20))
    same = answers(decoder, [ids[0]] * 3, Writing(20, 1.0), Silent())
    assert len({answer.text for answer in same}) > 1  # a row's draws are its own


def test_an_answer_says_whether_it_was_ended(decoder, ids, monkeypatch):
    first = next(written(decoder, ids[0], Writing(1)))
    assert not answers(decoder, ids[:1], Writing(1), Silent())[0].ended
    monkeypatch.setattr(Decoder, "end_ids", frozenset([first]))
    ended = answers(decoder, ids[:1], Writing(5), Silent())[0]
    assert (ended.text, ended.ended) == ("", True)


def test_what_is_cut_within_a_character_is_shown_to_its_end(decoder):
    whole = decoder.tokenizer("été", add_special_tokens=False)["input_ids"]
    found = list(pieces(decoder, iter(whole)))
    assert "".join(found) == "été"
    assert "�" not in "".join(found)
    assert "".join(pieces(decoder, iter(whole[:1]))) == "�"


def test_no_answer_goes_beyond_what_the_base_reads(decoder):
    longest = decoder.config.max_position_embeddings
    assert room(decoder, [3] * (longest - 2), 50) == 2
    with pytest.raises(RequestError, match=f"has {longest} tokens, and the model reads {longest}"):
        room(decoder, [3] * longest, 50)
    assert len(list(written(decoder, [3] * (longest - 2), Writing(50)))) <= 2


@pytest.mark.parametrize("values", [(0, 0.0), (-3, 0.0), (5, -1.0), (5, float("nan"))])
def test_values_without_sense_are_refused(values):
    with pytest.raises(RequestError, match=r"tokens is none|the temperature is"):
        Writing(*values)


def test_a_model_predicts_dialogues_and_texts(decoder):
    columns = ("prompt",)
    chat = Signature(Kind.INSTRUCTION, Objective.TEXT, Modality.TEXT, columns, "answer", ())
    model = SpeakerModel(chat, decoder)
    asked = Dialogue((Message("user", "the fox"), Message("assistant", "")))
    assert model.predict(["the fox"], max_tokens=5) == model.predict([asked], max_tokens=5)
    assert model.predict([], max_tokens=5) == []
    with pytest.raises(RequestError, match="expected a prompt, found int"):
        model.predict([3])


def test_rows_alike_in_length_share_a_batch_of_bounded_size():
    lengths = [5, 4000, 6, 5, 4001, 7] + [5] * 40
    groups = generate._groups(lengths, [100] * len(lengths))
    assert sorted(row for group in groups for row in group) == list(range(len(lengths)))
    assert max(len(group) for group in groups) <= 16
    assert all(len(group) * (max(lengths[row] for row in group) + 100) <= 8302 for group in groups)
