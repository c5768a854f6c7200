"""From a base's name to its card and its encoder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headstart.base.model import BaseCard, Encoder, Source
from headstart.errors import RequestError, nearest
from headstart.registry import Registry

if TYPE_CHECKING:
    from headstart.base.decoder import Decoder

SOURCES: Registry[Source] = Registry(
    "base source",
    {
        "bundled": "headstart.base.source.bundled:SOURCE",
        "local": "headstart.base.source.local:SOURCE",
        "hf": "headstart.base.source.hf:SOURCE",
        "hub": "headstart.base.source.hub:SOURCE",
        "timm": "headstart.base.source.timm:SOURCE",
        "torchvision": "headstart.base.source.torchvision:SOURCE",
    },
    group="headstart.sources",
)


def parse(reference: str) -> tuple[str, str]:
    """Split ``reference`` into source and name: ``timm:resnet18`` → ("timm", "resnet18").

    Raises:
        RequestError: It has no source, an unknown one, or no name; the nearest is named.
    """
    prefix, colon, name = reference.strip().partition(":")
    if colon and name and prefix in SOURCES:
        return prefix, name
    if colon and prefix in SOURCES:
        raise RequestError(
            f"'{reference}' names a source but no base", mend=nearest(reference, known())
        )
    if colon:
        raise RequestError(
            f"unknown base source '{prefix}' in '{reference}'", mend=nearest(prefix, SOURCES)
        )
    by_name = {known_one.partition(":")[2]: known_one for known_one in known()}
    mend = f"did you mean '{by_name[prefix]}'?" if prefix in by_name else _nearest_base(reference)
    raise RequestError(f"'{reference}' is no base: it needs a source before a colon", mend=mend)


def _nearest_base(reference: str) -> str:
    return f"{nearest(reference, known())}; or local:FOLDER"


def card(reference: str) -> BaseCard:
    """Return what is known of a base, loading as little as possible.

    Raises:
        RequestError: There is no such base, or its files are missing or damaged.
    """
    prefix, name = parse(reference)
    return SOURCES.get(prefix).card(name)


def load(reference: str, pretrained: bool = True) -> Encoder:
    """Return the encoder that ``reference`` names, on the CPU, in evaluation mode.

    Args:
        reference: For instance ``bundled:minilm-l6``.
        pretrained: False for the same architecture with random weights.

    Raises:
        RequestError: There is no such base, or its files are missing, damaged or unsafe.
    """
    prefix, name = parse(reference)
    return SOURCES.get(prefix).load(name, pretrained)


def load_decoder(reference: str, pretrained: bool = True) -> Decoder:
    """Return the language model that ``reference`` names, on the CPU, in evaluation mode.

    Args:
        reference: For instance ``bundled:smollm2-135m``.
        pretrained: False for the same architecture with random weights.

    Raises:
        RequestError: It is no decoder, or its files are missing, damaged or unsafe.
    """
    from headstart.base.decoder import no_decoder

    prefix, name = parse(reference)
    make = getattr(SOURCES.get(prefix), "decoder", None)  # optional: of images there are none
    if make is None:
        raise no_decoder(reference)
    found: Decoder = make(name, pretrained)
    return found


def cards_at_hand() -> list[BaseCard]:
    """Return the cards of the known bases whose weights lie on this machine; fetches nothing."""
    return [card(reference) for reference in known() if _at_hand(reference)]


def _at_hand(reference: str) -> bool:
    prefix, name = parse(reference)
    source = SOURCES.get(prefix)
    # Optional for a source: one that fetches nothing has nothing to look up.
    look_up = getattr(source, "at_hand", None)
    return True if look_up is None else bool(look_up(name))


def known() -> list[str]:
    """Return references worth starting from that are known without a network.

    The bundled bases come first; then a short list of ResNet-, ViT- and BERT-class names, whose
    weights each source fetches (or finds in its own cache) when they are loaded.
    """
    return [reference for prefix in SOURCES for reference in SOURCES.get(prefix).names()]
