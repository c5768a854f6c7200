"""Exports: the same outputs elsewhere, proven before anything is left behind."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from headstart.base import reference
from headstart.base.compat import prepare_torchvision
from headstart.errors import RequestError, WorkError
from headstart.forms import drift, onnx_graph
from headstart.forms.export import export
from headstart.method.adapted import NetworkModel, Signature, load_model
from headstart.method.majority import MajorityModel
from headstart.task.model import Kind, Objective
from headstart.train.linear import LinearHead
from headstart.train.network import Network

WORDS = [
    *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "a", "to", "be", "or", "not"),
    *("fox", "dog", "quick", "brown", "over"),
]


@pytest.fixture(scope="module", autouse=True)
def _ready():
    torch.set_num_threads(1)
    prepare_torchvision()


def tiny_bert(folder: Path, pooler: bool) -> str:
    from transformers import BertConfig, BertModel, BertTokenizer

    folder.mkdir()
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=40,
    )
    BertModel(config, add_pooling_layer=pooler).save_pretrained(str(folder))
    vocab = {word: index for index, word in enumerate(WORDS)}
    BertTokenizer(vocab=vocab).save_pretrained(str(folder))
    return f"local:{folder}"


def adapted(folder: Path, what: str) -> Path:
    """Write a model of the kind ``what`` with random weights, as ``best/``."""
    image = what in ("timm", "torchvision")
    base = f"{what}:resnet18?random=2" if image else tiny_bert(folder / "base", what != "sentence")
    encoder = reference.load(base)
    pair, words = what == "pair", what == "words"
    if words:
        encoder.encode([("a", "fox")])
    kind = Kind.TEXT_PAIR if pair else Kind.TOKEN_CLASSIFICATION if words else Kind.CLASSIFICATION
    objective = Objective.TAGS if words else Objective.SINGLE_LABEL
    generator = np.random.default_rng(0)
    width = encoder.card.width * (4 if pair else 1)
    weight = generator.normal(size=(3, width)).astype(np.float32)
    head = LinearHead(weight, np.arange(3, dtype=np.float32))
    columns = ("left", "right") if pair else ("input",)
    signature = Signature(kind, objective, encoder.card.modality, columns, "y", ("x", "y", "z"))
    network = Network(encoder, head, objective, pair).eval()
    best = folder / "best"
    best.mkdir()
    NetworkModel(signature, network).save(best)
    return best


TEXT = ["sentence", "pooler", "pair", "words"]
INPUTS = {
    "pair": [("the fox", "a dog"), ("to be", "or not to be")],
    "words": [("the", "fox"), ("a",)],
}


@pytest.mark.parametrize("what", TEXT)
def test_the_onnx_graph_gives_the_models_logits_for_other_shapes(tmp_path, what):
    ort = pytest.importorskip("onnxruntime")
    out = export(adapted(tmp_path, what), "onnx", tmp_path / "out").place
    model = load_model(tmp_path / "best")
    model.network.to("cpu")
    inputs = INPUTS.get(what, ["the quick brown fox", "a", "to be or not to be"])
    batches = model.network.collate(model.network.encode(inputs))
    with torch.inference_mode():
        expected = model.network(batches).numpy()
    settings = json.loads((out / "preprocessing.json").read_text())
    tensors = [tensor.numpy() for batch in batches for tensor in batch.values()]
    session = ort.InferenceSession(str(out / "model.onnx"))
    feed = dict(zip(settings["inputs"], tensors, strict=True))
    np.testing.assert_allclose(session.run(["logits"], feed)[0], expected, atol=1e-3)
    assert settings["classes"] == ["x", "y", "z"]
    assert (out / "tokenizer.json").is_file()


def test_an_image_model_as_onnx_reads_normalised_pixels(tmp_path):
    ort = pytest.importorskip("onnxruntime")
    out = export(adapted(tmp_path, "timm"), "onnx", tmp_path / "out").place
    settings = json.loads((out / "preprocessing.json").read_text())
    pixels = torch.rand(1, 3, settings["size"], settings["size"])
    network = load_model(tmp_path / "best").network.to("cpu")
    with torch.inference_mode():
        expected = network(({"pixel_values": pixels},)).numpy()
    mean, std = (np.array(settings[k], np.float32).reshape(1, 3, 1, 1) for k in ("mean", "std"))
    session = ort.InferenceSession(str(out / "model.onnx"))
    found = session.run(["logits"], {"pixel_values": (pixels.numpy() - mean) / std})[0]
    np.testing.assert_allclose(found, expected, atol=1e-3 * max(1, np.abs(expected).max()))


@pytest.mark.parametrize("what", [*TEXT, "timm", "torchvision"])
def test_the_native_layout_is_checked_with_its_own_library(tmp_path, what):
    best = adapted(tmp_path, what)
    done = export(best, "transformers", tmp_path / "out")
    assert done.drift < 1e-2
    assert "differ" in done.checked
    out = done.place
    names = {path.relative_to(best) for path in best.rglob("*")}
    assert {path.relative_to(out) for path in out.rglob("*")} == names


@pytest.mark.parametrize("to", ["onnx", "transformers"])
def test_outputs_that_drift_are_refused_and_nothing_is_left(tmp_path, monkeypatch, to):
    pytest.importorskip("onnxruntime")
    best = adapted(tmp_path, "sentence")
    monkeypatch.setattr(drift, "TOLERANCE", -1.0)
    with pytest.raises(WorkError, match="other outputs"):
        export(best, to, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["base", "best"]


def test_a_graph_that_cannot_be_built_is_told_in_a_sentence(tmp_path, monkeypatch):
    def fail(*args: object, **options: object) -> None:
        raise ValueError("unsupported operator\nand much more")

    best = adapted(tmp_path, "sentence")
    monkeypatch.setattr(onnx_graph.torch.onnx, "export", fail)
    with pytest.raises(WorkError, match=r"unsupported operator$"):
        export(best, "onnx", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_drift_is_measured_against_the_largest_output():
    large = np.array([1e6, 0.0])
    drift.check_drift(large + 100, large, "it")
    with pytest.raises(WorkError, match="off by"):
        drift.check_drift(np.array([0.5, 0.002]), np.array([0.5, 0.0]), "it")
    with pytest.raises(WorkError, match="off by"):
        drift.check_drift(np.array([np.nan]), np.array([0.5]), "it")
    with pytest.raises(WorkError, match="shape"):
        drift.check_drift(np.zeros(2), np.zeros(3), "it")


def test_an_unknown_form_names_the_nearest(tmp_path):
    with pytest.raises(RequestError, match="did you mean 'onnx'"):
        export(tmp_path, "onx", tmp_path / "out")


def test_a_baseline_has_nothing_to_export(tmp_path):
    signature = Signature(
        Kind.CLASSIFICATION, Objective.SINGLE_LABEL, "text", ("text",), "y", ("x", "y")
    )
    best = tmp_path / "best"
    best.mkdir()
    MajorityModel(signature, np.array([0.7, 0.3])).save(best)
    with pytest.raises(RequestError, match="majority"):
        export(best, "onnx", tmp_path / "out")


def test_a_folder_that_is_taken_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(RequestError, match="exists already"):
        export(tmp_path / "best", "onnx", tmp_path)
    assert (tmp_path / "mine.txt").read_text() == "mine"
