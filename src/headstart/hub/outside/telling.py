"""The card of an imported base tells where it comes from; the rest of it stays as it was."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import yaml

from headstart.hub.errors import BadRequestError
from headstart.hub.registry import cards

CARD = "README.md"
_SHOWN = 50


def told(
    readme: str, source: str, revision: str, left_out: tuple[str, ...], licence: str | None
) -> str:
    """Return a card whose ``headstart`` block says source, revision and what was left out.

    A card whose YAML cannot be read stays as it is: the gate says what is wrong with it.
    """
    with suppress(BadRequestError):
        fields = cards.parse(readme)
        own = fields.get("headstart")
        block: dict[str, Any] = {
            **(own if isinstance(own, dict) else {}), "source": source, "revision": revision,
        }  # fmt: skip
        if left_out:
            block["left_out"] = list(left_out[:_SHOWN])
        if licence:
            fields.setdefault("license", licence)
        fields["headstart"] = block
        head = yaml.safe_dump(fields, sort_keys=False, allow_unicode=True, width=1000)
        return f"---\n{head}---\n{_body(readme)}"
    return readme


def _body(readme: str) -> str:
    block = cards.block(readme)
    if block is None:
        return readme
    lines = readme.lstrip("\ufeff").splitlines(keepends=True)
    return "".join(lines[len(block.splitlines()) + 2 :])
