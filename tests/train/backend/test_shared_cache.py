"""Features of all float32 backends share the cache; rounded ones have a place of their own."""

from __future__ import annotations

import numpy as np
import pytest

from headstart.files import digest
from headstart.train.backend.bfloat16 import BFloat16
from headstart.train.backend.eager import Eager
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


def test_who_takes_rounded_features_takes_exact_ones_too_and_leaves_them(
    bert, tmp_path, alone, monkeypatch
):
    cache = FeatureCache(tmp_path / "features")
    ids = [digest(text) for text in TEXTS]
    cache.features(bert, TEXTS[:4], ids[:4])
    monkeypatch.setattr(
        "headstart.train.cache.choose",
        lambda encoder, samples, count, folder, rounded: (
            BFloat16(encoder) if rounded else Eager(encoder)
        ),
    )
    mixed = cache.features(bert, TEXTS, ids, rounded=True)
    assert mixed.cached == 4
    off = np.abs(np.asarray(mixed.values) - alone).max(axis=1)
    assert off[:4].max() <= 1e-6
    assert off[4:].max() > 1e-5
    assert cache.missing(bert, ids, rounded=True) == []
    assert cache.missing(bert, ids) == list(range(4, len(TEXTS)))
    exact = cache.features(bert, TEXTS, ids)
    assert exact.cached == 4
    np.testing.assert_allclose(exact.values, alone, atol=1e-6)
