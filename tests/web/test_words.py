"""Every page finds its words in every language, and no word is kept that none uses."""

from __future__ import annotations

import re
import string
from datetime import date
from pathlib import Path

import pytest

import headstart
from headstart.errors import RequestError
from headstart.hub.access.model import Role
from headstart.hub.actions.origins import Origin
from headstart.hub.registry.modality import MODALITIES
from headstart.hub.registry.model import State
from headstart.org.depth import Change
from headstart.web.steps import FACTS
from headstart.web.words import LANGUAGES, language_for, words_in

HOUSE = Path(headstart.__file__).parent
ASKED = re.compile(r"""\bw(?:ords)?(\.count|\.known)?\(\s*f?["']([^"']+)["'](\s*~|"""
                   r"""(?:\s+if .+? else\s+["']([^"']+)["']))?""")  # fmt: skip
_HUB = [*HOUSE.glob("hub/**/*.py"), *HOUSE.glob("web/**/*.py")]
_SOURCE = "\n".join(file.read_text(encoding="utf-8") for file in _HUB)
REASONS = set(re.findall(r'reason=(?:"|\(?")([a-z-]+)"', _SOURCE)) | {"old-form", "session-ended"}
VERBS = re.findall(r'audit\.note\(\s*connection, [^"]*"([a-z ]+)"', _SOURCE)
# Ids that are put together: what stands for the changing part.
PARTS = {
    "profile.change.": [str(change) for change in Change],
    "profile.": ["strand", "before", "after", "change", "beyond"],
    "role.": [str(role) for role in Role],
    "state.": list(State),
    "state-about.": list(State),
    "decide.": [State.RETIRED, State.REVOKED, State.REFUSED],
    "changes.": ["added", "changed", "removed"],
    "sort.": ["lastModified", "downloads", "size"],
    "study.": ["done", "running", "silent"],
    "fact.": ["task", *FACTS, "kind", "modality", "metric"],
    "modality.": list(MODALITIES),
    "origin.": list(Origin),
    "repo.": ["card", "files", "revisions", "lineage", "gate"],
    "gate.": ["seconds", "versions"],
    "teams.": ["saved", "founded"],
    "audit.": ["when", "who", "what", "target"],
    "audit.did.": [*VERBS, "import", State.RETIRED, State.REFUSED, State.REVOKED],
    "refusal.": sorted(REASONS),
    "fault.": ["400", "403", "404", "405", "409", "500"],
    "fault-about.": ["400", "403", "404", "405", "409", "500"],
}


def asked() -> set[str]:
    """Return the ids that pages and commands ask for."""
    found: set[str] = {"day", "thousands"}
    for file in (*HOUSE.glob("web/**/*.html"), *HOUSE.glob("web/**/*.py"), *HOUSE.glob("cli/*.py"),
                 *HOUSE.glob("hub/**/*.py")):  # fmt: skip
        for counted, key, more, other in ASKED.findall(file.read_text(encoding="utf-8")):
            if more.strip() == "~" or "{" in key:
                stem = key.partition("{")[0]
                found |= {stem + part for part in PARTS[stem]}
            elif counted == ".count":
                found |= {f"{key}.one", f"{key}.many"}
            else:
                found |= {name for name in (key, other) if name}
    return found


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_that_is_asked_for_is_there(language: str) -> None:
    found = asked()
    assert len(found) > 30
    assert sorted(found - set(words_in(language).texts)) == []


def test_no_word_is_kept_that_none_asks_for() -> None:
    assert sorted(set(words_in("en").texts) - asked()) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_languages_have_the_same_words_with_the_same_places(language: str) -> None:
    english, other = words_in("en").texts, words_in(language).texts
    assert sorted(english) == sorted(other)
    assert [key for key in english if places(english[key]) != places(other[key])] == []


def test_one_is_told_from_many() -> None:
    words = words_in("de")
    assert [words.count("profile.roles", n) for n in (0, 1, 2)] == [
        "0 Rollen", "1 Rolle", "2 Rollen",
    ]  # fmt: skip


def test_a_day_is_written_as_the_language_does() -> None:
    day = date(2026, 2, 3)
    assert words_in("en").day(day) == "2026-02-03"
    assert words_in("de").day(day) == "03.02.2026"


def test_a_word_that_is_missing_is_no_silent_gap() -> None:
    with pytest.raises(KeyError):
        words_in("en")("profile.nothing-of-the-kind")


def test_an_unknown_language_is_a_wrong_request() -> None:
    with pytest.raises(RequestError, match="known: de, en"):
        words_in("fr")


@pytest.mark.parametrize(
    ("wanted", "accepted", "got"),
    [
        (None, "", "en"),
        ("de", "en", "de"),
        ("xx", "de-AT,en;q=0.5", "de"),
        (None, "fr, de;q=0.3, en;q=0.2", "de"),
        (None, "en;q=0.2, de;q=0.9", "de"),
        (None, "en, de", "en"),
        (None, "de;q=0, en;q=0.1", "en"),
        (None, "de;q=much", "en"),
        (None, "de;q=nan", "en"),
        (None, ",;q=1,;;", "en"),
        (None, "x" * 100_000, "en"),
    ],
)
def test_the_language_is_the_readers_choice_then_the_browsers(
    wanted: str | None, accepted: str, got: str
) -> None:
    assert language_for(wanted, accepted) == got
