"""What holds for every backend: shapes, dtype, the reference's features, the encoder untouched."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from headstart.train.backend.check import LEAST_COSINE, least_cosine
from headstart.train.backend.choose import NAMES, _made
from headstart.train.backend.eager import Eager

from .helpers import PHRASES, image_batch, text_batch

FLOAT32 = [name for name in NAMES if name != "bfloat16"]


@pytest.fixture(scope="module")
def graphs(tmp_path_factory) -> Path:
    """A cache folder for all of these tests: each graph is exported once."""
    return tmp_path_factory.mktemp("cache")


def made(name, encoder, folder, words=False):
    if name == "onnx":
        pytest.importorskip("onnxruntime")
        pytest.importorskip("onnxscript")
    return _made(name, encoder, words, folder)


@pytest.mark.parametrize("name", FLOAT32)
@pytest.mark.parametrize("inputs", [["the quick brown fox"], ["to be or", "a dog over"], PHRASES])
def test_float32_features_of_text_agree_to_rounding(bert, graphs, name, inputs):
    batch = text_batch(bert, inputs)
    found = made(name, bert, graphs, "word_ids" in batch).features(batch)
    np.testing.assert_allclose(found, Eager(bert).features(batch), atol=1e-5)
    assert found.dtype == np.float32


@pytest.mark.parametrize("name", ["eager", "onnx"])
def test_float32_features_of_images_agree_to_rounding(resnet, graphs, name):
    backend = made(name, resnet, graphs)
    for count in (1, 3):
        batch = image_batch(count)
        expected = Eager(resnet).features(batch)
        found = backend.features(batch)
        np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


def test_bfloat16_holds_the_cosine_and_gives_float32(bert, graphs):
    batch = text_batch(bert)
    found = made("bfloat16", bert, graphs).features(batch)
    assert found.dtype == np.float32
    assert LEAST_COSINE <= least_cosine(found, Eager(bert).features(batch)) < 1


@pytest.mark.parametrize("name", NAMES)
def test_the_same_batch_gives_the_same_bits(bert, graphs, name):
    backend, batch = made(name, bert, graphs), text_batch(bert)
    assert backend.features(batch).tobytes() == backend.features(batch).tobytes()


@pytest.mark.parametrize("name", NAMES)
def test_the_encoder_is_left_as_it_was(bert, graphs, name):
    before = {key: value.clone() for key, value in bert.state_dict().items()}
    batch = text_batch(bert)
    made(name, bert, graphs).features(batch)
    assert all(torch.equal(value, before[key]) for key, value in bert.state_dict().items())
    assert not any("forward" in vars(layer) for layer in bert.modules())
    features = bert(batch)
    assert features.requires_grad
    assert features.dtype is torch.float32
