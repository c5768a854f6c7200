"""An imported base: nothing was adapted, so no seeds are counted, and nothing was lost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from headstart.hub.gate.checks import CHECKS
from headstart.hub.gate.model import Candidate, Finding

SOURCE = "hf:org/base, revision abc"
CARD = "---\nlicense: mit\n{more}headstart: {{source: 'hf:org/base', revision: abc}}\n---\n# base\n"


def found(check: str, candidate: Candidate) -> Finding:
    return CHECKS.get(check)()(candidate)


@pytest.fixture
def imported(whole: Candidate) -> Candidate:
    (whole.folder / "README.md").write_text(CARD.format(more=""))
    return replace(whole, imported=SOURCE)


@pytest.mark.parametrize("check", ["lineage", "seeds", "forgetting"])
def test_a_base_that_the_keeper_brought_in_passes(check: str, imported: Candidate) -> None:
    finding = found(check, imported)
    assert finding.passed, finding.words
    assert "A base from outside" in finding.words


@pytest.mark.parametrize("check", ["seeds", "forgetting"])
def test_what_was_pushed_does_not_pass_by_saying_so(check: str, imported: Candidate) -> None:
    assert not found(check, replace(imported, imported=None)).passed


@pytest.mark.parametrize("check", ["seeds", "forgetting"])
@pytest.mark.parametrize("more", ["base_model: org/root\n", "peft"])
def test_what_names_a_base_of_its_own_is_held_to_it(
    check: str, more: str, imported: Candidate
) -> None:
    folder: Path = imported.folder
    (folder / "README.md").write_text(CARD.format(more="" if more == "peft" else more))
    if more == "peft":
        (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "org/root"}')
    assert not found(check, imported).passed
