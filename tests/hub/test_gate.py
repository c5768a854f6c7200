"""What the gate refuses and approves, of models that were really trained here (Shows 7)."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import GatedRepoError
from safetensors.torch import load_file, save_file

import headstart
from headstart.hub.actions import approving, gating
from headstart.hub.gate.gate import Evidence
from headstart.hub.hub import Hub
from headstart.method.model import METHODS, Setting
from headstart.method.samples import record_samples
from headstart.progress import Silent
from headstart.task.build import build_task
from headstart.train.benches import workbench
from headstart.train.cache import FeatureCache

from ..kept import halves, learned, topics  # noqa: F401 (fixtures)
from .conftest import Person

Client = Callable[[Person | None], HfApi]
CARD = "---\nlicense: apache-2.0\npipeline_tag: feature-extraction\n---\n# base\n"
RULES = """
version: 1
name: topics
checks: [{checks}]
licences: [apache-2.0]
formats: [safetensors, json, text, card, tokenizer]
tasks: [{{name: topics, data: topics.csv, metric: accuracy, at_least: 0.5, part: test}}]
forgetting: {{at_most: 0.1, retain: [topics.csv]}}
samples: required
"""


class Team:
    """Ann pushes, the gate judges, Cara approves, Ben reads."""

    def __init__(
        self, hub: Hub, client: Client, people: tuple[Person, Person, Person], rules: Path
    ) -> None:
        self.hub, self.client, self.rules = hub, client, rules
        self.ann, self.ben, self.cara = people

    def push(self, folder: Path, name: str) -> str:
        """Push a folder; return the commit."""
        api = self.client(self.ann)
        api.create_repo(name, private=False, exist_ok=True)
        return str(api.upload_folder(repo_id=name, folder_path=folder, delete_patterns="*").oid)

    def judge(self, name: str, *checks: str) -> Evidence:
        """Let what was pushed last prove itself."""
        file = self.rules / "standard.yaml"
        file.write_text(RULES.format(checks=", ".join(checks)))
        return gating.judge_by_name(self.hub, name, "main", file, Silent())[1]

    def approve(self, name: str) -> None:
        approving.approve(self.hub, self.cara.asker, name, "main")

    def seen(self, name: str) -> str | None:
        """Return the commit that a reader gets, or None."""
        try:
            return self.client(self.ben).model_info(name).sha
        except GatedRepoError:
            return None

    def refused(self, folder: Path, name: str, *checks: str) -> str:
        """Push what is refused; see that a reader sees nothing of it; return the words."""
        before = self.seen(name) if self.client(self.ann).repo_exists(name) else None
        commit = self.push(folder, name)
        evidence = self.judge(name, *checks)
        assert not evidence.passed
        with pytest.raises(Exception, match="only what has passed the gate"):
            self.approve(name)
        assert self.seen(name) == before != commit
        with pytest.raises(GatedRepoError):
            self.client(self.ben).hf_hub_download(name, "README.md", revision=commit)
        return " ".join(one.words for one in evidence.findings if not one.passed)


@pytest.fixture
def team(
    hub: Hub, client: Client, address: str, ann: Person, ben: Person, cara: Person,
    topics: Path, learned: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,  # noqa: F811
) -> Team:  # fmt: skip
    """A hub whose approved base is the tiny BERT, as a team's machines reach it."""
    for name, value in {
        "HEADSTART_HUB": address, "HF_TOKEN": ann.token,
        "HEADSTART_CACHE": str(tmp_path / "cache"),
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    rules = tmp_path / "rules"
    rules.mkdir()
    shutil.copy(topics, rules / "topics.csv")
    found = Team(hub, client, (ann, ben, cara), rules)
    base = Path(shutil.copytree(learned.removeprefix("local:"), tmp_path / "base"))
    (base / "README.md").write_text(CARD)
    found.push(base, "ann/base")
    assert found.judge("ann/base", "formats", "licence").passed
    found.approve("ann/base")
    return found


BASE = "hub:ann/base@approved"


def adapted(data: Path, out: Path) -> Path:
    """Let the main job adapt the hub's base; return what is pushed."""
    study = headstart.adapt(data, base=BASE, method="probe", seeds=1, out=out, ledger="none")
    return study.folder / "best"


def trained(data: Path, out: Path, method: str, card: str, **settings: object) -> Path:
    """Train the hub's base by one method, without comparing it to others."""
    task = build_task(data)
    bench = workbench(task, BASE, FeatureCache(out / "features"), out / "bench", Silent())
    chosen = METHODS.get(method)()
    values = {**chosen.search(task, bench, "accuracy")[-1], **settings}
    (out / "best").mkdir(parents=True)
    fitted = chosen.fit(Setting(task, bench, values, 0, "accuracy", out / "work"))
    fitted.model.save(out / "best")
    record_samples(fitted.model, out / "best")
    (out / "best" / "README.md").write_text(card)
    return out / "best"


def mislabelled(data: Path, out: Path) -> Path:
    """Every row but each third under the next class's name."""
    rows = list(csv.DictReader(data.open()))
    names = sorted({row["topic"] for row in rows})
    with out.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        for at, row in enumerate(rows):
            turned = names[(names.index(row["topic"]) + 1) % len(names)]
            writer.writerow(row | {"topic": row["topic"] if at % 3 == 0 else turned})
    return out


@pytest.mark.slow
def test_the_gate_refuses_what_is_worse_forgets_or_is_not_what_was_recorded_and_approves_the_good(
    team: Team, topics: Path, halves: Path, tmp_path: Path,  # noqa: F811
) -> None:  # fmt: skip
    good = adapted(topics, tmp_path / "good")
    card = (good / "README.md").read_text()
    commit = team.push(good, "ann/topics")
    evidence = team.judge(
        "ann/topics", "formats", "configuration", "licence", "lineage", "predictions", "tasks",
        "forgetting",
    )  # fmt: skip
    assert evidence.passed, [one.words for one in evidence.findings if not one.passed]
    assert team.seen("ann/topics") is None
    team.approve("ann/topics")
    assert team.seen("ann/topics") == commit

    wrong = mislabelled(topics, tmp_path / "mislabelled.csv")
    worse = trained(wrong, tmp_path / "worse", "probe", card)
    assert "topics: worse in accuracy" in team.refused(worse, "ann/topics", "incumbent")

    touched = Path(shutil.copytree(good, tmp_path / "touched"))
    weights = str(next(touched.glob("*_Dense")) / "model.safetensors")
    state = {name: tensor * 1.02 for name, tensor in load_file(weights).items()}
    save_file(state, weights, {"format": "pt"})
    assert "recorded was" in team.refused(touched, "ann/topics", "predictions")

    swapped = Path(shutil.copytree(good, tmp_path / "swapped"))
    manifest = swapped / "headstart.json"
    told = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(told | {"classes": told["classes"][::-1]}))
    assert "recorded was" in team.refused(swapped, "ann/topics", "predictions")

    forbidden = Path(shutil.copytree(good, tmp_path / "forbidden"))
    (forbidden / "README.md").write_text(card.replace('"apache-2.0"', '"cc-by-nc-4.0"'))
    assert "cc-by-nc-4.0" in team.refused(forbidden, "ann/topics", "licence")

    steps = {"steps": 120, "batch": 16, "rate": 1e-2}  # far from the base
    forgetful = trained(halves, tmp_path / "halves", "finetune", card, **steps)
    words = team.refused(forgetful, "ann/halves", "forgetting")
    assert "allowed is at most 10.0%" in words
    assert team.seen("ann/topics") == commit
