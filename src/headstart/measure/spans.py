"""Entity spans in tag sequences (BIO, IOB2, IOB1, BIOES, BILOU)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_TAG = re.compile(r"([BIOESLU])(?:-(.+))?$")
Span = tuple[int, int, str]


def are_span_tags(classes: Sequence[str]) -> bool:
    """Tell whether the tags name spans: "O" apart, all look like "B-x", and there is an "I-"/"B-".

    Plain word classes ("NOUN", "VERB") are not; then words are scored one by one.
    """
    inside = [tag for tag in classes if tag != "O"]
    return (
        "O" in classes
        and bool(inside)
        and all(_TAG.match(tag) and "-" in tag for tag in inside)
        and any(tag[0] in "BI" for tag in inside)
    )


def spans(tags: Iterable[str]) -> set[Span]:
    """Return (first word, word after the last, type) of every span.

    Broken sequences are read as the CoNLL-2000 script ``conlleval`` reads them (Tjong Kim Sang &
    Buchholz 2000): an "I-" after "O" or after another type opens a span.
    """
    found: set[Span] = set()
    start, kind, closed = -1, "", True
    position = -1
    for position, tag in enumerate(tags):
        prefix, _, name = tag.partition("-")
        if prefix == "O" or not name:
            prefix, name = "O", ""
        begins = prefix in "BSU" or closed or name != kind
        if not closed and (prefix == "O" or begins):
            found.add((start, position, kind))
        if prefix == "O":
            closed = True
            continue
        if begins:
            start, kind = position, name
        closed = prefix in "ESLU"
        if closed:
            found.add((start, position + 1, kind))
    if not closed:
        found.add((start, position + 1, kind))
    return found
