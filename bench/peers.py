"""What others do with the same weights and inputs, in a process that headstart has not tuned.

``python -m bench.peers JOB RESULT``: reads a job in JSON and leaves seconds and features.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.base.compat import prepare_torchvision

IMAGE_BATCHES = (8, 16, 32)
TEXT_BATCHES = (8, 32)
REPEATS = 3


def measured(job: dict[str, Any]) -> tuple[dict[str, float], NDArray[np.float32]]:
    """Run a job in a fresh process; return the seconds of each setting, and features."""
    with tempfile.TemporaryDirectory() as folder:
        asked, left = Path(folder) / "job.json", Path(folder) / "result.npz"
        asked.write_text(json.dumps(job), encoding="utf-8")
        subprocess.run([sys.executable, "-m", "bench.peers", asked, left], check=True)
        with np.load(left) as found:
            return json.loads(str(found["seconds"])), found["features"]


def _texts(job: dict[str, Any]) -> tuple[dict[str, float], NDArray[np.float32]]:
    from sentence_transformers import SentenceTransformer

    peer = SentenceTransformer(job["model"], device="cpu")
    peer.max_seq_length = job["tokens"]
    peer.encode(job["texts"][:32])
    return _timed(
        {
            f"batch {size}": lambda size=size: np.asarray(
                peer.encode(job["texts"], batch_size=size)
            )
            for size in TEXT_BATCHES
        }
    )


def _pixels(job: dict[str, Any]) -> tuple[dict[str, float], NDArray[np.float32]]:
    """Decoded and normalised tensors, ready in memory, to features."""
    import torch

    model = _timm(job)
    pixels = torch.from_numpy(np.load(job["pixels"]))

    def features(size: int, layout: torch.memory_format) -> NDArray[np.float32]:
        body = model.to(memory_format=layout)
        with torch.inference_mode():
            return torch.cat(
                [body(part.to(memory_format=layout)) for part in pixels.split(size)]
            ).numpy()

    layouts = {"": torch.contiguous_format, ", channels_last": torch.channels_last}
    features(8, torch.contiguous_format)
    return _timed(
        {
            f"batch {size}{name}": lambda size=size, layout=layout: features(size, layout)
            for name, layout in layouts.items()
            for size in IMAGE_BATCHES
        }
    )


def _files(job: dict[str, Any]) -> tuple[dict[str, float], NDArray[np.float32]]:
    """Files through timm's own transform and torch's loader to features."""
    import timm
    import torch
    from PIL import Image
    from torch.utils.data import DataLoader

    model = _timm(job).to(memory_format=torch.channels_last)
    config = timm.data.resolve_model_data_config(model)
    transform = timm.data.create_transform(**config, is_training=False)

    class Files(torch.utils.data.Dataset):
        def __len__(self) -> int:
            return len(job["files"])

        def __getitem__(self, row: int) -> torch.Tensor:
            return transform(Image.open(job["files"][row]).convert("RGB"))

    def features(workers: int) -> NDArray[np.float32]:
        loader = DataLoader(Files(), batch_size=8, num_workers=workers)
        with torch.inference_mode():
            found = [model(part.to(memory_format=torch.channels_last)) for part in loader]
        return torch.cat(found).numpy()

    return _timed(
        {f"batch 8, {workers} workers": lambda workers=workers: features(workers)
         for workers in (0, 2)}
    )  # fmt: skip


def _timm(job: dict[str, Any]) -> Any:
    import timm
    from safetensors.torch import load_file

    model = timm.create_model(job["model"], num_classes=0)
    model.load_state_dict(load_file(job["weights"]))
    return model.eval()


def _timed(
    settings: dict[str, Callable[[], NDArray[np.float32]]],
) -> tuple[dict[str, float], NDArray[np.float32]]:
    """Return the seconds of each setting, of the fastest the best of three, and features."""
    seconds: dict[str, float] = {}

    def run(name: str) -> NDArray[np.float32]:
        began = time.perf_counter()
        features = settings[name]()
        taken = time.perf_counter() - began
        seconds[name] = min(seconds.get(name, taken), taken)
        return features

    for name in settings:
        run(name)
    fastest = min(seconds, key=seconds.__getitem__)
    for _ in range(REPEATS - 1):
        features = run(fastest)
    return seconds, features


def main() -> None:
    """Do the job."""
    prepare_torchvision()
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    seconds, features = {"texts": _texts, "pixels": _pixels, "files": _files}[job["kind"]](job)
    np.savez(sys.argv[2], seconds=json.dumps(seconds), features=features)


if __name__ == "__main__":
    main()
