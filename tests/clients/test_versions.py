"""Unmodified clients of several ages, with only ``HF_ENDPOINT`` and a token set."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hub.conftest import Person

CALLS = Path(__file__).with_name("calls.py")
OLD = ("1.10.0", "0.36.0")


def python(version: str) -> str:
    """Return the interpreter of an environment with that client."""
    if version == "own":
        return sys.executable
    folder = os.environ.get("HEADSTART_CLIENTS")
    if not folder:
        pytest.skip(
            f"needs huggingface_hub {version} (and hf_xet) in the environment hub-{version} of a "
            "folder that HEADSTART_CLIENTS names"
        )
    return str(Path(folder) / f"hub-{version}/bin/python")


@pytest.mark.slow
@pytest.mark.parametrize("xet", ["xet", "lfs"])
@pytest.mark.parametrize("version", ["own", *OLD])
def test_a_client_does_all_day_what_it_does(
    version: str, xet: str, address: str, ann: Person, tmp_path: Path
) -> None:
    environment = {
        "HF_ENDPOINT": address, "HF_TOKEN": ann.token, "HF_HOME": str(tmp_path / "home"),
        "PATH": os.environ["PATH"], "HOME": str(tmp_path), "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    }  # fmt: skip
    if xet == "lfs":
        environment["HF_HUB_DISABLE_XET"] = "1"
    done = subprocess.run(
        [python(version), str(CALLS), "ann"], env=environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.endswith("all well\n")
