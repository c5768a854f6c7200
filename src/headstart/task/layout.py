"""What the places of files in a tree mean: parts, classes, domains, or tables."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from headstart.errors import RequestError
from headstart.task.corpus import TEXT_SUFFIXES, read_corpus
from headstart.task.decode import decode_text
from headstart.task.model import Image, Warning
from headstart.task.raw import IMAGE_SUFFIXES, PART_NAMES, Raw, Unreadable, joined
from headstart.task.table import TABLE_SUFFIXES, read_table
from headstart.task.tree import Entry

_ABOUT = re.compile(r"^(readme|licen[cs]e|changelog|citation|notice)\b", re.IGNORECASE)
_UNLABELLED = frozenset({"unsup", "unlabeled", "unlabelled"})
_LIST_OF_FILES = frozenset({"metadata", "labels", "annotations", *PART_NAMES})
_EXPECTED = (
    "put the files of each class into a folder of its own (cats/…, dogs/…), with train/, "
    "validation/ and test/ above them if you have parts; or give a table (CSV, JSONL, Parquet)"
)


def read_tree(entries: Sequence[Entry], name: str) -> Raw:
    """Return the rows of a folder or archive.

    Understands, with or without one enclosing folder: tables named after parts, one table,
    ``class/file``, ``part/class/file``, ``domain/part/class/file`` and ``class/part/file``, of
    images or ``.txt`` files.

    Raises:
        RequestError: Nothing readable is there, or its layout is not understood.
    """
    useful = _unwrapped([entry for entry in entries if not _ABOUT.match(entry.place[-1])])
    if not useful:
        raise RequestError("the folder or archive is empty", where=name, mend=_EXPECTED)
    tables = [entry for entry in useful if entry.suffix in TABLE_SUFFIXES]
    media = _media(useful)
    if tables and not (_in_folders(media) and not _lists_files(tables)):
        return _tables(tables, useful, name)
    if media:
        return _class_folders(media, len(useful) - len(media), name)
    kinds = Counter(entry.suffix or "no suffix" for entry in useful).most_common(5)
    found = ", ".join(f"{count} x {suffix}" for suffix, count in kinds)
    raise RequestError(f"no images, texts or tables, only {found}", where=name, mend=_EXPECTED)


def _unwrapped(entries: list[Entry]) -> list[Entry]:
    """Drop folders that enclose everything and are neither a part nor the only class."""
    while entries and min(len(entry.place) for entry in entries) > 1:
        tops = {entry.place[0] for entry in entries}
        deep = min(len(entry.place) for entry in entries) > 2
        tables = any(len(e.place) == 2 and e.suffix in TABLE_SUFFIXES for e in entries)
        if len(tops) > 1 or tops.pop().lower() in PART_NAMES or not (deep or tables):
            break
        entries = [Entry(entry.place[1:], entry.path, entry.data) for entry in entries]
    return entries


def _media(entries: Sequence[Entry]) -> list[Entry]:
    """Return the images, or the texts if those are more."""
    images = [entry for entry in entries if entry.suffix in IMAGE_SUFFIXES]
    texts = [entry for entry in entries if entry.suffix in TEXT_SUFFIXES]
    in_folders = [sum(len(entry.place) > 1 for entry in group) for group in (images, texts)]
    return images if in_folders[0] >= in_folders[1] and images else texts or images


def _in_folders(media: Sequence[Entry]) -> bool:
    return len({entry.place[:-1] for entry in media if len(entry.place) > 1}) > 1


def _lists_files(tables: Sequence[Entry]) -> bool:
    return any(PurePosixPath(table.place[-1]).stem.lower() in _LIST_OF_FILES for table in tables)


def _tables(tables: Sequence[Entry], entries: Sequence[Entry], name: str) -> Raw:
    top = min(len(table.place) for table in tables)
    nearest = [table for table in tables if len(table.place) == top]
    named = [(part, table) for table in nearest if (part := _part_of_file(table))]
    if not named and len(nearest) > 1:
        names = ", ".join(table.name for table in nearest[:8])
        raise RequestError(
            f"{len(nearest)} tables and none is named train or test: {names}",
            where=name,
            mend="give one of these files, or name them train.csv, validation.csv and test.csv",
        )
    if not named:
        raw = _with_images(read_table(nearest[0].source(), nearest[0].name), nearest[0], entries)
        raw.name = name
        return raw
    read = [
        (part, _with_images(read_table(table.source(), table.name), table, entries))
        for part, table in named
    ]
    raw = joined(name, read, "the data's own")
    left_out = [table.name for table in nearest if not _part_of_file(table)]
    if left_out:
        raw.said.append(f"not read, as it is named after no part: {', '.join(left_out[:5])}")
    return raw


def _part_of_file(table: Entry) -> str | None:
    """Return the part in a name such as ``train.csv`` or ``test-00000-of-00001.parquet``."""
    stem = PurePosixPath(table.place[-1]).stem.lower()
    return PART_NAMES.get(re.split(r"[-_.]", stem)[0])


def _with_images(raw: Raw, table: Entry, entries: Sequence[Entry]) -> Raw:
    raw.image = image_finder(table, entries)
    return raw


def image_finder(table: Entry, entries: Sequence[Entry]) -> Callable[[str], Image | None]:
    """Return what finds an image by its name, relative to the folder of ``table``."""
    if table.path is not None:
        folder = table.path.parent
        return lambda name: Image(path=folder / name) if _is_file(folder / name) else None
    known = {entry.place: entry for entry in entries}

    def find(name: str) -> Image | None:
        entry = known.get((*table.place[:-1], *PurePosixPath(name).parts))
        return entry.image() if entry else None

    return find


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # e.g. a name longer than the file system allows
        return False


def _class_folders(media: list[Entry], others: int, name: str) -> Raw:
    level = _part_level(media)
    rows = [(row, entry) for entry in media if (row := _placed(entry, level))]
    if not rows and all(entry.suffix in TEXT_SUFFIXES for entry in media):
        return read_corpus(media, name)
    if not rows:
        raise RequestError(
            f"{len(media):,} files such as '{media[0].name}' and no class folders",
            where=name,
            mend=_EXPECTED,
        )
    kept = [entry for _, entry in rows]
    column = "image" if kept[0].suffix in IMAGE_SUFFIXES else "text"
    raw = Raw(
        name=name,
        columns={column: [], "class folder": [label for (_, label, _), _ in rows]},
        origins=[entry.name for entry in kept],
        input=(column,),
        target="class folder",
        settled="by the class folders",
    )
    raw.columns[column] = _contents(kept, column, raw)
    if level is not None:
        raw.parts = [part for (part, _, _), _ in rows]
        raw.split = "the data's own"
    _say_domains({domain for (_, _, domain), _ in rows} - {""}, raw)
    ignored = others + len(media) - len(kept)
    if ignored:
        message = f"{ignored:,} files were not read: no {column}s in a class folder"
        raw.warnings.append(Warning("ignored-files", message, ignored))
    return raw


def _part_level(media: Sequence[Entry]) -> int | None:
    """Return at which folder level most files stand under a part's name, if at any."""
    for level in (0, 1):
        named = [
            entry.place[level].lower() in PART_NAMES
            for entry in media
            if len(entry.place) > level + 1
        ]
        if named and sum(named) > len(media) / 2:
            return level
    return None


def _placed(entry: Entry, level: int | None) -> tuple[str, str, str] | None:
    """Return (part, class, domain) of a file, or None if its place says no class."""
    folders = entry.place[:-1]
    if level is None:
        placed = ("", folders[0], "") if folders else None
    elif len(folders) <= level or folders[level].lower() not in PART_NAMES:
        placed = None
    elif len(folders) > level + 1:
        part, domain = PART_NAMES[folders[level].lower()], "/".join(folders[:level])
        placed = (part, folders[level + 1], domain)
    elif level == 1:
        placed = (PART_NAMES[folders[1].lower()], folders[0], "")
    else:
        placed = None
    return None if placed and placed[1].lower() in _UNLABELLED else placed


def _contents(
    entries: Sequence[Entry], column: str, raw: Raw
) -> list[Image] | list[str | Unreadable]:
    if column == "image":
        return [entry.image() for entry in entries]
    texts: list[str | Unreadable] = []
    foreign = 0
    for entry in entries:
        try:
            text, said = decode_text(entry.read(), entry.name)
        except RequestError as error:
            texts.append(Unreadable(error.what))
            continue
        except OSError as error:
            texts.append(Unreadable(f"the file cannot be read: {error.strerror}"))
            continue
        foreign += said is not None
        texts.append(text)
    if foreign:
        raw.said.append(
            f"not UTF-8, so read by their marks or as Windows-1252: {foreign:,} of "
            f"{len(entries):,} files"
        )
    return texts


def _say_domains(domains: set[str], raw: Raw) -> None:
    if domains:
        names = ", ".join(sorted(domains)[:8])
        raw.said.append(
            f"{len(domains)} domains are pooled: {names} (give one folder to read it alone)"
        )
