"""A tiny decoder that was taught words in their order, and documents with the order turned."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from headstart.base import reference
from headstart.base.compat import prepare_torchvision
from headstart.base.decoder import Decoder

WORDS = ["soup", "bread", "oven", "recipe", "butter", "chef", "bank", "loan", "stock", "market"]
LENGTH = 10


def documents(count: int, seed: int, *, turned: bool) -> list[str]:
    """Words in their order, or turned, from any of them on."""
    generator = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        start, step = int(generator.integers(len(WORDS))), -1 if turned else 1
        words = [WORDS[(start + step * at) % len(WORDS)] for at in range(LENGTH)]
        found.append(" ".join([*words, f"n{int(generator.integers(60))}"]))
    return found


def written(path: Path, texts: list[str]) -> Path:
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def taught(tmp_path_factory) -> str:
    """Reference of a tiny decoder that knows the order of the words."""
    prepare_torchvision()
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("taught") / "llama"
    words = ["[UNK]", "[END]", *WORDS, *(f"n{at}" for at in range(60))]
    backend = Tokenizer(WordLevel({w: at for at, w in enumerate(words)}, unk_token="[UNK]"))
    backend.pre_tokenizer = Whitespace()
    PreTrainedTokenizerFast(
        tokenizer_object=backend, eos_token="[END]", unk_token="[UNK]"
    ).save_pretrained(folder)
    torch.manual_seed(1)
    config = LlamaConfig(
        vocab_size=len(words), hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, intermediate_size=64, max_position_embeddings=64,
        tie_word_embeddings=True,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    decoder = reference.load_decoder(f"local:{folder}")
    _teach(decoder, documents(64, 3, turned=False))
    decoder.save(folder, None, ())
    return f"local:{folder}"


def _teach(decoder: Decoder, texts: list[str]) -> None:
    samples = decoder.encode(texts)
    optimizer = torch.optim.AdamW(decoder.parameters(), lr=3e-3)
    decoder.train()
    for _ in range(80):
        loss = decoder(decoder.collate(samples)).sum() / sum(map(decoder.size, samples))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    decoder.eval()


@pytest.fixture(scope="session")
def retained(tmp_path_factory) -> Path:
    """A corpus of what the decoder knows."""
    folder = tmp_path_factory.mktemp("retained")
    return written(folder / "known.jsonl", documents(240, 11, turned=False))


@pytest.fixture(scope="session")
def news(tmp_path_factory) -> Path:
    """A corpus of what it does not."""
    folder = tmp_path_factory.mktemp("news")
    return written(folder / "news.jsonl", documents(160, 7, turned=True))
