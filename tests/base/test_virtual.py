"""Virtual tokens: what stands before every text, read back by us and by peft."""

from __future__ import annotations

import pytest
import torch

from headstart.base import reference
from headstart.base.compat import prepare_torchvision
from headstart.base.virtual import KINDS, Prefix, SoftPrompt, read_virtual, states_of
from headstart.errors import RequestError
from tests.speakers import write_base

TEXTS = ["the quick brown fox", "it was the best of times 1 2 3", "dog"]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    prepare_torchvision(say=False)
    return write_base(tmp_path_factory.mktemp("virtual") / "base")


@pytest.fixture
def decoder(base):
    return reference.load_decoder(base).eval()


def losses(decoder, texts) -> torch.Tensor:
    with torch.inference_mode():
        return decoder(decoder.collate(decoder.encode(texts)))


def random(kind, decoder, count=4):
    generator = torch.Generator().manual_seed(0)
    width = kind(torch.zeros(1, 1)).width(decoder.config)
    return kind(torch.randn(count, width, generator=generator))


@pytest.mark.parametrize("kind", KINDS.values())
def test_texts_read_together_cost_what_they_cost_alone(decoder, kind):
    plain = losses(decoder, TEXTS)
    decoder.virtual = random(kind, decoder)
    together = losses(decoder, TEXTS)
    alone = torch.cat([losses(decoder, [text]) for text in TEXTS])
    torch.testing.assert_close(together, alone, atol=1e-4, rtol=1e-5)
    assert not torch.allclose(together, plain, rtol=1e-2)


@pytest.mark.parametrize("kind", KINDS.values())
def test_what_is_written_is_read_back_and_says_the_same(decoder, kind, tmp_path):
    decoder.virtual = random(kind, decoder)
    expected = losses(decoder, TEXTS)
    decoder.virtual.write(tmp_path / "adapter", decoder.config)
    decoder.virtual = read_virtual(tmp_path / "adapter", decoder.config)
    torch.testing.assert_close(losses(decoder, TEXTS), expected)


@pytest.mark.parametrize("kind", KINDS.values())
def test_peft_says_the_same(decoder, base, kind, tmp_path):
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    decoder.virtual = random(kind, decoder)
    decoder.virtual.write(tmp_path / "adapter", decoder.config)
    body = AutoModelForCausalLM.from_pretrained(base.removeprefix("local:"))
    theirs = PeftModel.from_pretrained(body, tmp_path / "adapter").eval()
    sample = decoder.encode(TEXTS[:1])[0]
    with torch.inference_mode():
        logits = theirs(input_ids=sample["input_ids"].unsqueeze(0)).logits[0]
    logits = logits[-len(sample["labels"]) :]
    expected = torch.nn.functional.cross_entropy(logits, sample["labels"], reduction="sum")
    torch.testing.assert_close(losses(decoder, TEXTS[:1])[0], expected, atol=1e-4, rtol=1e-5)


def test_the_states_of_a_text_are_that_text_before_every_other(decoder):
    ids = torch.tensor([decoder.prompt_ids("it was the best of times")])
    with torch.inference_mode(), decoder.cached():
        found = decoder.causal.model(input_ids=ids, use_cache=True)
    decoder.virtual = Prefix.of(states_of(found.past_key_values))
    prefixed = losses(decoder, TEXTS)
    model = decoder.causal
    with torch.no_grad():
        decoder.virtual = SoftPrompt(model.get_input_embeddings()(ids)[0])
    torch.testing.assert_close(prefixed, losses(decoder, TEXTS), atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize("kind", KINDS.values())
def test_gradients_reach_the_virtual_tokens_alone(decoder, kind):
    decoder.requires_grad_(False)
    decoder.virtual = random(kind, decoder)
    decoder(decoder.collate(decoder.encode(TEXTS))).sum().backward()
    assert float(decoder.virtual.weight.grad.abs().sum()) > 0
    assert all(p.grad is None for p in decoder.body.parameters())


@pytest.mark.parametrize("kind", KINDS.values())
def test_what_does_not_fit_or_is_damaged_is_refused(decoder, kind, tmp_path):
    kind(torch.zeros(2, 3)).write(tmp_path / "narrow", decoder.config)
    with pytest.raises(RequestError, match="3 wide"):
        read_virtual(tmp_path / "narrow", decoder.config)
    with pytest.raises(RequestError, match="no virtual tokens"):
        read_virtual(tmp_path, decoder.config)
    (tmp_path / "narrow" / "adapter_model.safetensors").write_bytes(b"cut")
    with pytest.raises(RequestError):
        read_virtual(tmp_path / "narrow", decoder.config)
