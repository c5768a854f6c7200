"""A tiny text encoder that was taught the topics of words, and labelled sets of such words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from headstart.base import reference
from headstart.base.compat import prepare_torchvision

TOPICS = ("animal", "colour", "planet", "tool")
EACH = 100  # words of a topic
STEPS = 60


def vocabulary() -> dict[str, list[str]]:
    """Made words by topic: nothing in their letters tells it."""
    words = [f"w{at}" for at in np.random.default_rng(2).permutation(len(TOPICS) * EACH)]
    return {topic: words[at :: len(TOPICS)] for at, topic in enumerate(TOPICS)}


@pytest.fixture(scope="session")
def learned(tmp_path_factory) -> str:
    """Reference of a tiny BERT whose features tell the topic of a word."""
    prepare_torchvision()
    from transformers import BertConfig, BertModel, BertTokenizer

    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("learned") / "bert"
    words = [word for topic in vocabulary().values() for word in topic]
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    BertTokenizer(vocab={w: at for at, w in enumerate([*special, *words])}).save_pretrained(folder)
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=len(special) + len(words), hidden_size=32, num_hidden_layers=2,
        num_attention_heads=2, intermediate_size=64, max_position_embeddings=16,
    )  # fmt: skip
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    encoder = reference.load(f"local:{folder}")
    head = torch.nn.Linear(32, len(TOPICS))
    batch, targets = encoder.collate(encoder.encode(words)), torch.arange(len(words)) // EACH
    optimizer = torch.optim.AdamW([*encoder.parameters(), *head.parameters()], lr=3e-3)
    encoder.train()
    for _ in range(STEPS):
        optimizer.zero_grad()
        F.cross_entropy(head(encoder(batch)), targets).backward()
        optimizer.step()
    encoder.eval().save(folder, None, ())
    return f"local:{folder}"


@pytest.fixture(scope="session")
def topics(tmp_path_factory) -> Path:
    """Every word with its topic: a word is learnt from or asked for, never both."""
    path = tmp_path_factory.mktemp("topics") / "topics.csv"
    rows = [f"{word},{topic}" for topic, words in vocabulary().items() for word in words]
    path.write_text("\n".join(["word,topic", *rows]) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def halves(tmp_path_factory) -> Path:
    """Texts of words of one half of every topic: what cuts across the topics."""
    path = tmp_path_factory.mktemp("halves") / "halves.csv"
    generator = np.random.default_rng(3)
    rows = []
    for _ in range(800):
        half = int(generator.integers(2))
        words = [word for topic in vocabulary().values() for word in topic[half::2]]
        rows.append(f"{' '.join(generator.choice(words, 4))},{('even', 'odd')[half]}")
    path.write_text("\n".join(["text,half", *rows]) + "\n", encoding="utf-8")
    return path
