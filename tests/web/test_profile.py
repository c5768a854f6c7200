"""The page's fragment: what it says, where it leads, and that it needs no script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from headstart.errors import RequestError
from headstart.org.library import DEFAULT, Library
from headstart.org.profile import Profile
from headstart.org.proof import EvidenceSource, Proof
from headstart.org.view import view
from headstart.web.profile import choice_from, render
from headstart.web.words import words_in

VOID = {"input", "rect", "br", "meta", "link"}
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>"
PROFILE = Library().get(DEFAULT)


class Page(HTMLParser):
    """What a browser would find; fails where tags do not close."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


class Found:
    """A source that finds so many of everything it is asked for."""

    def __init__(self, number: int, **more: Any) -> None:
        self.number, self.more = number, more
        self.asked: list[tuple[str, Mapping[str, Sequence[str]]]] = []

    def find(self, kind: str, filters: Mapping[str, Sequence[str]]) -> list[Proof]:
        self.asked.append((kind, filters))
        when = datetime(2026, 3, 4, tzinfo=UTC)
        return [
            Proof(**{"title": f"{kind} {n}", "when": when, "where": f"place {n}", **self.more})
            for n in range(self.number)
        ]


def page(
    query: Mapping[str, str] | None = None, *sources: EvidenceSource, language: str = "en",
    profile: Profile = PROFILE, **more: Any,
) -> Page:  # fmt: skip
    shown = view(profile, choice_from(profile, query or {}), sources)
    return Page(render(shown, words_in(language), path="/profile", **more))


MIDDLE = {"role": "llm-engineer", "level": "middle"}


def test_at_first_it_gives_totals_all_expectations_and_how_depth_grows() -> None:
    shown = page()
    assert "2 roles · 5 levels · 10 expectations (10 optional, 0 mandatory)" in shown.text
    assert "as of 2026-02-22" in shown.text
    for one in PROFILE.expectations:
        assert one.text.en in shown.text
    assert "How the depth grows" in shown.text


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_role_and_level_give_text_points_commands_and_evidence(language: str) -> None:
    shown = page(MIDDLE, Found(1), language=language)
    one = PROFILE.expected("llm-engineer", "middle")
    assert one is not None
    texts = [one.text, *(p.text for p in one.points), *(c.does for c in one.commands)]
    for text in (*texts, *(piece.text for piece in one.evidence)):
        assert text[language] in shown.text
    for command in one.commands:
        assert command.run in shown.text


def test_german_pages_have_no_english_left_of_the_catalogue_or_profile() -> None:
    shown = page(MIDDLE, Found(5), language="de", not_read=["x"])
    english, german = words_in("en").texts, words_in("de").texts
    only = {text for key, text in english.items() if text != german[key] and "{" not in text}
    only -= set(german.values())
    whole = {word.strip() for word in shown.words}
    assert sorted(only & whole) == []
    for one in PROFILE.expectations:
        assert one.text.en not in shown.text


def test_choosing_a_level_compares_with_the_next_one() -> None:
    shown = page(MIDDLE)
    assert "From LLM engineer, Middle to LLM engineer, Senior" in shown.text
    (compare,) = (s for s in shown.all("select") if s["name"] == "compare")
    assert compare["id"] == "choose-compare"
    assert sum("selected" in option for option in shown.all("option")) == 3


def test_no_comparison_can_be_chosen_too() -> None:
    assert "From LLM engineer" not in page({**MIDDLE, "compare": ""}).text


def test_any_level_and_another_role_can_be_compared() -> None:
    query = {**MIDDLE, "compare": "principal", "other": "data-scientist"}
    assert "From LLM engineer, Middle to Data scientist, Principal" in page(query).text


def test_without_a_role_both_are_shown() -> None:
    shown = page({"level": "lead"})
    for role in PROFILE.roles:
        assert f"{role.name.en}, Lead" in shown.text
        assert f"From {role.name.en}, Lead to {role.name.en}, Principal" in shown.text


def test_evidence_that_is_there_is_named_and_the_rest_counted() -> None:
    shown = page(MIDDLE, Found(5))
    assert "5 found" in shown.text
    assert "study 0" in shown.text
    assert "and 2 more" in shown.text
    assert "not shown yet" not in shown.text


def test_evidence_that_is_not_there_is_said_to_be_missing() -> None:
    shown = page(MIDDLE, Found(0))
    assert "not shown yet" in shown.text
    assert "0 found" in shown.text


def test_what_was_not_looked_at_is_told() -> None:
    assert "Not looked at: the ledger is away" in page(MIDDLE, not_read=["the ledger is away"]).text


def test_the_overview_asks_for_no_evidence() -> None:
    source = Found(1)
    page({}, source)
    assert source.asked == []


def test_links_and_form_carry_the_language_and_the_profile_on() -> None:
    shown = page(
        MIDDLE, keep={"lang": "de"}, profiles=[(PROFILE.id, "Transfer"), ("cooking", "Cooking")]
    )
    links = [urlsplit(str(a["href"])) for a in shown.all("a")]
    assert len(links) >= 10
    for link in links:
        query = parse_qs(link.query)
        assert link.path == "/profile"
        assert (query["lang"], query["profile"]) == (["de"], [PROFILE.id])
        PROFILE.role(query["role"][0])
        PROFILE.level(query["level"][0])
    hidden = {i["name"]: i["value"] for i in shown.all("input") if i["type"] == "hidden"}
    assert hidden == {"lang": "de"}
    (form,) = shown.all("form")
    assert (form["method"], form["action"]) == ("get", "/profile")
    assert {s["name"] for s in shown.all("select")} == {
        "profile", "role", "level", "compare", "other",
    }  # fmt: skip


def test_it_works_without_script_and_brings_no_style_of_its_own() -> None:
    shown = page(MIDDLE, Found(1))
    assert not shown.all("script")
    assert not shown.all("style")
    for _, attrs in shown.tags:
        assert not [name for name in attrs if name.startswith("on") or name == "style"]


def test_it_can_be_read_by_ear_and_walked_by_keyboard() -> None:
    shown = page(MIDDLE, Found(5))
    ids = [attrs["id"] for _, attrs in shown.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    labels = {label["for"] for label in shown.all("label")}
    assert {select["id"] for select in shown.all("select")} == labels
    for _, attrs in shown.tags:
        assert attrs.get("aria-labelledby", ids[0]) in ids
    for drawn in shown.all("svg"):
        assert drawn.get("aria-label") or drawn.get("aria-hidden") == "true"
    levels = [int(tag[1]) for tag, _ in shown.tags if tag in ("h1", "h2", "h3", "h4")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert [a for a in shown.all("a") if a.get("aria-current")]


@pytest.mark.parametrize("part", ["title", "where", "link"])
def test_hostile_finds_are_only_text(part: str) -> None:
    shown = page(MIDDLE, Found(1, **{part: HOSTILE}))
    assert not shown.all("script")
    assert not shown.all("img")
    if part != "link":
        assert HOSTILE in shown.text


def test_a_link_leads_only_to_pages() -> None:
    assert "/studies/1" in [a["href"] for a in page(MIDDLE, Found(1, link="/studies/1")).all("a")]
    hrefs = [str(a["href"]) for a in page(MIDDLE, Found(1, link="javascript:alert(1)")).all("a")]
    assert not [href for href in hrefs if "javascript" in href]


def test_a_hostile_query_is_a_wrong_request_or_only_text() -> None:
    with pytest.raises(RequestError):
        page({"role": HOSTILE})
    shown = page(MIDDLE, keep={"lang": HOSTILE, HOSTILE: "x"})
    assert not shown.all("script")


def test_a_profile_of_hostile_texts_is_only_text() -> None:
    plain = PROFILE.model_dump(mode="json")
    plain["expectations"][0]["text"]["en"] = HOSTILE
    plain["skill"]["en"] = HOSTILE
    shown = page(profile=Profile.model_validate(plain))
    assert not shown.all("script")
    assert HOSTILE in shown.text


def test_a_place_where_nothing_is_expected_says_so() -> None:
    plain = PROFILE.model_dump(mode="json")
    del plain["expectations"][0]
    shown = page({"role": "data-scientist", "level": "junior"},
                 profile=Profile.model_validate(plain))  # fmt: skip
    assert "This profile expects nothing here." in shown.text
