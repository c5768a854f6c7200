"""The gate says what becomes of what nobody has decided on, and of nothing else.

Else any writer could take an approved model from its readers, or have a revoked one back.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from headstart.hub.actions import approving, gating
from headstart.hub.errors import BadRequestError
from headstart.hub.gate.gate import Evidence
from headstart.hub.gate.standard import Standard, read_standard
from headstart.hub.hub import Hub
from headstart.hub.registry import states
from headstart.hub.registry.model import Commit, State
from headstart.progress import Silent
from tests.hub.actions.conftest import NAME, Pushed, judged, known, seen
from tests.hub.conftest import Person

RULES = "version: 1\nname: house\nchecks: [size]\nlicences: [mit]\nformats: [json]\n"


@pytest.fixture
def rules(tmp_path: Path) -> Standard:
    file = tmp_path / "house.yaml"
    file.write_text(RULES)
    return read_standard(file)


def gate(hub: Hub, commit: Commit, rules: Standard) -> Evidence:
    return gating.judge(hub, known(hub, commit), commit.id, rules, "ann", Silent())[1]


@pytest.fixture
def approved(hub: Hub, push: Pushed, cara: Person, rules: Standard) -> Commit:
    commit = push("AAAA")
    gate(hub, commit, rules)
    return approving.approve(hub, cara.asker, NAME, "main")


def state(hub: Hub, commit: Commit) -> State:
    return hub.database.read(lambda c: states.of(c, known(hub, commit), commit).state)


def test_what_is_approved_stays_so_whoever_asks_the_gate(
    hub: Hub, approved: Commit, ben: Person, rules: Standard
) -> None:
    with pytest.raises(BadRequestError, match="is approved, by cara"):
        gate(hub, approved, rules)
    assert seen(hub, ben, "approved") == approved.id


@pytest.mark.parametrize("end", [State.RETIRED, State.REVOKED])
def test_what_was_withdrawn_does_not_come_back(
    hub: Hub, approved: Commit, cara: Person, rules: Standard, end: State
) -> None:
    approving.withdraw(hub, cara.asker, NAME, approved.id, end)
    with pytest.raises(BadRequestError, match=str(end)):
        gate(hub, approved, rules)
    assert state(hub, approved) is end


@pytest.mark.parametrize("before", [State.CANDIDATE, State.GATED])
def test_what_a_person_refused_stays_so(
    hub: Hub, push: Pushed, cara: Person, rules: Standard, before: State
) -> None:
    commit = push("AAAA")
    if before is State.GATED:
        gate(hub, commit, rules)
    approving.withdraw(hub, cara.asker, NAME, commit.id, State.REFUSED)
    with pytest.raises(BadRequestError, match="refused, by cara"):
        gate(hub, commit, rules)
    assert state(hub, commit) is State.REFUSED


def test_what_the_gate_refused_it_may_look_at_again(
    hub: Hub, push: Pushed, rules: Standard
) -> None:
    commit = push("AAAA")
    judged(hub, commit, State.REFUSED, passed=False)
    assert gate(hub, commit, rules).passed
    assert state(hub, commit) is State.GATED
    assert gate(hub, commit, rules).passed  # and again what waits for somebody's word


def test_who_decides_while_the_gate_is_at_work_has_decided(
    hub: Hub, push: Pushed, cara: Person, rules: Standard, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit, run = push("AAAA"), gating.gate

    def meanwhile(*given: object) -> Evidence:
        approving.withdraw(hub, cara.asker, NAME, commit.id, State.REFUSED)
        return run(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(gating, "gate", meanwhile)
    with pytest.raises(BadRequestError, match="refused"):
        gate(hub, commit, rules)
    assert state(hub, commit) is State.REFUSED
