"""A file of 1 GB to the hub and back, by the ways clients go; nginx serves it beside.

Server and client share the machine. Random bytes, and a safetensors file as a bfloat16 model of
1 GB has it. The client is huggingface_hub as it comes (Xet), with HF_HUB_DISABLE_XET=1 (LFS,
plain HTTP), and curl. Each upload is to a fresh hub, from a fresh HF_HOME; of repeated
measurements the median is shown, with the fastest and the slowest.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from bench.hub_server import Served, answered, client, free_port, served, token

SIZE = 10**9
REPEATS = 2
LAYERS, WIDTH, INNER = 20, 1536, 4096
LFS = {"HF_HUB_DISABLE_XET": "1"}
Way = dict[str, str]
_UPLOAD = """
import sys, time
from huggingface_hub import HfApi
api = HfApi({address!r}, token={token!r})
api.create_repo("ann/m", exist_ok=True)
began = time.perf_counter()
api.upload_file(path_or_fileobj={file!r}, path_in_repo={name!r}, repo_id="ann/m")
print(time.perf_counter() - began)
"""
_DOWNLOAD = """
import sys, time
from huggingface_hub import hf_hub_download
began = time.perf_counter()
hf_hub_download("ann/m", {name!r}, endpoint={address!r}, token={token!r})
print(time.perf_counter() - began)
"""
_NGINX = """daemon off; worker_processes auto; pid {folder}/pid; error_log {folder}/log;
events {{ worker_connections 64; }}
http {{
  access_log off; sendfile on; client_body_temp_path {folder}/a; proxy_temp_path {folder}/b;
  fastcgi_temp_path {folder}/c; uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  server {{
    listen 127.0.0.1:{port};
    location = / {{ return 200; }}
    location /ann/m/resolve/main/ {{ alias {folder}/; add_header X-Repo-Commit {commit}; }}
  }}
}}
"""


def run() -> list[dict[str, Any]]:
    """Time uploads and downloads of both files."""
    found: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        folder.chmod(0o755)  # nginx's workers are another user
        for file in (_noise(folder), _model(folder)):
            for name, way in (("Xet", {}), ("LFS", LFS)):
                found += _there_and_back(file, folder / "hub", name, way)
    return found


def _there_and_back(file: Path, root: Path, name: str, way: Way) -> list[dict[str, Any]]:
    uploads: list[float] = []
    peaks: list[float] = []
    for _ in range(REPEATS):
        shutil.rmtree(root, ignore_errors=True)
        text = token(root, "ann")
        with served(root) as server:
            uploads.append(_asked(_UPLOAD, server.address, text, file, way))
            peaks.append(server.peak_bytes() / 1e6)
    told = {"what": f"upload {file.name} by {name}", **_spread(uploads), "peak_MB": max(peaks)}
    with served(root) as server, _nginx(file) as other:
        return [told, *_downloads(server, other, text, file, name, way)]


def _downloads(
    server: Served, other: str, text: str, file: Path, name: str, way: Way
) -> Iterator[dict[str, Any]]:
    """Take turns between the hub and nginx: what else the machine does hits both."""

    def hub_client(address: str) -> float:
        return _asked(_DOWNLOAD, address, text, file, way)

    def curl(address: str) -> float:
        url = f"{address}/ann/m/resolve/main/{file.name}"
        began = time.perf_counter()
        subprocess.run(
            ["curl", "-sSf", "-H", f"Authorization: Bearer {text}", "-o", "/dev/null", url],
            check=True,
        )
        return time.perf_counter() - began

    ways: list[tuple[str, Callable[[str], float]]] = [(f"huggingface_hub, {name}", hub_client)]
    if way:
        ways.append(("curl", curl))
    for label, fetch in ways:
        fetch(server.address)
        fetch(other)
        ours, theirs = [], []
        for _ in range(REPEATS):
            ours.append(fetch(server.address))
            theirs.append(fetch(other))
        yield {
            "what": f"download {file.name} with {label}", **_spread(ours),
            "peak_MB": server.peak_bytes() / 1e6, "nginx_seconds": median(theirs),
            "ratio": median(theirs) / median(ours),
        }  # fmt: skip


def _asked(code: str, address: str, text: str, file: Path, way: Way) -> float:
    with tempfile.TemporaryDirectory() as home:
        asked = code.format(address=address, token=text, file=str(file), name=file.name)
        return client(asked, Path(home), **way)


def _spread(seconds: list[float]) -> dict[str, float]:
    return {"seconds": median(seconds), "fastest": min(seconds), "slowest": max(seconds)}


@contextmanager
def _nginx(file: Path) -> Iterator[str]:
    """Serve the file's folder as plain files, under the address that a hub has for them."""
    port, config = free_port(), file.parent / "nginx.conf"
    config.write_text(_NGINX.format(folder=file.parent, port=port, commit="0" * 40))
    process = subprocess.Popen(["nginx", "-c", str(config)], stderr=subprocess.DEVNULL)
    try:
        answered(f"http://127.0.0.1:{port}/", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _noise(folder: Path) -> Path:
    file, draw = folder / "noise.bin", np.random.default_rng(0)
    with file.open("wb") as opened:
        for _ in range(10):
            opened.write(draw.bytes(SIZE // 10))
    return file


def _model(folder: Path) -> Path:
    """Write a decoder of 1 GB, its weights drawn as they are at the start of training."""
    draw = np.random.default_rng(1)
    shapes: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (32_000, WIDTH)}
    for layer in range(LAYERS):
        start = f"model.layers.{layer}."
        for part in ("q", "k", "v", "o"):
            shapes[f"{start}self_attn.{part}_proj.weight"] = WIDTH, WIDTH
        for part, shape in (("gate", (INNER, WIDTH)), ("up", (INNER, WIDTH)),
                            ("down", (WIDTH, INNER))):  # fmt: skip
            shapes[f"{start}mlp.{part}_proj.weight"] = shape
        shapes[f"{start}input_layernorm.weight"] = (WIDTH,)
    header, end = {}, 0
    for name, (*sides,) in shapes.items():
        begin, end = end, end + 2 * int(np.prod(sides))
        header[name] = {"dtype": "BF16", "shape": sides, "data_offsets": [begin, end]}
    raw = json.dumps(header).encode()
    file = folder / "model.safetensors"
    with file.open("wb") as opened:
        opened.write(len(raw).to_bytes(8, "little") + raw)
        for shape in shapes.values():
            numbers = draw.standard_normal(shape, np.float32) * np.float32(0.02)
            opened.write((numbers.view(np.uint32) >> 16).astype("<u2").tobytes())
    return file
