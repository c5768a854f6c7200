"""What cannot be opened: each error names the thing, the place without its password, the mend."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from headstart.errors import HeadstartError, RequestError, UnwritableError
from headstart.ledger.ledger import Ledger

from .helpers import TASK, TRIAL, trial


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("mysql://ada:secret@host/db", "cannot be kept in 'mysql'"),
        ("postgresq://ada:secret@host/db", "cannot be kept in 'postgresq'"),
        ("postgresql://ada:secret@host:port/db", "URL cannot be read"),
        ("://ada:secret@host", "URL cannot be read"),
        ("postgresql://ada:secret@127.0.0.1:1/db", "server cannot be used"),
        ("postgresql://ada:s:ec@ret@127.0.0.1:1/db", "an @ too many"),
        ("postgresql+psycopg2://127.0.0.1:1/db?password=secret", "server cannot be used"),
        ("sqlite://", "in memory"),
        ("sqlite:///:memory:", "in memory"),
        ("sqlite:///ledger.sqlite3?mode=ro", "more than a path"),
        ("sqlite://host/ledger.sqlite3", "more than a path"),
        ("", "in memory"),
    ],
)
def test_a_bad_url_is_refused_and_its_password_not_shown(url: str, what: str) -> None:
    with pytest.raises(RequestError, match=what) as caught:
        Ledger.open(url)
    assert caught.value.mend
    for hidden in ("secret", "s:ec", "ret@"):
        assert hidden not in str(caught.value)


def test_a_near_scheme_is_named() -> None:
    with pytest.raises(RequestError, match="did you mean 'postgresql'"):
        Ledger.open("postgresq://host/db")


def test_a_database_that_the_server_lacks_is_named(postgres: Callable[[str], str]) -> None:
    with pytest.raises(RequestError, match='"nowhere" does not exist'):
        Ledger.open(postgres("nowhere"))


def test_without_psycopg_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(RequestError, match="needs the package psycopg") as caught:
        Ledger.open("postgresql://host/db")
    assert caught.value.mend == "pip install 'headstart[postgres]'"


def test_a_server_that_restarts_is_used_again(postgres_url: str) -> None:
    psycopg = pytest.importorskip("psycopg")
    with Ledger.open(postgres_url) as ledger:
        ledger.add_task(TASK)
        with psycopg.connect(postgres_url, autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        assert ledger.add_trial(TRIAL)


def test_a_path_is_enough_and_its_folders_are_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for place in (tmp_path / "ä ö?#%20" / "l.db", str(tmp_path / "plain.db"), "~/kept/l.db"):
        with Ledger.open(place) as ledger:
            ledger.add_task(TASK)
            assert ledger.place == str(place).replace("~", str(tmp_path))
        assert Path(str(place).replace("~", str(tmp_path))).is_file()


def test_a_relative_path_stays_when_the_process_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    with Ledger.open("sqlite:///l.db") as ledger:
        monkeypatch.chdir(tmp_path / "elsewhere")
        ledger.close()
        ledger.add_task(TASK)
    assert list((tmp_path / "elsewhere").iterdir()) == []


def filled(path: Path) -> Path:
    with Ledger.open(path) as ledger:
        ledger.add_task(TASK)
        for number in range(50):
            ledger.add_trial(trial(f"k{number}", predictions={"validation": bytes(4000)}))
    return path


def test_a_file_of_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.sqlite3"
    with sqlite3.connect(foreign) as connection:
        connection.execute("CREATE TABLE bookmarks (url TEXT)")
    connection.close()
    (tmp_path / "text").write_text("years of work\n" * 500)
    (tmp_path / "short").write_text("x")
    for name in ("foreign.sqlite3", "text", "short"):
        before = (tmp_path / name).read_bytes()
        with pytest.raises(RequestError, match="not a headstart ledger") as caught:
            Ledger.open(tmp_path / name)
        assert caught.value.where == str(tmp_path / name)
        assert (tmp_path / name).read_bytes() == before


@pytest.mark.parametrize("share", [0.02, 0.3, 0.9])
def test_a_file_that_was_cut_is_refused(tmp_path: Path, share: float) -> None:
    path = filled(tmp_path / "l.db")
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(RequestError, match=r"damaged|not a headstart ledger"):
        Ledger.open(path)


def test_a_file_that_was_overwritten_in_the_middle_says_so_when_it_is_met(tmp_path: Path) -> None:
    path = filled(tmp_path / "l.db")
    data = bytearray(path.read_bytes())
    data[8192:] = b"\xff" * (len(data) - 8192)
    path.write_bytes(data)

    def read_all() -> None:
        with Ledger.open(path) as ledger:
            for number in range(50):
                ledger.trial(f"k{number}")

    with pytest.raises(HeadstartError, match="ledger"):
        read_all()


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnwritableError, match="not a file"):
        Ledger.open(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(UnwritableError, match="cannot be written"):
        Ledger.open(tmp_path / "file" / "l.db")


@pytest.fixture
def open_place() -> Iterator[Path]:
    """A folder that every user of the machine can reach; pytest's own are private."""
    folder = Path(tempfile.mkdtemp(prefix="headstart-ledger-"))
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


def without_privileges(work: Callable[[], object]) -> str:
    """Return the error that ``work`` meets as an ordinary user, in a child."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            if os.geteuid() == 0:
                os.setuid(65534)
            work()
        except BaseException as error:
            os.write(write, f"{type(error).__name__}: {error}".encode())
        os._exit(0)
    os.close(write)
    os.waitpid(pid, 0)
    with os.fdopen(read, "rb") as pipe:
        return pipe.read().decode()


def test_a_read_only_file_or_folder_is_refused_at_once(open_place: Path) -> None:
    path = filled(open_place / "l.db")
    path.chmod(0o444)
    said = without_privileges(lambda: Ledger.open(path))
    assert said.startswith("UnwritableError: the ledger cannot be written: it is read-only")
    path.chmod(0o666)
    open_place.chmod(0o555)
    said = without_privileges(lambda: Ledger.open(path))
    assert "its folder is read-only" in said
    assert "HEADSTART_LEDGER" in said
    said = without_privileges(lambda: Ledger.open(open_place / "new" / "l.db"))
    assert said.startswith("UnwritableError: the ledger cannot be written: Permission denied")
