"""A hub on PostgreSQL, backed up as the docs say, and served again from the copy."""

from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from bench.hub_server import served, token
from headstart.hub.actions import maintaining
from headstart.hub.hub import open_hub
from tests.hub.elsewhere import LFS, XET, pull, push

pytestmark = pytest.mark.slow
SIZE = 3_000_000


def again(url: str) -> tuple[str, str]:
    """Return the name and the URL of a database beside another, which is not there yet."""
    before, slash, name = url.partition("?")[0].rpartition("/")
    return f"{name}_again", f"{before}{slash}{name}_again?{url.partition('?')[2]}"


def test_a_dump_and_a_copy_of_the_bytes_are_the_hub(tmp_path: Path, postgres_url: str) -> None:
    for program in ("pg_dump", "createdb", "psql"):
        if shutil.which(program) is None:
            pytest.skip(f"needs PostgreSQL's {program}")
    root, backup, file = tmp_path / "hub", tmp_path / "backup", tmp_path / "w.bin"
    text = token(root, "ann", "write", "--database", postgres_url)
    data = {}
    with served(root, "--database", postgres_url) as server:
        for name, way in (("ann/xet", XET), ("ann/lfs", LFS)):
            data[name] = random.Random(name).randbytes(SIZE)
            file.write_bytes(data[name])
            push(server.address, text, name, file, way)
        backup.mkdir()  # as docs/hub.md has it, while the hub serves
        told = subprocess.run(["pg_dump", postgres_url], check=True, capture_output=True).stdout
        shutil.copytree(root / "blobs", backup / "blobs")
    made, second_url = again(postgres_url)
    quiet = ["psql", "-q", "-v", "ON_ERROR_STOP=1"]
    asked = urlsplit(postgres_url)
    host = asked.hostname or parse_qs(asked.query)["host"][0]
    subprocess.run(["createdb", "-h", host, "-U", asked.username or "postgres", made], check=True)
    try:
        subprocess.run([*quiet, second_url], input=told, check=True, stdout=subprocess.DEVNULL)
        with served(backup, "--database", second_url) as server:
            for name in data:
                for way in (XET, LFS):
                    assert pull(server.address, text, name, way) == data[name]
            push(server.address, text, "ann/more", file, XET)
        hub = open_hub(backup, second_url)
        assert maintaining.fsck(hub, deep=True).well
        hub.database.close()
    finally:
        drop = f"DROP DATABASE IF EXISTS {made} WITH (FORCE)"
        subprocess.run([*quiet, postgres_url, "-c", drop], check=True)
