"""Model cards: what the block of YAML at the top of a README says, read safely."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from math import isfinite
from typing import Any

import yaml

from headstart.hub.errors import BadRequestError
from headstart.hub.registry.model import Kind

LONGEST = 256 * 1024
_DEEPEST, _MOST = 12, 5_000
_LARGEST_NUMBER, _HEX_SHOWN = 2**63, 40
# What PyYAML raises on YAML whose tags lie (!!bool x, !!int "", !!timestamp x): more than its own.
_UNREADABLE = (yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError, RecursionError)
_MARKED = (("language", ""), ("license", "license:"), ("datasets", "dataset:"),
           ("base_model", "base_model:"))  # fmt: skip
_MARKED_SETS = (
    ("language", "language:"), ("license", "license:"), ("task_categories", "task_categories:"),
    ("task_ids", "task_ids:"), ("size_categories", "size_categories:"),
    ("multilinguality", "multilinguality:"), ("source_datasets", "source_datasets:"),
    ("annotations_creators", "annotations_creators:"),
    ("language_creators", "language_creators:"),
)  # fmt: skip


class _Loader(yaml.SafeLoader):
    """YAML without anchors (which make bombs) and without dates (which JSON has not)."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            raise BadRequestError("the card's YAML uses an alias (*name): write the value out")
        return super().compose_node(parent, index)


_Loader.yaml_implicit_resolvers = {
    sign: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:timestamp"]
    for sign, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def block(readme: str) -> str | None:
    """Return the YAML between the ``---`` lines at the top, or None."""
    lines = readme.lstrip("\ufeff").splitlines()
    if not lines or lines[0].rstrip() != "---":
        return None
    for end, line in enumerate(lines[1:], 1):
        if line.rstrip() == "---":
            return "\n".join(lines[1:end])
    return None


@lru_cache(maxsize=2048)
def _parsed(text: str) -> dict[str, Any]:
    if len(text) > LONGEST:
        raise BadRequestError(f"the card's YAML is longer than {LONGEST // 1024} KiB")
    try:
        found = yaml.load(text, Loader=_Loader)
    except _UNREADABLE as error:
        said = " ".join(str(error).split())[:300]
        raise BadRequestError(f"the card's YAML cannot be read: {said}") from None
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise BadRequestError("the card's YAML must be a mapping, such as 'license: mit'")
    for counted, (depth, _) in enumerate(_walk(found), 1):
        if depth > _DEEPEST or counted > _MOST:
            raise BadRequestError("the card's YAML is nested too deep, or has too many values")
    return _plain(found)  # type: ignore[no-any-return]


def parse(readme: str) -> dict[str, Any]:
    """Return a card's data as JSON has it; empty where there is none.

    Raises:
        BadRequestError: It is no good YAML; the words say what and where.
    """
    text = block(readme)
    return {} if text is None else dict(_parsed(text))


def tags(card: dict[str, Any], kind: Kind = Kind.MODEL) -> list[str]:
    """Return the tags that the hub's lists know a repo by, as the Hub's own do."""
    found = [*_texts(card.get("tags"))]
    found += [card[key] for key in ("library_name", "pipeline_tag") if _is_text(card.get(key))]
    for key, before in _MARKED if kind is Kind.MODEL else _MARKED_SETS:
        found += [before + text for text in _texts(card.get(key))]
    return list(dict.fromkeys(text[:200] for text in found if text))


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [str(one) for one in values if _is_text(one)]


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _walk(value: Any, depth: int = 1) -> Iterator[tuple[int, Any]]:
    yield depth, value
    if depth > _DEEPEST:
        return
    inner = list(value.values()) if isinstance(value, dict) else value
    if isinstance(inner, list):
        for one in inner:
            yield from _walk(one, depth + 1)


def _plain(value: Any) -> Any:
    """Return a value as JSON, and every database, can hold it: one card must not spoil a list."""
    if isinstance(value, dict):
        return {_text(str(key)): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(one) for one in value]
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return value if abs(value) < _LARGEST_NUMBER else hex(value)[:_HEX_SHOWN]
    if isinstance(value, float):
        return value if isfinite(value) else None  # JSON has neither NaN nor infinity
    return _text(str(value))


def _text(text: str) -> str:
    """Return a text without what no database holds: NUL, and halves of signs."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")
