"""Unmodified clients send large files in parts where the hub says so."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator

import pytest

from headstart.hub.hub import Hub
from headstart.hub.serve.app import create_app
from headstart.hub.serve.routes.parts import Multipart
from tests.clients.conftest import OLD, folder_of
from tests.hub.conftest import Person, served

_SEND = """
import io, os, sys
from huggingface_hub import HfApi
api, data = HfApi(), os.urandom(5_000_001)
api.create_repo("ann/m")
api.upload_file(path_or_fileobj=data, path_in_repo="bytes.bin", repo_id="ann/m")
api.upload_file(path_or_fileobj=io.BytesIO(data[:3_000_000]), path_in_repo="object.bin",
                repo_id="ann/m")
for path, wanted in (("bytes.bin", data), ("object.bin", data[:3_000_000])):
    with open(api.hf_hub_download("ann/m", path), "rb") as file:
        assert file.read() == wanted
print("sent and fetched")
"""


@pytest.fixture
def address(hub: Hub) -> Iterator[str]:
    how = Multipart(above=1_000_000, size=1_000_000)
    with served(create_app(hub, multipart=how)) as found:
        yield found


@pytest.mark.slow
@pytest.mark.parametrize("version", ["own", *OLD])
def test_a_client_sends_a_large_file_in_parts(
    version: str, told: Callable[..., dict[str, str]], ann: Person, hub: Hub
) -> None:
    environment = told(ann, HF_HUB_DISABLE_PROGRESS_BARS="1", HF_HUB_DISABLE_XET="1")
    done = subprocess.run(
        [folder_of(version) / "python", "-c", _SEND], env=environment, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert "sent and fetched" in done.stdout
    ends = [key for key in hub.store.depot.keys("parts") if key.endswith(".done")]
    assert len(ends) == 2  # both came in parts
