"""Sets of the ``datasets`` library are read with their class names, parts and images."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headstart.errors import RequestError
from headstart.task.build import build_task
from headstart.task.model import Kind, Modality

datasets = pytest.importorskip("datasets")


def texts(count: int, word: str = "t") -> Any:
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["neg", "pos"])}
    )
    columns = {"text": [f"{word}{n}" for n in range(count)], "label": [n % 2 for n in range(count)]}
    return datasets.Dataset.from_dict(columns, features=features)


def test_class_numbers_become_their_names() -> None:
    assert build_task(texts(40)).classes == ("neg", "pos")


def test_parts_of_a_dict_are_kept_and_one_without_labels_is_replaced() -> None:
    bare = texts(9, "x").map(lambda row: {"label": -1})
    data = datasets.DatasetDict(train=texts(40), validation=texts(10, "v"), test=bare)
    task = build_task(data)
    assert len(task.validation) == 10
    assert len(task.train) + len(task.test) == 40


@pytest.mark.parametrize("whole", [True, False])
def test_a_saved_set_is_read_from_its_folder(tmp_path: Path, whole: bool) -> None:
    data = datasets.DatasetDict(train=texts(40), test=texts(9, "x")) if whole else texts(49)
    data.save_to_disk(tmp_path / "saved")
    assert sum(map(len, build_task(tmp_path / "saved").parts.values())) == 49


def test_images_stay_encoded() -> None:
    pillow = pytest.importorskip("PIL.Image")
    pictures = []
    for n in range(30):
        written = io.BytesIO()
        pillow.fromarray(np.full((4, 4, 3), n * 8, np.uint8)).save(written, format="PNG")
        pictures.append({"bytes": written.getvalue(), "path": None})
    features = datasets.Features({"image": datasets.Image(), "label": datasets.Value("string")})
    columns = {"image": pictures, "label": list("ab") * 15}
    task = build_task(datasets.Dataset.from_dict(columns, features=features))
    assert task.modality is Modality.IMAGE
    assert sum(map(len, task.parts.values())) == 30


def test_tags_become_their_names() -> None:
    tag = datasets.ClassLabel(names=["O", "B-LOC"])
    features = datasets.Features(
        {"tokens": datasets.List(datasets.Value("string")), "ner_tags": datasets.List(tag)}
    )
    columns = {"tokens": [["in", f"city{n}"] for n in range(30)], "ner_tags": [[0, 1]] * 30}
    task = build_task(datasets.Dataset.from_dict(columns, features=features))
    assert task.kind is Kind.TOKEN_CLASSIFICATION
    assert task.classes == ("B-LOC", "O")


def test_a_streamed_set_is_refused() -> None:
    with pytest.raises(RequestError, match="streamed"):
        build_task(texts(4).to_iterable_dataset())


def test_a_saved_set_that_is_damaged_is_refused(tmp_path: Path) -> None:
    texts(9).save_to_disk(tmp_path / "saved")
    next((tmp_path / "saved").glob("*.arrow")).write_bytes(b"x")
    with pytest.raises(RequestError, match="cannot be loaded"):
        build_task(tmp_path / "saved")
