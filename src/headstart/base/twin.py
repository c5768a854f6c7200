"""A small twin of a decoder: the same architecture, a fraction of its widths, a few layers.

What a method keeps in memory is counted on twins, so that a model that fits nowhere here can be
planned for from its configuration alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from math import gcd
from pathlib import Path
from typing import Any

import torch

from headstart.base.compat import quiet_transformers
from headstart.errors import RequestError

VOCABULARY = 64  # of a twin
NARROWEST = 512  # its widest layer: what 4 bits take beside the weights would show in smaller ones
WORDS = [f"w{at}" for at in range(VOCABULARY - 2)]
# Widths, as configurations name them; a field of one (a single key-value head) stays one.
_WIDTHS = (
    "hidden_size", "intermediate_size", "moe_intermediate_size", "num_attention_heads",
    "num_key_value_heads", "n_embd", "n_inner", "n_head", "ffn_dim",
)  # fmt: skip
_LAYERS = ("num_hidden_layers", "n_layer", "num_layers")


@dataclass(frozen=True)
class Shape:
    """What of a decoder its twins do not have.

    Attributes:
        scale: Its widths, in a twin's.
        layers: Its own.
        vocabulary: Its own, in a twin's.
        context: Tokens that it reads at once.
    """

    scale: int
    layers: int
    vocabulary: float
    context: int


def shape_of(config: Any) -> Shape:
    """Return the shape of a decoder.

    Raises:
        RequestError: Its configuration names widths or layers in another way.
    """
    fields = config.to_dict()
    widths = [fields[name] for name in _WIDTHS if _is_width(fields.get(name))]
    layers = next((fields[name] for name in _LAYERS if isinstance(fields.get(name), int)), None)
    if not widths or not layers:
        raise RequestError(
            f"the memory of a '{config.model_type}' cannot be foretold: its configuration names "
            "its widths in a way that is not known",
            where="--base",
            mend="choose a decoder such as Llama, Qwen, Mistral or GPT-NeoX",
        )
    common = reduce(gcd, widths)
    scales = [one for one in range(1, common + 1) if common % one == 0]
    scale = max(one for one in scales if one == 1 or max(widths) // one >= NARROWEST)
    context = fields.get("max_position_embeddings") or fields.get("n_positions") or 0
    return Shape(scale, int(layers), fields["vocab_size"] / VOCABULARY, context)


def write_twin(config: Any, shape: Shape, layers: int, folder: Path) -> None:
    """Write a twin with so many layers, random weights and a tokenizer of a few words."""
    from transformers import AutoModelForCausalLM

    fields = config.to_dict()
    for name in _WIDTHS:
        if _is_width(fields.get(name)):
            fields[name] //= shape.scale
    for name in _LAYERS:
        if isinstance(fields.get(name), int):
            fields[name] = layers
    if isinstance(fields.get("layer_types"), list):
        fields["layer_types"] = fields["layer_types"][:layers]
    fields |= {"vocab_size": VOCABULARY, "bos_token_id": 1, "eos_token_id": 1, "pad_token_id": 1}
    fields.pop("quantization_config", None)
    folder.mkdir(parents=True)
    with quiet_transformers(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        small = type(config).from_dict(fields)
        AutoModelForCausalLM.from_config(small, dtype=torch.float32).save_pretrained(str(folder))
    _tokenizer().save_pretrained(str(folder))


def _is_width(value: Any) -> bool:
    return isinstance(value, int) and value > 1


def _tokenizer() -> Any:
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from transformers import PreTrainedTokenizerFast

    words = {word: at for at, word in enumerate(["[UNK]", "[END]", *WORDS])}
    backend = Tokenizer(WordLevel(words, unk_token="[UNK]"))
    backend.pre_tokenizer = Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="[END]", unk_token="[UNK]")
