"""The bundled bases, with their real weights."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
import torch

from headstart.base import gguf, reference
from headstart.base.blocks import blocks
from headstart.base.layout import load_encoder
from headstart.base.speed import measured_speed
from headstart.errors import RequestError
from headstart.task.model import Image

from .conftest import features, new_head

IMAGENET_ANT, IMAGENET_BEE = 310, 309


def test_minilm_holds_like_sentences_closer_than_unlike_ones():
    encoder = reference.load("bundled:minilm-l6")
    found = features(
        encoder,
        ["A man is playing a guitar.", "Someone plays an instrument.", "The stock market fell."],
    )
    like, unlike = float(found[0] @ found[1]), float(found[0] @ found[2])
    assert like > 0.5 > 0.2 > unlike
    torch.testing.assert_close(found.norm(dim=1), torch.ones(3))


def test_minilm_is_what_sentence_transformers_reads(tmp_path):
    from sentence_transformers import SentenceTransformer

    encoder = reference.load("bundled:minilm-l6")
    texts = ["short", "a much longer text about nothing in particular, with a comma " * 20]
    head = new_head(encoder, 4)
    encoder.save(tmp_path / "best", head, list("abcd"))
    model = SentenceTransformer(str(tmp_path / "best"), device="cpu")
    with torch.inference_mode():
        np.testing.assert_allclose(
            model.encode(texts), head(features(encoder, texts)).numpy(), atol=1e-5
        )


@pytest.mark.parametrize("size", [0, 1, 2])
def test_the_efficientnets_fit_their_architecture_and_save(size, tmp_path):
    encoder = reference.load(f"bundled:efficientnet-lite{size}")
    assert encoder.card == reference.card(f"bundled:efficientnet-lite{size}")
    assert encoder.card.input_size == (224, 240, 260)[size]
    assert blocks(encoder.body)[0][0] == "conv_stem"
    encoder.save(tmp_path / "best", new_head(encoder), [])
    again = load_encoder(tmp_path / "best")[0]
    assert torch.equal(again.body.conv_head.weight, encoder.body.conv_head.weight)


@pytest.mark.slow
def test_efficientnet_knows_ants_from_bees(shared_data):
    encoder = reference.load("bundled:efficientnet-lite0")
    weight, bias = encoder.source_head
    right = 0
    pictures = list(_photos(shared_data / "vision" / "hymenoptera.zip"))
    for picture, answer in pictures:
        logits = features(encoder, [picture]) @ weight.T + bias
        right += int(logits.argmax()) == answer
    assert right / len(pictures) > 0.7  # 83% of all photos; chance among 1,000 classes is 0.1%


def _photos(archive, each=10):
    with zipfile.ZipFile(archive) as files:
        for name, answer in (("ants", IMAGENET_ANT), ("bees", IMAGENET_BEE)):
            found = [f for f in files.namelist() if f"/{name}/" in f and f.endswith(".jpg")]
            for file in sorted(found)[:each]:
                yield Image(data=io.BytesIO(files.read(file)).getvalue()), answer


def test_speed_is_measured_and_leaves_the_encoder_as_it_was(bert_folder):
    encoder = reference.load(f"local:{bert_folder}")
    encoder.train()
    assert measured_speed(encoder) > 0
    assert encoder.training


def _fake(file, folder):
    (folder / "config.json").write_text(f"{{}} {file.name}", encoding="utf-8")


def test_a_conversion_happens_once_and_survives_a_race(tmp_path, monkeypatch):
    file = tmp_path / "m.gguf"
    file.write_bytes(b"weights")
    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path / "cache"))

    def overtaken(source, folder):
        """While this process converts, another one finishes first."""
        _fake(source, folder)
        monkeypatch.setattr(gguf, "_convert", _fake)
        gguf.converted(source)

    monkeypatch.setattr(gguf, "_convert", overtaken)
    folder = gguf.converted(file)
    assert [p.name for p in folder.iterdir()] == ["config.json"]
    assert list(folder.parent.iterdir()) == [folder]  # nothing half-written beside it
    monkeypatch.setattr(gguf, "_convert", None)  # a second conversion would fail
    assert gguf.converted(file) == folder


def test_a_damaged_gguf_is_refused_and_leaves_nothing(tmp_path, monkeypatch):
    file = tmp_path / "m.gguf"
    file.write_bytes(b"GGUF" + bytes(50))
    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path / "cache"))
    with pytest.raises(RequestError, match=r"m\.gguf"):
        gguf.converted(file)
    assert list((tmp_path / "cache" / "converted").iterdir()) == []


def test_the_card_of_smollm_needs_no_conversion(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path / "cache"))
    card = reference.card("bundled:smollm2-135m")
    assert (card.parameters, card.width, card.input_size) == (134_515_008, 576, 512)
    assert not (tmp_path / "cache").exists()


@pytest.mark.slow
def test_smollm_is_converted_and_its_padding_does_not_matter():
    encoder = reference.load("bundled:smollm2-135m")
    assert encoder.card == reference.card("bundled:smollm2-135m")
    assert encoder.card.parameters == sum(p.numel() for p in encoder.parameters())
    texts = ["Paris is the capital of France.", "hi"]
    together = features(encoder, texts)
    torch.testing.assert_close(together[1:], features(encoder, texts[1:]), atol=1e-3, rtol=1e-3)
