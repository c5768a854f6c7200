"""Documents of a corpus: text files, one or many, each kept whole in one part."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from headstart.errors import RequestError
from headstart.task.decode import decode_text
from headstart.task.model import Kind
from headstart.task.raw import PART_NAMES, Raw, Unreadable
from headstart.task.tree import Entry

TEXT_SUFFIXES = (".txt", ".md")
_FEW_FILES = 30  # fewer are cut into passages: too few documents to deal to three parts
_PASSAGE = 2000  # characters at least
_LONGEST = 4 * _PASSAGE  # characters without a blank line: more are cut elsewhere
_CUTS = tuple(map(re.compile, (r"\n", r"[.!?]\s|[。！？]", r"\s")))  # the best place first
_SAID = 3  # files in other encodings that are named


def read_corpus(entries: Sequence[Entry], name: str) -> Raw:
    """Return the documents in text files: of many files each is one, few are cut into passages.

    Parts are taken from names: ``train/…``, ``train.txt``, ``corpus-val.txt``.

    Raises:
        RequestError: No file holds text.
    """
    texts: list[str | Unreadable] = []
    origins: list[str] = []
    parts: list[str | None] = []
    whole = len(entries) >= _FEW_FILES
    foreign: list[str] = []
    for entry in entries:
        text, said = _read(entry)
        foreign += [said] if said else []
        part = _part(entry)
        if isinstance(text, Unreadable) or whole:
            pieces = [(entry.name, text)]
        else:
            pieces = [
                (f"{entry.name} passage {at}", piece)
                for at, piece in enumerate(passages(text), start=1)
            ]
        origins += [origin for origin, _ in pieces]
        texts += [piece for _, piece in pieces]
        parts += [part] * len(pieces)
    if not texts:
        raise RequestError("no text in it", where=name, mend="give a file or folder with text")
    unit = (
        "file"
        if whole
        else f"passage of some {_PASSAGE:,} characters, cut at blank lines (long runs at line ends)"
    )
    raw = Raw(
        name=name,
        columns={"text": texts},
        origins=origins,
        said=[
            f"a document is a {unit}: {len(texts):,} in {len(entries):,} files",
            *foreign[:_SAID],
            *([f"… and {len(foreign) - _SAID:,} more files"] if len(foreign) > _SAID else []),
        ],
        input=("text",),
        settled="text without classes",
        kind=Kind.LANGUAGE_MODELING,
    )
    named = [part for part in parts if part is not None]
    if len(named) == len(parts) and len(set(named)) > 1:
        raw.parts, raw.split = named, "the data's own"
    return raw


def passages(text: str) -> list[str]:
    """Cut ``text`` at blank lines into passages of at least some 2,000 characters.

    Where there is none for 8,000, it is cut where a line, sentence or word ends, or anywhere.
    Joined they are the text again, but for spaces around them.
    """
    blocks = re.split(r"\n\s*\n", text.strip())
    found: list[str] = []
    current: list[str] = []
    length = 0
    for piece in (piece for block in blocks for piece in _pieces(block)):
        current.append(piece)
        length += len(piece)
        if length >= _PASSAGE:
            found.append("\n\n".join(current))
            current, length = [], 0
    rest = "\n\n".join(current)
    if rest and found and len(rest) < _PASSAGE // 2:
        found[-1] += "\n\n" + rest
    elif rest:
        found.append(rest)
    return found


def _pieces(block: str) -> Iterator[str]:
    """Yield ``block``, cut where it goes on for too long."""
    begin = 0
    while len(block) - begin > _LONGEST:
        places = (begin + _PASSAGE, begin + _LONGEST)
        cut = next((one for cut in _CUTS if (one := cut.search(block, *places))), None)
        end = places[1] if cut is None else cut.end()
        yield block[begin:end].strip()
        begin = end
    yield block[begin:].strip()


def _read(entry: Entry) -> tuple[str | Unreadable, str | None]:
    """Return the text, and a line that says its encoding if that is not UTF-8."""
    try:
        return decode_text(entry.read(), entry.name)
    except RequestError as error:
        return Unreadable(error.what), None
    except OSError as error:
        return Unreadable(f"the file cannot be read: {error.strerror}"), None


def _part(entry: Entry) -> str | None:
    """Return the part that a folder or the file's name says."""
    folders = [folder.lower() for folder in entry.place[:-1]]
    words = re.split(r"[-_.]", PurePosixPath(entry.place[-1]).stem.lower())
    return next((PART_NAMES[word] for word in [*folders, *reversed(words)] if word in PART_NAMES),
                None)  # fmt: skip
