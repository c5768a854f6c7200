"""The life of a model: pushed as a draft, judged, approved, read by others, withdrawn."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import GatedRepoError

from headstart.base.compat import prepare_torchvision
from headstart.hub.hub import Hub
from tests.hub.conftest import Person

CARD = "---\nlicense: mit\npipeline_tag: text-classification\n---\n# birds\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A tiny BERT as transformers saves it, with a card."""
    prepare_torchvision()
    from transformers import BertConfig, BertForSequenceClassification

    config = BertConfig(vocab_size=40, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
                        intermediate_size=16)  # fmt: skip
    place = tmp_path / "model"
    BertForSequenceClassification(config).save_pretrained(place)
    (place / "README.md").write_text(CARD, encoding="utf-8")
    return place


def run(*words: str, token: str = "", address: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "headstart.cli.main", "hub", *words],
        capture_output=True, text=True, check=False,
        env=os.environ | {"HF_TOKEN": token, "HEADSTART_HUB": address},
    )  # fmt: skip


@pytest.mark.slow
def test_a_model_goes_from_draft_to_approved_to_revoked(
    hub: Hub, address: str, client: Callable[[Person | None], HfApi], folder: Path, tmp_path: Path,
    ann: Person, ben: Person, cara: Person,
) -> None:  # fmt: skip
    root = str(hub.root)
    assert run("push", str(folder), "ann/birds", "--public", token=ann.token, address=address
               ).returncode == 0  # fmt: skip
    with pytest.raises(GatedRepoError, match="no approved revision"):
        client(ben).hf_hub_download("ann/birds", "config.json")
    refused = run("approve", "ann/birds", token=cara.token, address=address)
    assert refused.returncode == 2
    assert "passed the gate" in " ".join(refused.stderr.split())
    judged = run("gate", "ann/birds", "--root", root)
    assert judged.returncode == 0, judged.stdout + judged.stderr
    assert "may be approved" in judged.stdout
    assert run("approve", "ann/birds", token=cara.token, address=address).returncode == 0
    got = client(ben).snapshot_download("ann/birds", revision="approved", local_dir=tmp_path / "b")
    for file in folder.iterdir():
        assert (Path(got) / file.name).read_bytes() == file.read_bytes()
    assert [one.id for one in client(ben).list_models()] == ["ann/birds"]
    assert run("revoke", "ann/birds", token=cara.token, address=address).returncode == 0
    with pytest.raises(GatedRepoError):
        client(ben).model_info("ann/birds")


@pytest.mark.slow
def test_a_writer_has_a_model_judged_from_afar(
    hub: Hub, address: str, folder: Path, ann: Person, ben: Person
) -> None:
    run("push", str(folder), "ann/birds", "--public", token=ann.token, address=address)
    judged = run("gate", "ann/birds", "--json", token=ann.token, address=address)
    assert judged.returncode == 0, judged.stdout + judged.stderr
    told = json.loads(judged.stdout)
    assert (told["passed"], told["standard"]) == (True, "default")
    reader = run("gate", "ann/birds", token=ben.token, address=address)
    assert reader.returncode == 2
    assert "may not have ann/birds judged" in " ".join(reader.stderr.split())
    local = run("gate", "ann/birds", "--standard", "x.yaml", token=ann.token, address=address)
    assert "needs the hub's folder" in local.stderr


@pytest.mark.slow
def test_what_runs_code_is_refused_and_readers_see_nothing_of_it(
    hub: Hub, address: str, client: Callable[[Person | None], HfApi], folder: Path,
    ann: Person, ben: Person, cara: Person,
) -> None:  # fmt: skip
    (folder / "modeling_birds.py").write_text("import os\n", encoding="utf-8")
    run("push", str(folder), "ann/birds", "--public", token=ann.token, address=address)
    judged = run("gate", "ann/birds", "--root", str(hub.root))
    assert judged.returncode == 1
    assert "modeling_birds.py" in judged.stdout
    assert run("approve", "ann/birds", token=cara.token, address=address).returncode == 2
    with pytest.raises(GatedRepoError):
        client(ben).hf_hub_download("ann/birds", "config.json")
    assert list(client(ben).list_models()) == []
