"""Who asks too often waits, and is told how long; nobody else does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from huggingface_hub.utils import _http
from starlette.testclient import TestClient

from headstart.hub.hub import Hub
from headstart.hub.serve import rates
from headstart.hub.serve.app import create_app
from headstart.hub.serve.bodies import BoundedBodies
from headstart.hub.serve.rates import Measure, Window
from headstart.web.site import add_pages
from tests.hub.conftest import Join, Person
from tests.hub.serve.talk import JSON, Talk

FEW = Measure(repeated=5, others=20, address=60, failures=4, seconds=60)
From = Callable[[str], Talk]


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(rates.Rates.__init__, "__defaults__", (None, found))
    return found


@pytest.fixture
def at(hub: Hub, clock: Clock) -> From:
    """Return a client at an address."""
    app = create_app(hub, measure=FEW)
    add_pages(app)
    return lambda address: Talk(
        TestClient(app, raise_server_exceptions=False, client=(address, 1), follow_redirects=False)
    )


def codes(talk: Talk, path: str, number: int, who: Person | str | None = None) -> list[int]:
    return [talk.ask("GET", path, who).status_code for _ in range(number)]


def test_who_lists_too_often_waits_for_the_window_to_end(
    at: From, ann: Person, clock: Clock
) -> None:
    talk = at("192.0.2.1")
    assert codes(talk, "/api/models", 6, ann) == [200] * 5 + [429]
    clock.now += 59
    answer = talk.ask("GET", "/api/models", ann)
    assert answer.headers["ratelimit"] == '"api";r=0;t=1'
    assert answer.headers["ratelimit-policy"] == '"fixed window";"api";q=5;w=60'
    assert answer.headers["retry-after"] == "1"
    clock.now += 1
    assert codes(talk, "/api/models", 1, ann) == [200]


def test_huggingface_hub_reads_how_long_to_wait(at: From, ann: Person) -> None:
    talk = at("192.0.2.1")
    codes(talk, "/api/models", 5, ann)
    headers = talk.ask("GET", "/api/models", ann).headers
    found = _http.parse_ratelimit_headers(dict(headers))
    assert found is not None
    assert (found.remaining, found.reset_in_seconds, found.limit) == (0, 60, 5)


def test_calls_that_clients_do_not_repeat_have_a_larger_measure(at: From, ann: Person) -> None:
    talk = at("192.0.2.1")
    codes(talk, "/api/models", 6, ann)
    assert codes(talk, "/api/whoami-v2", 21, ann) == [200] * 20 + [429]


def test_everybody_has_their_own_measure_until_the_address_has_asked_too_much(
    at: From, ann: Person, ben: Person, cara: Person
) -> None:
    talk = at("192.0.2.1")
    assert codes(talk, "/api/models", 6, ann)[-1] == 429
    assert codes(talk, "/api/models", 5, ben) == [200] * 5
    assert codes(talk, "/api/models", 5) == [200] * 5
    assert codes(at("192.0.2.2"), "/api/models", 5) == [200] * 5
    assert codes(talk, "/", 20) == [200] * 20
    assert codes(talk, "/api/whoami-v2", 20, ben) == [200] * 20
    assert codes(talk, "/api/whoami-v2", 5, ann) == [200] * 4 + [429]
    assert codes(talk, "/api/whoami-v2", 1, cara) == [429]
    assert codes(at("192.0.2.2"), "/api/whoami-v2", 1, cara) == [200]


def test_who_guesses_tokens_is_not_heard_and_who_holds_one_still_is(
    at: From, ann: Person, join: Join, clock: Clock
) -> None:
    talk = at("192.0.2.1")
    assert codes(talk, "/api/whoami-v2", 1, ann) == [200]
    guesses = [talk.ask("GET", "/api/whoami-v2", f"hf_guess{n}").status_code for n in range(6)]
    assert guesses == [401] * 4 + [429] * 2
    assert codes(talk, "/api/whoami-v2", 1, ann) == [200]
    assert talk.ask("POST", "/login", data={"token": "hf_guess"}).status_code == 429
    assert talk.ask("GET", "/models").status_code == 200
    assert codes(at("192.0.2.9"), "/api/whoami-v2", 1, join("ben")) == [200]
    clock.now += 60
    assert codes(talk, "/api/whoami-v2", 1, "hf_guess") == [401]


def test_signing_in_with_guesses_is_counted_too(at: From) -> None:
    from tests.web.pages.conftest import ticket

    talk = at("192.0.2.1")
    form = {"ticket": ticket(talk.client, "/login"), "token": "hf_guess"}
    answers = [talk.ask("POST", "/login", data=form).status_code for _ in range(6)]
    assert answers == [401] * 4 + [429] * 2


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1", "testclient"])
def test_this_machine_is_not_counted(at: From, address: str) -> None:
    assert codes(at(address), "/api/models", 20) == [200] * 20


def test_a_network_of_ipv6_is_one_address(at: From) -> None:
    answers = [at(f"2001:db8::{n}").ask("GET", "/api/models").status_code for n in range(1, 7)]
    assert answers == [200] * 5 + [429]
    assert at("2001:db8:1::1").ask("GET", "/api/models").status_code == 200


def test_a_window_holds_no_more_keys_than_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "_MOST_KEYS", 10)
    window = Window(60, Clock())
    for number in range(30):
        window.add(str(number))
        window.trust(str(number))
    assert window.add("one more") == 21
    assert window.add("3") == 2
    assert not window.trusts("29")


def test_no_body_that_is_held_in_memory_grows_without_end(talk: Talk, ann: Person) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(40):
            yield b" " * 2**20

    asked = [("POST", "/api/repos/create"), ("POST", "/api/validate-yaml"), ("POST", "/login"),
             ("POST", "/api/models/ann/m/paths-info/main"), ("GET", "/api/models"),
             ("POST", "/ann/m.git/info/lfs/objects/batch")]  # fmt: skip
    for method, path in asked:
        answer = talk.ask(method, path, ann, content=endless(), headers=JSON)
        assert answer.status_code in (400, 413) or method == "GET", path
        told = talk.ask(method, path, ann, content=b"{}", headers={"Content-Length": "9" * 12})
        assert told.status_code == 413, path


def test_an_endless_body_is_not_read_to_its_end() -> None:
    import asyncio

    read = 0

    async def receive() -> dict[str, object]:
        nonlocal read
        read += 1
        return {"type": "http.request", "body": bytes(100), "more_body": True}

    async def app(scope: object, receive: Callable[..., object], send: object) -> None:
        while True:
            await receive()  # type: ignore[misc]

    sent: list[dict[str, object]] = []

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    scope = {"type": "http", "path": "/api/repos/create", "headers": []}
    asyncio.run(BoundedBodies(app, most=1000)(scope, receive, send))
    assert read == 11
    assert sent[0]["status"] == 413
