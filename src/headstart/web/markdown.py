"""Model cards as HTML: Markdown without raw HTML; links and pictures only where they may lead.

CommonMark (https://spec.commonmark.org) with tables and strikethrough. A card is untrusted: no tag
of its own gets through, links lead to http, https or mailto or into the repo, and pictures come
from the repo; others become links, for each reader would tell their server of the visit.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from posixpath import normpath
from urllib.parse import quote, unquote, urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from headstart.hub.registry.cards import block

LONGEST = 200_000
PICTURES = {"png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif",
            "webp": "image/webp"}  # fmt: skip
_DEEPEST_HEADING = 6
_SCHEMES = ("http", "https", "mailto")


@lru_cache(maxsize=256)
def card_html(readme: str, pages: str, files: str) -> Markup:
    """Return a card's text, without its YAML, as HTML that is safe to show.

    Args:
        readme: README.md, of which the first 200,000 signs count.
        pages: Address before a file's path where a page shows it.
        files: Address before a file's path where its bytes are had.
    """
    text = readme.lstrip("\ufeff")[:LONGEST]
    data = block(text)
    if data is not None:
        text = text.split("---", 2)[2] if data == "" else text[text.index(data) + len(data) :]
        text = text.lstrip().removeprefix("---")
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    tokens = parser.parse(text)
    _mend(tokens, pages, files)
    return Markup(parser.renderer.render(tokens, parser.options, {}))


def _mend(tokens: Sequence[Token], pages: str, files: str) -> None:
    """Check every address, move headings below the page's own, let wide things scroll."""
    for place, token in enumerate(tokens):
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1]) + 1, _DEEPEST_HEADING)}"
        if token.type == "heading_open":
            token.attrSet("id", "card-" + slug(tokens[place + 1].content))
        if token.type in ("table_open", "fence", "code_block"):
            token.attrSet("tabindex", "0")  # they scroll: the keyboard must reach them
        if token.type == "inline":
            token.children = _inline(token.children or [], pages, files)


def _inline(tokens: list[Token], pages: str, files: str) -> list[Token]:
    found: list[Token] = []
    dropped = 0
    for token in tokens:
        if token.type == "link_open":
            address = link(str(token.attrGet("href") or ""), pages)
            if address is None:
                dropped += 1
                continue
            token.attrSet("href", address)
            if not address.startswith(("#", "/")):
                token.attrSet("rel", "nofollow noopener noreferrer")
        elif token.type == "link_close" and dropped:
            dropped -= 1
            continue
        elif token.type == "image":
            token = _picture(token, files)
        found.append(token)
    return found


def _picture(token: Token, files: str) -> Token:
    path = inside(str(token.attrGet("src") or ""))
    if path is not None and path.rpartition(".")[2].lower() in PICTURES:
        token.attrSet("src", files + quote(path))
        token.attrSet("loading", "lazy")
        return token
    return Token("text", "", 0, content=f"[{token.content}]")


def link(address: str, pages: str) -> str | None:
    """Return where a card's link may lead, or None."""
    if address.startswith("#"):
        return "#card-" + slug(unquote(address[1:]))
    parts = _parts(address)
    if parts is None:
        return None
    scheme, host = parts
    if scheme in _SCHEMES and (host or scheme == "mailto"):
        return address
    path = inside(address)
    return None if path is None else pages + quote(path)


def inside(address: str) -> str | None:
    """Return the path in the repo that a relative address means, or None."""
    parts = _parts(address)
    if parts is None or any(parts) or address.startswith(("/", "\\")):
        return None
    path = normpath(unquote(address.partition("#")[0].partition("?")[0]))
    bad = path in (".", "..") or path.startswith(("../", "/")) or not path.isprintable()
    return None if bad else path


def slug(heading: str) -> str:
    """Return what a heading's own link is called, as GitHub's pages have it."""
    return re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", heading.lower()).strip())


def _parts(address: str) -> tuple[str, str] | None:
    try:
        found = urlsplit(address)
    except ValueError:
        return None
    return found.scheme.lower(), found.netloc
