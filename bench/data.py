"""What is measured on: banking77 of ../shared/data where it lies there, else packaged sets."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from headstart.base.decoder import Decoder
from headstart.base.reference import load, load_decoder
from headstart.progress import Silent
from headstart.task.build import build_task
from headstart.task.model import Image, Task
from headstart.train.cache import FeatureCache

BANKING = Path(__file__).resolve().parents[1] / "../shared/data/text/banking77"
PHOTOS = BANKING.parents[1] / "vision/hymenoptera.zip"
LANGUAGE = BANKING.parents[1] / "llm"
ALPACA = LANGUAGE / "instruct/alpaca-train.jsonl"
CUT = 120_000  # bytes of a corpus: a study of it takes minutes on two cores
SMOLLM = "bundled:smollm2-135m"
MOST_PHOTOS = 256


def task() -> Task:
    """Return banking77 if it is here, else the emoji names."""
    return build_task(BANKING.resolve() if BANKING.is_dir() else "packaged:emojis")


def instructions() -> Task:
    """Return the alpaca rows if they are here, else small talk."""
    return build_task(ALPACA.resolve() if ALPACA.is_file() else "packaged:chatterbot")


def shakespeare(folder: Path) -> Path:
    """Return plays, cut."""
    text = (LANGUAGE / "corpus/tinyshakespeare-train.txt").read_bytes()[:CUT]
    return _written(folder / "shakespeare.txt", [text.decode("utf-8", "ignore")])


def medquad(folder: Path) -> Path:
    """Return questions about diseases and their answers as documents, cut."""
    rows = _rows(LANGUAGE / "corpus/medquad-train.jsonl")
    texts = [json.dumps({"text": f"{row['question']}\n{row['answer']}"}) + "\n" for row in rows]
    return _written(folder / "medquad.jsonl", texts)


def gsm8k(folder: Path) -> Path:
    """Return sums in words with their solutions as documents, cut."""
    rows = _rows(LANGUAGE / "instruct/gsm8k-train.jsonl")
    texts = [json.dumps({"text": f"{row['instruction']}\n{row['output']}"}) + "\n" for row in rows]
    return _written(folder / "gsm8k.jsonl", texts)


def alpaca(folder: Path) -> Path:
    """Return instructions and answers, cut."""
    lines = ALPACA.read_text(encoding="utf-8").splitlines(keepends=True)
    return _written(folder / "alpaca.jsonl", lines)


def _rows(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _written(path: Path, texts: list[str]) -> Path:
    """Write the first texts, as many as :data:`CUT` holds."""
    size, kept = 0, []
    for text in texts:
        size += len(text.encode())
        if kept and size > CUT:
            break
        kept.append(text)
    path.write_text("".join(kept), encoding="utf-8")
    return path


def decoder() -> Decoder:
    """Return the bundled language model."""
    return load_decoder(SMOLLM)


def texts(name: str, count: int) -> tuple[list[str], str]:
    """Return texts of a set to embed, and what they are; without banking77, the emoji names."""
    found = task() if name == "banking77" else build_task(name)
    sample = [str(item) for item in found.train.inputs[:count]]
    return sample, f"{found.name}, {len(sample):,} texts"


def photos(folder: Path) -> tuple[list[Image], str]:
    """Return images as files, unpacked in ``folder``, and what they are; else the digits."""
    if PHOTOS.is_file():
        with zipfile.ZipFile(PHOTOS) as archive:
            archive.extractall(folder / "photos")
        files = sorted((folder / "photos").rglob("*.jpg"))[:MOST_PHOTOS]
        return [Image(path=file) for file in files], f"{len(files)} photos"
    files = []
    for number, image in enumerate(build_task("packaged:digits").train.inputs[:MOST_PHOTOS]):
        assert isinstance(image, Image)
        files.append(folder / f"{number}.png")
        files[-1].write_bytes(image.data or b"")
    return [Image(path=file) for file in files], f"{len(files)} digits"


def features() -> tuple[NDArray[np.float32], NDArray, NDArray[np.float32], NDArray, str]:
    """Return train features and targets, test features and targets, and what they are."""
    found, encoder, cache = task(), load("bundled:minilm-l6"), FeatureCache()
    train, test = (
        np.asarray(cache.features(encoder, p.inputs, p.ids, progress=Silent(), label="x").values)
        for p in (found.train, found.test)
    )
    name = f"{found.name} {train.shape[0]:,} x {train.shape[1]}, {len(found.classes)} classes"
    return train, np.asarray(found.train.targets), test, np.asarray(found.test.targets), name
