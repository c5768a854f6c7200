"""What the hub itself cannot do is no fault of the request: 503 or 507, in words, ask again."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from headstart.database.engine import engine_for
from headstart.errors import CrowdedError, UnusableError
from headstart.hub.hub import Hub
from headstart.hub.registry.purpose import REGISTRY
from headstart.hub.serve.answers import outage
from headstart.hub.store.remote import RemoteDepot
from tests.hub.conftest import Person
from tests.hub.serve.talk import Talk, large, small

NOWHERE = "postgresql://keeper:secret@127.0.0.1:1/registry"


def test_a_registry_out_of_reach_is_told_in_words_that_name_no_place(
    hub: Hub, talk: Talk, ann: Person, caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip("psycopg")
    talk.create(ann, "m")
    talk.client.cookies.set("headstart", "x")
    hub.database._engine = engine_for(NOWHERE, REGISTRY)
    batch = {"operation": "upload", "objects": [{"oid": "0" * 64, "size": 1}]}
    with caplog.at_level(logging.ERROR, "headstart.hub"):
        answers = [
            talk.ask("GET", "/api/models", ann),
            talk.ask("GET", "/api/whoami-v2", ann),
            talk.ask("HEAD", "/ann/m/resolve/main/README.md", ann),
            talk.ask("POST", "/ann/m.git/info/lfs/objects/batch", ann, json=batch),
            talk.commit(ann, "ann/m", small("a.txt")),
            talk.ask("GET", "/models", headers={"Accept": "text/html"}),
        ]
    for answer in answers:
        assert answer.status_code == 503, answer.text
        assert int(answer.headers["retry-after"]) > 0
        told = f"{answer.text} {answer.headers.get('x-error-message', '')}"
        assert "ask again" in told
        assert not any(word in told for word in ("127.0.0.1", "keeper", "secret", "psycopg"))
    assert "127.0.0.1" in caplog.text  # whoever keeps the hub finds the cause
    assert "secret" not in caplog.text


def test_a_registry_without_room_refuses_and_keeps_what_it_has(
    hub: Hub, talk: Talk, ann: Person
) -> None:
    talk.create(ann, "m")
    engine = hub.database._engine
    event.listen(engine, "connect", lambda c, _: c.execute("PRAGMA max_page_count = 1"))
    engine.dispose()
    words = "x" * 200_000

    refused = talk.push(ann, "ann/m", **{f"{n}__txt": words + str(n) for n in range(300)})

    assert refused.status_code == 507, refused.text
    assert "full" in refused.json()["error"]
    assert refused.headers["retry-after"]
    assert [one["rfilename"] for one in siblings(talk, ann)] == [".gitattributes"]


def siblings(talk: Talk, who: Person) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = talk.ask("GET", "/api/models/ann/m", who).json()["siblings"]
    return found


def test_a_store_that_cannot_be_written_to_is_no_bad_request(
    hub: Hub, talk: Talk, ann: Person
) -> None:
    talk.create(ann, "m")
    shutil.rmtree(hub.store.depot.scratch)
    answer = talk.commit(ann, "ann/m", small("a.txt"))
    assert answer.status_code == 503, answer.text
    assert answer.headers["retry-after"]
    assert str(hub.root) not in answer.text


def test_requests_that_are_wrong_are_still_told_so(talk: Talk, ann: Person) -> None:
    talk.create(ann, "m")
    for line in (small("../a"), large("0" * 64, 3)):
        answer = talk.commit(ann, "ann/m", line)
        assert answer.status_code == 400
        assert "retry-after" not in answer.headers


def test_who_waited_too_long_for_other_writers_may_ask_again() -> None:
    found = outage(CrowdedError("the registry was busy"))
    assert found is not None
    assert found.status == 503


def test_a_remote_store_out_of_reach_is_told_in_our_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class UnreachableError(Exception):
        """As the libraries of S3 and the like raise them: no OSError."""

    def lost(*_: object, **__: object) -> None:
        raise UnreachableError("no route to the bucket")

    depot = RemoteDepot("memory://outage")
    for name in ("cat_file", "pipe_file", "modified"):
        monkeypatch.setattr(depot._fs, name, lost)
    for work in (
        lambda: depot.get("objects/ab/abcd"),
        lambda: depot.put("objects/ab/abcd", b"x"),
        lambda: depot.age("objects/ab/abcd"),
    ):
        with pytest.raises(UnusableError, match="no route to the bucket"):
            work()
