"""Is the model card complete, and is it a text that can be shown?

The Markdown is parsed as pages do it (CommonMark), so that code blocks may hold anything, and
what a page would take for HTML is held against a list of elements and attributes.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any, ClassVar

from headstart.hub.gate.kinds import word_set
from headstart.hub.gate.model import JSON, Candidate, Finding, Reason, judged
from headstart.hub.gate.reading import MEBIBYTE, UnreadableError, front_matter, listing, read_text

CARD = "README.md"
_LARGEST = 4 * MEBIBYTE
_ELEMENTS = word_set(
    "a abbr b big blockquote br caption center code col colgroup dd del details div dl dt em "
    "figcaption figure font h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p picture pre q s samp "
    "section small source span strike strong sub summary sup table tbody td tfoot th thead tr tt "
    "u ul var video"
)
_HTML = _ELEMENTS | word_set(
    "address animate applet area article aside audio base basefont bdi bdo body button canvas "
    "command data datalist dialog dir embed fieldset footer form frame frameset head header "
    "hgroup html iframe image input isindex keygen label legend link listing main map marquee "
    "math menu meta meter nav nobr noembed noframes noscript object optgroup option output param "
    "plaintext portal progress rp rt ruby script select set slot style svg template textarea time "
    "title track use wbr xml xmp"
)  # what a browser gives a meaning; other names, like <mask> or <unk>, are words
_ATTRIBUTES = word_set(
    "abbr align alt border cellpadding cellspacing class color colspan controls dir face height "
    "href id lang loading loop media muted name open poster rel rowspan size src srcset start "
    "style target title type valign width autoplay playsinline"
)
_LINKS = frozenset({"href", "src", "poster"})
_ADDRESS = re.compile(
    r"(https?:|mailto:|data:image/(png|jpeg|gif|webp)[;,]|[^:]*$|[^:]*[/?#])", re.I
)
_STYLE = re.compile(r"url|expression|@|\\|import|behavior|position", re.I)


class Card:
    """README.md has the required fields and sections, and holds no script."""

    name: ClassVar[str] = "card"

    def __call__(self, candidate: Candidate) -> Finding:
        """Return what was found."""
        rules = candidate.standard.card
        fields: dict[str, Any] = {}
        try:
            fields, body = _read(candidate)
            reasons = [
                Reason(CARD, f"the field '{name}' is missing or empty")
                for name in rules.fields
                if fields.get(name) in (None, "", [], {})
            ]
            headings, faults = _shown(body)
            reasons += [
                Reason(CARD, f"the section '{name}' is missing")
                for name in rules.sections
                if name.lower() not in headings
            ]
            reasons += [Reason(CARD, fault) for fault in faults]
        except UnreadableError as error:
            reasons = [Reason(CARD, str(error))]
        details: dict[str, JSON] = {
            "fields": sorted(str(name) for name in fields)[:100],
            "required": list(rules.fields),
        }
        good = f"{CARD} has all required fields, and nothing in it runs."
        mend = f"Mend {CARD}: fields go between '---' lines at its beginning."
        return judged(self.name, reasons, good=good, mend=mend, details=details)


def _read(candidate: Candidate) -> tuple[dict[str, Any], str]:
    found = next((f for f in listing(candidate.folder).files if f.name == CARD), None)
    if found is None:
        raise UnreadableError("it is missing")
    return front_matter(read_text(found.path, _LARGEST))


def _shown(body: str) -> tuple[set[str], list[str]]:
    """Return the headings of Markdown in small letters, and what in it a page must not show."""
    from markdown_it import MarkdownIt

    markdown = MarkdownIt("commonmark").enable("table")
    markdown.validateLink = lambda url: True  # type: ignore[method-assign]  # judged here
    headings: set[str] = set()
    scan = _Scan()
    tokens = markdown.parse(body)
    for before, token in zip([None, *tokens], tokens, strict=False):
        if before is not None and before.type == "heading_open":
            headings.add(token.content.strip().lower())
        for part in [token, *(token.children or [])]:
            _look(part, scan)
    scan.close()
    return headings, list(dict.fromkeys(scan.faults))


def _look(token: Any, scan: _Scan) -> None:
    if token.type in ("html_block", "html_inline"):
        scan.feed(token.content)
    for name in _LINKS & set(token.attrs):
        scan.judge_address(str(token.attrs[name]))


class _Scan(HTMLParser):
    """Holds elements, attributes and addresses against the lists."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Judge one element."""
        known = tag in _HTML
        if known and tag not in _ELEMENTS:
            self.faults.append(f"the element <{tag}> is not allowed")
        elif not known and attrs:
            self.faults.append(f"the unknown element <{tag[:40]}> has attributes")
        for name, value in attrs:
            if known and name not in _ATTRIBUTES:
                self.faults.append(f"the attribute '{name[:40]}' of <{tag}> is not allowed")
            elif name in _LINKS:
                self.judge_address(value or "")
            elif name == "srcset":
                self._judge_srcset(value or "")
            elif name == "style" and _STYLE.search(value or ""):
                self.faults.append(f"the style of <{tag}> does more than set sizes and colours")

    def set_cdata_mode(self, elem: str, **kwargs: object) -> None:
        """Keep looking within <script> and <style>."""

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Judge one element."""
        self.handle_starttag(tag, attrs)

    def judge_address(self, address: str) -> None:
        """Judge where a link or an image leads."""
        # Browsers skip control characters and spaces within a scheme.
        bare = "".join(c for c in address if c > " ")
        if not _ADDRESS.match(bare):
            self.faults.append(f"a link to '{bare[:40]}' is not allowed")

    def _judge_srcset(self, value: str) -> None:
        for part in value.split(","):
            self.judge_address(next(iter(part.split()), ""))
