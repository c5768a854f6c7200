"""The gate by a button: offered where the keeper chose a standard, to those who may ask."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from headstart.hub.actions import gating
from headstart.hub.hub import Hub
from headstart.hub.registry import states
from headstart.hub.registry.model import Commit, State
from headstart.hub.serve.app import create_app
from headstart.hub.serve.gatekeeper import Gatekeeper, Step
from headstart.web.site import add_pages
from tests.hub.conftest import Person
from tests.web.pages.conftest import Shop, Signed, ticket
from tests.web.pages.test_browser import PHONE, Enter, axe, enter, faults, tab, text, until  # noqa: F401

RULES = "version: 1\nname: house\nchecks: [licence, size]\nlicences: [mit]\nformats: [json]\n"


@pytest.fixture
def keeper(hub: Hub, tmp_path: Path) -> Gatekeeper:
    file = tmp_path / "house.yaml"
    file.write_text(RULES)
    return Gatekeeper(hub, file)


@pytest.fixture
def app(hub: Hub, keeper: Gatekeeper, studies: Path) -> FastAPI:
    made = create_app(hub, gatekeeper=keeper)
    add_pages(made, studies)
    return made


@pytest.fixture
def held_up(monkeypatch: pytest.MonkeyPatch) -> Iterator[HeldUp]:
    """Let the gate wait after its first check of nine until the test lets it go on."""
    go, begun, judge = threading.Event(), threading.Event(), gating.judge

    def waiting(*args: Any) -> Any:
        with args[5].bar("checks", 9) as advance:
            advance()
            begun.set()
            assert go.wait(60)
        return judge(*args)

    monkeypatch.setattr(gating, "judge", waiting)
    yield HeldUp(begun, go)
    go.set()


@dataclass(frozen=True)
class HeldUp:
    """A gate that waits."""

    begun: threading.Event
    go: threading.Event

    def wait(self) -> None:
        """Wait until it waits."""
        assert self.begun.wait(60)


def assert_set(event: threading.Event) -> None:
    assert event.wait(60)


@pytest.fixture
def ended(keeper: Gatekeeper, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return what waits until the gate has judged one revision, and asks for the next."""
    done, get = threading.Event(), keeper._waiting.get
    turns = iter(range(2))

    def noted() -> Any:
        if next(turns, 1):
            done.set()
        return get()

    monkeypatch.setattr(keeper._waiting, "get", noted)
    return lambda: assert_set(done)


def ask(client: TestClient, commit: Commit, page: str | None = None) -> Any:
    form = {
        "ticket": ticket(client, page or f"/ann/birds/commit/{commit.id}"), "commit": commit.id
    }  # fmt: skip
    return client.post("/ann/birds/gate", data=form)


def state(hub: Hub, commit: Commit) -> State:
    from headstart.hub.registry import repos

    return hub.database.read(
        lambda c: states.of(c, repos.by_id(c, commit.repo), commit).state
    )  # fmt: skip


def test_a_writer_has_a_draft_judged_and_sees_what_was_found(
    shop: Shop, signed: Signed, ann: Person, ended: Callable[[], None]
) -> None:
    commit = shop.push()
    client, address = signed(ann), f"/ann/birds/commit/{commit.id}"
    assert "Run the gate</button>" in client.get(address).text
    answer = ask(client, commit)
    assert (answer.status_code, answer.headers["location"]) == (303, address)
    ended()
    after = client.get(address).text
    assert state(shop.hub, commit) is State.GATED
    assert "2 of 2 checks passed" in after
    assert "Standard: house" in after
    german = client.get(f"{address}?lang=de").text
    assert "Prüfung wiederholen</button>" in german or "Die Prüfung läuft" in german


def test_while_the_gate_runs_the_page_says_how_far_it_is_and_offers_no_second_run(
    shop: Shop, signed: Signed, ann: Person, held_up: HeldUp, keeper: Gatekeeper
) -> None:
    first = shop.push()
    second = shop.push(files={"README.md": "# later"})
    client = signed(ann)
    ask(client, first)
    held_up.wait()
    ask(client, second)
    page = client.get(f"/ann/birds/commit/{first.id}")
    assert "The gate is running: 1 of 9 checks are done." in page.text
    assert 'action="/ann/birds/gate"' not in page.text
    assert "data-live" in page.text
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert keeper.step(first) == Step(1, 9)
    assert keeper.step(second) == Step()
    waits = client.get(f"/ann/birds/commit/{second.id}?lang=de").text
    assert "sobald die vor ihr fertig sind" in waits


def test_who_only_reads_is_offered_nothing_and_gets_nothing(
    shop: Shop, signed: Signed, ann: Person, ben: Person, cara: Person, stranger: TestClient
) -> None:
    from headstart.hub.actions import approving

    commit = shop.push(state=State.GATED)
    approving.approve(shop.hub, cara.asker, "ann/birds", commit.id)
    reader = signed(ben)
    assert 'action="/ann/birds/gate"' not in reader.get(f"/ann/birds/commit/{commit.id}").text
    assert ask(reader, commit, "/models").status_code == 403
    assert stranger.post("/ann/birds/gate", data={"commit": commit.id}).status_code == 403
    draft = shop.push("ann/secret", private=True)
    form = {"ticket": ticket(reader, "/models"), "commit": draft.id}
    assert reader.post("/ann/secret/gate", data=form).status_code == 404


def test_what_is_approved_keeps_its_approval(
    shop: Shop, signed: Signed, ann: Person, cara: Person
) -> None:
    from headstart.hub.actions import approving

    commit = shop.push(state=State.GATED)
    approving.approve(shop.hub, cara.asker, "ann/birds", commit.id)
    client = signed(ann)
    assert 'action="/ann/birds/gate"' not in client.get(f"/ann/birds/commit/{commit.id}").text
    refused = ask(client, commit)
    assert refused.status_code == 400
    assert "Somebody has decided on this already" in refused.text
    asked = {"headers": {"Authorization": f"Bearer {ann.token}"}, "json": {"revision": commit.id}}
    from_afar = client.post("/api/hub/models/ann/birds/gate", **asked)
    assert (from_afar.status_code, state(shop.hub, commit)) == (400, State.APPROVED)
    assert "approved, by cara" in from_afar.json()["error"]


def test_what_kept_the_gate_from_judging_is_told(
    shop: Shop, signed: Signed, ann: Person, ended: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    commit = shop.push()
    monkeypatch.setattr(gating, "judge", lambda *_: 1 / 0)
    client = signed(ann)
    ask(client, commit)
    ended()
    page = client.get(f"/ann/birds/commit/{commit.id}").text
    assert "The gate could not judge it: the gate failed" in page
    assert "Run the gate</button>" in page


def test_without_a_chosen_standard_there_is_no_button(
    hub: Hub, shop: Shop, ann: Person, studies: Path
) -> None:
    made = create_app(hub)
    add_pages(made, studies)
    commit = shop.push()
    client = TestClient(made, follow_redirects=False)
    form = {"ticket": ticket(client, "/login"), "token": ann.token}
    assert client.post("/login", data=form).status_code == 303
    assert 'action="/ann/birds/gate"' not in client.get(f"/ann/birds/commit/{commit.id}").text
    assert ask(client, commit).status_code == 400


def test_in_a_browser_the_button_leads_to_the_verdict_by_itself(
    tab: Any, site: str, shop: Shop, enter: Enter, ann: Person,  # noqa: F811
    held_up: HeldUp, axe: str,  # noqa: F811
) -> None:  # fmt: skip
    commit = shop.push()
    enter(ann)
    page = tab.open(f"{site}/ann/birds/commit/{commit.id}?lang=de", PHONE, 844)
    assert faults(tab, axe) == []
    tab.evaluate("document.querySelector('form[action$=\"/gate\"] button').click()")
    until(tab, "document.querySelector('[data-live]') !== null")
    held_up.wait()
    until(tab, "document.querySelector('[data-live]').innerText.includes('1 von 9')")
    assert faults(tab, axe) == []
    assert tab.evaluate("document.documentElement.scrollWidth") == PHONE
    held_up.go.set()
    until(tab, "document.querySelector('.findings') !== null")
    assert "2 von 2 Prüfungen bestanden" in text(tab)
    assert page.complaints == []
