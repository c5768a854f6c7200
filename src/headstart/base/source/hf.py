"""Bases on a Hugging Face hub: ``hf:org/name`` or ``hf:org/name@revision``."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Sequence
from pathlib import Path

from headstart.base.decoder import Decoder
from headstart.base.model import BaseCard, Encoder
from headstart.base.skeleton import Skeleton
from headstart.base.source.local import load_folder
from headstart.errors import RequestError

# Everything a base needs, and no code: weights as safetensors, configurations, tokenizers.
_PATTERNS = (
    "*.safetensors", "*.safetensors.index.json", "config.json", "modules.json",
    "sentence_bert_config.json", "*_Pooling/config.json", "preprocessor_config.json",
    "tokenizer*", "special_tokens_map.json", "vocab.*", "merges.txt", "spiece.model",
    "sentencepiece.bpe.model", "encoder.json", "README.md",
)  # fmt: skip

_NAMES = (
    "sentence-transformers/all-MiniLM-L6-v2",
    "google-bert/bert-base-uncased",
    "distilbert/distilbert-base-uncased",
    "FacebookAI/roberta-base",
    "microsoft/MiniLM-L12-H384-uncased",
    "answerdotai/ModernBERT-base",
    "google/vit-base-patch16-224",
    "microsoft/resnet-50",
)


class HuggingFace:
    """Source of bases on a hub; ``HF_ENDPOINT`` names another than the usual one."""

    prefix = "hf"

    def names(self) -> list[str]:
        """Return a short list of BERT-, ViT- and ResNet-class names; the hub has many more."""
        return [f"hf:{name}" for name in _NAMES]

    def at_hand(self, name: str) -> bool:
        """Return whether the weights lie in the local cache."""
        return cached(name, "*.safetensors")

    def card(self, name: str) -> BaseCard:
        """Return the card of a base (which needs its weights, for their commit and count)."""
        return self.load(name).card

    def load(self, name: str, pretrained: bool = True) -> Encoder:
        """Return the encoder of a base, from the local cache or the hub."""
        folder = snapshot(name)
        encoder = load_folder(
            folder,
            f"hf:{name}",
            source=f"Hugging Face hub, {name.partition('@')[0]}",
            licence=read_licence(folder),
            pretrained=pretrained,
        )
        if pretrained and isinstance(encoder, Skeleton):
            encoder.card = dataclasses.replace(encoder.card, revision=folder.name)
        return encoder

    def decoder(self, name: str, pretrained: bool = True) -> Decoder:
        """Return the language model of a base, from the local cache or the hub."""
        from headstart.base.decoder_folder import load_decoder_folder

        folder = snapshot(name)
        decoder = load_decoder_folder(
            folder,
            f"hf:{name}",
            f"Hugging Face hub, {name.partition('@')[0]}",
            read_licence(folder),
            pretrained,
        )
        if pretrained:
            decoder.card = dataclasses.replace(decoder.card, revision=folder.name)
        return decoder

    def configured(self, name: str) -> Path:
        """Return a folder that holds the configuration; no weights are fetched."""
        return snapshot(name, ("config.json",))


def snapshot(name: str, patterns: Sequence[str] = _PATTERNS) -> Path:
    """Return the folder of ``org/name[@revision]`` in the local cache, fetched if need be.

    Args:
        name: Of the repository.
        patterns: Names of the files that are wanted.

    Raises:
        RequestError: No such repository or revision, no permission, or the hub is out of reach.
    """
    from huggingface_hub import errors as hub
    from huggingface_hub import snapshot_download

    repository, _, revision = name.partition("@")
    try:
        path = snapshot_download(
            repository, revision=revision or None, allow_patterns=list(patterns)
        )
    except hub.GatedRepoError as error:
        raise RequestError(
            f"'{repository}' is gated: its owner gives access on request",
            where=f"hf:{name}",
            mend="ask for access on its page, then log in with `hf auth login`",
        ) from error
    except (hub.RepositoryNotFoundError, hub.RevisionNotFoundError, hub.HFValidationError) as error:
        raise RequestError(
            f"the hub has no such repository or revision: '{name}'",
            where=f"hf:{name}",
            mend="check the spelling, ORG/NAME@REVISION; a private one needs `hf auth login`",
        ) from error
    except (OSError, hub.HfHubHTTPError, hub.EntryNotFoundError) as error:
        raise unreachable(f"hf:{name}", error) from error
    return Path(path)


def cached(name: str, pattern: str) -> bool:
    """Return whether the cache holds a file of ``org/name[@revision]`` that fits ``pattern``."""
    from huggingface_hub import errors as hub
    from huggingface_hub import snapshot_download

    repository, _, revision = name.partition("@")
    try:
        folder = snapshot_download(repository, revision=revision or None, local_files_only=True)
    except (OSError, hub.HFValidationError, hub.EntryNotFoundError):
        return False
    return any(Path(folder).glob(pattern))


def unreachable(reference: str, error: BaseException, *others: str) -> RequestError:
    """Return the error for weights that lie on a hub which cannot be reached."""
    endpoint = os.environ.get("HF_ENDPOINT")
    place = f"the hub at HF_ENDPOINT={endpoint}" if endpoint else "the hub"
    ways = ["local:FOLDER with a copy of it", *others, "set HF_ENDPOINT to a hub within reach"]
    return RequestError(
        f"{place} cannot be reached, and the weights are not in the local cache "
        f"({type(error).__name__})",
        where=reference,
        mend="use " + ", or ".join(ways),
    )


def read_licence(folder: Path) -> str:
    """Return the licence that the model card's front matter names, or "unknown"."""
    file = folder / "README.md"
    if not file.is_file():
        return "unknown"
    found = re.search(r"^license:\s*(\S+)", file.read_text("utf-8", "replace"), re.MULTILINE)
    return found.group(1).strip("'\"") if found else "unknown"


SOURCE = HuggingFace()
