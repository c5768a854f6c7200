"""The layouts of folders and archives that are understood."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from headstart.errors import RequestError
from headstart.task.build import build_task
from headstart.task.layout import read_tree
from headstart.task.tree import Entry, folder_tree


def tree(places: Iterable[str]) -> list[Entry]:
    return [Entry(tuple(place.split("/")), data=b"some text") for place in places]


def test_parts_above_classes_are_the_datas_own() -> None:
    raw = read_tree(tree(["train/pos/1.txt", "train/neg/2.txt", "valid/pos/3.txt"]), "x")
    assert raw.parts == ["train", "train", "validation"]
    assert raw.columns["class folder"] == ["pos", "neg", "pos"]


def test_parts_below_classes_are_understood_too() -> None:
    raw = read_tree(tree(["cats/train/1.jpg", "cats/test/2.jpg", "dogs/train/3.jpg"]), "x")
    assert raw.parts == ["train", "test", "train"]
    assert raw.columns["class folder"] == ["cats", "cats", "dogs"]


def test_domains_above_parts_are_pooled_and_it_says_so() -> None:
    raw = read_tree(tree(["photo/train/dog/1.jpg", "sketch/test/cat/1.jpg"]), "x")
    assert raw.columns["class folder"] == ["dog", "cat"]
    assert "2 domains are pooled: photo, sketch" in raw.said[0]


def test_one_enclosing_folder_is_looked_through() -> None:
    raw = read_tree(tree(["data/set/a/1.txt", "data/set/b/2.txt"]), "x")
    assert raw.columns["class folder"] == ["a", "b"]


def test_unlabelled_files_are_left_out_and_counted() -> None:
    places = ["train/pos/1.txt", "train/neg/2.txt", "train/unsup/3.txt", "train/list.txt"]
    raw = read_tree(tree([*places, "test/pos/4.txt", "README.md"]), "x")
    assert len(raw) == 3
    assert raw.warnings[0].count == 2


def test_files_without_class_folders_are_refused() -> None:
    with pytest.raises(RequestError, match="no class folders"):
        read_tree(tree(["1.jpg", "2.jpg"]), "x")


def test_nothing_readable_says_what_is_there() -> None:
    with pytest.raises(RequestError, match=r"2 x \.exe"):
        read_tree(tree(["a.exe", "b.exe"]), "x")


def test_a_link_to_a_folder_above_does_not_hang(tmp_path: Path) -> None:
    for label in ("a", "b"):
        (tmp_path / label).mkdir()
        (tmp_path / label / "1.txt").write_text("x")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    assert [entry.name for entry in folder_tree(tmp_path)] == ["a/1.txt", "b/1.txt"]


def test_tables_named_after_parts_are_read_together(tmp_path: Path) -> None:
    for name, count in (("train", 40), ("dev", 10), ("test-00000-of-00001", 20)):
        lines = [f"{name} {row},{'ab'[row % 2]}" for row in range(count)]
        (tmp_path / f"{name}.csv").write_text("text,label\n" + "\n".join(lines))
    task = build_task(tmp_path)
    assert [len(part) for part in task.parts.values()] == [40, 10, 20]
    assert task.split == "the data's own"


def test_a_test_table_without_targets_is_left_out_and_replaced(tmp_path: Path) -> None:
    lines = [f"text {row},{'ab'[row % 2]}" for row in range(40)]
    (tmp_path / "train.csv").write_text("text,label\n" + "\n".join(lines))
    (tmp_path / "test.csv").write_text("text\nwhat is this\nand this\n")
    task = build_task(tmp_path)
    assert next(w for w in task.warnings if w.code == "unlabelled-part").count == 2
    assert len(task.test) == 6


def test_a_table_of_image_paths_is_relative_to_the_table(tiny_image_folder: Path) -> None:
    paths = sorted(path.relative_to(tiny_image_folder) for path in tiny_image_folder.glob("*/*"))
    lines = [f"{path.as_posix()},{path.parent}" for path in paths]
    table = tiny_image_folder / "labels.csv"
    table.write_text("file_name,label\n" + "\n".join(lines) + "\nred/gone.png,red\n")
    for data in (table, tiny_image_folder):
        task = build_task(data)
        assert task.input == ("file_name",)
        assert sum(map(len, task.parts.values())) == 45
        lost = next(w for w in task.warnings if w.code == "unreadable-images")
        assert "no image file 'red/gone.png'" in lost.examples[0]


def test_few_unreadable_texts_are_left_out_and_named(tmp_path: Path) -> None:
    for n in range(40):
        path = tmp_path / "ab"[n % 2] / f"{n}.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"text {n}")
    (tmp_path / "a" / "bad.txt").write_bytes(b"\x00\x01")
    task = build_task(tmp_path)
    lost = next(warning for warning in task.warnings if warning.code == "unreadable-files")
    assert "a/bad.txt: a NUL byte" in lost.examples[0]


def test_image_names_longer_than_a_file_name_may_be_are_unreadable(tmp_path: Path) -> None:
    lines = [f"{'x' * 300}{n}.png,{'ab'[n % 2]}" for n in range(20)]
    (tmp_path / "x.csv").write_text("image,label\n" + "\n".join(lines))
    with pytest.raises(RequestError, match="no image file"):
        build_task(tmp_path / "x.csv")


def test_names_that_are_not_utf8_stay_storable(tmp_path: Path) -> None:
    folder = tmp_path / "caf\udce9"
    try:
        for label in ("a", "b"):
            (folder / label).mkdir(parents=True)
            for n in range(10):
                (folder / label / f"\udce9{n}.txt").write_text(f"text {label} {n}")
    except OSError:
        pytest.skip("this file system refuses names that are not UTF-8")
    task = build_task(folder)
    "".join([task.name, *task.train.origins]).encode("utf-8")
