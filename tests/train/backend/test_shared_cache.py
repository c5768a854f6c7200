"""Features of all float32 backends share the cache; rounded ones have a place of their own."""

from __future__ import annotations

import numpy as np
import pytest

from headstart.files import digest
from headstart.train.cache import FeatureCache

TEXTS = [f"{start} {rest}" for start in ("the", "a", "to") for rest in ("fox", "dog over", "be")]


def ask(cache: FeatureCache, encoder, texts):
    return cache.features(encoder, texts, [digest(text) for text in texts])


@pytest.fixture
def alone(bert, tmp_path):
    return np.asarray(ask(FeatureCache(tmp_path / "alone" / "features"), bert, TEXTS).values)


@pytest.mark.parametrize("name", ["onednn", "onnx"])
def test_cached_and_fresh_features_are_equal_whoever_computed_them(
    bert, tmp_path, alone, monkeypatch, name
):
    if name == "onnx":
        pytest.importorskip("onnxruntime")
        pytest.importorskip("onnxscript")
    cache = FeatureCache(tmp_path / "features")
    ask(cache, bert, TEXTS[:4])
    monkeypatch.setenv("HEADSTART_EMBED", name)
    fresh = ask(cache, bert, TEXTS)
    again = ask(cache, bert, TEXTS)
    assert (fresh.cached, again.cached) == (4, len(TEXTS))
    np.testing.assert_allclose(fresh.values, alone, atol=1e-5)
    assert np.asarray(fresh.values).tobytes() == np.asarray(again.values).tobytes()


def test_rounded_features_are_not_mixed_with_exact_ones(bert, tmp_path, alone, monkeypatch):
    cache = FeatureCache(tmp_path / "features")
    monkeypatch.setenv("HEADSTART_EMBED", "bfloat16")
    rounded = ask(cache, bert, TEXTS)
    assert ask(cache, bert, TEXTS).cached == len(TEXTS)
    monkeypatch.delenv("HEADSTART_EMBED")
    exact = ask(cache, bert, TEXTS)
    assert exact.cached == 0
    assert np.abs(np.asarray(rounded.values) - alone).max() > 1e-5
    np.testing.assert_allclose(exact.values, alone, atol=1e-6)
