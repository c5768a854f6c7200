"""A run's state on disk: whole, or as if there were none."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from headstart.train.checkpoint import (
    Moment,
    load_checkpoint,
    restore_state,
    save_checkpoint,
    trained_state,
)


@pytest.fixture
def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Dropout(0.5), nn.Linear(3, 2))


@pytest.fixture
def saved(tmp_path, network):
    path = tmp_path / "checkpoint.pt"
    state = {"fits": "this run", "step": 3, "weights": dict(network.state_dict()), "text": "ü"}
    save_checkpoint(path, state)
    return path


def test_what_is_saved_comes_back(saved, network):
    found = load_checkpoint(saved, "this run")
    assert (found["step"], found["text"]) == (3, "ü")
    assert all(torch.equal(found["weights"][n], v) for n, v in network.state_dict().items())
    assert list(saved.parent.iterdir()) == [saved]


def test_none_and_another_runs_are_no_checkpoint(saved, tmp_path):
    assert load_checkpoint(tmp_path / "missing.pt", "this run") is None
    assert load_checkpoint(tmp_path, "this run") is None
    assert load_checkpoint(saved, "another run") is None


def test_a_file_cut_anywhere_is_no_checkpoint(saved):
    raw = saved.read_bytes()
    for length in range(0, len(raw), len(raw) // 40):
        saved.write_bytes(raw[:length])
        assert load_checkpoint(saved, "this run") is None


def test_bytes_spoilt_anywhere_never_give_other_weights(saved, network):
    raw = saved.read_bytes()
    generator = np.random.default_rng(0)
    for _ in range(150):
        spoilt = bytearray(raw)
        place = int(generator.integers(len(raw)))
        spoilt[place] ^= int(generator.integers(1, 256))
        saved.write_bytes(bytes(spoilt))
        found = load_checkpoint(saved, "this run")
        if found is not None:  # the byte was padding, or a name that nobody reads
            assert found["step"] == 3
            state = network.state_dict()
            assert all(torch.equal(found["weights"][name], state[name]) for name in state)


def test_text_and_noise_are_no_checkpoint(tmp_path):
    path = tmp_path / "checkpoint.pt"
    generator = np.random.default_rng(0)
    for raw in [b"", b"a text", b"PK\x03\x04", b"\x80\x04."] + [
        generator.bytes(int(generator.integers(1, 60))) for _ in range(100)
    ]:
        path.write_bytes(raw)
        assert load_checkpoint(path, "this run") is None


def test_a_checkpoint_that_would_run_code_is_refused(tmp_path):
    path = tmp_path / "checkpoint.pt"
    mark = tmp_path / "ran"

    class Evil:
        def __reduce__(self):
            return (mark.touch, ())

    torch.save({"fits": "this run", "evil": Evil()}, path)
    assert load_checkpoint(path, "this run") is None
    assert not mark.exists()


def test_only_trained_weights_and_buffers_are_kept(network):
    state = trained_state(network, {"3.weight"})
    assert sorted(state) == ["1.num_batches_tracked", "1.running_mean", "1.running_var", "3.weight"]
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with torch.no_grad():
        for value in network.state_dict().values():
            value.add_(1)
    restore_state(network, state)
    back = {n for n, value in network.state_dict().items() if torch.equal(value, before[n])}
    assert back == set(state)


def test_a_moment_put_back_lets_a_forward_pass_repeat_itself(network):
    torch.manual_seed(4)
    moment = Moment.of(network)
    rows = torch.randn(5, 3, generator=torch.Generator().manual_seed(1))
    first = network(rows)
    moment.put_back(network)
    assert torch.equal(network[1].running_mean, torch.zeros(3))
    assert torch.equal(network(rows), first)
