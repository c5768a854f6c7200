"""prefix: trained keys and values that every layer sees before every text; the base stays."""

from __future__ import annotations

from typing import Any, cast

import torch

from headstart.base.decoder import Decoder
from headstart.base.virtual import Prefix, states_of
from headstart.method.model import Setting
from headstart.method.prompt import TOKENS, Prompt, first_words
from headstart.train.network import Network


class PrefixTuning(Prompt):
    """Prefix tuning (Li and Liang 2021, 2101.00190).

    Keys and values start as those that the base has for a text, which the paper found best where
    rows are few; at that start the prefix says exactly what the text before every text would.
    """

    name = "prefix"
    summary = f"{TOKENS} trained keys and values of every layer before the text"
    rates = (1e-2, 3e-2, 1e-1)

    def prepare(self, network: Network, setting: Setting) -> None:
        """Put the keys and values of a text before every sequence."""
        decoder = cast(Decoder, network.encoder)
        ids = torch.tensor([first_words(decoder, setting)], device=decoder.device())
        model: Any = decoder.causal
        with torch.no_grad(), decoder.cached():
            found = getattr(model, model.base_model_prefix)(input_ids=ids, use_cache=True)
        decoder.virtual = Prefix.of(states_of(found.past_key_values))
