"""The hub and its people, as the hub's own tests have them, and clients of several ages."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.hub.conftest import Person, address, ann, ben, cara, hub, join  # noqa: F401

OLD = ("1.10.0", "0.36.0")
_MADE = Path(__file__).resolve().parents[2] / ".clients"
Run = Callable[..., subprocess.CompletedProcess[str]]


def folder_of(version: str) -> Path:
    """Return where the programs of a client's environment lie; without one, skip."""
    if version == "own":
        return Path(sys.executable).parent
    found = Path(os.environ.get("HEADSTART_CLIENTS", _MADE)) / f"hub-{version}/bin"
    if not found.is_dir():
        pytest.skip(f"needs huggingface_hub {version} in an environment of its own: make clients")
    return found


@pytest.fixture
def told(address: str, tmp_path: Path) -> Callable[[Person | None], dict[str, str]]:  # noqa: F811
    """Return all that a client is told of the hub: its address, a token, and a fresh home."""

    def environment(person: Person | None, **more: str) -> dict[str, str]:
        name = person.name if person else "nobody"
        found = {
            "HF_ENDPOINT": address, "HF_HOME": str(tmp_path / f"home-{name}"),
            "HOME": str(tmp_path), "PATH": os.environ["PATH"], **more,
        }  # fmt: skip
        return found | ({"HF_TOKEN": person.token} if person else {})

    return environment
