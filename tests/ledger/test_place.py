"""Where the ledger is: the environment's word, else the user's own file."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Any

import pytest

from headstart.ledger.ledger import Ledger
from headstart.ledger.place import default_url, writer


def test_the_environment_names_the_ledger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADSTART_LEDGER", "postgresql://host/db")
    assert default_url() == "postgresql://host/db"


@pytest.mark.parametrize("word", ["none", "None", " none "])
def test_the_word_none_switches_it_off(monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    monkeypatch.setenv("HEADSTART_LEDGER", word)
    assert default_url() is None


@pytest.mark.parametrize("empty", [None, "", " "])
def test_without_a_word_it_is_the_users_own_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, empty: str | None
) -> None:
    monkeypatch.delenv("HEADSTART_LEDGER", raising=False)
    if empty is not None:
        monkeypatch.setenv("HEADSTART_LEDGER", empty)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    assert default_url() == f"sqlite:///{tmp_path}/.local/share/headstart/ledger.sqlite3"
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    url = default_url()
    assert url == f"sqlite:///{tmp_path}/data/headstart/ledger.sqlite3"
    Ledger.open(url).close()
    assert (tmp_path / "data" / "headstart" / "ledger.sqlite3").is_file()


def test_a_user_without_a_name_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> Any:
        raise KeyError("uid not found")

    monkeypatch.setattr(getpass, "getuser", nameless)
    assert writer()[1] == "unknown"
