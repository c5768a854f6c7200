"""Tiny models of each library, random, written as its users write them."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch

from headstart.base.compat import prepare_torchvision
from headstart.task.model import Image

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "cat", "dog", "sat", "ran", "on",
         "mat", "a", "##s", "##ing", "walk"]  # fmt: skip
TEXTS = ["the cat sat on the mat", "a dog ran", "cats"]


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    torch.set_num_threads(1)
    prepare_torchvision()


def write_tokenizer(folder: Path) -> None:
    from transformers import BertTokenizer

    (folder / "words.txt").write_text("\n".join(WORDS), encoding="utf-8")
    vocab = {word: index for index, word in enumerate(WORDS)}
    BertTokenizer(vocab=vocab).save_pretrained(str(folder))
    (folder / "words.txt").unlink()


def bert_config(**more):
    from transformers import BertConfig

    return BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=40,
        **more,
    )


@pytest.fixture
def bert_folder(tmp_path):
    """A BERT with a trained pooler, as AutoModel.save_pretrained leaves it."""
    from transformers import BertModel

    folder = tmp_path / "bert"
    folder.mkdir()
    torch.manual_seed(1)
    BertModel(bert_config()).save_pretrained(str(folder))
    write_tokenizer(folder)
    return folder


@pytest.fixture
def bare_bert_folder(tmp_path):
    """A BERT without a pooler."""
    from transformers import BertModel

    folder = tmp_path / "bare"
    folder.mkdir()
    torch.manual_seed(1)
    BertModel(bert_config(), add_pooling_layer=False).save_pretrained(str(folder))
    write_tokenizer(folder)
    return folder


@pytest.fixture
def llama_folder(tmp_path):
    """A decoder whose tokenizer has no padding token."""
    from transformers import LlamaConfig, LlamaModel, PreTrainedTokenizerFast

    folder = tmp_path / "llama"
    folder.mkdir()
    torch.manual_seed(1)
    config = LlamaConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        intermediate_size=32,
        max_position_embeddings=40,
    )
    LlamaModel(config).save_pretrained(str(folder))
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace

    backend = Tokenizer(WordLevel({w: i for i, w in enumerate(WORDS)}, unk_token="[UNK]"))
    backend.pre_tokenizer = Whitespace()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, eos_token="[SEP]", unk_token="[UNK]"
    )
    tokenizer.save_pretrained(str(folder))
    return folder


@pytest.fixture
def vit_folder(tmp_path):
    """A ViT classifier of transformers with its preprocessing."""
    from transformers import ViTConfig, ViTForImageClassification

    folder = tmp_path / "vit"
    torch.manual_seed(1)
    config = ViTConfig(
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        image_size=32,
        patch_size=8,
        num_labels=3,
    )
    ViTForImageClassification(config).save_pretrained(str(folder))
    (folder / "preprocessor_config.json").write_text(
        '{"size": {"height": 32, "width": 32}, "resample": 2, '
        '"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}',
        encoding="utf-8",
    )
    return folder


@pytest.fixture
def pictures():
    """Three small random pictures, as bytes of PNG files, of three shapes."""
    from PIL import Image as Pillow

    generator = np.random.default_rng(0)
    found = []
    for shape in ((40, 60, 3), (64, 30, 3), (33, 33, 3)):
        buffer = io.BytesIO()
        Pillow.fromarray(generator.integers(0, 256, shape, dtype=np.uint8)).save(buffer, "PNG")
        found.append(Image(data=buffer.getvalue()))
    return found


def features(encoder, inputs):
    """Return the features of ``inputs`` in one batch."""
    with torch.inference_mode():
        return encoder(encoder.collate(encoder.encode(inputs)))


def new_head(encoder, outputs=3):
    """Return a random head that fits ``encoder``."""
    torch.manual_seed(5)
    return torch.nn.Linear(encoder.card.width, outputs)
