"""How to load a delivered model: the card's own code runs, with headstart and without it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch

import headstart
from headstart.base.compat import prepare_torchvision
from headstart.base.reference import load
from headstart.files import write_json
from headstart.report.loading import how_to_load
from headstart.task.model import Kind
from tests.speakers import adapted

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "an", "input", "a", "cat"]
CLASSES = ("cat", "dog", "fish")


@pytest.fixture(autouse=True, scope="module")
def _libraries_import() -> None:
    prepare_torchvision()


def save(
    best: Path, reference: str, classes: tuple[str, ...] = CLASSES, sides: int = 1, **manifest: Any
) -> str:
    """Save a base with a random head as ``best``, as a study does; return how to load it."""
    encoder = load(reference)
    if manifest.get("kind") == "token-classification":
        encoder.word_level = True  # type: ignore[attr-defined]
    torch.manual_seed(0)
    head = torch.nn.Linear(encoder.card.width * sides, max(len(classes), 1))
    encoder.save(best, head, classes)
    told = {"modality": "text", "kind": "classification", "family": "network", "pair": sides > 1}
    write_json(best / "headstart.json", {**told, "classes": list(classes), **manifest})
    return how_to_load(best)


def blocks(markdown: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", markdown, flags=re.DOTALL)


def run(code: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run the card's code where ``best`` lies; return its names."""
    monkeypatch.chdir(folder)
    names: dict[str, Any] = {}
    exec(code, names)
    return names


@pytest.fixture
def bert(tmp_path: Path) -> Any:
    """Return a function that writes a tiny random BERT, with a pooler or without."""
    transformers = pytest.importorskip("transformers")

    def write(*, pooler: bool) -> str:
        folder = tmp_path / "bert"
        vocabulary = {word: index for index, word in enumerate(WORDS)}
        transformers.BertTokenizer(vocab=vocabulary).save_pretrained(str(folder))
        config = transformers.BertConfig(
            vocab_size=len(WORDS),
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=16,
            max_position_embeddings=16,
        )
        transformers.BertModel(config, add_pooling_layer=pooler).save_pretrained(str(folder))
        return f"local:{folder}"

    return write


def test_a_bert_with_its_pooler_runs_in_a_plain_pipeline(
    bert: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = blocks(save(tmp_path / "best", bert(pooler=True)))[1]
    names = run(code.replace("\npipeline(", "\nfound = pipeline("), tmp_path, monkeypatch)
    assert names["found"][0]["label"] in CLASSES


def test_mean_pooled_features_with_a_head_are_a_sentence_transformer(
    bert: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("sentence_transformers")
    code = blocks(save(tmp_path / "best", bert(pooler=False)))[1]
    assert run(code, tmp_path, monkeypatch)["logits"].shape == (1, 3)


def test_a_tagger_is_a_plain_token_classifier(
    bert: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = save(tmp_path / "best", bert(pooler=False), kind="token-classification")
    model = run(blocks(told)[1], tmp_path, monkeypatch)["model"]
    assert tuple(model.config.id2label.values()) == CLASSES


def test_a_pair_is_shown_as_a_pair_and_its_head_is_said_to_lie_beside(
    bert: Any, tmp_path: Path
) -> None:
    told = save(tmp_path / "best", bert(pooler=False), sides=4, kind="text-pair")
    assert 'model.predict([("one text", "the other")])' in told
    assert "both sides of a pair" in told
    assert (tmp_path / "best" / "head.safetensors").is_file()


@pytest.mark.parametrize(
    ("classes", "outputs"), [(CLASSES, 3), ((), 1)], ids=["classes", "a number"]
)
def test_a_torchvision_model_is_built_with_as_many_outputs_as_its_head_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, classes: tuple[str, ...], outputs: int
) -> None:
    pytest.importorskip("torchvision")
    reference = "torchvision:resnet18?random=0"
    told = save(tmp_path / "best", reference, classes, modality="image")
    assert 'model.predict(["photo.jpg"])' in told
    assert run(blocks(told)[1], tmp_path, monkeypatch)["model"].fc.out_features == outputs


def test_a_timm_model_is_made_from_the_local_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("timm")
    told = save(tmp_path / "best", "timm:test_resnet?random=0", modality="image")
    model = run(blocks(told)[1], tmp_path, monkeypatch)["model"]
    assert model(torch.zeros(1, 3, 64, 64)).shape == (1, 3)


def test_an_image_model_of_transformers_is_a_plain_image_classifier(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    transformers = pytest.importorskip("transformers")
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = transformers.ViTConfig(
        **sizes, intermediate_size=16, image_size=32, patch_size=8, num_labels=2
    )
    transformers.ViTForImageClassification(config).save_pretrained(str(tmp_path / "vit"))
    means = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3, "resample": 2}
    preprocessing = {"size": {"height": 32, "width": 32}, **means}
    write_json(tmp_path / "vit" / "preprocessor_config.json", preprocessing)
    told = save(tmp_path / "best", f"local:{tmp_path / 'vit'}", modality="image")
    model = run(blocks(told)[1], tmp_path, monkeypatch)["model"]
    assert tuple(model.config.id2label.values()) == CLASSES


def test_a_baseline_is_loaded_by_headstart_alone(tmp_path: Path) -> None:
    told = {"modality": "text", "kind": "classification", "family": "tfidf", "classes": ["a", "b"]}
    write_json(tmp_path / "headstart.json", told)
    assert len(blocks(how_to_load(tmp_path))) == 1


def test_an_adapter_is_mentioned_where_there_is_one(bert: Any, tmp_path: Path) -> None:
    reference = bert(pooler=True)
    assert "adapter/" not in save(tmp_path / "best", reference)
    (tmp_path / "best" / "adapter").mkdir()
    assert "peft.PeftModel.from_pretrained" in how_to_load(tmp_path / "best")


@pytest.mark.parametrize("kind", [Kind.LANGUAGE_MODELING, Kind.INSTRUCTION])
def test_a_language_model_writes_with_transformers_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: Kind
) -> None:
    best = adapted(tmp_path, kind)
    found = blocks(how_to_load(best))
    assert len(found) == 2
    for code in found:
        names = run(code, tmp_path, monkeypatch)
        assert "headstart" in names or "pipeline" in names


def test_a_soft_prompt_stands_before_texts_with_peft_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    best = adapted(tmp_path, prompt=4)
    told = best / "adapter" / "adapter_config.json"
    base = f"local:{tmp_path / 'base'}"
    write_json(told, {**json.loads(told.read_text()), "base_model_name_or_path": base})
    _, peft, several = blocks(how_to_load(best))
    model = run(peft, tmp_path, monkeypatch)["model"]
    assert model.prompt_encoder.default.embedding.weight.shape[0] == 4
    models = run(several, tmp_path, monkeypatch)["models"]
    assert models.predict("a name", ["1 2"]) == headstart.load(best).predict(["1 2"])
