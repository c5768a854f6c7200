"""Where a model says that it comes from: its card's ``headstart`` block, its adapter."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headstart.hub.gate.model import Candidate
from headstart.hub.gate.reading import MEBIBYTE, UnreadableError, front_matter, load_json, read_text

CARD = "README.md"
BLOCK = "headstart"
_HUBS = ("hub", "hf")
_LONGEST = 200


@dataclass(frozen=True)
class Lineage:
    """What is told; nothing of it is trusted.

    Attributes:
        told: Whether the card has a ``headstart`` block at all.
        base: Reference of the base ("hub:team/name@approved"); None where there is none.
        revision: The base's commit or content hash.
        models: Names (``owner/name``) of bases on a hub, the most telling first.
        trial: Key of the trial that made it.
        fingerprint: Of the data that it learnt from.
        seeds: How many seeds are behind the scores; None where nothing is drawn at random.
    """

    told: bool = False
    base: str | None = None
    revision: str | None = None
    models: tuple[str, ...] = ()
    trial: str | None = None
    fingerprint: str | None = None
    seeds: int | None = 0

    @property
    def source(self) -> str:
        """The source of the base ("hub", "bundled"), "" where there is none."""
        return (self.base or "").partition(":")[0]

    @property
    def hub_name(self) -> str | None:
        """The base's name on a hub, without its revision; None if it is from elsewhere."""
        if self.base is not None and self.source in _HUBS:
            return self.base.partition(":")[2].partition("@")[0]
        return self.models[0] if self.base is None and self.models else None


def read_lineage(folder: Path) -> Lineage:
    """Return what the files in ``folder`` tell; empty where they tell nothing that can be read."""
    card: dict[str, Any] = {}
    with suppress(UnreadableError):
        card = front_matter(read_text(folder / CARD, 4 * MEBIBYTE))[0]
    block = card.get(BLOCK)
    told = block if isinstance(block, dict) else {}
    base = _text(told.get("base"))
    models = [*_named(base), *_texts(card.get("base_model")), *_adapted(folder)]
    data = told.get("data")
    seeds = told.get("seeds", 1 if "seed" in told else 0)
    return Lineage(
        told=isinstance(block, dict),
        base=base,
        revision=_text(told.get("base_revision")),
        models=tuple(dict.fromkeys(name for name in models if name.count("/") == 1)),
        trial=_text(told.get("trial")),
        fingerprint=_text(data.get("fingerprint")) if isinstance(data, dict) else None,
        seeds=seeds if isinstance(seeds, int | None) else 0,
    )


def is_itself_a_base(candidate: Candidate) -> bool:
    """Whether a candidate is a base that the keeper brought in, and says of no other that it has.

    Nobody adapted it here: there are no seeds to count, and nothing it could have forgotten.
    """
    lineage = read_lineage(candidate.folder)
    return candidate.imported is not None and lineage.base is None and not lineage.models


def known_base(lineage: Lineage, bases: Mapping[str, Path]) -> Path | str | None:
    """Return the folder of the base, or its reference if the installation has it; else None."""
    if lineage.base is not None and lineage.base in bases:
        return bases[lineage.base]
    name = lineage.hub_name
    if name is not None:
        return bases.get(name)
    return lineage.base if lineage.source == "bundled" and _bundled(str(lineage.base)) else None


def _bundled(reference: str) -> bool:
    from headstart.base.source.bundled import SOURCE

    return reference in SOURCE.names() and SOURCE.at_hand(reference.partition(":")[2])


def _named(base: str | None) -> list[str]:
    source, _, name = (base or "").partition(":")
    return [name.partition("@")[0]] if source in _HUBS else []


def _adapted(folder: Path) -> list[str]:
    """Return the base that a peft adapter names."""
    try:
        told = load_json(read_text(folder / "adapter_config.json", MEBIBYTE))
    except (UnreadableError, json.JSONDecodeError):
        return []
    return _texts(told.get("base_model_name_or_path")) if isinstance(told, dict) else []


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [text for one in values[:10] if (text := _text(one))]


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= _LONGEST else None
