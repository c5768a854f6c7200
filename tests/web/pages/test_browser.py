"""The pages in a browser, as people use them: no complaint, nothing sticks out, all can be reached.

Accessibility is checked by axe-core (https://github.com/dequelabs/axe-core), which the package
axe-core-python carries; without it these checks are skipped.
"""

from __future__ import annotations

import importlib.util
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headstart.hub.actions import admitting, approving, teaming
from headstart.hub.registry.model import Commit, Kind, State
from tests.hub.conftest import Join, Person
from tests.web.pages.conftest import Shop

PATIENCE = 30.0
PHONE, DESKTOP = 390, 1280
OPEN = ("/", "/models", "/models?q=birds&licence=mit&modality=text", "/datasets", "/ann/birds",
        "/ann/birds/tree/main", "/ann/birds/blob/main/config.json", "/ann/birds/commits/main",
        "/ann/birds/commit/main", "/ann/birds/lineage", "/login", "/profile",
        "/profile?role=data-scientist&level=junior")  # fmt: skip
MEMBERS = ("/", "/models?state=refused", "/ann/birds", "/ann/birds/commit/main",
           "/ann/birds/lineage", "/tokens", "/teams", "/teams/vision", "/audit", "/studies",
           "/studies/live")  # fmt: skip
Enter = Callable[[Person], None]


@pytest.fixture
def tab(browser: Any) -> Any:
    browser.call("Network.clearBrowserCookies")
    browser.media()
    return browser


def until(tab: Any, expression: str) -> None:
    """Wait until an expression holds in the page."""
    deadline = time.monotonic() + PATIENCE
    while not tab.evaluate(expression):
        assert time.monotonic() < deadline, expression


def follow(tab: Any, action: str, path: str) -> None:
    """Do something that leads to another page; wait until that is there."""
    tab.evaluate(action)
    until(tab, f"location.pathname === {json.dumps(path)} && document.readyState === 'complete'")


def text(tab: Any) -> str:
    return str(tab.evaluate("document.querySelector('main').innerText"))


@pytest.fixture
def enter(tab: Any, site: str) -> Enter:
    """Sign somebody in by the form."""

    def done(person: Person) -> None:
        tab.open(f"{site}/login?next=/models", DESKTOP, 900)
        tab.evaluate(f"document.querySelector('#token').value = {json.dumps(person.token)}")
        follow(tab, "document.querySelector('form.stack button').click()", "/models")

    return done


@pytest.fixture
def approved(shop: Shop, cara: Person) -> Commit:
    commit = shop.push(state=State.GATED)
    return approving.approve(shop.hub, cara.asker, "ann/birds", commit.id)


def test_somebody_searches_a_model_and_opens_it(tab: Any, site: str, approved: Commit) -> None:
    page = tab.open(f"{site}/", DESKTOP, 900)
    tab.evaluate("document.querySelector('#q').value = 'birds'")
    follow(tab, "document.querySelector('form.search button').click()", "/models")
    follow(tab, "document.querySelector('.cards a').click()", "/ann/birds")
    assert "Tells birds from others by their settings." in text(tab)
    assert "text-classification" in text(tab)
    assert page.complaints == []


def test_somebody_approves_a_model(
    tab: Any, site: str, shop: Shop, enter: Enter, cara: Person
) -> None:
    commit = shop.push(state=State.GATED)
    enter(cara)
    page = tab.open(f"{site}/ann/birds/commit/{commit.id}", DESKTOP, 900)
    tab.evaluate("document.querySelector('.decide button').click()")
    until(tab, "document.querySelector('[role=status]') !== null")
    assert "Done: this revision is approved now." in text(tab)
    assert tab.evaluate("document.querySelectorAll('.decide form').length") == 2
    assert page.complaints == []


def test_nobody_is_offered_to_approve_their_own_and_a_refused_form_says_why_in_place(
    tab: Any, site: str, shop: Shop, enter: Enter, join: Join
) -> None:
    judge = join("judge", "approve")
    commit = Shop(shop.hub, judge).push("judge/birds", state=State.GATED)
    enter(judge)
    page = tab.open(f"{site}/judge/birds/commit/{commit.id}?lang=de", PHONE, 844)
    assert "Niemand gibt eigene Arbeit frei" in text(tab)
    assert not tab.evaluate("document.querySelector('.decide button.main') !== null")
    tab.open(f"{site}/teams", PHONE, 844)
    tab.evaluate("document.querySelector('#name').value = 'judge'")
    tab.evaluate("document.querySelector('form.filters button').click()")
    until(tab, "document.querySelector('[role=alert]') !== null")
    assert "Dieser Name ist vergeben" in text(tab)
    assert tab.evaluate("document.querySelector('#name').getAttribute('aria-invalid')") == "true"
    assert page.complaints == []


def test_a_session_that_has_ended_is_told_and_leads_back(
    tab: Any, site: str, shop: Shop, enter: Enter, ann: Person
) -> None:
    enter(ann)
    assert ann.asker.token is not None
    admitting.revoke(shop.hub, ann.asker.token.id)
    tab.open(f"{site}/tokens", DESKTOP, 900)
    assert tab.evaluate("location.pathname + location.search") == "/login?next=%2Ftokens"
    assert "Your session has ended" in text(tab)


def test_somebody_compares_two_levels_of_the_profile(tab: Any, site: str) -> None:
    page = tab.open(f"{site}/profile", PHONE, 844)
    for name, value in {"role": "llm-engineer", "level": "middle", "compare": "lead"}.items():
        tab.evaluate(f"document.querySelector('#choose-{name}').value = '{value}'")
    tab.evaluate("document.querySelector('form.choose button').click()")
    until(tab, "document.querySelector('table.comparison') !== null")
    assert "From LLM engineer, Middle to LLM engineer, Lead" in text(tab)
    assert page.complaints == []


def test_a_language_once_chosen_stays(tab: Any, site: str, approved: Commit) -> None:
    page = tab.open(f"{site}/models", DESKTOP, 900)
    tab.evaluate("document.querySelector('footer a[lang=de]').click()")
    until(tab, "document.documentElement.lang === 'de' && document.readyState === 'complete'")
    follow(tab, "document.querySelector('.cards a').click()", "/ann/birds")
    assert "Auf einen Blick" in text(tab)
    assert "freigegeben" in text(tab)
    tab.open(f"{site}/profile?role=data-scientist&level=lead", PHONE, 844)
    assert "ann/birds: freigegeben" in text(tab)
    assert "approved" not in text(tab).replace("@approved", "").replace("hub approve", "")
    assert page.complaints == []


def test_the_keyboard_reaches_the_content_first(tab: Any, site: str) -> None:
    tab.open(f"{site}/models", DESKTOP, 900)
    for key in ("Tab",):
        for kind in ("keyDown", "keyUp"):
            tab.call("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=9)
    assert tab.evaluate("document.activeElement.className") == "skip"
    assert tab.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert tab.evaluate("document.activeElement.getBoundingClientRect().left") >= 0


def test_a_running_studys_page_keeps_up_by_itself(
    tab: Any, site: str, studies: Path, enter: Enter, ann: Person
) -> None:
    log = live(studies)
    enter(ann)
    page = tab.open(f"{site}/studies/live", DESKTOP, 900)
    with log.open("a", encoding="utf-8") as file:
        file.write("2026-01-01T00:01:00Z begin lora\n")
    until(tab, "document.querySelector('[data-live]').innerText.includes('Now: lora')")
    assert page.complaints == []


def live(studies: Path) -> Path:
    place = studies / "live"
    place.mkdir()
    (place / "request.json").write_text('{"budget": {"seconds": 600}}', encoding="utf-8")
    (place / "log.txt").write_text("2026-01-01T00:00:00Z begin probe\n", encoding="utf-8")
    return place / "log.txt"


@pytest.fixture
def furnished(shop: Shop, studies: Path, approved: Commit, join: Join, ann: Person) -> Person:
    """Fill every page with something; return somebody who sees them all."""
    long = "a-name-that-fills-a-phones-screen_" * 2
    shop.push("ann/" + long, {"README.md": "---\nbase_model: ann/birds\n---\n# x\n" + "y" * 300})
    shop.push(files={"config.json": '{"new": true}'}, state=State.REFUSED)
    shop.push("ann/tweets", kind=Kind.DATASET)
    live(studies)
    boss = join("boss", "admin")
    teaming.found(shop.hub, boss.asker, "vision")
    return boss


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_every_page_fits_its_screen_and_nothing_complains(
    tab: Any, site: str, furnished: Person, enter: Enter, width: int
) -> None:
    for path in OPEN:
        page = tab.open(site + path, width, 844)
        wide = tab.evaluate("document.documentElement.scrollWidth")
        assert (path, wide, page.complaints) == (path, width, [])
    enter(furnished)
    for path in MEMBERS:
        page = tab.open(site + path, width, 844)
        wide = tab.evaluate("document.documentElement.scrollWidth")
        assert (path, wide, page.complaints) == (path, width, [])


@pytest.fixture(scope="session")
def axe() -> str:
    """Return axe-core's source; where no package carries it, the test is skipped."""
    for package in ("axe_playwright_python", "axe_core_python"):
        spec = importlib.util.find_spec(package)
        if spec is not None and spec.origin is not None:
            return Path(spec.origin).with_name("axe.min.js").read_text(encoding="utf-8")
    pytest.skip("needs axe-core (pip install axe-core-python), which this machine lacks")


def faults(tab: Any, axe: str) -> list[str]:
    """Return what axe-core finds wrong with the page: rule and where."""
    tab.evaluate(axe)
    tab.evaluate(
        "window.found = null; axe.run().then(told => { window.found = told.violations.map("
        "one => one.id + ': ' + one.nodes[0].html.slice(0, 200)) })"
    )
    until(tab, "window.found !== null")
    return list(tab.evaluate("window.found"))


@pytest.mark.parametrize(("scheme", "language"), [("light", "en"), ("dark", "de")])
def test_axe_finds_no_fault_of_accessibility(
    tab: Any, site: str, furnished: Person, enter: Enter, axe: str, scheme: str, language: str
) -> None:
    tab.media("", scheme)
    tab.open(f"{site}/login?lang={language}", PHONE, 844)
    for path in (*OPEN, "/nothing/here"):
        tab.open(site + path, PHONE, 844)
        assert (path, faults(tab, axe)) == (path, [])
    enter(furnished)
    for path in MEMBERS:
        tab.open(site + path, DESKTOP if scheme == "light" else PHONE, 844)
        assert tab.evaluate("document.documentElement.lang") == language
        assert (path, faults(tab, axe)) == (path, [])
