"""Lists: what is found, what strangers do not learn, page by page."""

from __future__ import annotations

import re

import pytest
from starlette.testclient import TestClient

from headstart.hub.registry.model import Kind, State
from tests.hub.conftest import Join, Person
from tests.web.pages.conftest import CARD, Shop, Signed


def names(client: TestClient, address: str) -> list[str]:
    answer = client.get(address)
    assert answer.status_code == 200
    return re.findall(r"<h3><a href=\"/(?:datasets/)?([^\"]+)\"><bdi>", answer.text)


def approve(shop: Shop, name: str, cara: Person, **more: str) -> None:
    from headstart.hub.actions import approving

    files = {"README.md": CARD, **more}
    commit = shop.push(name, files, state=State.GATED)
    approving.approve(shop.hub, cara.asker, name, commit.id)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["ann/fish", "ann/birds"]),
        ("q=BIRD", ["ann/birds"]),
        ("q=nothing", []),
        ("task=text-classification&licence=mit&language=de", ["ann/fish", "ann/birds"]),
        ("licence=apache-2.0", []),
        ("tag=base_model:ann/base&library=transformers", ["ann/fish", "ann/birds"]),
        ("size=100MB&state=approved", ["ann/fish", "ann/birds"]),
        ("state=gated", []),
        ("owner=Ann", ["ann/fish", "ann/birds"]),
        ("owner=ben", []),
        ("modality=text", ["ann/fish", "ann/birds"]),
        ("modality=image", []),
    ],
)
def test_a_stranger_finds_what_is_public_and_approved(
    shop: Shop, stranger: TestClient, cara: Person, query: str, found: list[str]
) -> None:
    approve(shop, "ann/birds", cara)
    approve(shop, "ann/fish", cara)
    shop.push("ann/draft", state=State.GATED)
    shop.push("ann/secret", private=True)
    assert names(stranger, f"/models?{query}") == found


@pytest.mark.parametrize("state", ["candidate", "gated", "refused", "approved"])
def test_states_are_filters_for_who_sees_drafts_only(
    shop: Shop, signed: Signed, cara: Person, ben: Person, state: str
) -> None:
    approve(shop, "ann/approved", cara)
    shop.push("ann/candidate")
    for one in (State.GATED, State.REFUSED):
        shop.push(f"ann/{one}", state=one)
    assert names(signed(cara), f"/models?state={state}") == [f"ann/{state}"]
    readers = [f"ann/{state}"] if state == "approved" else []
    assert names(signed(ben), f"/models?state={state}") == readers


def test_lists_say_where_each_model_stands_and_of_newer_drafts_to_their_people_only(
    shop: Shop, signed: Signed, cara: Person, ben: Person
) -> None:
    approve(shop, "ann/birds", cara)
    shop.push("ann/birds", {"config.json": '{"a": 1}'}, state=State.REFUSED)
    shop.push("ann/bad", state=State.REFUSED)
    shop.push("ann/new")
    page = signed(cara).get("/models").text
    assert page.count('state-refused">refused<') == page.count('state-candidate">candidate<') == 1
    assert page.count('state-approved">approved<') == page.count(">newer: refused<") == 1
    assert "newer" not in signed(ben).get("/models").text


def test_lists_go_on_by_links_and_name_each_model_once(
    shop: Shop, signed: Signed, ann: Person
) -> None:
    for number in range(60):
        shop.push(f"ann/m{number}", {"a": "x"})
    client, address, found = signed(ann), "/models?q=m", []
    while address:
        found.append(names(client, address))
        link = re.search(r'rel="next" href="([^"]+)"', client.get(address).text)
        address = link[1].replace("&amp;", "&") if link else ""
    assert [len(page) for page in found] == [25, 25, 10]
    assert len({name for page in found for name in page}) == 60


def test_data_sets_have_a_list_and_pages_of_their_own(shop: Shop, stranger: TestClient) -> None:
    shop.push("ann/tweets", {"README.md": "# Tweets", "a.csv": "x,y"}, kind=Kind.DATASET)
    assert names(stranger, "/datasets") == ["ann/tweets"]
    assert names(stranger, "/models") == []
    assert "Tweets" in stranger.get("/datasets/ann/tweets").text
    assert "a.csv" in stranger.get("/datasets/ann/tweets/tree/main").text
    assert "x,y" in stranger.get("/datasets/ann/tweets/blob/main/a.csv").text


@pytest.mark.parametrize(
    "query", ["size=huge", "state=good", "modality=smell", "cursor=%00", "sort=random"]
)
def test_a_filter_that_is_none_is_told_in_words(stranger: TestClient, query: str) -> None:
    answer = stranger.get(f"/models?{query}")
    assert (answer.status_code, "<h1>" in answer.text) == (400, True)


def test_the_start_page_says_how_to_use_the_hub(stranger: TestClient) -> None:
    text = stranger.get("/").text
    assert "HF_ENDPOINT=http://testserver" in text
    assert "HF_TOKEN" in text


def test_an_owners_address_tells_nobody_whether_there_is_one(
    shop: Shop, stranger: TestClient, join: Join
) -> None:
    join("dora")
    there, nowhere = stranger.get("/dora"), stranger.get("/nobody")
    assert (there.status_code, there.headers["location"]) == (303, "/models?owner=dora")
    assert nowhere.headers["location"] == "/models?owner=nobody"
    assert stranger.get("/api").status_code == 404
