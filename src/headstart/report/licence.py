"""The licence in a card: the base's, or, of what was trained from nothing, what its maker names."""

from __future__ import annotations

import re

from headstart.errors import RequestError

UNKNOWN = "unknown"
UNNAMED = (
    "`license` is unknown: the model was trained from nothing, and nobody named one (`headstart "
    "adapt` and `headstart hub push` take `--licence`); that of the training data was not checked."
)
_NAMED = (
    "`license` is what its maker named: the model was trained from nothing; the licence of the "
    "training data was not checked."
)
_LICENCE = re.compile(r"[a-z0-9][a-z0-9.+-]{0,98}[a-z0-9]")
_LINE = re.compile(r"^license:[^\n]*$", re.MULTILINE)


def check_licence(licence: str) -> str:
    """Return a licence's identifier as cards have it: in small letters.

    Raises:
        RequestError: It cannot be one.
    """
    found = licence.strip().lower()
    if found == UNKNOWN or not _LICENCE.fullmatch(found):
        raise RequestError(
            f"'{licence[:80]}' is no licence's identifier", where="--licence",
            mend="write one such as apache-2.0, mit, cc-by-4.0 or other",
        )  # fmt: skip
    return found


def licensed(card: str, licence: str) -> str:
    """Return a card that states a licence where it stated none that is known.

    Args:
        card: The card's text.
        licence: The identifier, as :func:`check_licence` returns it.

    Raises:
        RequestError: The card states another one, which is its base's; or it has no front matter.
    """
    parts = card.split("---\n", 2)
    if len(parts) < 3 or parts[0]:
        raise RequestError(
            "the card has no front matter to state a licence in", where="README.md",
            mend="begin it with ---, license: …, ---",
        )  # fmt: skip
    _, front, rest = parts
    stated = _stated(front)
    if stated not in (None, UNKNOWN, licence):
        raise RequestError(
            f"the card states the licence {stated}, not {licence}", where="README.md",
            mend="leave out --licence: what is made from a base carries the base's licence on",
        )  # fmt: skip
    line = f'license: "{licence}"'
    known = _LINE.search(front) is not None
    front = _LINE.sub(line, front, count=1) if known else f"{line}\n{front}"
    return f"---\n{front}---\n{rest.replace(UNNAMED, _NAMED)}"


def _stated(front: str) -> str | None:
    found = _LINE.search(front)
    if found is None:
        return None
    return found[0].partition(":")[2].strip().strip("\"'").lower() or None
