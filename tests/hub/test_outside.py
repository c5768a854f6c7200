"""A base from outside, from its folder to a reader's plain ``from_pretrained``, by the commands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from headstart.hub.hub import Hub
from tests.hub.conftest import Person
from tests.hub.test_life import folder, run  # noqa: F401

LOAD = (
    "from headstart.base.compat import prepare_torchvision; prepare_torchvision()\n"
    "from transformers import {0}; print({0}.from_pretrained('ann/birds'))"
)


def load(what: str, address: str, person: Person, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", LOAD.format(what)], capture_output=True, text=True, check=False,
        env=os.environ | {"HF_ENDPOINT": address, "HF_TOKEN": person.token, "HF_HOME": str(home)},
    )  # fmt: skip


@pytest.mark.slow
def test_a_base_is_imported_judged_approved_and_loaded(
    hub: Hub,
    address: str,
    folder: Path,  # noqa: F811
    tmp_path: Path,
    ann: Person,
    ben: Person,
    cara: Person,
) -> None:
    (folder / "training_args.bin").write_bytes(b"\x80\x04.")
    done = run("import", f"local:{folder}", "--root", str(hub.root), "--as", "ann/birds", "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["passed"], told["left_out"]) == (0, True, ["training_args.bin"])
    show(hub)
    refused = load("AutoConfig", address, ben, tmp_path / "home")
    assert refused.returncode != 0
    assert "is a draft until it has passed the gate and somebody who may approves it" in words(
        refused.stderr
    )
    assert run("approve", "ann/birds", token=cara.token, address=address).returncode == 0
    loaded = load("AutoModel", address, ben, tmp_path / "home")
    assert loaded.returncode == 0, loaded.stderr[-2000:]
    assert "BertModel" in loaded.stdout


def show(hub: Hub) -> None:
    """Show the model to all, as its owner may."""
    from headstart.hub.registry import repos
    from headstart.hub.registry.model import Kind

    def work(connection: object) -> None:
        repo = repos.find(connection, Kind.MODEL, "ann/birds")  # type: ignore[arg-type]
        assert repo is not None
        repos.set_private(connection, repo, private=False)  # type: ignore[arg-type]

    hub.database.write(work)


def words(text: str) -> str:
    return " ".join(text.split())
