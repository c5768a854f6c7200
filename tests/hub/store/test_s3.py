"""A hub whose bytes lie on S3, as moto plays it: what came by Xet and by LFS is had back."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.hub_server import served, token
from headstart.hub.actions import maintaining
from headstart.hub.hub import open_hub
from tests.hub.elsewhere import LFS, XET, pull, push

pytestmark = pytest.mark.slow
SIZE = 9_000_000


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Return the URL of a folder in a bucket of a server that speaks S3."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in (
        ("AWS_ENDPOINT_URL", f"http://{host}:{port}"), ("AWS_ACCESS_KEY_ID", "a"),
        ("AWS_SECRET_ACCESS_KEY", "b"), ("AWS_DEFAULT_REGION", "us-east-1"),
    ):  # fmt: skip
        monkeypatch.setenv(name, value)
    boto3.client("s3").create_bucket(Bucket="models")
    yield "s3://models/hub"
    server.stop()


def test_what_is_pushed_to_s3_is_had_back_whichever_way_it_came_or_goes(
    tmp_path: Path, bucket: str
) -> None:
    root, file = tmp_path / "hub", tmp_path / "w.bin"
    text = token(root, "ann")
    data = {}
    with served(root, "--blobs", bucket) as server:
        for name, way in (("ann/xet", XET), ("ann/lfs", LFS)):
            data[name] = random.Random(name).randbytes(SIZE)
            file.write_bytes(data[name])
            push(server.address, text, name, file, way)
    with served(tmp_path / "hub", "--blobs", bucket) as server:  # another process, nothing cached
        for name in data:
            for way in (XET, LFS):
                assert pull(server.address, text, name, way) == data[name]
    assert not list(root.rglob("objects/*"))  # none of it lies here
    hub = open_hub(root, None, bucket)
    assert maintaining.fsck(hub, deep=True).well
    hub.database.close()
