"""YAML files as people write them, read strictly: plain text in, a checked model out.

Scalars stay text until the model gives them a type, so ``no`` is not False, ``1.10`` not 1.1, and
no tag can make an object. Anchors, tags and second keys of one name are refused.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError

from headstart.errors import RequestError

LIMIT_BYTES = 2**18
DEPTH = 20
_NOTHING = ("", "~", "null")

Model = TypeVar("Model", bound=BaseModel)


def read_yaml(path: Path, model: type[Model], *, limit: int = LIMIT_BYTES) -> Model:
    """Return the file's content as ``model``.

    Args:
        path: A UTF-8 file with one YAML document.
        model: What it must hold.
        limit: Bytes; a larger file is not read.

    Raises:
        RequestError: The file cannot be read, is too large, no YAML or more than plain YAML, or
            not what the model asks for; with the line where that shows.
    """
    node = _node(_text(path, limit), path)
    lines: dict[tuple[Any, ...], int] = {}
    value = _plain(node, (), lines, path)
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        loc = first["loc"]
        known = next((lines[loc[:end]] for end in range(len(loc), 0, -1) if loc[:end] in lines), 1)
        named = " > ".join(str(part) for part in loc)
        what = f"{named}: {first['msg']}" if named else str(first["msg"])
        _refuse(path, what, known, "write there what is asked for")


def _text(path: Path, limit: int) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(limit + 1)
    except OSError as error:
        raise RequestError(
            f"the file cannot be read: {error.strerror or error}", where=str(path)
        ) from error
    if len(raw) > limit:
        _refuse(path, f"the file has more than {limit:,} bytes", None, "make it smaller")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        _refuse(path, "the file is not UTF-8", line, "save it as UTF-8")


def _node(text: str, path: Path) -> Any:
    """Return the document as YAML's nodes, after a look at its events: those cost no more."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    depth = 0
    event: Any
    try:
        for event in yaml.parse(text, Loader=loader):
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            line = event.start_mark.line + 1
            if depth > DEPTH:
                _refuse(path, f"more than {DEPTH} levels lie in each other", line, "flatten it")
            if getattr(event, "anchor", None) is not None:
                _refuse(path, "anchors and aliases are not read", line, "write the value out")
            if getattr(event, "tag", None) is not None:
                _refuse(path, f"tags ({event.tag}) are not read", line, "leave the tag out")
        return yaml.compose(text, Loader=loader)
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        what = getattr(error, "problem", None) or str(error).partition("\n")[0]
        line = None if mark is None else mark.line + 1
        _refuse(path, f"this is no YAML: {what}", line, "check colons, quotes and indentation")


def _plain(node: Any, place: tuple[Any, ...], lines: dict[tuple[Any, ...], int], path: Path) -> Any:
    """Return a node as dicts, lists, texts and None; note the line of each place."""
    import yaml

    if node is None:
        return None
    lines[place] = node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*place, n), lines, path) for n, item in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        found: dict[str, Any] = {}
        for key, item in node.value:
            if not isinstance(key, yaml.ScalarNode):
                _refuse(path, "a key is no plain text", key.start_mark.line + 1, "name it")
            if key.value in found:
                line = key.start_mark.line + 1
                _refuse(path, f"'{key.value}' is here twice", line, "leave one of them")
            found[key.value] = _plain(item, (*place, key.value), lines, path)
        return found
    plain = node.style is None or node.style == ""
    return None if plain and node.value in _NOTHING else node.value


def _refuse(path: Path, what: str, line: int | None, mend: str) -> NoReturn:
    where = str(path) if line is None else f"{path}, line {line}"
    raise RequestError(what, where=where, mend=mend) from None
