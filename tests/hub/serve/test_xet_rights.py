"""Xet over HTTP: tokens and links open what they are for, as long as they may, and tell no more."""

from __future__ import annotations

import hashlib
import random
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from headstart.hub.actions import admitting
from headstart.hub.hub import Hub
from headstart.hub.signing import after, ticket
from headstart.hub.xet import vault
from tests.hub.conftest import Person
from tests.hub.serve.talk import Talk, large
from tests.hub.xet.conftest import block_name, chunk, told

CONTENTS = [random.Random(number).randbytes(9_000 + number) for number in range(4)]
NAME = block_name(CONTENTS)
BODY = b"".join(map(chunk, CONTENTS))
OTHER = [b"other " * 2000]


def pass_for(talk: Talk, person: Person | str, repo: str, what: str = "write") -> str:
    """Return a Xet token."""
    answer = talk.ask("GET", f"/api/models/{repo}/xet-{what}-token/main", person)
    assert answer.status_code == 200
    return str(answer.json()["accessToken"])


def block(talk: Talk, token: str, name: str = NAME, body: bytes = BODY) -> Any:
    return talk.ask("POST", f"/cas/v1/xorbs/default/{name}", token, content=body)


def shard(talk: Talk, token: str, body: bytes) -> Any:
    return talk.ask("POST", "/cas/v1/shards", token, content=body)


def part(first: int, last: int) -> bytes:
    """Return a shard of one file that is made of chunks of the block."""
    contents = CONTENTS[first:last]
    return told(contents, [(NAME, first, last, sum(map(len, contents)))])


@pytest.fixture
def brought(talk: Talk, ann: Person) -> str:
    """Let ann have a repo, a block, and two files of it; return her Xet token."""
    talk.create(ann, "m")
    token = pass_for(talk, ann, "ann/m")
    assert block(talk, token).status_code == 200
    assert shard(talk, token, part(0, 2)).status_code == 200
    assert shard(talk, token, part(2, 4)).status_code == 200
    for path, (first, last) in {"a.bin": (0, 2), "b.bin": (2, 4)}.items():
        whole = b"".join(CONTENTS[first:last])
        line = large(hashlib.sha256(whole).hexdigest(), len(whole), path)
        assert talk.commit(ann, "ann/m", line).status_code == 200
    return token


def rebuilt(talk: Talk, token: str, first: int, last: int, **headers: str) -> Any:
    """Return how a file is put together."""
    name = told_name(first, last)
    return talk.ask("GET", f"/cas/v1/reconstructions/{name}", token, headers=headers)


def told_name(first: int, last: int) -> str:
    from headstart.hub.xet.hashing import file_hash, text_of
    from tests.hub.xet.conftest import nodes

    return text_of(file_hash(nodes(CONTENTS[first:last])))


def test_a_block_under_a_false_hash_is_refused_and_not_kept(talk: Talk, ann: Person) -> None:
    talk.create(ann, "m")
    token = pass_for(talk, ann, "ann/m")
    assert block(talk, token, block_name(OTHER)).status_code == 400
    assert block(talk, token, "../../x").status_code in (400, 404)
    shard_of_it = told(OTHER, [(block_name(OTHER), 0, 1, len(OTHER[0]))])
    assert shard(talk, token, shard_of_it).status_code == 400


@pytest.mark.parametrize(
    "ranges",
    [(NAME, 0, 5, 9), (NAME, 3, 2, 9), (NAME, 0, 4, 2**32 - 1), (NAME, 2**32 - 2, 2**32 - 1, 9)],
)
def test_a_shard_with_impossible_ranges_is_refused(
    talk: Talk, ann: Person, ranges: tuple[str, int, int, int]
) -> None:
    talk.create(ann, "m")
    token = pass_for(talk, ann, "ann/m")
    block(talk, token)
    assert shard(talk, token, told(CONTENTS, [ranges])).status_code == 400


def test_a_shard_that_makes_endless_work_is_refused(
    talk: Talk, ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk.create(ann, "m")
    token = pass_for(talk, ann, "ann/m")
    block(talk, token)
    monkeypatch.setattr(vault, "MOST_CHUNKS", 4 * 50)
    again = [(NAME, 0, 4, sum(map(len, CONTENTS)))] * 51
    answer = shard(talk, token, told(CONTENTS, again))
    assert answer.status_code == 400
    assert "chunks" in answer.json()["error"]


def test_a_block_is_looked_up_once_however_often_a_shard_names_it(
    talk: Talk, ann: Person, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk.create(ann, "m")
    token = pass_for(talk, ann, "ann/m")
    block(talk, token)
    looked: list[str] = []
    before = vault.Vault.block
    monkeypatch.setattr(
        vault.Vault, "block", lambda self, name: looked.append(name) or before(self, name)
    )
    shard(talk, token, told(CONTENTS, [(NAME, 0, 1, 1)] * 500))
    assert len(looked) == 1


def test_whether_others_have_a_block_is_told_to_nobody(
    talk: Talk, brought: str, ben: Person
) -> None:
    talk.create(ben, "m")
    token = pass_for(talk, ben, "ben/m")
    for hashed in (NAME, block_name(OTHER)):
        answer = talk.ask("GET", f"/cas/v1/chunks/default-merkledb/{hashed}", token)
        assert answer.status_code == 404
    there = shard(talk, token, told(CONTENTS, [(NAME, 0, 4, sum(map(len, CONTENTS)))]))
    none = shard(talk, token, told(OTHER, [(block_name(OTHER), 0, 1, len(OTHER[0]))]))
    assert (there.status_code, there.json()) == (none.status_code, none.json())
    mine = block(talk, token).json()
    new = block(talk, token, block_name(OTHER), b"".join(map(chunk, OTHER))).json()
    assert mine == new
    assert rebuilt(talk, token, 0, 2).status_code == 404


def test_a_reading_token_reads_its_revision_only(talk: Talk, brought: str, ann: Person) -> None:
    old = pass_for(talk, ann, "ann/m", "read")
    talk.commit(ann, "ann/m", {"key": "deletedFile", "value": {"path": "b.bin"}})
    new = pass_for(talk, ann, "ann/m", "read")
    assert rebuilt(talk, old, 2, 4).status_code == 200
    assert rebuilt(talk, new, 0, 2).status_code == 200
    assert rebuilt(talk, new, 2, 4).status_code == 404
    assert block(talk, new).status_code == 403
    assert shard(talk, new, part(0, 1)).status_code == 403


def test_a_link_gives_its_range_of_a_block_and_nothing_beside(
    talk: Talk, brought: str, ann: Person
) -> None:
    token = pass_for(talk, ann, "ann/m", "read")
    answer = rebuilt(talk, token, 0, 2).json()
    [run] = answer["fetch_info"][NAME]
    path, first, last = (
        urlsplit(run["url"]).path, run["url_range"]["start"], run["url_range"]["end"]
    )  # fmt: skip
    got = talk.ask("GET", path, headers={"Range": f"bytes={first}-{last}"})
    assert got.status_code == 206
    assert got.content == BODY[: last + 1]
    assert talk.ask("GET", path, headers={"Range": f"bytes={first}-9"}).status_code == 206
    for asked in (f"bytes={last + 1}-", f"bytes={first}-{last + 1}", "bytes=-5", "nonsense"):
        answer = talk.ask("GET", path, headers={"Range": asked})
        assert answer.status_code == 401, asked
    assert talk.ask("GET", path).status_code == 401


def test_links_and_tokens_of_xet_cannot_be_swapped_kept_or_made(
    hub: Hub, talk: Talk, brought: str, ann: Person
) -> None:
    run = {"xorb": NAME, "first": 0, "last": 9}
    text = ticket(hub.secret, "xet-data", run, after(9))
    assert talk.ask("GET", f"/cas/data/{text}", headers={"Range": "bytes=0-9"}).status_code == 206
    body, _, seal = text.partition(".")
    other = ticket(hub.secret, "xet-data", {**run, "last": 10**6}, after(9))
    for bad in (
        ticket(hub.secret, "xet-data", run, after(-1)), ticket(hub.secret, "lfs", run, after(9)),
        ticket(b"guessed" * 5, "xet-data", run, after(9)), f"{other.partition('.')[0]}.{seal}",
        brought, body, f"{body}.", "é.é",
    ):  # fmt: skip
        answer = talk.ask("GET", f"/cas/data/{quote(bad)}", headers={"Range": "bytes=0-9"})
        assert answer.status_code in (401, 403), bad
    assert ann.asker.token is not None
    right = {"repo": "x", "token": ann.asker.token.id, "write": True}
    for bad in (
        ticket(hub.secret, "xet", right, after(-1)), ticket(hub.secret, "lfs", right, after(9)),
        ticket(b"guessed" * 5, "xet", right, after(9)), text, ann.token, "x",
    ):  # fmt: skip
        assert block(talk, bad).status_code == 401
        assert shard(talk, bad, part(0, 1)).status_code == 401
        assert rebuilt(talk, bad, 0, 2).status_code == 401


def test_what_was_got_with_a_token_ends_with_it(
    hub: Hub, talk: Talk, brought: str, ann: Person
) -> None:
    assert ann.asker.token is not None
    reading = pass_for(talk, ann, "ann/m", "read")
    admitting.revoke(hub, ann.asker.token.id)
    assert block(talk, brought).status_code == 401
    assert shard(talk, brought, part(0, 1)).status_code == 401
    assert rebuilt(talk, brought, 0, 2).status_code == 401
    assert rebuilt(talk, reading, 0, 2).status_code == 401


def test_a_token_for_one_repo_does_not_make_files_of_anothers_blocks(
    hub: Hub, talk: Talk, brought: str, ann: Person, ben: Person
) -> None:
    talk.create(ann, "vision/secret")
    admitting.team(hub, "vision", ("ben",), (), "write")
    assert shard(talk, pass_for(talk, ann, "vision/secret"), part(0, 2)).status_code == 200
    talk.create(ben, "ben/mine")
    scoped, _ = admitting.token(hub, "ben", "write", scope=("ben/mine",))
    assert shard(talk, pass_for(talk, scoped, "ben/mine"), part(0, 2)).status_code == 400
    assert shard(talk, pass_for(talk, ben, "ben/mine"), part(0, 2)).status_code == 200
