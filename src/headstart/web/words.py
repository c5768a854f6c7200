"""The words of the pages and of ``--language``, in English and German.

One catalogue for all pages: ``words/LANGUAGE.yaml``, flat, short ids to texts, ``{name}`` where a
value goes in. Every language has the same ids (a test holds them together).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path

from pydantic import RootModel

from headstart.errors import RequestError, nearest
from headstart.strict_yaml import read_yaml

LANGUAGES = {"en": "English", "de": "Deutsch"}
DEFAULT = "en"
_LARGE = 10**15
_FOLDER = Path(__file__).with_name("words")


class _Catalogue(RootModel[dict[str, str]]):
    pass


@dataclass(frozen=True)
class Words:
    """One language's texts: ``words("profile.title")``.

    Attributes:
        language: Its code.
        texts: By id.
    """

    language: str
    texts: Mapping[str, str]

    def __call__(self, key: str, **values: object) -> str:
        """Return a text with its values put in, not escaped.

        Raises:
            KeyError: No such id, or a value is missing.
        """
        return self.texts[key].format_map(values)

    def known(self, key: str, otherwise: str) -> str:
        """Return a text without values; of an id that there is not, what is to stand instead."""
        return self.texts.get(key, otherwise)

    def count(self, key: str, number: int) -> str:
        """Return ``key.one`` for 1, else ``key.many``, with ``{number}`` put in."""
        return self(f"{key}.{'one' if number == 1 else 'many'}", number=number)

    def number(self, value: float) -> str:
        """Return a number to four digits, as this language writes it; whole ones in full."""
        if value == int(value) and abs(value) < _LARGE:
            return f"{int(value):,}".replace(",", self("thousands"))
        return f"{value:.4g}".replace(".", self("decimal"))

    def span(self, value: float, low: float, high: float) -> str:
        """Return a figure with its interval: ``0.91 [0.88, 0.94]``."""
        between = "; " if self("decimal") == "," else ", "
        return f"{self.number(value)} [{self.number(low)}{between}{self.number(high)}]"

    def day(self, when: date | datetime) -> str:
        """Return a date as this language writes it."""
        return self("day", year=when.year, month=f"{when.month:02}", day=f"{when.day:02}")


@cache
def words_in(language: str) -> Words:
    """Return a language's words.

    Raises:
        RequestError: There are none; the nearest is named.
    """
    if language not in LANGUAGES:
        raise RequestError(
            f"there are no words in '{language[:20]}'", mend=nearest(language, LANGUAGES)
        )
    return Words(language, read_yaml(_FOLDER / f"{language}.yaml", _Catalogue).root)


def language_for(wanted: str | None, accepted: str = "") -> str:
    """Return the language to answer in.

    Args:
        wanted: What the reader chose, if anything.
        accepted: What the browser says (RFC 9110, ``Accept-Language``).
    """
    if wanted in LANGUAGES:
        return str(wanted)
    weighed = [_weighed(part) for part in accepted[:500].split(",")]
    known = [(weight, -place) for place, (weight, code) in enumerate(weighed)
             if code in LANGUAGES and weight > 0]  # fmt: skip
    return weighed[-max(known)[1]][1] if known else DEFAULT


def _weighed(part: str) -> tuple[float, str]:
    """Return weight and code of ``de-AT;q=0.8``: (0.8, "de"); weight 0 for what is malformed."""
    code, _, weight = part.strip().partition(";")
    if not weight:
        return 1.0, code.strip().lower().partition("-")[0]
    try:
        value = float(weight.strip().removeprefix("q="))
    except ValueError:
        value = 0.0
    return value, code.strip().lower().partition("-")[0]
