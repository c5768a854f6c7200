"""Controls that were really trained here, from nothing, and the packaged standard."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

import headstart
from headstart.cli.main import app
from headstart.errors import RequestError
from headstart.hub.gate.checks import CHECKS
from headstart.hub.gate.gate import Evidence, gate
from headstart.hub.gate.model import Candidate
from headstart.hub.gate.standard import default_standard
from headstart.method.adapted import load_model
from headstart.method.model import METHODS, Setting
from headstart.method.samples import FILE, read_samples
from headstart.method.shots import Shots
from headstart.task.build import build_task
from headstart.task.model import Dialogue, Message

from ...kept import halves, learned, topics  # noqa: F401 (fixtures)


@pytest.fixture(scope="module")
def delivered(learned: str, halves: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: F811
    """What a study delivers whose data words tell, and the base's features do not."""
    out = tmp_path_factory.mktemp("control") / "study"
    study = headstart.adapt(
        halves, base=learned, method="probe", seeds=1, out=out, ledger="none"
    )  # fmt: skip
    assert study.record.decision.arm == "tfidf", study.record.decision.headline
    return out / "best"


def judged(folder: Path) -> Evidence:
    return gate(Candidate(folder, "ann/control", default_standard()))


@pytest.mark.slow
def test_a_control_passes_the_packaged_standard_once_its_licence_is_named(
    delivered: Path, tmp_path: Path
) -> None:
    refused = judged(delivered)
    (licence,) = [one for one in refused.findings if not one.passed]
    assert licence.check == "licence"
    assert "README.md: its licence is unknown" in licence.words
    assert "headstart hub push --licence" in licence.words
    folder = Path(shutil.copytree(delivered, tmp_path / "named"))

    CliRunner().invoke(app, ["hub", "push", str(folder), "ann/control", "--licence", "MIT"])

    evidence = judged(folder)
    assert evidence.passed, [one.words for one in evidence.findings if not one.passed]
    card = (folder / "README.md").read_text()
    assert 'license: "mit"' in card
    assert "what its maker named" in card
    assert "the base's" not in card
    predictions = next(one for one in evidence.findings if one.check == "predictions")
    assert "3 recorded predictions are reproduced" in predictions.words
    assert read_samples(folder) is not None


def test_what_our_own_controls_write_is_known_to_the_gate(halves: Path, tmp_path: Path) -> None:  # noqa: F811
    task = build_task(halves)
    for name in ("majority", "tfidf"):
        folder = tmp_path / name
        folder.mkdir()
        method = METHODS.get(name)()
        settings = method.search(task, None, "accuracy")[0]
        method.fit(Setting(task, None, settings, 0, "accuracy", tmp_path)).model.save(folder)
        assert passes(folder), name
        load_model(folder)
        assert not (folder / FILE).exists()  # recorded once, where it is delivered
    shots = Shots("Be brief.", (Dialogue((Message("user", "hi"), Message("assistant", "ho"))),))
    manifest = json.loads((tmp_path / "tfidf/headstart.json").read_text())
    (tmp_path / "majority/headstart.json").write_text(
        json.dumps({**manifest, "shots": shots.record()})
    )
    assert passes(tmp_path / "majority")


def passes(folder: Path) -> bool:
    finding = CHECKS.get("configuration")()(Candidate(folder, "ann/x", default_standard()))
    return finding.passed


@pytest.mark.parametrize("setting", ["input", "tokenizer", "stop_words", "dtype"])
def test_a_vectoriser_takes_no_other_settings_than_ours(
    setting: str,
    halves: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    task = build_task(halves)
    method = METHODS.get("tfidf")()
    settings = method.search(task, None, "accuracy")[0]
    method.fit(Setting(task, None, settings, 0, "accuracy", tmp_path)).model.save(tmp_path)
    manifest = json.loads((tmp_path / "headstart.json").read_text())
    manifest["vectoriser"][setting] = "filename"
    (tmp_path / "headstart.json").write_text(json.dumps(manifest))
    with pytest.raises(RequestError, match=f"unknown setting '{setting}'"):
        load_model(tmp_path)
