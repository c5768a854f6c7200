"""How templates become HTML: everything escaped, nothing undefined, addresses checked."""

from __future__ import annotations

from functools import cache
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined


def safe_link(link: str) -> str:
    """Return an address that a link may have, else ""."""
    return link if link.startswith(("/", "https://", "http://")) else ""


def segment(text: str) -> str:
    """Return a text as one segment of an address."""
    return quote(text, safe="")


def route(path: str) -> str:
    """Return a file's path as segments of an address."""
    return quote(path, safe="/")


@cache
def environment() -> Environment:
    """Return what all pages are rendered by."""
    made = Environment(
        loader=PackageLoader("headstart.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(safe_link=safe_link, segment=segment, route=route)
    return made
