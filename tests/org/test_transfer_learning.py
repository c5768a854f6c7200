"""The packaged profile: ten expectations, whole in both languages, with commands that exist."""

from __future__ import annotations

import re
import shlex

import pytest
import typer

from headstart.cli.main import app
from headstart.org.library import DEFAULT, Library
from headstart.org.profile import Profile
from tests.test_house import unknown_words

# Those of the design; where the hub is installed, its own options are held to as well.
HUB = {"serve", "push", "pull", "list", "show", "gate", "approve", "token", "import"}


@pytest.fixture(scope="module")
def packaged() -> Profile:
    return Library().get(DEFAULT)


def test_two_roles_at_five_levels_make_ten_expectations_all_optional(packaged: Profile) -> None:
    totals = packaged.totals
    assert (totals.roles, totals.levels, totals.expectations) == (2, 5, 10)
    assert (totals.optional, totals.mandatory) == (10, 0)
    assert totals.as_of.isoformat() == "2026-02-22"
    for role in packaged.roles:
        for level in packaged.levels:
            assert packaged.expected(role.id, level.id) is not None


def test_levels_go_from_junior_to_principal(packaged: Profile) -> None:
    names = [level.name.en for level in packaged.levels]
    assert names == ["Junior", "Middle", "Senior", "Lead", "Principal"]


def test_every_expectation_has_a_way_to_do_it_and_a_way_to_show_it(packaged: Profile) -> None:
    for one in packaged.expectations:
        assert one.commands, one.id
        assert one.evidence, one.id
        assert one.id == f"{one.role}-{one.level}"


def test_german_is_written_for_everything(packaged: Profile) -> None:
    texts = [one.text for one in packaged.expectations]
    texts += [point.text for one in packaged.expectations for point in one.points]
    texts += [command.does for one in packaged.expectations for command in one.commands]
    texts += [piece.text for one in packaged.expectations for piece in one.evidence]
    assert [text.en for text in texts if text.en == text.de] == []


def test_every_command_exists(packaged: Profile) -> None:
    command = typer.main.get_command(app)
    wrong = []
    for one in packaged.expectations:
        for run in (command.run for command in one.commands):
            words = shlex.split(run)[1:]
            if words[0] == "hub":
                wrong += [run] if words[1] not in HUB else []
            else:
                wrong += [f"{run}: no {word}" for word in unknown_words(command, words)]
    assert wrong == []


def test_methods_in_commands_and_evidence_exist(packaged: Profile) -> None:
    from headstart.method.model import METHODS

    for one in packaged.expectations:
        named = [m for run in one.commands for m in re.findall(r"--method (\S+)", run.run)]
        for piece in one.evidence:
            named += [*piece.filters.get("method", ()), *piece.filters.get("beside", ())]
        assert [name for name in named if name not in METHODS] == []


def test_tasks_in_evidence_are_kinds_of_task(packaged: Profile) -> None:
    from headstart.task.model import Kind

    asked = [
        task
        for one in packaged.expectations
        for piece in one.evidence
        for task in piece.filters.get("task", ())
    ]
    assert [task for task in asked if task not in list(Kind)] == []
