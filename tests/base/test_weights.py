"""Weights are untrusted: what is damaged, unsafe or does not fit is refused by file name."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from headstart.base import reference
from headstart.base.layout import load_encoder
from headstart.base.weights import content_hash, read_weights
from headstart.errors import RequestError


class _Attack:
    def __reduce__(self):
        return (Path.touch, (Path("owned"),))


def refused(base):
    with pytest.raises(RequestError) as caught:
        reference.load(base)
    return str(caught.value)


@pytest.mark.parametrize("file", ["model.safetensors", "config.json", "tokenizer.json"])
@pytest.mark.parametrize("damage", ["gone", "empty", "half", "garbage"])
def test_a_damaged_transformers_folder_is_refused(bert_folder, file, damage):
    path = bert_folder / file
    data = path.read_bytes()
    path.unlink()
    if damage != "gone":
        path.write_bytes({"empty": b"", "half": data[: len(data) // 2], "garbage": b"{]"}[damage])
    assert str(bert_folder) in refused(f"local:{bert_folder}")


@pytest.mark.parametrize("file", ["model.safetensors", "config.json"])
@pytest.mark.parametrize("damage", ["gone", "empty", "half"])
@pytest.mark.parametrize("library", ["timm", "torchvision"])
def test_a_damaged_saved_image_base_is_refused(tmp_path, library, file, damage):
    reference.load(f"{library}:resnet18?random=0").save(tmp_path / "saved", None, [])
    path = tmp_path / "saved" / (file if library == "timm" or "model" in file else "encoder.json")
    data = path.read_bytes()
    path.unlink()
    if damage != "gone":
        path.write_bytes(data[: len(data) // 2] if damage == "half" else b"")
    assert str(tmp_path / "saved") in refused(f"local:{tmp_path / 'saved'}")


def test_a_pickle_that_runs_code_is_not_opened(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "evil.pth").write_bytes(pickle.dumps({"weight": _Attack()}))
    assert "evil.pth" in refused(f"timm:resnet18?weights={tmp_path / 'evil.pth'}")
    torch.save({"weight": _Attack()}, tmp_path / "evil2.pth")
    assert "safetensors" in refused(f"torchvision:resnet18?weights={tmp_path / 'evil2.pth'}")
    assert not (tmp_path / "owned").exists()


def test_a_pickled_transformers_checkpoint_is_read_only_if_it_holds_tensors(
    bert_folder, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    state = load_file(bert_folder / "model.safetensors")
    (bert_folder / "model.safetensors").unlink()
    torch.save(state, bert_folder / "pytorch_model.bin")
    assert reference.load(f"local:{bert_folder}").card.pretrained
    torch.save(state | {"more": _Attack()}, bert_folder / "pytorch_model.bin")
    assert "pytorch_model.bin" in refused(f"local:{bert_folder}")
    assert not (tmp_path / "owned").exists()


def test_code_that_a_model_brings_is_never_run(bert_folder):
    config = json.loads((bert_folder / "config.json").read_text())
    config["auto_map"] = {"AutoModel": "modeling.Evil"}
    (bert_folder / "config.json").write_text(json.dumps(config))
    (bert_folder / "modeling.py").write_text("raise SystemExit('ran')")
    assert "auto_map" in refused(f"local:{bert_folder}")


def test_weights_of_another_architecture_are_refused(tmp_path):
    save_file({"conv1.weight": torch.zeros(1)}, tmp_path / "other.safetensors")
    message = refused(f"timm:resnet18?weights={tmp_path / 'other.safetensors'}")
    assert "do not fit" in message
    assert "other.safetensors" in message


def test_missing_weights_of_a_transformers_model_are_not_made_up(bert_folder):
    state = load_file(bert_folder / "model.safetensors")
    del state["encoder.layer.1.output.dense.weight"]
    save_file(state, bert_folder / "model.safetensors", metadata={"format": "pt"})
    assert "encoder.layer.1.output.dense.weight" in refused(f"local:{bert_folder}")


@pytest.mark.parametrize("library", ["timm", "torchvision"])
def test_a_plain_state_dict_with_any_classifier_fills_the_body(tmp_path, library):
    source = reference.load(f"{library}:resnet18?random=4")
    state = dict(source.body.state_dict())
    state |= {"fc.weight": torch.zeros(7, 512), "fc.bias": torch.zeros(7)}
    torch.save({"state_dict": state, "epoch": 3}, tmp_path / "mine.pth")
    loaded = reference.load(f"{library}:resnet18?weights={tmp_path / 'mine.pth'}")
    assert loaded.card.pretrained
    assert loaded.card.revision == content_hash(tmp_path / "mine.pth")
    assert torch.equal(loaded.body.conv1.weight, source.body.conv1.weight)


def test_a_saved_folder_without_its_sidecar_is_no_saved_encoder(bert_folder):
    with pytest.raises(RequestError, match=r"encoder\.json"):
        load_encoder(bert_folder)


def test_the_hash_follows_the_content(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_bytes(b"abc")
    two.write_bytes(b"abc")
    before = content_hash(one)
    assert before == content_hash(two)
    one.write_bytes(b"abcd")
    assert content_hash(one) != before


def test_a_truncated_torch_file_is_refused(tmp_path):
    torch.save({"a": torch.zeros(1000)}, tmp_path / "w.pth")
    data = (tmp_path / "w.pth").read_bytes()
    (tmp_path / "w.pth").write_bytes(data[: len(data) // 2])
    with pytest.raises(RequestError, match="cannot read the weights"):
        read_weights(tmp_path / "w.pth")
