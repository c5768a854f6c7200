"""Load a causal language model from a folder in transformers' layout, trusting nothing in it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import torch

from headstart.base.compat import prepare_torchvision
from headstart.base.decoder import CONTEXT, Decoder, no_decoder
from headstart.base.sidecar import Sidecar
from headstart.base.text_folder import (
    is_decoder,
    read_config,
    read_tokenizer,
    refused,
    text_card,
    weight_files,
)
from headstart.base.transformers_weights import load_weights
from headstart.errors import RequestError


def load_decoder_folder(
    folder: Path,
    reference: str,
    source: str,
    licence: str = "unknown",
    pretrained: bool = True,
    context: int = CONTEXT,
) -> Decoder:
    """Return the decoder in ``folder`` (config.json, weights, tokenizer).

    Args:
        folder: In transformers' layout.
        reference: What the card says.
        source: Where it comes from, one phrase.
        licence: SPDX name.
        pretrained: False for random weights of the same architecture (seed 0).
        context: Tokens of a sequence at most; fewer if the base reads fewer.

    Raises:
        RequestError: A file is missing or damaged, the model is no decoder, or its tokenizer has
            no end of text or more tokens than the model has embeddings.
    """
    prepare_torchvision(say=False)
    from transformers import AutoModelForCausalLM

    config = read_config(folder)
    if not is_decoder(config):
        raise no_decoder(reference)
    card = text_card(folder, reference, source, licence, pretrained)
    longest = int(getattr(config, "max_position_embeddings", None) or context)
    card = dataclasses.replace(card, input_size=min(context, longest))
    if pretrained:
        body: Any = load_weights(
            AutoModelForCausalLM, folder, weight_files(folder), config, lambda name: False
        )
    else:
        with refused(folder / "config.json"):
            body = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    decoder = Decoder(card, body, read_tokenizer(folder))
    _check_tokenizer(decoder, folder)
    if not pretrained:
        decoder.initialise(0)
    return decoder


def _check_tokenizer(decoder: Decoder, folder: Path) -> None:
    """Refuse a tokenizer that the model cannot be taught with, before anything is."""
    _ = decoder.end_id  # an answer without an end would go on for ever
    body: Any = decoder.causal
    known = body.get_input_embeddings().num_embeddings
    largest = max(decoder.tokenizer.get_vocab().values(), default=0)
    if largest >= known:
        raise RequestError(
            f"the tokenizer's tokens go up to number {largest:,}, and the model has embeddings of "
            f"{known:,}",
            where=str(folder),
            mend="put the tokenizer of this model beside its weights",
        )


def load_saved_decoder(folder: Path, sidecar: Sidecar) -> Decoder:
    """Return the decoder that :meth:`Decoder.save` wrote.

    Raises:
        RequestError: A file is missing or damaged.
    """
    decoder = load_decoder_folder(
        folder,
        f"local:{folder}",
        f"adapted by headstart, in the folder {folder.name}",
        sidecar.licence,
        context=int(sidecar.settings["max_length"]),
    )
    decoder.card = dataclasses.replace(decoder.card, architecture=sidecar.architecture)
    return decoder
