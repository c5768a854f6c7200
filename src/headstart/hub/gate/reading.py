"""Files of strangers read within limits: folders, text, JSON, YAML, front matter."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headstart.errors import RequestError

MEBIBYTE = 2**20
_DEEPEST = 64  # nested lists and objects; configurations of models have fewer than ten
_MOST_YAML = 200_000  # nodes once every alias is written out
_MOST_FILES = 20_000
_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}"
    for name in ("str", "int", "float", "bool", "null", "seq", "map", "timestamp")
)


class UnreadableError(RequestError):
    """A file is not what its name says, or passes a limit; the message says which."""


@dataclass(frozen=True)
class File:
    """A regular file of a candidate: where it lies, its name (``/`` between folders), its bytes."""

    path: Path
    name: str
    size: int


@dataclass
class Listing:
    """A candidate's files, and the entries that no model has: (name, what it is)."""

    files: list[File] = field(default_factory=list)
    odd: list[tuple[str, str]] = field(default_factory=list)


def listing(folder: Path) -> Listing:
    """Return what lies in ``folder``, links not followed, in order of name."""
    found = Listing()
    pending = [folder]
    while pending:
        try:
            with os.scandir(pending.pop()) as entries:
                rows = list(entries)
        except OSError as error:
            found.odd.append(("", f"cannot be read: {error.strerror}"))
            continue
        for entry in rows:
            pending += _sort(entry, folder, found)
        if len(found.files) + len(found.odd) > _MOST_FILES:
            found.odd.append(("", f"more than {_MOST_FILES:,} files"))
            break
    found.files.sort(key=lambda file: file.name)
    return found


def _sort(entry: os.DirEntry[str], folder: Path, found: Listing) -> list[Path]:
    """File one entry; return it when it is a folder to look into."""
    path = Path(entry.path)
    name = path.relative_to(folder).as_posix()
    status = entry.stat(follow_symlinks=False)
    if not name.isprintable() or "\\" in name or not name.isascii():
        found.odd.append((name, "a name with characters other than plain ASCII"))
    if stat.S_ISDIR(status.st_mode):
        return [path]
    if stat.S_ISREG(status.st_mode):
        found.files.append(File(path, name, status.st_size))
    else:
        kind = "a link" if stat.S_ISLNK(status.st_mode) else "no regular file"
        found.odd.append((name, kind))
    return []


def head(file: Path, count: int = 512, offset: int = 0) -> bytes:
    """Return up to ``count`` bytes from ``offset`` on (from the end, where it is negative)."""
    try:
        with file.open("rb") as stream:
            stream.seek(offset, os.SEEK_SET if offset >= 0 else os.SEEK_END)
            return stream.read(count)
    except OSError as error:
        raise UnreadableError(f"cannot be read: {error.strerror}") from error


def read_text(file: Path, limit: int) -> str:
    """Return a UTF-8 file of at most ``limit`` bytes.

    Raises:
        UnreadableError: It is larger, is no UTF-8, or cannot be read.
    """
    raw = head(file, limit + 1)
    if len(raw) > limit:
        raise UnreadableError(f"it is larger than {limit:,} bytes, the limit for such a file")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableError(f"it is no UTF-8 text (byte {error.start:,})") from error


def load_json(text: str) -> Any:
    """Return the value of JSON ``text``.

    Raises:
        UnreadableError: It is no JSON, is nested too deeply, or has a key twice (readers differ in
            which one they take).
    """
    try:
        value = json.loads(text, object_pairs_hook=_once)
    except RecursionError as error:
        raise UnreadableError(f"it is nested deeper than {_DEEPEST} levels") from error
    except ValueError as error:
        raise UnreadableError(f"it is no JSON: {error}") from error
    if _deeper(value, _DEEPEST):
        raise UnreadableError(f"it is nested deeper than {_DEEPEST} levels")
    return value


def json_lines(file: Path, longest: int = MEBIBYTE) -> None:
    """Hold every line of an NDJSON ``file`` against :func:`load_json`, in bounded memory.

    Raises:
        UnreadableError: A line is longer than ``longest`` bytes, or is no JSON; the line is named.
    """
    with file.open("rb") as stream:
        for number, line in enumerate(iter(lambda: stream.readline(longest + 1), b""), start=1):
            if len(line) > longest:
                raise UnreadableError(f"line {number:,} is longer than {longest:,} bytes")
            try:
                load_json(line.decode("utf-8") or "null")
            except (UnicodeDecodeError, UnreadableError) as error:
                raise UnreadableError(f"line {number:,}: {error}") from error


def texts(value: Any) -> Iterator[str]:
    """Yield every text within ``value``, keys included."""
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            pending += item.keys()
            pending += item.values()
        elif isinstance(item, list):
            pending += item


def load_yaml(text: str) -> Any:
    """Return the value of one YAML document, plain data only.

    Raises:
        UnreadableError: It is no YAML, makes objects, has a key twice, is nested too deeply, or is
            a bomb: small as written, huge once its aliases are written out.
    """
    import yaml

    try:
        _weigh(text)
        return yaml.load(text, Loader=_loader())
    except RecursionError as error:
        raise UnreadableError(f"it is nested deeper than {_DEEPEST} levels") from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise UnreadableError(f"it is no plain YAML: {' '.join(str(error).split())}") from error


def front_matter(text: str, limit: int = 2 * MEBIBYTE) -> tuple[dict[str, Any], str]:
    """Return the YAML fields between the ``---`` lines at the beginning, and what follows them.

    Raises:
        UnreadableError: There is none, or it is no YAML mapping.
    """
    lines = text.replace("\r\n", "\n").split("\n")
    if lines[0].rstrip() != "---":
        raise UnreadableError("it has no front matter (fields between two lines of '---')")
    end = next((n for n, line in enumerate(lines[1:], start=1) if line.rstrip() == "---"), None)
    if end is None:
        raise UnreadableError("its front matter does not end ('---' is missing)")
    written = "\n".join(lines[1:end])
    if len(written) > limit:
        raise UnreadableError(f"its front matter is longer than {limit:,} characters")
    fields = load_yaml(written)
    if not isinstance(fields, dict):
        raise UnreadableError("its front matter is no list of fields ('name: value')")
    return fields, "\n".join(lines[end + 1 :])


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise UnreadableError(f"the key {twice[:80]!r} is there twice")
    return found


def _deeper(value: Any, levels: int) -> bool:
    """Return whether ``value`` is nested deeper; goes by levels, so that it never recurses."""
    row = [value]
    for _ in range(levels + 1):
        row = [
            part
            for item in row
            if isinstance(item, (dict, list))
            for part in (item.values() if isinstance(item, dict) else item)
        ]
        if not row:
            return False
    return True


def _weigh(text: str) -> None:
    """Go through YAML without building it; refuse what it must not be built from."""
    import yaml

    scale = _Scale()
    for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        scale.put(event)
        if scale.weight > _MOST_YAML:
            raise UnreadableError(
                f"it has more than {_MOST_YAML:,} values once aliases are written out"
            )
        if len(scale.begun) > _DEEPEST:
            raise UnreadableError(f"it is nested deeper than {_DEEPEST} levels")


class _Scale:
    """Weighs YAML as it goes by: a node is one, an alias as much as what it stands for."""

    def __init__(self) -> None:
        self.weight = 0
        self.begun: list[tuple[str | None, int]] = []  # anchor, weight before it
        self.anchors: dict[str, int] = {}

    def put(self, event: Any) -> None:
        import yaml

        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self.anchors:
                raise UnreadableError(f"the alias '{event.anchor}' stands for what it is part of")
            self.weight += self.anchors[event.anchor]
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = self.begun.pop()
            self._name(anchor, self.weight - before)
        elif isinstance(event, yaml.NodeEvent):
            _plain_tag(event)
            if isinstance(event, yaml.CollectionStartEvent):
                self.begun.append((event.anchor, self.weight))
            else:
                self._name(event.anchor, 1)
            self.weight += 1

    def _name(self, anchor: str | None, weight: int) -> None:
        if anchor:
            self.anchors[anchor] = weight


def _plain_tag(event: Any) -> None:
    tag = getattr(event, "tag", None)
    if tag is not None and tag != "!" and tag not in _TAGS:
        raise UnreadableError(f"the tag '{tag[:80]}' makes more than plain data")


def _loader() -> Any:
    """Return a safe YAML loader that refuses a key that is there twice."""
    import yaml

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            written = [key.value for key, _ in node.value if isinstance(key.value, str)]
            twice = next((key for key in written if written.count(key) > 1), None)
            if twice is not None and len(written) < 1000:
                raise UnreadableError(f"the key {twice[:80]!r} is there twice")
            return super().construct_mapping(node, deep)

    return Loader
