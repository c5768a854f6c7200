"""Migrations: they make what the models say, once, and leave strangers' databases alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from headstart.database.engine import engine_for, writing
from headstart.database.schema import configuration, prepare
from headstart.errors import RequestError
from headstart.ledger.ledger import Ledger
from headstart.ledger.purpose import LEDGER
from headstart.ledger.tables import Table

from .helpers import TASK, TRIAL


def test_the_models_and_the_migrations_make_the_same_tables(url: str) -> None:
    engine = engine_for(url, LEDGER)
    prepare(engine, url, LEDGER)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={"version_table": LEDGER.version_table, "compare_server_default": True},
        )
        assert compare_metadata(context, Table.metadata) == []
    engine.dispose()


def test_the_newest_revision_is_the_one_the_code_names(url: str) -> None:
    engine = engine_for(url, LEDGER)
    with engine.connect() as connection:
        scripts = ScriptDirectory.from_config(configuration(connection, LEDGER))
    assert scripts.get_heads() == [LEDGER.head]
    engine.dispose()


def test_down_and_up_again_leaves_an_empty_ledger(url: str) -> None:
    engine = engine_for(url, LEDGER)
    prepare(engine, url, LEDGER)
    with writing(engine).begin() as connection:
        command.downgrade(configuration(connection, LEDGER), "base")
    with engine.connect() as connection:
        assert inspect(connection).get_table_names() == [LEDGER.version_table]
    engine.dispose()
    with Ledger.open(url) as ledger:
        assert ledger.totals().tasks == 0


def test_a_ledger_of_a_newer_headstart_is_refused(url: str) -> None:
    with Ledger.open(url) as ledger:
        ledger.add_task(TASK)
    engine = engine_for(url, LEDGER)
    with writing(engine).begin() as connection:
        connection.execute(text(f"UPDATE {LEDGER.version_table} SET version_num = '9999'"))
    with pytest.raises(RequestError, match="of a newer headstart: revision 9999") as caught:
        Ledger.open(url)
    assert "pip install --upgrade" in str(caught.value.mend)
    with writing(engine).begin() as connection:
        connection.execute(text(f"UPDATE {LEDGER.version_table} SET version_num = '{LEDGER.head}'"))
    engine.dispose()
    with Ledger.open(url) as ledger:
        assert ledger.totals().tasks == 1


def test_a_database_with_a_table_of_the_same_name_is_refused_and_left_alone(url: str) -> None:
    engine = engine_for(url, LEDGER)
    with writing(engine).begin() as connection:
        connection.execute(text("CREATE TABLE tasks (id INTEGER)"))
    with pytest.raises(RequestError, match="not a headstart ledger"):
        Ledger.open(url)
    with engine.connect() as connection:
        assert inspect(connection).get_table_names() == ["tasks"]
    engine.dispose()


def test_on_a_server_other_tables_may_lie_beside(postgres_url: str) -> None:
    engine = engine_for(postgres_url, LEDGER)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE models (id INTEGER)"))
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
    engine.dispose()
    with Ledger.open(postgres_url) as ledger:
        ledger.add_task(TASK)
        assert ledger.add_trial(TRIAL)


def test_the_migrations_ship_with_the_package() -> None:
    import headstart.ledger

    folder = Path(headstart.ledger.__file__).parent / "migrations"
    assert {path.name for path in folder.iterdir()} >= {"__init__.py", "env.py", "script.py.mako"}
    assert (folder / "versions" / "0001_first.py").is_file()
