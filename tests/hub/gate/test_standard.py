"""Standards: read from YAML, strict, and different when any rule is."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from headstart.errors import RequestError
from headstart.hub.gate.checks import CHECKS
from headstart.hub.gate.gate import gate
from headstart.hub.gate.kinds import KNOWN
from headstart.hub.gate.model import Candidate
from headstart.hub.gate.standard import parse_standard, read_standard

DEFAULT = files("headstart.hub.gate").joinpath("default.yaml").read_text(encoding="utf-8")


def test_the_packaged_standard_names_known_checks_and_kinds() -> None:
    standard = parse_standard(DEFAULT)
    assert set(standard.checks) <= set(CHECKS)
    assert set(standard.formats) <= KNOWN
    assert standard.allow.pickle == ()
    assert not standard.approval.own


def test_a_standard_can_hold_all_rules_and_each_changes_its_fingerprint() -> None:
    plain = parse_standard(DEFAULT)
    changed = DEFAULT.replace("forgetting: null", "forgetting: {at_most: 0.02}")
    changed = changed.replace("latency: null", "latency: {milliseconds: 50}")
    changed = changed.replace(
        "tasks: []", "tasks: [{name: a, data: d, metric: accuracy, at_least: 0.8}]"
    )
    full = parse_standard(changed)
    assert full.forgetting is not None
    assert full.forgetting.at_most == 0.02
    assert full.tasks[0].at_least == 0.8
    assert full.fingerprint != plain.fingerprint == parse_standard(DEFAULT).fingerprint


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "valid dictionary"),
        ("[" * 5000, "deeper"),
        (DEFAULT.replace("licences:", "licenses:"), "'licences'"),
        (DEFAULT + "\nallow_all: true\n", "'allow_all'"),
        (DEFAULT.replace("seeds: 0", "seeds: -1"), "'seeds'"),
        (DEFAULT.replace("seeds: 0", "seeds: 0\nseeds: 1"), "twice"),
        (DEFAULT.replace("forgetting: null", "forgetting: {at_most: .nan}"), "at_most"),
        (DEFAULT.replace("seconds: 600", "seconds: .inf"), "limits.seconds"),
        (DEFAULT.replace("name: default", "name: !!python/name:os.system x"), "plain data"),
    ],
)
def test_a_wrong_standard_is_refused_with_the_place(text: str, words: str, tmp_path: Path) -> None:
    file = tmp_path / "team.yaml"
    file.write_text(text)
    with pytest.raises(RequestError) as caught:
        read_standard(file)
    assert words in str(caught.value)
    assert str(file) in str(caught.value)


def test_a_standard_that_is_missing_or_huge_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="cannot be read"):
        read_standard(tmp_path / "none.yaml")
    (tmp_path / "huge.yaml").write_bytes(b"#" * 2**20)
    with pytest.raises(RequestError, match="larger"):
        read_standard(tmp_path / "huge.yaml")


def test_a_check_that_does_not_exist_is_refused_before_any_runs(tmp_path: Path) -> None:
    standard = parse_standard(DEFAULT.replace("formats, pickle,", "formats, pickel,"))
    with pytest.raises(RequestError, match="did you mean 'pickle'"):
        gate(Candidate(tmp_path, "team/model", standard))
