"""Unmodified clients of several ages, with only ``HF_ENDPOINT`` and a token set."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.clients.conftest import OLD, folder_of
from tests.hub.conftest import Person

CALLS = Path(__file__).with_name("calls")


@pytest.mark.slow
@pytest.mark.parametrize("xet", ["xet", "lfs"])
@pytest.mark.parametrize("version", ["own", *OLD])
def test_a_client_does_all_day_what_it_does(
    version: str, xet: str, told: Callable[..., dict[str, str]], ann: Person, ben: Person
) -> None:
    environment = told(ann, HF_HUB_DISABLE_PROGRESS_BARS="1")
    if xet == "lfs":
        environment["HF_HUB_DISABLE_XET"] = "1"
    done = subprocess.run(
        [folder_of(version) / "python", CALLS, "ann"], env=environment, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
    assert done.stdout.count("ok     ") >= 35
