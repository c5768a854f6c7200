"""Clients that push and pull at once: no commit lost or mixed, every byte right, no failure."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.hub_load import loaded

pytestmark = pytest.mark.slow
SECONDS, CLIENTS, PROCESSES, REPOS = 3.0, 6, 3, 2


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_many_clients_at_once_lose_and_mix_nothing(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("postgres_url") if kind == "postgresql" else None
    told = loaded(tmp_path, url, SECONDS, clients=CLIENTS, processes=PROCESSES, repos=REPOS)
    assert told["commits"] >= CLIENTS
    assert told["pulls"] > 0
