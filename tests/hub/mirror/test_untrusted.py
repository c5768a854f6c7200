"""The hub that is mirrored is believed in nothing, and leads this hub nowhere else."""

from __future__ import annotations

import hashlib
import ipaddress
from typing import Any

import pytest
from fastapi import FastAPI
from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

from headstart.errors import RequestError
from headstart.hub.hub import Hub
from headstart.hub.mirror import wire
from headstart.hub.mirror.errors import UpstreamError
from headstart.hub.mirror.upstream import Limits, Upstream
from headstart.hub.mirror.wire import Wire
from headstart.hub.registry import repos
from headstart.hub.registry.model import Kind
from tests.hub.conftest import Person, served
from tests.hub.mirror.conftest import SHA, Here, Liar, api


def refused(here: Here, liar: Liar, hub: Hub, ben: Person, words: str, **options: Any) -> None:
    """See that nothing of the liar's repo is kept, and that the client is told why."""
    with (
        served(liar.app()) as far,
        here(far, "secret", **options) as address,
        pytest.raises(GatedRepoError, match=words),
    ):
        api(address, ben).model_info("birds/m")
    assert hub.database.read(lambda c: repos.find(c, Kind.MODEL, "birds/m")) is None


def test_content_that_is_not_what_the_tree_says_is_never_kept(
    here: Here, liar: Liar, hub: Hub, ben: Person
) -> None:
    liar.small("config.json", b"{}")
    for name, content in (
        ("flipped", b"0123456788"), ("short", b"012345678"), ("long", b"0123456789x"),
    ):  # fmt: skip
        for make in (liar.small, liar.large):
            make(name, b"0123456789")
            liar.sent[name] = content
            refused(here, liar, hub, ben, f"'{name}' is not what its hub says")
            del liar.told[name]


@pytest.mark.parametrize("sha", ["main", SHA[:-1], SHA.upper(), SHA + "0", "../../etc/passwd"])
def test_a_commit_that_is_none_is_not_believed(
    sha: str, here: Here, liar: Liar, hub: Hub, ben: Person
) -> None:
    liar.sha = sha
    refused(here, liar, hub, ben, "cannot be understood")


def test_a_commit_by_its_id_is_that_commit(here: Here, liar: Liar, hub: Hub, ben: Person) -> None:
    liar.small("config.json", b"{}")
    with served(liar.app()) as far, here(far, minutes=60) as address:
        assert api(address, ben).model_info("birds/m").sha == SHA
        with pytest.raises(GatedRepoError, match="another commit under this id"):
            api(address, ben).model_info("birds/m", revision=SHA[::-1])


@pytest.mark.parametrize(
    "path", ["../x", "/x", "a/../b", ".git/config", "a\nb", "a\\b", "con\0", "x" * 2000]
)
def test_paths_that_lead_out_are_refused(
    path: str, here: Here, liar: Liar, hub: Hub, ben: Person
) -> None:
    liar.small(path, b"x")
    refused(here, liar, hub, ben, "cannot be mirrored")


def test_files_that_cannot_lie_beside_each_other_are_refused(
    here: Here, liar: Liar, hub: Hub, ben: Person
) -> None:
    liar.small("a", b"x")
    liar.small("A", b"x")
    refused(here, liar, hub, ben, "cannot be mirrored")


def test_what_it_only_names_by_hash_does_not_come_from_this_hubs_own(
    here: Here, liar: Liar, hub: Hub, ben: Person
) -> None:
    secret = b"of somebody here"
    hub.store.add([secret])
    liar.large("w.bin", b"x" * len(secret), hashlib.sha256(secret).hexdigest())
    refused(here, liar, hub, ben, "not what its hub says")


def test_a_commit_that_is_anothers_here_is_refused(
    here: Here, liar: Liar, hub: Hub, ann: Person, ben: Person
) -> None:
    from headstart.hub.actions import keeping

    keeping.create(hub, ann.asker, Kind.MODEL, "ann", "m", private=True)
    with served(liar.app()) as far, here(far) as address:
        liar.sha = str(api(address, ann).model_info("ann/m").sha)
    refused(here, liar, hub, ben, "another repo's here")


def test_it_leads_to_no_place_that_was_not_named(
    here: Here, liar: Liar, hub: Hub, ben: Person
) -> None:
    inside, reached = FastAPI(), []

    @inside.get("/{path:path}")
    def answer(path: str) -> str:
        reached.append(path)
        return "of this network only"

    with served(inside) as internal:
        for place in (
            f"{internal}/x", "http://169.254.169.254/latest", "http://[::1]/x", "file:///etc/passwd",
            "http://user:word@127.0.0.1/x", "//127.0.0.2:1/x", "http://[::ffff:127.0.0.1]:1/x", "",
        ):  # fmt: skip
            liar.small("w", b"x")
            liar.sent["w"] = place
            refused(here, liar, hub, ben, "may not go|circle")
    assert reached == []


def test_the_token_goes_to_the_hub_only_and_bytes_come_from_a_named_host(
    here: Here, liar: Liar, hub: Hub, ben: Person
) -> None:
    store = Liar()
    store.large("w", b"weights")
    liar.large("w", b"weights")
    with served(store.app()) as bytes_at, served(liar.app()) as far:
        liar.sent["w"] = f"{bytes_at}/w"
        host = bytes_at.removeprefix("http://")
        with here(far, "secret", hosts=(host,)) as address:
            assert api(address, ben).model_info("birds/m").sha == SHA
    assert {token for _, token in liar.seen} == {"Bearer secret"}
    assert store.seen == [("w", None)]


def test_named_hosts_on_the_own_network_are_for_hubs_that_are_there_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    places = {"hub.example.org": "93.184.216.34", "cdn.example.org": "10.0.0.7"}

    def addresses(to: wire.Origin) -> list[wire.Address]:
        return [ipaddress.ip_address(places[to.host])]

    monkeypatch.setattr(wire, "_addresses", addresses)
    way = Wire("https://hub.example.org", hosts=(".example.org",))
    with pytest.raises(UpstreamError, match="may not go"):
        way._connection("https://cdn.example.org/x")
    with pytest.raises(UpstreamError, match="may not go"):
        way._connection("http://cdn.example.org/x")  # nor without TLS, where the hub has it
    places["cdn.example.org"] = "93.184.216.35"
    assert way._connection("https://cdn.example.org/x").host == "cdn.example.org"
    places |= {"hub.example.org": "10.0.0.6", "cdn.example.org": "10.0.0.7"}
    assert way._connection("https://cdn.example.org/x").host == "cdn.example.org"


@pytest.mark.parametrize(
    "place",
    ["127.0.0.1", "10.1.2.3", "169.254.169.254", "192.168.0.1", "100.64.0.1", "0.0.0.0",
     "224.0.0.1", "::1", "fe80::1", "fd00::1", "::ffff:10.0.0.1", "64:ff9b::a00:1",
     "2002:a00:1::", "::"],
)  # fmt: skip
def test_addresses_of_the_own_network_are_known(place: str) -> None:
    assert not wire._is_public(ipaddress.ip_address(place))
    assert wire._is_public(ipaddress.ip_address("93.184.216.34"))


def test_more_than_the_limit_is_not_taken(liar: Liar) -> None:
    for number in range(3):
        liar.small(f"{number}", b"0123456789")
    with served(liar.app()) as far:
        for limits in (Limits(bytes=29), Limits(files=2)):
            with pytest.raises(UpstreamError, match="more than"):
                Upstream(Wire(far), limits).files(Kind.MODEL, "birds/m", SHA)
        assert len(Upstream(Wire(far), Limits(30, 3)).files(Kind.MODEL, "birds/m", SHA)) == 3


def test_what_goes_wrong_says_nothing_of_where_it_was(here: Here, ben: Person) -> None:
    with here("http://127.0.0.1:9", "secret") as address:
        with pytest.raises(GatedRepoError, match="cannot be reached") as told:
            api(address, ben).model_info("birds/m")
        with pytest.raises(RepositoryNotFoundError):
            api(address, None).model_info("birds/m")
    assert "127.0.0.1:9" not in str(told.value.server_message)
    assert "secret" not in str(told.value)


@pytest.mark.parametrize("address", ["", "hub", "ftp://hub", "http://", "http://ann:word@hub"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(RequestError, match="address of the hub"):
        Wire(address)
