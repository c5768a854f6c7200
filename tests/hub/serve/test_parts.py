"""Large files in parts by LFS: any one may be sent again, none replayed, swapped or left out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from starlette.testclient import TestClient

from headstart.hub.actions import admitting
from headstart.hub.actions.maintaining import collect, fsck
from headstart.hub.hub import Hub
from headstart.hub.serve.app import create_app
from headstart.hub.serve.routes.parts import Multipart
from headstart.hub.signing import after, opened, ticket
from headstart.hub.store.parts import sweep_parts
from tests.hub.conftest import Join, Person
from tests.hub.serve.talk import Talk, large
from tests.hub.store.files import noise

HOW = Multipart(above=250_000, size=100_000, most=5, links=12)
FILE = noise(450_001)
OID = hashlib.sha256(FILE).hexdigest()
COUNT = 5


@dataclass(frozen=True)
class Sending:
    """A file on its way: the links that the hub gave for it."""

    talk: Talk
    data: bytes
    end: str
    links: dict[int, str]
    size: int

    def part(self, number: int) -> bytes:
        return self.data[(number - 1) * self.size : number * self.size]

    def send(self, number: int, data: bytes | None = None, link: str | None = None) -> Any:
        body = self.part(number) if data is None else data
        return self.talk.ask("PUT", link or self.links[number], content=body)

    def send_all(self) -> dict[int, str]:
        answers = {number: self.send(number) for number in self.links}
        assert {one.status_code for one in answers.values()} == {200}
        return {number: one.headers["etag"] for number, one in answers.items()}

    def complete(self, etags: dict[int, str], oid: str | None = None) -> Any:
        parts = [{"partNumber": number, "etag": etag} for number, etag in etags.items()]
        name = oid or hashlib.sha256(self.data).hexdigest()
        return self.talk.ask("POST", self.end, json={"oid": name, "parts": parts})


@pytest.fixture
def talk(hub: Hub) -> Talk:
    app = create_app(hub, multipart=HOW)
    return Talk(TestClient(app, raise_server_exceptions=False))


@pytest.fixture
def sending(talk: Talk, ann: Person) -> Sending:
    talk.create(ann, "m")
    return begun(talk, ann, "ann/m", FILE)


def batch(talk: Talk, who: Person, repo: str, *files: bytes, transfers: list[str]) -> Any:
    named = [{"oid": hashlib.sha256(one).hexdigest(), "size": len(one)} for one in files]
    body = {"operation": "upload", "objects": named, "transfers": transfers}
    return talk.ask("POST", f"/{repo}.git/info/lfs/objects/batch", who, json=body).json()


def begun(talk: Talk, who: Person, repo: str, data: bytes) -> Sending:
    answer = batch(talk, who, repo, data, transfers=["basic", "multipart"])
    assert answer["transfer"] == "multipart"
    upload = answer["objects"][0]["actions"]["upload"]
    header = upload["header"]
    links = {int(key): path_of(one) for key, one in header.items() if key.isdigit()}
    return Sending(talk, data, path_of(upload["href"]), links, int(header["chunk_size"]))


def path_of(link: str) -> str:
    return urlsplit(link).path


def here(hub: Hub, talk: Talk, who: Person, oid: str = OID) -> bool:
    """Whether the file is to be had: in the store, and for a commit."""
    done = talk.commit(who, "ann/m", large(oid, len(FILE)))
    assert done.status_code in (200, 400), done.text
    assert (hub.store.content(oid) is not None) is (done.status_code == 200)
    return bool(done.status_code == 200)


def test_a_file_comes_in_parts_and_leaves_nothing_else_behind(
    hub: Hub, sending: Sending, talk: Talk, ann: Person
) -> None:
    assert (len(sending.links), sending.size) == (COUNT, 100_000)
    done = sending.complete(sending.send_all())
    assert done.status_code == 200, done.text
    assert here(hub, talk, ann)
    assert talk.ask("GET", "/ann/m/resolve/main/w.bin", ann).content == FILE
    kept = [key for key in hub.store.depot.keys("parts") if not key.endswith(".done")]
    assert kept == []
    assert fsck(hub, deep=True).well
    again = batch(talk, ann, "ann/m", FILE, transfers=["basic", "multipart"])
    assert "actions" not in again["objects"][0]


def test_only_large_files_of_clients_that_can_come_in_parts(talk: Talk, ann: Person) -> None:
    talk.create(ann, "m")
    edge = noise(250_000)
    for transfers, file in ((["basic"], FILE), (["basic", "multipart", "xet"], edge)):
        answer = batch(talk, ann, "ann/m", file, transfers=transfers)
        assert answer["transfer"] == "basic"
        assert "header" not in answer["objects"][0]["actions"]["upload"]
    files = [noise(450_000, seed) for seed in range(3)]
    answer = batch(talk, ann, "ann/m", *files, edge, transfers=["basic", "multipart"])
    headers = [one["actions"]["upload"].get("header") for one in answer["objects"]]
    assert [len(one) - 1 if one else 0 for one in headers] == [5, 5, 0, 0]  # 12 links at most


def test_a_huge_file_has_larger_parts_and_no_more_of_them() -> None:
    how = Multipart()
    assert (how.count(256 * 2**20), how.count(256 * 2**20 + 1)) == (0, 5)
    assert how.count(2**50 - 1) <= how.most
    assert how.part_size(2**50 - 1) * how.count(2**50 - 1) >= 2**50 - 1


def test_a_part_that_failed_is_sent_again_by_itself(
    hub: Hub, sending: Sending, talk: Talk, ann: Person
) -> None:
    etags = sending.send_all()
    broken = sending.send(3, sending.part(3)[:-1] + b"X")
    assert broken.status_code == 200
    etags[3] = broken.headers["etag"]
    wrong = sending.complete(etags)
    assert wrong.status_code == 400
    assert "sha256" in wrong.json()["error"]
    assert not here(hub, talk, ann)
    etags[3] = sending.send(3).headers["etag"]
    assert sending.complete(etags).status_code == 200
    assert here(hub, talk, ann)


def test_a_part_comes_whole_or_not_at_all(hub: Hub, sending: Sending) -> None:
    before = sorted(hub.store.depot.keys("parts"))
    for data in (b"", sending.part(1)[:-1], sending.part(1) + b"x"):
        answer = sending.send(1, data)
        assert answer.status_code == 400
        assert "part 1" in answer.json()["error"]

    def cut_off() -> Any:
        yield sending.part(1)[:-1]

    assert sending.talk.ask("PUT", sending.links[1], content=cut_off()).status_code == 400
    assert sorted(hub.store.depot.keys("parts")) == before


def test_a_file_with_a_missing_foreign_or_surplus_part_is_refused_in_words(
    hub: Hub, sending: Sending, talk: Talk, ann: Person
) -> None:
    first = sending.send(1).headers["etag"]
    told = sending.complete({1: first})
    assert (told.status_code, "part 2 has not come" in told.json()["error"]) == (400, True)
    etags = sending.send_all()
    cases = {
        "part 5 is not named": {key: one for key, one in etags.items() if key != COUNT},
        "has 5 parts, none is number 6": {**etags, 6: etags[1]},
        "has 5 parts, none is number 0": {**etags, 0: etags[1]},
        "part 2 is another one": {**etags, 2: etags[1]},
    }
    for words, named in cases.items():
        answer = sending.complete(named)
        assert (answer.status_code, words in answer.json()["error"]) == (400, True), answer.text
    twice = [{"partNumber": 1, "etag": etags[1]}] * 2
    body = {"oid": OID, "parts": twice}
    assert "twice" in talk.ask("POST", sending.end, json=body).json()["error"]
    assert talk.ask("POST", sending.end, json={"oid": OID}).status_code == 400
    assert sending.complete(etags, oid="0" * 64).status_code == 400
    assert not here(hub, talk, ann)


def test_a_part_that_is_replayed_after_the_end_is_refused(
    hub: Hub, sending: Sending, talk: Talk, ann: Person
) -> None:
    etags = sending.send_all()
    assert sending.complete(etags).status_code == 200
    before = sorted(hub.store.depot.keys("parts"))
    for data in (sending.part(1), b"X" * sending.size):
        replayed = sending.send(1, data)
        assert replayed.status_code == 409
        assert "complete" in replayed.json()["error"]
    assert sending.complete(etags).status_code == 200  # an answer that was lost: nothing is done
    assert sorted(hub.store.depot.keys("parts")) == before
    assert here(hub, talk, ann)


def test_the_same_file_comes_twice_at_once_and_neither_hurts_the_other(
    sending: Sending, talk: Talk, ann: Person
) -> None:
    other = begun(talk, ann, "ann/m", FILE)
    mine, others = sending.send_all(), dict.fromkeys(other.links, "")
    others[1] = other.send(1).headers["etag"]
    assert sending.complete(mine).status_code == 200
    others |= {number: other.send(number).headers["etag"] for number in range(2, COUNT + 1)}
    assert other.complete(others).status_code == 200


def test_links_are_for_one_part_of_one_upload_and_not_to_be_made(
    hub: Hub, sending: Sending, talk: Talk, ben: Person
) -> None:
    talk.create(ben, "m")
    theirs = begun(talk, ben, "ben/m", noise(450_001, 7))
    etags = sending.send_all()
    theirs.send_all()
    swapped = sending.complete({**etags, 2: theirs.send(2).headers["etag"]})
    assert swapped.status_code == 400
    assert theirs.complete(etags, oid=OID).status_code == 400  # ben's end for ann's file
    text = sending.links[1].rpartition("/")[2]
    told = opened(hub.secret, "lfs-part", text)
    body, _, seal = text.partition(".")
    bad = (
        ticket(hub.secret, "lfs-part", told, after(-1)),  # over
        ticket(b"guessed" * 5, "lfs-part", told, after(9)),
        ticket(hub.secret, "lfs", told, after(9)),
        sending.end.rpartition("/")[2],
        f"{theirs.links[1].rpartition('/')[2].partition('.')[0]}.{seal}",
        f"{body}.", body, "x",
    )  # fmt: skip
    for link in bad:
        assert sending.send(1, link=f"/lfs/part/{link}").status_code in (401, 403), link
        answer = talk.ask("POST", f"/lfs/whole/{link}", json={"oid": OID, "parts": []})
        assert answer.status_code in (400, 401, 403), link
    assert sending.send(1, link=f"/lfs/{text}").status_code in (401, 403)


def test_who_may_not_write_any_more_completes_nothing(
    hub: Hub, talk: Talk, join: Join, ann: Person
) -> None:
    talk.create(ann, "m")
    text, token = admitting.token(hub, "ann", "write")
    later = Person("ann", text, ann.asker)
    sending = begun(talk, later, "ann/m", FILE)
    etags = sending.send_all()
    assert admitting.revoke(hub, token.id)
    assert sending.complete(etags).status_code == 401
    assert not here(hub, talk, ann)


def test_nothing_of_a_deleted_repo_is_completed(
    hub: Hub, sending: Sending, talk: Talk, ann: Person
) -> None:
    etags = sending.send_all()
    assert talk.ask("DELETE", "/api/repos/delete", ann, json={"name": "m"}).status_code == 200
    assert sending.complete(etags).status_code in (401, 404)
    assert hub.store.content(OID) is None


def test_what_nobody_completes_is_swept_once_its_links_are_over(
    hub: Hub, sending: Sending, tmp_path: Path
) -> None:
    sending.send(1)
    sending.send(2)
    collect(hub)
    assert len(list(hub.store.depot.keys("parts"))) == 4  # still to be completed
    sweep_parts(hub.store.depot, older_seconds=0)
    assert list(hub.store.depot.keys("parts")) == []
    answer = sending.complete({1: "x", 2: "y"})
    assert (answer.status_code, "has not come" in answer.json()["error"]) == (400, True)


def test_a_part_is_never_held_as_a_whole(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    from headstart.hub.store import parts

    monkeypatch.setattr(parts, "_CHUNK", 10_000)
    sizes = list[int]()
    put = hub.store.depot.put

    def noted(key: str, *data: bytes) -> None:
        sizes.append(sum(map(len, data)))
        put(key, *data)

    monkeypatch.setattr(hub.store.depot, "put", noted)
    content = noise(95_000)
    upload = parts.Parts(hub.store.depot, "a" * 32)
    with upload.writer(1, len(content)) as writer:
        for start in range(0, len(content), 3_000):
            writer.write(content[start : start + 3_000])
        part = writer.close()
    assert max(sizes) < 13_000
    assert b"".join(upload.read(part)) == content
