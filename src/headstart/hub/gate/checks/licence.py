"""Does the licence of the model, wherever it is stated, stand on the standard's list?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from headstart.errors import RequestError
from headstart.hub.gate.kinds import kind_of
from headstart.hub.gate.model import JSON, Candidate, Finding, Reason, judged
from headstart.hub.gate.reading import (
    MEBIBYTE,
    File,
    UnreadableError,
    front_matter,
    listing,
    load_json,
    read_text,
)

_CARD = "README.md"
_UNSTATED = frozenset({"", "unknown"})  # beside the card, saying nothing is no contradiction


class Licence:
    """The card states a licence that the standard allows, and no other file contradicts it."""

    name: ClassVar[str] = "licence"

    def __call__(self, candidate: Candidate) -> Finding:
        """Return what was found."""
        allowed = {licence.lower() for licence in candidate.standard.licences}
        files = {file.name: file for file in listing(candidate.folder).files}
        reasons, stated = [], list[str]()
        try:
            stated = _of_card(files.get(_CARD))
        except UnreadableError as error:
            reasons.append(Reason(_CARD, str(error)))
        else:
            reasons += [Reason(_CARD, _words(name)) for name in stated if name not in allowed]
        for file in files.values():
            reasons += [
                Reason(file.name, _words(name))
                for name in _elsewhere(file)
                if name not in allowed | _UNSTATED
            ]
        details: dict[str, JSON] = {"stated": stated, "allowed": sorted(allowed)}
        good = f"{_CARD} states {' and '.join(stated)}, which the standard allows."
        mend = (
            "State an allowed licence in README.md (license: …; `headstart hub push --licence` "
            "writes it), or have the standard allow it."
        )
        return judged(self.name, reasons, good=good, mend=mend, details=details)


def _words(name: str) -> str:
    if name in _UNSTATED:
        return "its licence is unknown"
    return f"the licence '{name}' is not on the standard's list"


def _of_card(file: File | None) -> list[str]:
    if file is None:
        raise UnreadableError("it is missing, and with it the licence")
    value = front_matter(read_text(file.path, 4 * MEBIBYTE))[0].get("license")
    if value is None or value == []:
        raise UnreadableError("its front matter states no 'license'")
    names = value if isinstance(value, list) else [value]
    if not all(isinstance(name, str) for name in names):
        raise UnreadableError("its 'license' is no text")
    return [name.strip().lower() for name in names]


def _elsewhere(file: File) -> Iterator[str]:
    """Yield the licences that files beside the card state; what cannot be read is not ours."""
    try:
        if file.name == "encoder.json":
            yield _text(load_json(read_text(file.path, MEBIBYTE)), "licence")
        elif file.name == "config.json":
            told = load_json(read_text(file.path, 4 * MEBIBYTE))
            yield _text(told, "license")
            yield _text(told.get("pretrained_cfg"), "license")
        elif kind_of(file.name) == "gguf":
            from headstart.base.gguf_header import read_header

            yield read_header(file.path).texts.get("general.license", "").strip().lower()
    except (RequestError, AttributeError, OSError):
        return


def _text(value: Any, key: str) -> str:
    found = value.get(key) if isinstance(value, dict) else None
    return found.strip().lower() if isinstance(found, str) else ""
