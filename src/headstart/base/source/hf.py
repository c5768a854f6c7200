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


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a hub is.

    Attributes:
        prefix: What references to its bases begin with.
        endpoint: Its address; None: the client library's own (``HF_ENDPOINT``).
        cache: Where its files are kept here; None: the client library's own cache.
    """

    prefix: str = "hf"
    endpoint: str | None = None
    cache: Path | None = None


_USUAL = Place()


class HuggingFace:
    """Source of bases on a hub; ``HF_ENDPOINT`` names another than the usual one."""

    prefix = "hf"
    title = "Hugging Face hub"

    def place(self) -> Place:
        """Return where the hub is, and where its files are kept here."""
        return Place(self.prefix)

    def names(self) -> list[str]:
        """Return a short list of BERT-, ViT- and ResNet-class names; the hub has many more."""
        return [f"hf:{name}" for name in _NAMES]

    def at_hand(self, name: str) -> bool:
        """Return whether the weights lie in the local cache."""
        return cached(name, "*.safetensors", self.place())

    def card(self, name: str) -> BaseCard:
        """Return the card of a base (which needs its weights, for their commit and count)."""
        return self.load(name).card

    def load(self, name: str, pretrained: bool = True) -> Encoder:
        """Return the encoder of a base, from the local cache or the hub."""
        folder = self.fetched(name)
        told = read_licence(folder)
        encoder = load_folder(
            folder,
            f"{self.prefix}:{name}",
            source=f"{self.title}, {name.partition('@')[0]}",
            licence=told,
            pretrained=pretrained,
        )
        if pretrained and isinstance(encoder, Skeleton):
            # What headstart saved names a licence of its own, which may be unknown.
            known = encoder.card.licence if encoder.card.licence != "unknown" else told
            encoder.card = dataclasses.replace(encoder.card, revision=folder.name, licence=known)
        return encoder

    def decoder(self, name: str, pretrained: bool = True) -> Decoder:
        """Return the language model of a base, from the local cache or the hub."""
        from headstart.base.decoder_folder import load_decoder_folder

        folder = self.fetched(name)
        decoder = load_decoder_folder(
            folder,
            f"{self.prefix}:{name}",
            f"{self.title}, {name.partition('@')[0]}",
            read_licence(folder),
            pretrained,
        )
        if pretrained:
            decoder.card = dataclasses.replace(decoder.card, revision=folder.name)
        return decoder

    def configured(self, name: str) -> Path:
        """Return a folder that holds the configuration; no weights are fetched."""
        return self.fetched(name, ("config.json",))

    def fetched(self, name: str, patterns: Sequence[str] = _PATTERNS) -> Path:
        """Return the folder of a base in the local cache, fetched if need be."""
        return snapshot(name, patterns, self.place())


def snapshot(name: str, patterns: Sequence[str] = _PATTERNS, place: Place = _USUAL) -> Path:
    """Return the folder of ``org/name[@revision]`` in the local cache, fetched if need be.

    Args:
        name: Of the repository.
        patterns: Names of the files that are wanted.
        place: Of the hub.

    Raises:
        RequestError: No such repository or revision, no permission, or the hub is out of reach.
    """
    from huggingface_hub import errors as hub
    from huggingface_hub import snapshot_download

    repository, _, revision = name.partition("@")
    try:
        path = snapshot_download(
            repository,
            revision=revision or None,
            allow_patterns=list(patterns),
            endpoint=place.endpoint,
            cache_dir=place.cache,
        )
    except hub.GatedRepoError as error:
        raise RequestError(
            f"'{repository}' is withheld: {error.server_message or 'ask its owner for access'}",
            where=f"{place.prefix}:{name}",
            mend="ask for access on its page, then log in with `hf auth login`",
        ) from error
    except (hub.RepositoryNotFoundError, hub.RevisionNotFoundError, hub.HFValidationError) as error:
        raise RequestError(
            f"the hub has no such repository or revision: '{name}'",
            where=f"{place.prefix}:{name}",
            mend="check the spelling, ORG/NAME@REVISION; a private one needs `hf auth login`",
        ) from error
    except (OSError, hub.HfHubHTTPError, hub.EntryNotFoundError) as error:
        raise unreachable(f"{place.prefix}:{name}", error) from error
    return Path(path)


def cached(name: str, pattern: str, place: Place = _USUAL) -> bool:
    """Return whether the cache holds a file of ``org/name[@revision]`` that fits ``pattern``."""
    from huggingface_hub import errors as hub
    from huggingface_hub import snapshot_download

    repository, _, revision = name.partition("@")
    try:
        folder = snapshot_download(
            repository,
            revision=revision or None,
            local_files_only=True,
            cache_dir=place.cache,
        )
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
