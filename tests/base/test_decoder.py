"""Language models: what is read and said, losses that hang on no neighbour, and what is saved."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from headstart.base import reference
from headstart.base.chat import turns
from headstart.base.decoder import IGNORED
from headstart.base.layout import load_encoder
from headstart.base.token_loss import token_losses
from headstart.errors import RequestError
from headstart.task.model import Dialogue, Message

TEXTS = ["the cat sat on the mat", "a dog ran", "the dog sat on a cat the cat sat"]
CHAT = (
    "{% for m in messages %}{{ m['role'] }} {{ m['content'] }} "
    "{% if m['role'] == 'assistant' %}[SEP] {% endif %}{% endfor %}"
    "{% if add_generation_prompt %}assistant {% endif %}"
)


def dialogue(*said: str) -> Dialogue:
    roles = ("user", "assistant")
    return Dialogue(tuple(Message(roles[at % 2], text) for at, text in enumerate(said)))


@pytest.fixture
def decoder(llama_folder):
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(1)
    config = AutoConfig.from_pretrained(llama_folder)
    AutoModelForCausalLM.from_config(config).save_pretrained(llama_folder)
    return reference.load_decoder(f"local:{llama_folder}")


@pytest.fixture
def chatty(decoder):
    decoder.tokenizer.chat_template = CHAT
    return decoder


def losses(decoder, samples) -> torch.Tensor:
    with torch.inference_mode():
        return decoder(decoder.collate(samples))


def test_texts_end_to_end_cost_what_they_cost_alone(decoder):
    samples = decoder.encode(TEXTS)
    alone = torch.cat([losses(decoder, [sample]) for sample in samples])
    torch.testing.assert_close(losses(decoder, samples), alone, atol=1e-5, rtol=1e-5)


def test_the_loss_is_the_librarys_own(decoder):
    sample = decoder.encode(TEXTS[:1])[0]
    found = losses(decoder, [sample])
    with torch.inference_mode(), decoder.cached():
        logits = decoder.causal(input_ids=sample["input_ids"].unsqueeze(0)).logits[0]
    expected = F.cross_entropy(logits, sample["labels"], reduction="sum")
    torch.testing.assert_close(found[0], expected, atol=1e-4, rtol=1e-5)


def test_a_documents_every_token_is_said(decoder):
    sample = decoder.encode(["the cat sat"])[0]
    assert decoder.tokenizer.decode(sample["labels"]) == "the cat sat"
    assert sample["input_ids"][0] == decoder.prefix_id


def test_of_a_dialogue_only_answers_are_said_and_they_end(chatty):
    sample = chatty.encode([dialogue("the cat", "sat", "a dog", "ran")])[0]
    said = sample["labels"][sample["labels"] != IGNORED]
    assert chatty.tokenizer.decode(said) == "sat [SEP] ran [SEP]"


def test_what_the_prompt_says_is_no_part_of_the_loss(chatty):
    one, other = chatty.encode([dialogue("the cat", "sat"), dialogue("a dog", "sat")])
    assert one["labels"].tolist() == other["labels"].tolist()
    assert one["input_ids"].tolist() != other["input_ids"].tolist()


def test_turns_are_the_template_in_pieces(chatty):
    whole = dialogue("the cat", "sat", "a dog", "ran")
    pieces = turns(chatty.tokenizer, whole)
    plain = [{"role": m.role, "content": m.content} for m in whole.messages]
    written = chatty.tokenizer.apply_chat_template(plain, tokenize=False)
    assert "".join(piece.text for piece in pieces) == written
    assert [piece.said for piece in pieces] == [False, True, False, True]


def test_a_template_that_writes_answers_elsewhere_is_refused(chatty):
    chatty.tokenizer.chat_template = "{{ messages | length }} {{ messages[0]['content'] }}"
    with pytest.raises(RequestError, match="does not write an answered dialogue"):
        chatty.encode([dialogue("the cat", "sat")])


def test_a_template_that_leaves_answers_out_is_refused(chatty):
    chatty.tokenizer.chat_template = "{% for m in messages %}{{ m['role'] }} {% endfor %}"
    with pytest.raises(RequestError, match="does not write an answer as it was given"):
        chatty.encode([dialogue("the cat", "sat")])


def test_an_answered_dialogue_is_its_prompt_and_its_answer(chatty):
    chatty.tokenizer.chat_template = CHAT.replace("[SEP] ", "[SEP] [MASK] ")
    whole = dialogue("the cat", "sat", "a dog", "ran")
    sample = chatty.encode([whole])[0]
    ids = [*sample["input_ids"].tolist(), int(sample["labels"][-1])]
    prompt = chatty.prompt_ids(whole)
    assert ids[: len(prompt)] == prompt  # what follows the first answer's end among it
    assert chatty.tokenizer.decode(ids[len(prompt) :]) == "ran [SEP]"
    said = sample["labels"][sample["labels"] != IGNORED]
    assert chatty.tokenizer.decode(said) == "sat [SEP] ran [SEP]"


def test_examples_are_read_and_not_said(chatty):
    whole = dialogue("the cat", "sat", "a dog", "ran")
    shown = Dialogue(whole.messages, shown=2)
    one, other = (chatty.encode([each])[0] for each in (whole, shown))
    assert one["input_ids"].tolist() == other["input_ids"].tolist()
    said = other["labels"][other["labels"] != IGNORED]
    assert chatty.tokenizer.decode(said) == "ran [SEP]"
    assert shown.answers == ("ran",)


def test_a_template_that_fails_is_told(chatty):
    chatty.tokenizer.chat_template = "{{ raise_exception('no such role') }}"
    with pytest.raises(RequestError, match="refuses a dialogue: no such role"):
        chatty.encode([dialogue("the cat", "sat")])


def test_without_a_template_turns_stand_apart(decoder):
    sample = decoder.encode([dialogue("the cat", "sat")])[0]
    said = sample["labels"][sample["labels"] != IGNORED]
    assert decoder.tokenizer.decode(said) == "sat [SEP]"


def test_a_dialogue_that_is_too_long_loses_the_beginning_of_its_prompt(chatty):
    longest = chatty.card.input_size
    long = dialogue("the cat " * longest + "a dog", "sat on")
    sample = chatty.encode([long])[0]
    assert len(sample["input_ids"]) == longest
    assert chatty.tokenizer.decode(sample["labels"][-3:]) == "sat on [SEP]"
    assert chatty.truncated([long])[0] > 0
    assert chatty.truncated([dialogue("the cat", "sat")]) == [0]


def test_a_tokenizer_without_an_end_is_refused(chatty):
    chatty.tokenizer.eos_token = None
    with pytest.raises(RequestError, match="no token that ends a text"):
        chatty.encode([dialogue("the cat", "sat")])


def test_a_body_without_an_output_layer_is_refused(llama_folder):
    with pytest.raises(RequestError, match=r"missing, the first is 'lm_head.weight'"):
        reference.load_decoder(f"local:{llama_folder}")


def test_an_encoder_writes_no_text(bert_folder):
    with pytest.raises(RequestError, match="does not write text"):
        reference.load_decoder(f"local:{bert_folder}")
    with pytest.raises(RequestError, match="does not write text"):
        reference.load_decoder("timm:resnet18?random=0")


def test_what_is_saved_comes_back(decoder, tmp_path):
    samples = decoder.encode(TEXTS)
    decoder.save(tmp_path / "saved", None, ())
    again, head, _ = load_encoder(tmp_path / "saved")
    assert head is None
    torch.testing.assert_close(losses(again, again.encode(TEXTS)), losses(decoder, samples))


@pytest.mark.parametrize("rows", [3, 600])  # in one piece, and in several
def test_losses_and_gradients_without_logits_are_those_with_them(rows):
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(rows, 8, generator=generator, requires_grad=True)
    weight = torch.randn(50, 8, generator=generator, requires_grad=True)
    targets = torch.randint(0, 50, (rows,), generator=generator)
    each = torch.rand(rows, generator=generator)
    found = torch.autograd.grad((token_losses(hidden, weight, targets) * each).sum(),
                                [hidden, weight])  # fmt: skip
    plain = F.cross_entropy(hidden @ weight.T, targets, reduction="none")
    torch.testing.assert_close(token_losses(hidden, weight, targets), plain)
    expected = torch.autograd.grad((plain * each).sum(), [hidden, weight])
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)
