"""A run's state on disk, so that a killed run goes on to the same numbers."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from headstart.files import replacing

State = dict[str, Tensor]
DIGEST = hashlib.sha256().digest_size


def trained_state(network: nn.Module, names: set[str]) -> State:
    """Return copies of the parameters in ``names`` and of all buffers."""
    buffers = {name for name, _ in network.named_buffers()}
    return {
        name: value.detach().clone()
        for name, value in network.state_dict().items()
        if name in names or name in buffers
    }


def restore_state(network: nn.Module, state: State) -> None:
    """Put back what :func:`trained_state` took."""
    network.load_state_dict(state, strict=False)


def random_state() -> dict[str, Tensor]:
    """Return the state of torch's generators (dropout draws from them)."""
    state = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state()
    return state


def set_random_state(state: dict[str, Tensor]) -> None:
    """Put back what :func:`random_state` took."""
    torch.set_rng_state(state["cpu"])
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"])


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write ``state`` (tensors, numbers, strings, lists, dicts) to ``path``, whole or not."""
    with replacing(path) as beside:
        torch.save(state, beside)
        with beside.open("r+b") as file:
            digest = hashlib.file_digest(file, "sha256").digest()
            file.write(digest)  # a zip archive is read from its end; what follows it is skipped


def _whole(path: Path) -> bool:
    """Tell whether the last bytes are the digest of all before them.

    torch reads past a wrong checksum in its own archive; weights would change unseen.
    """
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END) - DIGEST
        state = hashlib.sha256()
        file.seek(0)
        while (left := size - file.tell()) > 0:
            state.update(file.read(min(left, 1 << 20)))
        return size > 0 and file.read() == state.digest()


def load_checkpoint(path: Path, fits: str) -> dict[str, Any] | None:
    """Return the state at ``path``; None if there is none, it is damaged, or of another run.

    Args:
        path: Where :func:`save_checkpoint` wrote it.
        fits: What its entry "fits" must say.
    """
    try:
        if not _whole(path):
            return None
        loaded = torch.load(path, weights_only=True, map_location="cpu")
    except Exception:  # bytes that are no checkpoint trip the reader in many ways
        return None
    return loaded if isinstance(loaded, dict) and loaded.get("fits") == fits else None


@dataclass(frozen=True)
class Moment:
    """What a forward pass moves besides gradients: generators, and buffers (batch norm's)."""

    random: dict[str, Tensor]
    buffers: State

    @classmethod
    def of(cls, network: nn.Module) -> Moment:
        """Return copies of the state as it is now."""
        buffers = {name: value.detach().clone() for name, value in network.named_buffers()}
        return cls(random_state(), buffers)

    def put_back(self, network: nn.Module) -> None:
        """Let ``network`` and the generators be as they were."""
        with torch.no_grad():
            for name, value in network.named_buffers():
                value.copy_(self.buffers[name])
        set_random_state(self.random)
