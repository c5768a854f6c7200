"""Load a text encoder from a folder in transformers' layout, trusting nothing in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import torch
from pydantic import BaseModel
from torch import nn

from headstart.base.compat import prepare_torchvision
from headstart.base.model import BaseCard
from headstart.base.names import transformers_name
from headstart.base.options import random_revision
from headstart.base.sidecar import Sidecar, read_json
from headstart.base.skeleton import count_parameters
from headstart.base.text import Pooling, TextEncoder
from headstart.base.text_files import body_from_config, drop_pooler, final_linear, read_pooling
from headstart.base.transformers_weights import load_weights
from headstart.base.weights import content_hash, corrupt, read_weights
from headstart.errors import HeadstartError, RequestError
from headstart.task.model import Modality

SENTENCE_CAP = 256  # sentence-transformers' habit where a model says nothing
LENGTH_CAP = 512


def weight_files(folder: Path) -> list[Path]:
    """Return the files that hold a folder's weights: safetensors before pickles, or none."""
    for pattern in ("model*.safetensors", "pytorch_model*.bin"):
        files = sorted(folder.glob(pattern))
        if files:
            return files
    return []


def load_text(
    folder: Path, reference: str, source: str, licence: str = "unknown", pretrained: bool = True
) -> TextEncoder:
    """Return the encoder in ``folder`` (config.json, weights, tokenizer).

    Args:
        folder: In transformers' or sentence-transformers' layout.
        reference: What the card says.
        source: Where it comes from, one phrase.
        licence: SPDX name.
        pretrained: False for random weights of the same architecture (seed 0).

    Raises:
        RequestError: A file is missing or damaged, or the model asks for code of its own.
    """
    config = read_config(folder)
    card = text_card(folder, reference, source, licence, pretrained)
    pooling, normalise, max_length = text_settings(folder, config)
    keep = pooling == "pooler"
    if pretrained:
        body = _pretrained_body(folder, config, keep)
    else:
        body = body_from_config(config, keep_pooler=keep)
    encoder = TextEncoder(
        card,
        body,
        read_tokenizer(folder),
        pooling=pooling,
        normalise=normalise,
        max_length=max_length,
    )
    if not pretrained:
        encoder.initialise(0)
    return encoder


def text_card(
    folder: Path, reference: str, source: str, licence: str = "unknown", pretrained: bool = True
) -> BaseCard:
    """Return the card of the encoder in ``folder``, its weights hashed but not loaded.

    Raises:
        RequestError: A file is missing or damaged, or the model asks for code of its own.
    """
    config = read_config(folder)
    files = weight_files(folder)
    if pretrained and not files:
        raise RequestError(
            "there are no weights (model.safetensors)", where=str(folder), mend="fetch them"
        )
    pooling, _, max_length = text_settings(folder, config)
    with torch.device("meta"):
        body = body_from_config(config, keep_pooler=pooling == "pooler")
    return BaseCard(
        reference=reference,
        revision=content_hash(*files)
        if pretrained
        else random_revision(config.to_json_string(), 0),
        modality=Modality.TEXT,
        architecture=transformers_name(str(config.model_type)),
        parameters=count_parameters(body),
        width=int(config.hidden_size),
        input_size=max_length,
        licence=licence,
        source=source,
        pretrained=pretrained,
    )


def load_saved_text(folder: Path, sidecar: Sidecar) -> TextEncoder:
    """Return the encoder that :func:`headstart.base.text_files.save_text` wrote.

    Raises:
        RequestError: A file is missing or damaged.
    """
    config = read_config(folder)
    files = weight_files(folder)
    if not files:
        raise RequestError(
            "there are no weights (model.safetensors)", where=str(folder), mend="save it again"
        )
    settings = _Settings.model_validate(sidecar.settings)
    body = _pretrained_body(folder, config, settings.pooling == "pooler")
    card = BaseCard(
        reference=f"local:{folder}",
        revision=content_hash(*files),
        modality=Modality.TEXT,
        architecture=sidecar.architecture,
        parameters=count_parameters(body),
        width=int(config.hidden_size),
        input_size=settings.max_length,
        licence=sidecar.licence,
        source=f"adapted by headstart, in the folder {folder.name}",
        pretrained=sidecar.pretrained,
    )
    encoder = TextEncoder(
        card,
        body,
        read_tokenizer(folder),
        pooling=settings.pooling,
        normalise=settings.normalise,
        max_length=settings.max_length,
    )
    encoder.word_level = settings.word_level
    return encoder


class _Settings(BaseModel):
    """What :class:`TextEncoder` needs beyond the library's files."""

    pooling: Pooling
    normalise: bool
    max_length: int
    word_level: bool


def read_config(folder: Path) -> Any:
    """Return the transformers configuration in ``folder``.

    Raises:
        RequestError: It is missing, damaged, of an unknown type, or names code of its own.
    """
    file = folder / "config.json"
    fields = read_json(file)
    if "auto_map" in fields:
        raise RequestError(
            "the model brings Python code of its own (auto_map), which headstart does not run",
            where=str(file),
            mend="choose a base whose architecture is part of transformers",
        )
    prepare_torchvision(say=False)
    from transformers import AutoConfig

    with refused(file):
        config = AutoConfig.from_pretrained(str(folder), trust_remote_code=False)
    if getattr(config, "is_encoder_decoder", False):
        raise RequestError(
            f"'{config.model_type}' is an encoder-decoder; headstart starts from an encoder or "
            "a decoder",
            where=str(file),
            mend="choose a BERT-, ModernBERT- or Llama-class base",
        )
    return config


def read_tokenizer(folder: Path) -> Any:
    """Return the tokenizer in ``folder``.

    Raises:
        RequestError: It is missing or damaged.
    """
    prepare_torchvision(say=False)
    from transformers import AutoTokenizer

    names = ("tokenizer.json", "vocab.txt", "vocab.json", "tokenizer.model", "spiece.model",
             "sentencepiece.bpe.model")  # fmt: skip
    if not any((folder / name).is_file() for name in names):
        raise RequestError(
            "there is no tokenizer (tokenizer.json)",
            where=str(folder),
            mend="save the tokenizer there: tokenizer.save_pretrained(folder)",
        )
    with refused(folder / "tokenizer.json"):
        return AutoTokenizer.from_pretrained(str(folder), trust_remote_code=False)


@contextmanager
def refused(file: Path) -> Iterator[None]:
    """Turn what transformers raises on a damaged folder into an error that names ``file``."""
    try:
        yield
    except HeadstartError:
        raise
    except Exception as error:  # the libraries raise bare Exception on damaged files
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise RequestError(
            f"cannot read the model: {reason}", where=str(file), mend="fetch the folder again"
        ) from error


def _pretrained_body(folder: Path, config: Any, keep_pooler: bool) -> nn.Module:
    from transformers import AutoModel

    files = weight_files(folder)
    body = load_weights(AutoModel, folder, files, config, lambda name: name.startswith("pooler."))
    return body if keep_pooler else drop_pooler(body)


def text_settings(folder: Path, config: Any) -> tuple[Pooling, bool, int]:
    """Return (pooling, normalise, max length): the one place that settles the default.

    sentence-transformers' own pooling where the folder has one; else the mean for decoders; else
    the pooler where the checkpoint has trained one and the library's classifier reads it; else
    the mean (Reimers & Gurevych 2019, https://arxiv.org/abs/1908.10084, table 6).
    """
    longest = _longest(config)
    own = read_pooling(folder)
    if own is not None:
        pooling, normalise, length = own
        return cast(Pooling, pooling), normalise, min(longest, length or SENTENCE_CAP)
    pooled = not is_decoder(config) and _has_pooler_weights(folder) and _reads_pooler(config)
    return ("pooler" if pooled else "mean"), False, min(longest, LENGTH_CAP)


def _longest(config: Any) -> int:
    longest = getattr(config, "max_position_embeddings", None) or LENGTH_CAP
    # RoBERTa counts positions from the padding index on, so two fewer tokens fit.
    offset = 2 if "roberta" in config.model_type or config.model_type == "camembert" else 0
    return int(longest) - offset


def is_decoder(config: Any) -> bool:
    """Whether transformers has a causal language model, and no masked one, for ``config``."""
    from transformers.models.auto import modeling_auto as auto

    causal = config.model_type in auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
    return causal and config.model_type not in auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES


def _has_pooler_weights(folder: Path) -> bool:
    from safetensors import SafetensorError, safe_open

    for file in weight_files(folder):
        if file.suffix != ".safetensors":
            names = list(read_weights(file))
        else:
            try:
                with safe_open(str(file), "pt") as stream:
                    names = list(stream.keys())
            except (SafetensorError, OSError) as error:
                raise corrupt(file, error) from error
        if any(name.endswith("pooler.dense.weight") for name in names):
            return True
    return False


def _reads_pooler(config: Any) -> bool:
    """Whether the library's classifier is one linear layer on the pooler (BERT; not RoBERTa)."""
    from transformers import AutoModelForSequenceClassification

    try:
        with torch.device("meta"):
            model: Any = AutoModelForSequenceClassification.from_config(config)
    except ValueError:
        return False
    body = getattr(model, model.base_model_prefix)
    return final_linear(model) is not None and getattr(body, "pooler", None) is not None
