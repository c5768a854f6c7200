"""Signing in: what the cookie is, what it opens, and what no other site can do with it."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from headstart.hub.actions import admitting
from headstart.hub.hub import Hub
from headstart.web.pages.login import inner
from tests.hub.conftest import Join, Person
from tests.web.pages.conftest import Shop, Signed, ticket


def sign_in(client: TestClient, token: str, **more: str) -> object:
    return client.post(
        "/login", data={"ticket": ticket(client, "/login"), "token": token, **more}
    )  # fmt: skip


@pytest.mark.parametrize(("base", "secure"), [("http://hub", False), ("https://hub", True)])
def test_the_cookie_is_for_this_site_only_and_out_of_reach_of_scripts(
    app: FastAPI, ann: Person, base: str, secure: bool
) -> None:
    client = TestClient(app, base_url=base, follow_redirects=False)
    answer = sign_in(client, ann.token)
    cookie = answer.headers["set-cookie"].lower()  # type: ignore[attr-defined]
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert ("secure" in cookie) is secure
    assert ann.token.lower() not in cookie


def test_signed_in_people_see_what_is_theirs_and_strangers_a_404(
    shop: Shop, signed: Signed, stranger: TestClient, ann: Person, ben: Person
) -> None:
    shop.push("ann/secret", private=True)
    assert signed(ann).get("/ann/secret").status_code == 200
    hidden = [signed(ben).get("/ann/secret"), stranger.get("/ann/secret")]
    missing = [signed(ben).get("/ann/other1"), stranger.get("/ann/other1")]
    for one, other in zip(hidden, missing, strict=True):
        assert one.status_code == other.status_code == 404
        assert "secret" not in one.text.replace("%2Fann%2Fsecret", "").replace("/ann/secret", "")


def test_the_cookie_never_opens_the_api(shop: Shop, signed: Signed, ann: Person) -> None:
    shop.push("ann/secret", private=True)
    client = signed(ann)
    assert client.get("/api/models/ann/secret").status_code == 401
    assert client.get("/ann/secret/resolve/main/config.json").status_code == 401
    assert client.post("/api/repos/create", json={"name": "ann/new"}).status_code == 401
    assert client.get("/ann/secret/raw/main/config.json").content == b"{}"


def test_a_token_that_is_revoked_ends_its_sessions(
    hub: Hub, shop: Shop, signed: Signed, ann: Person
) -> None:
    shop.push("ann/secret", private=True)
    client = signed(ann)
    assert ann.asker.token is not None
    admitting.revoke(hub, ann.asker.token.id)
    assert client.get("/ann/secret").status_code == 404


def test_a_token_that_opens_nothing_signs_nobody_in(stranger: TestClient, join: Join) -> None:
    over = join("old", days=1).token + "x"
    for token in ("", "hf_wrong", over, "\x00", "ü" * 5000):
        answer = sign_in(stranger, token)
        assert answer.status_code == 401  # type: ignore[attr-defined]
    assert "headstart" not in stranger.cookies


def test_a_cookie_that_somebody_made_up_is_a_strangers(stranger: TestClient) -> None:
    for value in ("x", "e30.e30", "." * 2000, "eyJ0b2tlbiI6ICIxIn0.AAAA"):
        stranger.cookies.set("headstart", value)
        assert "Sign in" in stranger.get("/").text


@pytest.mark.parametrize("headers", [{}, {"sec-fetch-site": "cross-site"}])
def test_another_site_cannot_send_forms(
    hub: Hub, signed: Signed, ann: Person, ben: Person, headers: dict[str, str]
) -> None:
    client = signed(ann)
    foreign = ticket(signed(ben), "/tokens") if not headers else ticket(client, "/tokens")
    form = {"ticket": foreign, "role": "read", "days": "7"}
    answer = client.post("/tokens", data=form, headers=headers)
    assert answer.status_code == 403
    assert "hf_" not in answer.text


def test_signing_out_forgets_the_cookie(signed: Signed, ann: Person) -> None:
    client = signed(ann)
    client.post("/logout", data={"ticket": ticket(client, "/")})
    assert "Sign in" in client.get("/").text


@pytest.mark.parametrize(
    ("address", "leads"),
    [
        ("/ann/birds?x=1", "/ann/birds?x=1"),
        ("https://evil.example", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/a\r\nSet-Cookie: x=1", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
    ],
)
def test_after_signing_in_nobody_is_led_elsewhere(address: str, leads: str) -> None:
    assert inner(address) == leads


def test_a_stranger_who_opens_a_page_for_members_is_asked_to_sign_in(stranger: TestClient) -> None:
    for page in ("/tokens", "/teams", "/audit", "/studies", "/teams/vision", "/studies/x/report"):
        answer = stranger.get(page)
        assert answer.status_code == 302
        assert answer.headers["location"].startswith("/login?next=%2F")


def test_no_page_lets_scripts_run_or_others_frame_it(
    shop: Shop, stranger: TestClient, signed: Signed, ann: Person
) -> None:
    shop.push()
    for page in ("/", "/models", "/ann/birds", "/login", "/nowhere/at-all", "/profile"):
        policy = signed(ann).get(page).headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'self';")
        assert "script-src" not in policy
        assert "frame-ancestors 'none'" in policy


def test_a_form_that_is_too_long_or_no_text_is_refused(stranger: TestClient) -> None:
    for body in (b"x" * 70_000, b"\xff\xfe=1", b"&".join(b"a%d=1" % n for n in range(500))):
        assert stranger.post("/login", content=body).status_code == 400
