"""Virtual tokens: trained positions that stand before every text, in peft's layouts.

Of a soft prompt the embeddings are trained (prompt tuning, Lester et al. 2021, 2104.08691), of a
prefix the keys and values of every layer (prefix tuning, Li and Liang 2021, 2101.00190).
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar, cast

import torch
from torch import Tensor, nn

from headstart.base.compat import prepare_peft
from headstart.base.weights import read_weights
from headstart.errors import RequestError

WEIGHTS = "adapter_model.safetensors"


class VirtualTokens(ABC, nn.Module):
    """What stands before every text.

    Args:
        weight: (P, ...) one row a position.

    Attributes:
        kind: peft's name.
    """

    kind: ClassVar[str]

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight.detach().clone().float())

    def __len__(self) -> int:
        return len(self.weight)

    def embeddings(self) -> Tensor | None:
        """Return (P, D) embeddings that are read before a text's own; None for none."""
        return None

    def states(self, config: Any) -> Tensor | None:
        """Return (L, 2, H, P, D) keys and values that every layer sees; None for none."""
        return None

    @abstractmethod
    def width(self, config: Any) -> int:
        """Return the width of a row that fits a model of this configuration."""

    def write(self, folder: Path, config: Any) -> Path:
        """Write a peft adapter; return the folder."""
        from safetensors.torch import save_file

        prepare_peft()
        folder.mkdir(parents=True, exist_ok=True)
        self._config(config).save_pretrained(str(folder))
        save_file(
            {"prompt_embeddings": self.weight.detach().cpu().contiguous()}, str(folder / WEIGHTS)
        )
        return folder

    @abstractmethod
    def _config(self, config: Any) -> Any:
        """Return peft's configuration."""


class SoftPrompt(VirtualTokens):
    """(P, D) embeddings."""

    kind = "PROMPT_TUNING"

    def embeddings(self) -> Tensor:
        """Return them."""
        return self.weight

    def width(self, config: Any) -> int:
        """Return the width of the model."""
        return int(config.hidden_size)

    def _config(self, config: Any) -> Any:
        from peft import PromptTuningConfig

        return PromptTuningConfig(
            task_type="CAUSAL_LM",
            num_virtual_tokens=len(self),
            token_dim=self.weight.shape[1],
            num_transformer_submodules=1,
            num_attention_heads=config.num_attention_heads,
            num_layers=config.num_hidden_layers,
            inference_mode=True,
        )


class Prefix(VirtualTokens):
    """(P, L * 2 * H * D): of each layer the keys, then the values, of its key-value heads."""

    kind = "PREFIX_TUNING"

    @classmethod
    def of(cls, states: Tensor) -> Prefix:
        """Return the prefix of (L, 2, H, P, D) keys and values."""
        return cls(states.permute(3, 0, 1, 2, 4).flatten(1))

    def states(self, config: Any) -> Tensor:
        """Return them layer by layer."""
        heads, wide = _heads(config)
        shape = (len(self), config.num_hidden_layers, 2, heads, wide)
        return self.weight.view(shape).permute(1, 2, 3, 0, 4)

    def width(self, config: Any) -> int:
        """Return the width of all layers' keys and values."""
        heads, wide = _heads(config)
        return int(config.num_hidden_layers * 2 * heads * wide)

    def _config(self, config: Any) -> Any:
        from peft import PrefixTuningConfig

        heads, wide = _heads(config)
        return PrefixTuningConfig(
            task_type="CAUSAL_LM",
            num_virtual_tokens=len(self),
            token_dim=heads * wide,
            num_transformer_submodules=1,
            num_attention_heads=heads,
            num_layers=config.num_hidden_layers,
            inference_mode=True,
        )


KINDS: dict[str, type[VirtualTokens]] = {one.kind: one for one in (SoftPrompt, Prefix)}


def read_virtual(folder: Path, config: Any) -> VirtualTokens:
    """Return what :meth:`VirtualTokens.write`, or peft, wrote into ``folder``.

    Raises:
        RequestError: A file is missing or damaged, or it does not fit the model.
    """
    told = folder / "adapter_config.json"
    try:
        kind = KINDS[json.loads(told.read_text(encoding="utf-8"))["peft_type"]]
        values = read_weights(folder / WEIGHTS)["prompt_embeddings"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RequestError(
            f"the adapter holds no virtual tokens: {error}",
            where=str(told),
            mend="copy the folder again, or adapt again",
        ) from error
    found = kind(values)
    if values.dim() != 2 or values.shape[1] != found.width(config):
        raise RequestError(
            f"its virtual tokens are {values.shape[-1]:,} wide, the base takes "
            f"{found.width(config):,}",
            where=str(folder),
            mend="name the base that it was adapted from",
        )
    return found


def past_of(states: Tensor, rows: int) -> Any:
    """Return the library's cache of keys and values for so many rows.

    Args:
        states: (L, 2, H, P, D).
        rows: That read on from it.
    """
    from transformers import DynamicCache

    cache = DynamicCache()
    for layer, (keys, values) in enumerate(states.unbind(0)):
        both = (one.unsqueeze(0).expand(rows, -1, -1, -1) for one in (keys, values))
        cache.update(*both, layer)
    return cache


def states_of(cache: Any) -> Tensor:
    """Return (L, 2, H, P, D) keys and values of a cache of one row."""
    return torch.stack([torch.stack([one.keys[0], one.values[0]]) for one in cache.layers])


def _heads(config: Any) -> tuple[int, int]:
    """Return the number of key-value heads, and their width."""
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    wide = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return int(heads), cast(int, wide)
