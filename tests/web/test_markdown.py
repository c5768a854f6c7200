"""Cards are untrusted: what they may and may not become."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("markdown_it", reason="the hub's packages are not installed")

from headstart.web.markdown import LONGEST, card_html, inside, link

TAGS = {
    "a", "blockquote", "br", "code", "em", "h2", "h3", "h4", "h5", "h6", "hr", "img", "li", "ol",
    "p", "pre", "s", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
NAMES = {"href", "rel", "src", "alt", "title", "loading", "id", "tabindex", "class", "start",
         "style"}  # fmt: skip
PARTS = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "[x](javascript:alert(1))",
    "![x](http://evil.example/a.png)", "[x](<data:text/html,a>)", "![a](../../x.png)", "](", "`",
    "\n\n", "# ", "> ", "- ", "| a | b |\n|---|---|\n| c | d |", "---", "&lt;", "[a]: //evil", "<",
    "[x](//evil.example)", "![p](plot.png)", '[x](a "on\\"x=1")', "\0", "[x](\tjava\nscript:a)",
]  # fmt: skip


class Seen(HTMLParser):
    """The tags and addresses that a browser would find."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def seen(text: str) -> Seen:
    return Seen(card_html(text, "/a/b/blob/c/", "/a/b/raw/c/"))


@given(st.lists(st.sampled_from(PARTS) | st.text(max_size=8), max_size=20).map("".join))
def test_whatever_a_card_holds_only_harmless_tags_and_addresses_come_out(text: str) -> None:
    for tag, attributes in seen(text).tags:
        assert tag in TAGS
        assert set(attributes) <= NAMES
        if "src" in attributes:
            assert str(attributes["src"]).startswith("/a/b/raw/c/")
        if "href" in attributes:
            good = ("/a/b/blob/c/", "#card-", "http://", "https://", "mailto:")
            assert str(attributes["href"]).lower().startswith(good)


@pytest.mark.parametrize(
    ("address", "leads"),
    [
        ("config.json", "/p/config.json"),
        ("./a b/c.md#x", "/p/a%20b/c.md"),
        ("#How to use", "#card-how-to-use"),
        ("https://example.org/x", "https://example.org/x"),
        ("mailto:ann@example.org", "mailto:ann@example.org"),
        ("../../../tokens", None),
        ("a/../../x", None),
        ("%2e%2e/x", None),
        ("/tokens", None),
        ("//evil.example", None),
        ("\\\\evil.example", None),
        ("javascript:alert(1)", None),
        ("https:evil", None),
        ("http://[", None),
    ],
)
def test_links_lead_into_the_repo_or_to_the_web(address: str, leads: str | None) -> None:
    assert link(address, "/p/") == leads


def test_the_cards_yaml_is_no_part_of_its_text() -> None:
    html = card_html("---\nlicense: mit\n---\n# Birds\n\n---\n\nmore", "/b/", "/r/")
    assert "license" not in html
    assert '<h2 id="card-birds">Birds</h2>' in html
    assert "more" in html


def test_a_picture_of_somebody_elses_server_is_not_fetched() -> None:
    html = card_html("![a plot](https://evil.example/x.png) ![b](in/p.png)", "/b/", "/r/")
    assert "evil" not in html
    assert 'src="/r/in/p.png"' in html


def test_a_huge_card_is_cut() -> None:
    assert len(card_html("x " * LONGEST, "/b/", "/r/")) < 2 * LONGEST


@given(st.text(max_size=40))
def test_a_path_inside_never_leads_out(address: str) -> None:
    path = inside(address)
    assert path is None or (not path.startswith("/") and ".." not in path.split("/"))
