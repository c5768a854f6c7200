"""What ``headstart hub serve`` serves, by its options."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the hub's packages are not installed")

from typer.testing import CliRunner

from headstart.cli.main import app
from headstart.hub.access import owners
from headstart.hub.actions import limiting
from headstart.hub.actions.limiting import Limits
from headstart.hub.registry import audit, settings
from headstart.hub.serve.rates import Measure, Rates

SECRET = "HEADSTART_MIRROR_TOKEN"


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, Any]]:
    """Return the application and the hub of each server that would have been started."""
    found: list[tuple[Any, Any]] = []
    monkeypatch.setattr(
        "headstart.hub.serve.server.run", lambda made, hub, *_: found.append((made, hub))
    )
    return found


def serve(root: Path, *options: str) -> Any:
    return CliRunner().invoke(app, ["hub", "serve", "--root", str(root), *options])


def test_what_is_enforced_is_kept_until_it_is_said_otherwise(
    tmp_path: Path, served: list[tuple[Any, Any]]
) -> None:
    for options, enforced in (
        ((), True), (("--no-enforce",), False), ((), False), (("--enforce",), True),
    ):  # fmt: skip
        assert serve(tmp_path, *options).exit_code == 0
        assert served[-1][1].database.read(settings.enforced) is enforced
        assert served[-1][0].state.mirror is None


def test_a_mirror_keeps_its_namespaces(tmp_path: Path, served: list[tuple[Any, Any]]) -> None:
    options = ("--mirror", "https://hub.example.org/", "--mirror-only", "birds")
    assert serve(tmp_path, *options).exit_code == 0
    made, hub = served[0]
    assert made.state.mirror is not None
    assert hub.database.read(lambda c: owners.kind_of(c, "birds")) == owners.MIRROR


def test_a_mirror_that_is_none_or_takes_a_team_is_refused(
    tmp_path: Path, served: list[tuple[Any, Any]]
) -> None:
    args = ["hub", "token", "create", "--root", str(tmp_path), "--user", "ann"]
    assert CliRunner().invoke(app, args).exit_code == 0
    assert serve(tmp_path, "--mirror", "hub.example.org").exit_code == 2
    options = ("--mirror", "https://hub.example.org", "--mirror-only", "ann")
    assert serve(tmp_path, *options).exit_code == 1
    assert served == []


def test_how_often_one_may_ask_is_kept_with_the_hub(
    tmp_path: Path, served: list[tuple[Any, Any]]
) -> None:
    cases: list[tuple[tuple[str, ...], Limits]] = [
        ((), Limits()),
        (("--calls", "100"), Limits(calls=100)),
        (("--wrong-tokens", "7"), Limits(calls=100, wrong_tokens=7)),
        ((), Limits(calls=100, wrong_tokens=7)),
    ]
    for options, wanted in cases:
        assert serve(tmp_path, *options).exit_code == 0
        made, hub = served[-1]
        assert limiting.limits(hub) == wanted
        (rates,) = [one for one in made.user_middleware if one.cls is Rates]
        assert rates.kwargs["measure"] == Measure.of(wanted)
    told = served[-1][1].database.read(lambda c: audit.events(c))
    assert [one.details for one in told if one.what == "limit"] == [
        {"calls": 100, "wrong_tokens": 7}, {"calls": 100, "wrong_tokens": 300},
    ]  # fmt: skip
    assert Measure.of(Limits()) == Measure()
    assert serve(tmp_path, "--calls", "0").exit_code == 2
