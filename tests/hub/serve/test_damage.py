"""One byte changed in anything that is stored is never served as good, on any way out."""

from __future__ import annotations

import base64
import hashlib
import json
import random
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import pytest

from headstart.hub.hub import Hub
from headstart.hub.store.pack import pack
from tests.hub.conftest import Person
from tests.hub.store.files import MIB, model, noise, sha256
from tests.hub.store.test_damage import changed
from tests.hub.xet.conftest import block_name, chunk, told

COUNTS = (20_000, 9_000)
CHUNKS = [random.Random(seed).randbytes(100_000) for seed in range(12)]
FILES = {
    "small.txt": noise(1000), "lfs.bin": noise(4 * MIB + 100_000), "xet.bin": b"".join(CHUNKS),
    "base.safetensors": model(counts=COUNTS), "tuned.safetensors": model(counts=COUNTS, tuned=1e-4),
}  # fmt: skip
Ask = Callable[..., bytes | None]


@pytest.fixture
def ask(address: str, ann: Person) -> Ask:
    """Give a function that returns an answer's body; None if it is refused or does not end well."""

    def asked(method: str, path: str, body: bytes | None = None, **headers: str) -> bytes | None:
        connection = HTTPConnection(address.removeprefix("http://"), timeout=20)
        told = {"Authorization": f"Bearer {ann.token}", **headers}
        try:
            connection.request(method, path.removeprefix(address), body, told)
            answer = connection.getresponse()
            data = answer.read()
        except (HTTPException, OSError):
            return None
        finally:
            connection.close()
        return data if answer.status in (200, 206) else None

    return asked


def as_json(data: bytes | None) -> Any:
    assert data is not None
    return json.loads(data)


def line(key: str, **value: object) -> bytes:
    return json.dumps({"key": key, "value": value}).encode()


@pytest.fixture
def full(hub: Hub, ask: Ask) -> str:
    """Fill the hub in every way there is; return the name in Xet of the file that came by it."""
    posted = {"Content-Type": "application/json"}
    ask("POST", "/api/repos/create", b'{"name": "m"}', **posted)
    lines = [line("header", summary="all")]
    for path, data in FILES.items():
        name = sha256(data)
        if path == "small.txt":
            lines.append(line("file", path=path, content=base64.b64encode(data).decode()))
            continue
        lines.append(line("lfsFile", path=path, algo="sha256", oid=name, size=len(data)))
        if path != "xet.bin":
            named = {"operation": "upload", "objects": [{"oid": name, "size": len(data)}]}
            batch = ask("POST", "/ann/m.git/info/lfs/objects/batch", json.dumps(named).encode(),
                        **posted)  # fmt: skip
            ask("PUT", as_json(batch)["objects"][0]["actions"]["upload"]["href"], data)
    block, whole = block_name(CHUNKS), FILES["xet.bin"]
    bearer = _xet_bearer(ask, "write")
    ask("POST", f"/cas/v1/xorbs/default/{block}", b"".join(map(chunk, CHUNKS)), **bearer)
    shard = told(CHUNKS, [(block, 0, len(CHUNKS), len(whole))])
    assert ask("POST", "/cas/v1/shards", shard, **bearer)
    assert ask("POST", "/api/models/ann/m/commit/main", b"\n".join(lines))
    pack(hub.store, sha256(FILES["tuned.safetensors"]), sha256(FILES["base.safetensors"]))
    found = hub.vault.hash_of(sha256(whole))
    assert found is not None
    return found


def _xet_bearer(ask: Ask, way: str) -> dict[str, str]:
    told = as_json(ask("GET", f"/api/models/ann/m/xet-{way}-token/main"))
    return {"Authorization": f"Bearer {told['accessToken']}"}


def by_xet(ask: Ask, bearer: dict[str, str], name: str) -> bytes | None:
    """Return a file as Xet's clients put it together."""
    told = ask("GET", f"/cas/v1/reconstructions/{name}", **bearer)
    if told is None:
        return None
    found, content = json.loads(told), b""
    for term in found["terms"]:
        info = found["fetch_info"][term["hash"]][0]
        first, last = info["url_range"]["start"], info["url_range"]["end"]
        part = ask("GET", info["url"], Range=f"bytes={first}-{last}")
        if part is None:
            return None
        at = 0
        for number in range(info["range"]["start"], info["range"]["end"]):
            length = int.from_bytes(part[at + 5 : at + 8], "little")
            if term["range"]["start"] <= number < term["range"]["end"]:
                content += part[at + 8 : at + 8 + length]
            at += 8 + length
    return content[found["offset_into_first_range"] :]


def ways(ask: Ask, name: str, bearer: dict[str, str]) -> Iterator[tuple[bytes | None, bytes]]:
    """Give what comes on each way out, and what must."""
    for path, data in FILES.items():
        url = f"/ann/m/resolve/main/{path}"
        yield ask("GET", url), data
        yield ask("GET", url, Range="bytes=10-900"), data[10:901]
        yield ask("GET", url, Range=f"bytes={len(data) // 2}-"), data[len(data) // 2 :]
    yield by_xet(ask, bearer, name), FILES["xet.bin"]


def test_a_changed_byte_in_any_stored_object_is_never_served(hub: Hub, ask: Ask, full: str) -> None:
    bearer = _xet_bearer(ask, "read")
    served = [(came, good) for came, good in ways(ask, full, bearer) if came is not None]
    assert len(served) == 16
    assert all(came == good for came, good in served)
    blobs = Path(hub.root / "blobs")
    depot, dice = hub.store.depot, random.Random(5)
    keys = [key for kind in ("objects", "files", "xet") for key in sorted(depot.keys(kind))]
    refused = set()
    for key in keys:
        place = dice.randrange((blobs / key).stat().st_size)
        changed(blobs / key, place)
        for came, good in ways(ask, full, bearer):
            assert came is None or came == good, (key, place)
            if came is None and len(good) > 0:
                refused.add(key)
        changed(blobs / key, place)
    assert {key.partition("/")[0] for key in refused} == {"objects", "files", "xet"}
    blank = hashlib.sha256(b"".join(hub.store.read(_blank(hub)))).hexdigest()
    missed = {key for key in keys if key.startswith(("objects", "files"))} - refused
    assert missed <= {f"files/{blank[:2]}/{blank}"}


def _blank(hub: Hub) -> str:
    from headstart.hub.actions.describing import blank

    return blank(hub).sha256
