"""Tiny random encoders of texts and images, and an empty cache folder."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from headstart.base import reference
from headstart.base.compat import prepare_torchvision
from headstart.base.model import Encoder

WORDS = [
    *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "a", "to", "be", "or", "not"),
    *("fox", "dog", "quick", "brown", "over"),
]


@pytest.fixture(scope="session", autouse=True)
def _ready():
    prepare_torchvision()


@pytest.fixture(autouse=True)
def _nothing_asked_for(monkeypatch):
    monkeypatch.delenv("HEADSTART_EMBED", raising=False)


@pytest.fixture(scope="session")
def bert(tmp_path_factory) -> Encoder:
    """A BERT of two layers with random weights; reads up to 40 tokens."""
    transformers = pytest.importorskip("transformers")
    folder: Path = tmp_path_factory.mktemp("bert")
    torch.manual_seed(1)
    config = transformers.BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=40,
    )
    transformers.BertModel(config, add_pooling_layer=False).save_pretrained(str(folder))
    vocab = {word: index for index, word in enumerate(WORDS)}
    transformers.BertTokenizer(vocab=vocab).save_pretrained(str(folder))
    return reference.load(f"local:{folder}").eval()


@pytest.fixture(scope="session")
def resnet() -> Encoder:
    """A ResNet-18 with random weights."""
    pytest.importorskip("torchvision")
    return reference.load("torchvision:resnet18?random=2").eval()
