"""What the gate is given beside a candidate: bases, the standard's data, samples."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from huggingface_hub import HfApi

from headstart.base.compat import prepare_torchvision
from headstart.errors import RequestError
from headstart.hub.actions import approving, gating, maintaining
from headstart.hub.actions.basing import bases_of
from headstart.hub.actions.recording import record
from headstart.hub.gate.standard import read_standard
from headstart.hub.hub import Hub
from headstart.hub.registry import repos, revisions
from headstart.hub.registry.model import Commit, Kind
from headstart.method.samples import FILE, read_samples
from headstart.progress import Silent
from tests.hub.conftest import Join, Person

RULES = """
version: 1
name: few
checks: [size]
licences: [mit]
formats: [text]
tasks:
  - {name: one, data: rows/one.csv, metric: accuracy, at_least: 0}
  - {name: two, data: packaged:emojis, metric: accuracy, at_least: 0}
forgetting: {at_most: 0.1, retain: [rows/two.csv, hellaswag]}
"""


def test_data_are_found_beside_the_standard_and_sets_by_their_names(tmp_path: Path) -> None:
    file = tmp_path / "rules" / "standard.yaml"
    (file.parent / "rows").mkdir(parents=True)
    file.write_text(RULES)
    for name in ("one", "two"):
        (file.parent / "rows" / f"{name}.csv").write_text("text,label\n")
    found = gating.data_of(read_standard(file), file)
    assert found == {f"rows/{n}.csv": file.parent / "rows" / f"{n}.csv" for n in ("one", "two")}


def test_data_that_are_not_there_are_named_before_anything_runs(tmp_path: Path) -> None:
    file = tmp_path / "standard.yaml"
    file.write_text(RULES)
    with pytest.raises(RequestError, match=r"not there: 'rows/one\.csv'"):
        gating.data_of(read_standard(file), file)


def push(hub: Hub, address: str, who: Person, name: str, text: str, *, private: bool) -> Commit:
    api = HfApi(address, token=who.token)
    api.create_repo(name, private=private, exist_ok=True)
    api.upload_file(repo_id=name, path_in_repo="README.md", path_or_fileobj=text.encode())
    repo = hub.database.read(lambda c: repos.find(c, Kind.MODEL, name))
    assert repo is not None
    return hub.database.read(lambda c: revisions.resolve(c, repo, "main", drafts=True))


def named(hub: Hub, folder: Path, commit: Commit) -> list[str]:
    with bases_of(hub, folder, commit) as found:
        return sorted(found)


@pytest.mark.parametrize("private", [False, True])
def test_a_base_is_known_once_it_is_approved_and_only_to_those_who_may_know_of_it(
    private: bool, hub: Hub, address: str, ann: Person, ben: Person, join: Join, tmp_path: Path
) -> None:
    rules = tmp_path / "standard.yaml"
    rules.write_text(RULES.partition("tasks:")[0])
    card = "---\nlicense: mit\nbase_model: ann/base\n---\n"
    push(hub, address, ann, "ann/base", "---\nlicense: mit\n---\n", private=private)
    own = push(hub, address, ann, "ann/model", card, private=False)
    foreign = push(hub, address, ben, "ben/model", card, private=False)
    (tmp_path / "README.md").write_text(card)
    assert named(hub, tmp_path, own) == []  # a draft is no base
    gating.judge_by_name(hub, "ann/base", "main", rules, Silent())
    approving.approve(hub, join("cara", "approve").asker, "ann/base", "main")
    assert named(hub, tmp_path, own) == ["ann/base"]
    assert named(hub, tmp_path, foreign) == ([] if private else ["ann/base"])


def test_models_of_other_libraries_get_their_samples_recorded(tmp_path: Path) -> None:
    prepare_torchvision()
    from tests.method.conftest import write_llama

    write_llama(tmp_path / "llama")
    assert record(tmp_path / "llama") == 3
    found = read_samples(tmp_path / "llama")
    assert found is not None
    assert set(found.samples[0].output) == {"nats", "tokens"}
    json.loads((tmp_path / "llama" / FILE).read_text())
    with pytest.raises(RequestError, match="no such folder"):
        record(tmp_path / "missing")


def test_what_a_killed_gate_left_is_swept_a_day_later(hub: Hub) -> None:
    old, new = hub.root / "gate-old", hub.root / "gate-new"
    for place in (old, new):
        place.mkdir()
        (place / "file").touch()
    os.utime(old, (1, 1))
    maintaining.collect(hub)
    assert not old.exists()
    assert new.exists()
