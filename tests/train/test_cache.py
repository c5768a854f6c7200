"""The feature cache: computed once, the same bits always, and never in the way."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor

from headstart.base.model import Batch
from headstart.errors import WorkError
from headstart.files import digest
from headstart.progress import Silent
from headstart.task.model import Modality
from headstart.train import cache as cache_module
from headstart.train.cache import FeatureCache, default_root


class Toy(torch.nn.Module):
    """Reads a text as its character codes; counts how many it was asked to read."""

    def __init__(self, revision: str = "r1", width: int = 8) -> None:
        super().__init__()
        self.card = SimpleNamespace(revision=revision, modality=Modality.TEXT, width=width)
        self.table = torch.nn.Embedding(256, width)
        generator = torch.Generator().manual_seed(len(revision) + ord(revision[-1]))
        with torch.no_grad():
            self.table.weight.copy_(torch.randn(256, width, generator=generator))
        self.read: list[object] = []

    def encode(self, inputs: Sequence[object]) -> list[Batch]:
        self.read += [text for text in inputs if text != self._reference]
        return [self._sample(text) for text in inputs]

    _reference = " ".join(["a"] * 62)

    def _sample(self, text: object) -> Batch:
        if isinstance(text, tuple):
            ids = torch.tensor([ord(word[0]) for word in text])
            return {"ids": ids, "word_ids": torch.arange(len(ids))}
        return {"ids": torch.tensor([ord(letter) for letter in str(text)])}

    def collate(self, samples: Sequence[Batch]) -> Batch:
        return {name: torch.stack([s[name] for s in samples]) for name in samples[0]}

    def forward(self, batch: Batch) -> Tensor:
        found = self.table(batch["ids"])
        return found if "word_ids" in batch else found.mean(1)

    def size(self, sample: Batch) -> int:
        return len(sample["ids"])

    def preprocessing(self) -> str:
        return "letters"

    def device(self) -> torch.device:
        return torch.device("cpu")


class Listener(Silent):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)


TEXTS = [f"text {number}" + "x" * (number % 7) for number in range(40)]


def ids(texts: Sequence[object]) -> list[str]:
    return [digest(str(text)) for text in texts]


def ask(cache: FeatureCache, encoder: Toy, texts: Sequence[object], progress=None):
    return cache.features(encoder, texts, ids(texts), progress=progress)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(cache_module, "chunk_size", lambda encoder: 8)


@pytest.fixture
def cache(tmp_path: Path) -> FeatureCache:
    return FeatureCache(tmp_path / "features")


def shards(cache: FeatureCache) -> list[Path]:
    return sorted(cache.root.glob("*/*.safetensors"))


def test_features_come_in_the_order_of_the_request(cache):
    encoder = Toy()
    found = ask(cache, encoder, TEXTS)
    expected = [encoder(encoder.collate([encoder._sample(text)]))[0].detach() for text in TEXTS]
    np.testing.assert_allclose(found.values, np.stack(expected), rtol=1e-6)
    assert found.values.dtype == np.float32
    assert found.cached == 0


def test_a_second_request_reads_no_input_and_gives_the_same_bits(cache):
    first = ask(cache, Toy(), TEXTS)
    encoder = Toy()
    second = ask(FeatureCache(cache.root), encoder, TEXTS)
    assert encoder.read == []
    assert second.cached == len(TEXTS)
    assert first.values.tobytes() == second.values.tobytes()
    assert first.flop == second.flop
    assert first.seconds == pytest.approx(second.seconds, rel=1e-9)


def test_what_was_cached_before_does_not_change_the_bits(cache, tmp_path):
    alone = ask(FeatureCache(tmp_path / "other"), Toy(), TEXTS)
    ask(cache, Toy(), TEXTS[5:17])
    encoder = Toy()
    together = ask(cache, encoder, TEXTS)
    assert len(encoder.read) == len(TEXTS) - 12
    assert together.cached == 12
    assert together.values.tobytes() == alone.values.tobytes()


def test_equal_ids_are_computed_once(cache):
    encoder = Toy()
    found = ask(cache, encoder, ["same", "other", "same"])
    assert sorted(encoder.read) == ["other", "same"]
    np.testing.assert_array_equal(found.values[0], found.values[2])
    assert found.flop == ask(cache, encoder, ["same", "other"]).flop


def test_another_revision_or_preprocessing_shares_nothing(cache):
    ask(cache, Toy("r1"), TEXTS)
    other = Toy("r2")
    assert ask(cache, other, TEXTS).cached == 0
    other.preprocessing = lambda: "other letters"
    assert ask(cache, other, TEXTS).cached == 0


def test_word_inputs_give_one_row_a_word_also_from_the_cache(cache):
    words = [("a", "b"), ("c",), ("d", "e", "f")]
    fresh, again = ask(cache, Toy(), words), ask(cache, Toy(), words)
    assert [len(rows) for rows in again.values] == [2, 1, 3]
    assert again.cached == 3
    for left, right in zip(fresh.values, again.values, strict=True):
        np.testing.assert_array_equal(left, right)


def test_an_empty_request_gives_no_rows(cache):
    assert ask(cache, Toy(), []).values.shape == (0, 8)


def test_a_killed_pass_goes_on_after_its_last_whole_chunk(cache, tmp_path):
    class Killed(Toy):
        def forward(self, batch: Batch) -> Tensor:
            if len(shards(cache)) == 2:
                raise KeyboardInterrupt
            return super().forward(batch)

    with pytest.raises(KeyboardInterrupt):
        ask(cache, Killed(), TEXTS)
    encoder = Toy()
    resumed = ask(cache, encoder, TEXTS)
    assert resumed.cached == 16
    assert len(encoder.read) == len(TEXTS) - 16
    whole = ask(FeatureCache(tmp_path / "whole"), Toy(), TEXTS)
    assert resumed.values.tobytes() == whole.values.tobytes()


@pytest.mark.parametrize("harm", ["truncated", "flipped", "emptied", "not a shard"])
def test_a_damaged_shard_is_dropped_and_computed_again(cache, harm):
    whole = ask(cache, Toy(), TEXTS)
    path = shards(cache)[2]
    raw = bytearray(path.read_bytes())
    raw[-5] ^= 1
    ruin = {"truncated": raw[:-100], "flipped": raw, "emptied": b"", "not a shard": b"x" * 999}
    path.write_bytes(ruin[harm])
    listener = Listener()
    again = ask(cache, Toy(), TEXTS, listener)
    assert again.cached == len(TEXTS) - 8
    assert again.values.tobytes() == whole.values.tobytes()
    assert [str(path) in line for line in listener.lines] == [True]
    assert ask(cache, Toy(), TEXTS).cached == len(TEXTS)


def test_a_half_written_shard_is_never_visible(cache, monkeypatch):
    def killed(self: Path, data: bytes) -> int:
        with self.open("wb") as file:
            file.write(data[:50])
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_bytes", killed)
    with pytest.raises(KeyboardInterrupt):
        ask(cache, Toy(), TEXTS)
    assert shards(cache) == []


def test_the_shards_longest_not_used_are_dropped_beyond_the_limit(cache):
    old, new = Toy("r1"), Toy("r2")
    ask(cache, old, TEXTS)
    for path in shards(cache):
        os.utime(path, (1, 1))
    size = sum(path.stat().st_size for path in shards(cache))
    cache.limit_bytes = int(1.5 * size)
    ask(cache, new, TEXTS)
    assert sum(path.stat().st_size for path in shards(cache)) <= cache.limit_bytes
    assert ask(cache, new, TEXTS).cached == len(TEXTS)
    assert ask(cache, old, TEXTS).cached < len(TEXTS)


def test_a_shard_that_was_read_counts_as_used(cache):
    ask(cache, Toy(), TEXTS)
    for path in shards(cache):
        os.utime(path, (1, 1))
    ask(cache, Toy(), TEXTS)
    assert all(path.stat().st_mtime > 1 for path in shards(cache))


def test_a_cache_smaller_than_the_request_still_gives_all_features(cache, tmp_path):
    cache.limit_bytes = 10
    found = ask(cache, Toy(), TEXTS)
    whole = ask(FeatureCache(tmp_path / "whole"), Toy(), TEXTS)
    assert found.values.tobytes() == whole.values.tobytes()
    assert shards(cache) == []


def test_an_unwritable_place_is_told_once_and_the_work_goes_on(tmp_path):
    (tmp_path / "file").write_text("in the way")
    listener = Listener()
    cache = FeatureCache(tmp_path / "file" / "features")
    found = ask(cache, Toy(), TEXTS, listener)
    assert found.values.shape == (40, 8)
    ask(cache, Toy(), TEXTS, listener)
    assert len(listener.lines) == 1
    assert "not cached" in listener.lines[0]


def test_a_full_disk_is_told_once_and_the_work_goes_on(cache, monkeypatch):
    def full(*args: object) -> None:
        raise WorkError("cannot write: No space left on device")

    monkeypatch.setattr(cache_module.Shard, "write", full)
    listener = Listener()
    assert ask(cache, Toy(), TEXTS, listener).values.shape == (40, 8)
    assert len(listener.lines) == 1
    assert "No space left" in listener.lines[0]


def _work(root: Path, first: int, results: Path) -> None:
    torch.set_num_threads(1)
    for start in range(first, len(TEXTS), 10):
        ask(FeatureCache(root), Toy(), TEXTS[start:])
    np.save(results / f"{first}.npy", ask(FeatureCache(root), Toy(), TEXTS).values)


def test_processes_that_share_a_cache_get_what_they_get_alone(cache, tmp_path):
    whole = ask(FeatureCache(tmp_path / "whole"), Toy(), TEXTS)
    context = multiprocessing.get_context("fork")
    workers = [
        context.Process(target=_work, args=(cache.root, first, tmp_path)) for first in (0, 3, 5)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    for first in (0, 3, 5):
        assert np.load(tmp_path / f"{first}.npy").tobytes() == whole.values.tobytes()


def test_large_features_lie_in_a_file_and_are_the_same(cache, monkeypatch, tmp_path):
    small = ask(cache, Toy(), TEXTS)
    monkeypatch.setattr(cache_module, "_IN_MEMORY_BYTES", 0)
    large = ask(cache, Toy(), TEXTS)
    assert isinstance(large.values, np.memmap)
    assert large.values.tobytes() == small.values.tobytes()


def test_the_place_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path))
    assert default_root() == tmp_path / "features"
    monkeypatch.delenv("HEADSTART_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert default_root() == tmp_path / "xdg" / "headstart" / "features"
