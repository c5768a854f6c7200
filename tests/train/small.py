"""A tiny random language model that knows letters, as its users save it."""

from __future__ import annotations

from pathlib import Path

import torch

from headstart.base import reference
from headstart.base.compat import prepare_torchvision
from headstart.base.model import Encoder

WIDTH = 16
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def small_encoder(kind: str, folder: Path) -> Encoder:
    """Return a BERT of four layers with dropout, or a Llama of as many."""
    prepare_torchvision()
    from transformers import BertConfig, BertModel, BertTokenizer, LlamaConfig, LlamaModel

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *LETTERS]
    BertTokenizer(vocab={word: i for i, word in enumerate(words)}).save_pretrained(folder)
    torch.manual_seed(1)
    size = {"vocab_size": len(words), "hidden_size": WIDTH, "intermediate_size": 32,
            "num_hidden_layers": 4, "num_attention_heads": 2,
            "max_position_embeddings": 32}  # fmt: skip
    if kind == "bert":
        BertModel(BertConfig(**size), add_pooling_layer=False).save_pretrained(folder)
    else:
        LlamaModel(LlamaConfig(**size, pad_token_id=0)).save_pretrained(folder)
    return reference.load(f"local:{folder}").eval()
