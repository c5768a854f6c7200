"""Tiny language models of each kind, saved as ``adapt`` leaves them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from headstart.base import reference
from headstart.base.virtual import SoftPrompt
from headstart.method.adapted import Signature
from headstart.method.speaker import SpeakerModel
from headstart.task.model import Kind, Modality, Objective

CHAT = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
TRAINED_ON = ["the quick brown fox jumps over the lazy dog", "it was the best of times", "1 2 3"]


def write_bpe(folder: Path, *, chat: bool = True, split: Any = None) -> int:
    """Write a byte-level BPE tokenizer; return its size."""
    from tokenizers import Tokenizer
    from tokenizers.models import BPE
    from tokenizers.pre_tokenizers import ByteLevel
    from tokenizers.trainers import BpeTrainer
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer(BPE())
    backend.pre_tokenizer = split or ByteLevel(add_prefix_space=False)
    from tokenizers.decoders import ByteLevel as Bytes

    backend.decoder = Bytes()
    trainer = BpeTrainer(
        vocab_size=330,
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator(TRAINED_ON, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token="<|im_start|>",
        eos_token="<|im_end|>",
        unk_token="<|endoftext|>",
    )
    if chat:
        tokenizer.chat_template = CHAT
    tokenizer.save_pretrained(str(folder))
    return len(tokenizer)


def write_base(folder: Path, *, chat: bool = True, split: Any = None, **changes: Any) -> str:
    """Write a random Llama; return its reference."""
    from transformers import LlamaConfig, LlamaForCausalLM

    folder.mkdir(parents=True)
    size = write_bpe(folder, chat=chat, split=split)
    settings = {
        "vocab_size": size + 3, "hidden_size": 32, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 48,
        "max_position_embeddings": 512, "tie_word_embeddings": True, "rope_theta": 5e4,
        "bos_token_id": 1, "eos_token_id": 0, "initializer_range": 0.3,
    }  # fmt: skip
    torch.manual_seed(1)
    LlamaForCausalLM(LlamaConfig(**{**settings, **changes})).save_pretrained(str(folder))
    return f"local:{folder}"


def signature(kind: Kind = Kind.INSTRUCTION) -> Signature:
    spoken = kind is Kind.INSTRUCTION
    columns, target = (("prompt",), "completion") if spoken else (("text",), "")
    return Signature(kind, Objective.TEXT, Modality.TEXT, columns, target, ())


def adapted(folder: Path, kind: Kind = Kind.INSTRUCTION, prompt: int = 0, **base: Any) -> Path:
    """Write a model of random weights as ``best/``; with ``prompt`` tokens, of a soft prompt."""
    decoder = reference.load_decoder(write_base(folder / "base", **base))
    adapter = None
    if prompt:
        generator = torch.Generator().manual_seed(3)
        values = torch.randn(prompt, decoder.card.width, generator=generator)
        decoder.virtual = SoftPrompt(values)
        adapter = decoder.virtual.write(folder / "soft", decoder.config)
    best = folder / "best"
    best.mkdir()
    SpeakerModel(signature(kind), decoder, adapter).save(best)
    return best
