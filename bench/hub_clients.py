"""Clients for the load: huggingface_hub's, and one of plain HTTP that forgives nothing.

What a file holds follows from its name and its first line, so that everybody can check it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
import tempfile
import time
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any, cast

NEWEST = "newest.json"
SLOTS = 10
_IDLE_SECONDS = 10.0  # servers keep a connection open that long, or longer
Files = dict[str, bytes]


@dataclass(frozen=True)
class Pushed:
    """A push that the hub acknowledged."""

    repo: str
    commit: str
    who: str
    number: int
    size: int
    seconds: float


def files_of(who: str, number: int, draw: random.Random) -> Files:
    """Return what one push brings: a large file, a small one, and one that all overwrite."""
    name, told = f"{who}/{number % SLOTS}", f"{who} {number}\n".encode()
    large = draw.randrange(100_000, 1_000_000)
    return {
        f"{name}.bin": _content(f"{name}.bin", told, large),
        f"{name}.txt": _content(f"{name}.txt", told, 2_000),
        NEWEST: json.dumps({"who": who, "number": number}).encode(),
    }


def is_right(path: str, data: bytes) -> bool:
    """Whether a file holds what was once pushed under this name, whole."""
    if path == NEWEST:
        return set(json.loads(data)) == {"who", "number"}
    told = data[: data.index(b"\n") + 1]
    return data == _content(path, told, len(data)) and told.split()[0].decode() in path


def _content(path: str, told: bytes, size: int) -> bytes:
    return told + hashlib.shake_128(path.encode() + told).digest(size - len(told))


class Client:
    """Speaks the protocol over plain HTTP; an answer that is no success is an error."""

    def __init__(self, address: str, text: str) -> None:
        self.address, self._text = address, text
        self._connection = HTTPConnection(address.removeprefix("http://"), timeout=120)
        self._used = 0.0

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> bytes:
        """Return the body of an answer.

        Raises:
            AssertionError: It is no success.
        """
        path = path.removeprefix(self.address)
        told = {"Authorization": f"Bearer {self._text}", **headers}
        if body is not None and method == "POST":
            told = {"Content-Type": "application/json", **told}
        if time.monotonic() - self._used > _IDLE_SECONDS:
            self._connection.close()  # the server may be about to; the next request opens it
        self._connection.request(method, path, body, told)
        answer = self._connection.getresponse()
        data = answer.read()
        self._used = time.monotonic()
        assert answer.status in (200, 206), f"{method} {path}: {answer.status} {data[:300]!r}"
        return data

    def create(self, repo: str) -> None:
        """Make a repo of one's own."""
        self.ask("POST", "/api/repos/create", json.dumps({"name": repo}).encode())

    def push(self, repo: str, files: Files) -> str:
        """Push files in one commit; return its id."""
        lines = [{"key": "header", "value": {"summary": "push"}}]
        for path, data in files.items():
            lines.append(self._brought(repo, path, data) if path.endswith(".bin") else _line(
                "file", path=path, content=base64.b64encode(data).decode(), encoding="base64"
            ))  # fmt: skip
        body = "\n".join(map(json.dumps, lines)).encode()
        return str(json.loads(self.ask("POST", f"/api/models/ann/{repo}/commit/main", body))
                   ["commitOid"])  # fmt: skip

    def pull(self, repo: str, draw: random.Random) -> int:
        """Fetch a file, whole or from the middle on, and check it; return whether there was one."""
        path = self.some_file(repo, draw)
        if path is None:
            return 0
        commit = self.head(repo)
        url = f"/ann/{repo}/resolve/{commit}/{path}"
        data = self.ask("GET", url)
        assert is_right(path, data), f"{path} is not what was pushed"
        half = len(data) // 2
        assert self.ask("GET", url, Range=f"bytes={half}-") == data[half:]
        return 1

    def head(self, repo: str) -> str:
        """Return the commit that main is at: by its name a file could be two, halfway."""
        return str(json.loads(self.ask("GET", f"/api/models/ann/{repo}"))["sha"])

    def some_file(self, repo: str, draw: random.Random) -> str | None:
        """Return the path of a file; None where there is none yet."""
        found = json.loads(self.ask("GET", f"/api/models/ann/{repo}/tree/main?recursive=true"))
        paths = [one["path"] for one in found
                 if one["type"] == "file" and not one["path"].startswith(".")]  # fmt: skip
        return draw.choice(paths) if paths else None

    def _brought(self, repo: str, path: str, data: bytes) -> dict[str, Any]:
        named = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data)}
        asked = json.dumps({"operation": "upload", "objects": [named]}).encode()
        told = json.loads(self.ask("POST", f"/ann/{repo}.git/info/lfs/objects/batch", asked))
        actions = told["objects"][0].get("actions")
        if actions:
            self.ask("PUT", actions["upload"]["href"], data)
        return _line("lfsFile", path=path, algo="sha256", **named)


class Library(Client):
    """huggingface_hub, by whichever way its environment says."""

    def __init__(self, address: str, text: str) -> None:
        super().__init__(address, text)
        from huggingface_hub import HfApi

        self._api = HfApi(address, token=text)

    def push(self, repo: str, files: Files) -> str:
        """Push files in one commit; return its id."""
        from huggingface_hub import CommitOperationAdd

        operations = [CommitOperationAdd(path, data) for path, data in files.items()]
        made = self._api.create_commit(f"ann/{repo}", operations, commit_message="push")
        return cast(str, made.oid)

    def pull(self, repo: str, draw: random.Random) -> int:
        """Fetch a file and check it; return whether there was one."""
        path = self.some_file(repo, draw)
        if path is None:
            return 0
        with tempfile.TemporaryDirectory() as folder:
            place = self._api.hf_hub_download(
                f"ann/{repo}", path, revision=self.head(repo), local_dir=folder
            )
            with open(place, "rb") as opened:  # noqa: PTH123 - a text, as the library gives it
                assert is_right(path, opened.read()), f"{path} is not what was pushed"
        return 1


def client_for(way: str, address: str, text: str) -> Client:
    """Return a client that goes by ``way``: plain, or what the library is set to."""
    return Client(address, text) if way == "plain" else Library(address, text)


def history(client: Client, repo: str) -> list[str]:
    """Return the ids of all commits of main, newest first."""
    found: list[str] = []
    while True:
        page = json.loads(
            client.ask("GET", f"/api/models/ann/{repo}/commits/main?p={len(found) // 50}")
        )
        found += [one["id"] for one in page]
        if len(page) < 50:
            return found


def look_at(client: Client, one: Pushed, commit: str) -> None:
    """See that a commit holds all that one push brought, and that the push's own."""
    at = f"/ann/{one.repo}/resolve/{commit}"
    told = json.loads(client.ask("GET", f"{at}/{NEWEST}"))
    assert told == {"who": one.who, "number": one.number}, f"{commit} is mixed with another"
    for kind in ("bin", "txt"):
        path = f"{one.who}/{one.number % SLOTS}.{kind}"
        data = client.ask("GET", f"{at}/{path}")
        assert is_right(path, data), f"{path} at {commit} is not what was pushed"
        assert data.startswith(f"{one.who} {one.number}\n".encode()), f"{commit} is mixed"


def _line(key: str, **value: Any) -> dict[str, Any]:
    return {"key": key, "value": value}
