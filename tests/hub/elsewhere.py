"""A file to a hub that is served and back, by clients in processes of their own."""

from __future__ import annotations

import tempfile
from pathlib import Path

from bench.hub_server import client

Way = dict[str, str]
XET: Way = {}
LFS: Way = {"HF_HUB_DISABLE_XET": "1"}
_PUSH = """
from huggingface_hub import HfApi
api = HfApi({address!r}, token={token!r})
api.create_repo({name!r}, exist_ok=True)
api.upload_file(path_or_fileobj={file!r}, path_in_repo="w.bin", repo_id={name!r})
print(0)
"""
_PULL = """
from pathlib import Path
from huggingface_hub import hf_hub_download
got = hf_hub_download({name!r}, "w.bin", endpoint={address!r}, token={token!r})
Path({file!r}).write_bytes(Path(got).read_bytes())
print(0)
"""


def push(address: str, token: str, name: str, file: Path, way: Way) -> None:
    """Upload ``file`` as ``w.bin`` of the repo ``name``, which is made where there is none."""
    _done(_PUSH, address, token, name, file, way)


def pull(address: str, token: str, name: str, way: Way) -> bytes:
    """Return what is had of ``w.bin`` of the repo ``name``."""
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "got"
        _done(_PULL, address, token, name, file, way)
        return file.read_bytes()


def _done(code: str, address: str, token: str, name: str, file: Path, way: Way) -> None:
    with tempfile.TemporaryDirectory() as home:  # nothing is remembered from one to the next
        asked = code.format(address=address, token=token, name=name, file=str(file))
        client(asked, Path(home), **way)
