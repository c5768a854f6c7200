"""Finds the input columns: by name, else the image column or the longest text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from headstart.errors import RequestError
from headstart.task.columns import Column
from headstart.task.model import Kind
from headstart.task.targets import ABOUT_ROWS

PAIRS = (
    ("premise", "hypothesis"), ("sentence1", "sentence2"), ("sentence_1", "sentence_2"),
    ("sentence_a", "sentence_b"), ("question1", "question2"), ("text_a", "text_b"),
    ("text1", "text2"), ("text_1", "text_2"), ("question", "sentence"), ("question", "passage"),
    ("query", "passage"), ("query", "document"), ("s1", "s2"), ("claim", "evidence"),
)  # fmt: skip
TEXT_NAMES = (
    "text", "sentence", "review", "utterance", "tweet", "comment", "abstract", "question",
    "message", "content", "document", "body", "query", "input", "description", "article",
    "headline", "review_body", "summary", "title",
)  # fmt: skip
DOCUMENT_NAMES = ("text", "content", "document", "body", "article")
IMAGE_NAMES = ("image", "img", "picture", "photo", "file_name", "path", "image_path", "file")
TOKEN_NAMES = ("tokens", "words", "token", "word")


def find_input(
    columns: Mapping[str, Column],
    given: tuple[str, ...] | None,
    target: str,
    kind: Kind | None,
    settled: str,
) -> tuple[tuple[str, ...], str]:
    """Return the input columns (two for a text pair) and the line that says why.

    Raises:
        RequestError: No column holds text or images.
    """
    if given:
        return given, f"input: {_listed(given)}, {settled}"
    rest = {
        column.name.lower().strip(): column
        for name, column in columns.items()
        if name != target and column.shape != "empty"
    }
    for search in (_tokens, _images, _pair, _named_text, _longest_text):
        found, why = search(rest, columns[target], kind)
        if found:
            names = tuple(column.name for column in found)
            return names, f"input: {_listed(names)}, {why}"
    listed = ", ".join(f"'{column.name}' ({column.shape})" for column in columns.values())
    raise RequestError(
        f"no column with text or images beside the target '{target}'; found {listed}",
        where="input",
        mend="name one with --input; tables of numbers alone are no task for headstart",
    )


def holds_documents(columns: Mapping[str, Column]) -> bool:
    """Whether a column is named as documents are, and nothing stands beside it to be learnt."""
    rest = [
        column
        for column in columns.values()
        if column.shape != "empty" and not ABOUT_ROWS.match(column.name)
    ]
    return (
        len(rest) == 1
        and rest[0].shape == "text"
        and rest[0].name.lower().strip() in DOCUMENT_NAMES
    )


def find_documents(columns: Mapping[str, Column], given: tuple[str, ...] | None) -> tuple[str, str]:
    """Return the column that holds the documents of a corpus, and why.

    Raises:
        RequestError: Two were named, or no column holds text.
    """
    if given is not None and len(given) > 1:
        raise RequestError(
            f"a corpus has one column of documents, {len(given)} were named",
            where="--input",
            mend="name one, or give --task instruction for prompts and answers",
        )
    if given is not None:
        return given[0], "as given"
    texts = {c.name.lower().strip(): c for c in columns.values() if c.shape == "text"}
    named = next((texts[name] for name in DOCUMENT_NAMES if name in texts), None)
    if named is not None:
        return named.name, "by its name"
    unlike_ids = [column for column in texts.values() if not ABOUT_ROWS.match(column.name)]
    found = max(unlike_ids or texts.values(), key=lambda c: c.length, default=None)
    if found is None:
        raise RequestError(
            "no column holds text", where="input", mend="name one with --input, e.g. text"
        )
    return found.name, f"the longest text ({found.length:.0f} characters on average)"


def unused_line(columns: Iterable[str], input: tuple[str, ...], target: str) -> tuple[str, ...]:
    """Return the line that names the columns that play no part, if any."""
    unused = [name for name in columns if name not in input and name != target]
    if not unused:
        return ()
    return (f"not used: {_listed(tuple(unused[:10]))}" + (", …" if len(unused) > 10 else ""),)


_Found = tuple[tuple[Column, ...], str]
_NOTHING: _Found = ((), "")


def _tokens(rest: Mapping[str, Column], target: Column, kind: Kind | None) -> _Found:
    if kind not in (None, Kind.TOKEN_CLASSIFICATION) or target.shape not in ("list", "text"):
        return _NOTHING
    if target.shape == "text" and kind is None:
        return _NOTHING
    for name in (*TOKEN_NAMES, *(rest if kind else ())):
        column = rest.get(name)
        if column and column.shape == target.shape:
            return (column,), "a list of words a row, to be tagged"
    return _NOTHING


def _images(rest: Mapping[str, Column], target: Column, kind: Kind | None) -> _Found:
    images = {name: column for name, column in rest.items() if column.shape == "image"}
    for name in (*IMAGE_NAMES, *images):
        if name in images:
            return (images[name],), "it holds images"
    return _NOTHING


def _pair(rest: Mapping[str, Column], target: Column, kind: Kind | None) -> _Found:
    if kind not in (None, Kind.TEXT_PAIR, Kind.REGRESSION):
        return _NOTHING
    for first, second in PAIRS:
        pair = rest.get(first), rest.get(second)
        if pair[0] and pair[1] and pair[0].shape == pair[1].shape == "text":
            return (pair[0], pair[1]), "two texts that belong together, by their names"
    if kind is Kind.TEXT_PAIR:
        texts = [c for c in rest.values() if c.shape == "text" and not ABOUT_ROWS.match(c.name)]
        if len(texts) == 2:
            return (texts[0], texts[1]), "the two text columns"
    return _NOTHING


def _named_text(rest: Mapping[str, Column], target: Column, kind: Kind | None) -> _Found:
    for name in TEXT_NAMES:
        column = rest.get(name)
        if column and column.shape == "text":
            return (column,), "by its name"
    return _NOTHING


def _longest_text(rest: Mapping[str, Column], target: Column, kind: Kind | None) -> _Found:
    texts = [column for column in rest.values() if column.shape == "text"]
    unlike_ids = [column for column in texts if not ABOUT_ROWS.match(column.name)]
    if not texts:
        return _NOTHING
    longest = max(unlike_ids or texts, key=lambda column: (column.length, column.distinct))
    return (longest,), f"the longest text ({longest.length:.0f} characters on average)"


def _listed(names: tuple[str, ...]) -> str:
    word = "column" if len(names) == 1 else "columns"
    return f"{word} " + ", ".join(f"'{name}'" for name in names)
