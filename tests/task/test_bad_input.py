"""Every bad input gets a RequestError that names the thing, the place and the mend."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from headstart.errors import RequestError
from headstart.task.build import build_task
from headstart.task.model import Kind, Task

GOOD = "".join(f"text number {n},{'ab'[n % 2]}\n" for n in range(40))


def refused(data: object, **flags: object) -> RequestError:
    with pytest.raises(RequestError) as caught:
        build_task(data, **flags)  # type: ignore[arg-type]
    return caught.value


def written(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def frame(labels: Sequence[object]) -> pd.DataFrame:
    return pd.DataFrame({"text": [f"text {n}" for n in range(len(labels))], "label": labels})


def test_a_missing_path_names_the_nearest(tmp_path: Path) -> None:
    written(tmp_path / "reviews.csv", "text,label\n" + GOOD)
    error = refused(tmp_path / "review.csv")
    assert "no such file" in error.what
    assert "reviews.csv" in str(error.mend)


@pytest.mark.parametrize("name", ["x.csv", "x.jsonl", "x.parquet", "x.zip", "x.json"])
def test_an_empty_file_is_refused(tmp_path: Path, name: str) -> None:
    error = refused(written(tmp_path / name, ""))
    assert "empty" in error.what
    assert name in str(error.where)


@pytest.mark.parametrize("content", ["text,label\n", "\n \n", ";", ",,\n,\n", "\ufefftext,label"])
def test_a_table_without_rows_is_refused(tmp_path: Path, content: str) -> None:
    assert "x.csv" in str(refused(written(tmp_path / "x.csv", content)).where)


def test_an_empty_folder_says_what_was_expected(tmp_path: Path) -> None:
    error = refused(tmp_path)
    assert "empty" in error.what
    assert "cats/" in str(error.mend)


def test_an_empty_frame_is_refused() -> None:
    assert "empty" in refused(pd.DataFrame()).what
    assert "empty" in refused(pd.DataFrame({"text": [], "label": []})).what


def test_an_unknown_ending_names_those_that_are_read(tmp_path: Path) -> None:
    assert ".parquet" in str(refused(written(tmp_path / "x.docx", "PK")).mend)


def test_data_of_a_strange_type_is_refused() -> None:
    assert "int" in refused(3).what


def test_one_class_only_is_refused_and_named() -> None:
    assert "only one class, 'a'" in refused(frame(["a"] * 20)).what


def test_one_class_folder_only_is_refused(tmp_path: Path) -> None:
    for n in range(5):
        written(tmp_path / "cats" / f"{n}.txt", f"miaow {n}")
    assert "one class, 'cats'" in refused(tmp_path).what


def test_a_class_with_one_row_goes_to_train_and_is_named() -> None:
    task = build_task(frame(["a"] * 20 + ["b"] * 20 + ["rare"]))
    assert np.bincount(task.train.targets, minlength=3)[2] == 1
    few = next(warning for warning in task.warnings if warning.code == "few-rows")
    assert few.examples == ("rare: 1",)


def test_a_missing_column_names_the_nearest() -> None:
    error = refused(frame(["a", "b"] * 20), target="lable")
    assert error.where == "--target"
    assert "did you mean 'label'" in str(error.mend)
    assert "did you mean 'text'" in str(refused(frame(["a", "b"] * 20), input=["txt"]).mend)


def test_one_column_cannot_be_both_input_and_target() -> None:
    error = refused(frame(["a", "b"] * 20), input=["label"], target="label")
    assert "both input and target" in error.what


def test_few_missing_targets_are_left_out_and_named() -> None:
    task = build_task(frame(["a", "b"] * 20 + [float("nan"), None]))
    dropped = next(warning for warning in task.warnings if warning.code == "missing-targets")
    assert dropped.count == 2
    assert "DataFrame row 40" in dropped.examples[0]
    assert sum(map(len, task.parts.values())) == 40


def test_many_missing_targets_are_an_error_that_names_the_row() -> None:
    error = refused(frame([None if n % 3 == 1 else "ab"[n % 2] for n in range(60)]))
    assert "20 of 60 rows" in error.what
    assert "NaN" in error.what
    assert error.where == "DataFrame row 1, column 'label'"


def test_few_empty_inputs_are_left_out_and_counted(tmp_path: Path) -> None:
    task = build_task(written(tmp_path / "x.csv", "text,label\n" + GOOD + '"  ",a\n,b\n'))
    dropped = next(warning for warning in task.warnings if warning.code == "empty-inputs")
    assert dropped.count == 2
    assert "x.csv row 42" in dropped.examples[0]


def test_a_target_that_is_no_number_names_the_row_of_a_regression() -> None:
    error = refused(frame(["x", "y"] * 20), kind=Kind.REGRESSION)
    assert "'x' is no finite number" in error.what
    assert "row 0" in str(error.where)


def test_infinite_targets_are_refused() -> None:
    error = refused(frame([float("inf")] * 10 + [n / 7 for n in range(30)]), kind=Kind.REGRESSION)
    assert "inf" in error.what


def test_a_broken_quote_names_the_row_in_which_it_opens(tmp_path: Path) -> None:
    content = "text,label\n" + 'good,a\n"never closed,b\n' + GOOD + 'said "so",a\n'
    error = refused(written(tmp_path / "x.csv", content))
    assert "quote" in error.what
    assert "row 3 (line 3)" in str(error.where)


def test_ragged_rows_name_the_row_and_the_counts(tmp_path: Path) -> None:
    error = refused(written(tmp_path / "x.csv", "text,label\ngood,a\nbad, with comma,b\n"))
    assert "3 cells where the header has 2" in error.what
    assert error.where == "x.csv row 3"


def test_a_column_name_twice_is_refused(tmp_path: Path) -> None:
    assert "'text' occurs twice" in refused(written(tmp_path / "x.csv", "text,text\na,b\n")).what
    both = pd.DataFrame([["a", "b"]], columns=["text", "text"])
    assert "occurs twice" in refused(both).what


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "cp1252", "utf-32"])
def test_other_encodings_are_read_where_there_is_no_doubt(tmp_path: Path, encoding: str) -> None:
    text = "text,label\ncafé crème brûlée – très bon,a\n" + GOOD
    task = build_task(written(tmp_path / "x.csv", text.encode(encoding)))
    inputs = [text for part in task.parts.values() for text in part.inputs]
    assert "café crème brûlée – très bon" in inputs
    if encoding != "utf-8-sig":
        assert any("read as" in line for line in task.detected)


def test_an_encoding_in_doubt_names_byte_and_line(tmp_path: Path) -> None:
    data = ("text,label\n" + "Привет как дела,a\n" * 30).encode("cp1251")
    error = refused(written(tmp_path / "x.csv", data))
    assert "offset 11 (line 2)" in error.what
    assert "UTF-8" in str(error.mend)


def test_a_nul_byte_is_refused_with_its_place(tmp_path: Path) -> None:
    error = refused(written(tmp_path / "x.csv", b"text,label\na\x00b,c\n"))
    assert "NUL byte at offset 12 (line 2)" in error.what


def test_a_broken_json_line_is_named(tmp_path: Path) -> None:
    error = refused(written(tmp_path / "x.jsonl", '{"text": "a", "label": "b"}\n{"text": \n'))
    assert error.where == "x.jsonl line 2"


@pytest.mark.parametrize("line", ["[1, 2]", '"text"', "3"])
def test_a_json_line_that_is_no_object_is_named(tmp_path: Path, line: str) -> None:
    error = refused(written(tmp_path / "x.jsonl", '{"text": "a"}\n' + line + "\n"))
    assert "expected an object" in error.what
    assert error.where == "x.jsonl line 2"


def test_json_nested_too_deep_is_refused(tmp_path: Path) -> None:
    assert "deep" in refused(written(tmp_path / "x.jsonl", "[" * 200_000)).what


def test_a_parquet_file_cut_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    frame(["a", "b"] * 20).to_parquet(path)
    error = refused(written(path, path.read_bytes()[:-100]))
    assert "Parquet" in error.what
    assert error.where == "x.parquet"


def test_texts_that_are_objects_name_the_row() -> None:
    cells = [{"a": [n]} for n in range(40)]
    table = pd.DataFrame({"text": cells, "label": ["a", "b"] * 20})
    assert "row 0" in str(refused(table, input=["text"]).where)


def test_a_huge_cell_is_read(tmp_path: Path) -> None:
    long = "word " * 100_000
    task = build_task(written(tmp_path / "x.csv", f"text,label\n{long},a\n" + GOOD))
    assert any(len(str(text)) > 400_000 for part in task.parts.values() for text in part.inputs)


def test_ten_thousand_classes_that_recur_are_a_task() -> None:
    task = build_task(frame([f"class {n // 3}" for n in range(30_000)]))
    assert len(task.classes) == 10_000
    assert set(np.unique(task.train.targets)) == set(range(10_000))


def test_ten_thousand_classes_that_hardly_recur_look_like_an_identifier() -> None:
    error = refused(frame([f"class {n}" for n in range(10_000)]))
    assert "10,000 classes in 10,000 rows" in error.what
    assert "identifier" in error.what


def test_labels_that_look_like_numbers_are_classes_and_it_says_so() -> None:
    task = build_task(frame([n % 4 for n in range(60)]))
    assert task.classes == ("0", "1", "2", "3")
    assert any("--task regression" in line for line in task.detected)
    assert build_task(frame([n % 4 for n in range(60)]), kind=Kind.REGRESSION).classes == ()


def test_too_few_rows_for_three_parts_are_refused() -> None:
    for labels in ("ab", "aab", "abab"):
        assert "too few" in refused(frame(list(labels))).what


def test_two_tables_without_part_names_are_listed(tmp_path: Path) -> None:
    written(tmp_path / "one.csv", "text,label\n" + GOOD)
    written(tmp_path / "two.csv", "text,label\n" + GOOD)
    assert "one.csv, two.csv" in refused(tmp_path).what


def test_several_possible_targets_are_listed() -> None:
    table = frame(["a", "b"] * 20).rename(columns={"label": "mood"})
    table["tone"] = ["x", "y", "y", "x"] * 10
    error = refused(table)
    assert "'mood' (2 distinct), 'tone' (2 distinct)" in error.what
    assert error.mend == "name one, e.g. --target mood"


def test_a_table_of_numbers_only_is_refused() -> None:
    table = pd.DataFrame({"x": np.arange(40) / 3, "label": ["a", "b"] * 20})
    assert "no column with text or images" in refused(table).what


def archive(
    path: Path, members: dict[str, bytes], change: Callable[[zipfile.ZipInfo], None] | None = None
) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in members.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            if change:
                change(info)
            opened.writestr(info, content)
    return path


def test_a_zip_whose_paths_climb_out_is_refused(tmp_path: Path) -> None:
    for name in ("../evil.csv", "/etc/evil.csv", "a/../../evil.csv", "C:\\evil.csv"):
        error = refused(archive(tmp_path / "x.zip", {name: b"text,label\n"}))
        assert "leads outside" in error.what


def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    def link(info: zipfile.ZipInfo) -> None:
        info.external_attr = (stat.S_IFLNK | 0o777) << 16

    assert "leads outside" in refused(archive(tmp_path / "x.zip", {"a/b": b"/etc"}, link)).what


def test_a_zip_bomb_is_refused(tmp_path: Path) -> None:
    error = refused(archive(tmp_path / "x.zip", {"train.csv": b"\x20" * 2**26}))
    assert "zip bomb" in error.what


def test_a_broken_zip_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "x.zip", {"train.csv": ("text,label\n" + GOOD).encode()})
    whole = path.read_bytes()
    assert "broken" in refused(written(path, whole[:100])).what
    spoilt = bytearray(whole)
    spoilt[60:90] = bytes(30)
    assert "cannot be unpacked" in refused(written(path, bytes(spoilt))).what


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "x.zip", {"train.csv": b"text,label\n"})
    data = bytearray(path.read_bytes())
    data[6] |= 1  # the flag in the local header …
    data[data.index(b"PK\x01\x02") + 8] |= 1  # … and in the directory
    assert "encrypted" in refused(written(path, bytes(data))).what


def test_a_zip_of_a_table_is_read(tmp_path: Path) -> None:
    table = ("text,label\n" + GOOD).encode()
    task: Task = build_task(archive(tmp_path / "x.zip", {"data/all.csv": table, "README.md": b"x"}))
    assert sum(map(len, task.parts.values())) == 40


def test_a_folder_reference_to_a_hub_set_fails_clearly_offline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    datasets = pytest.importorskip("datasets")

    def unreachable(name: str) -> None:
        raise ConnectionError("no network")

    monkeypatch.setattr(datasets, "load_dataset", unreachable)
    error = refused("some-org/some-set")
    assert "no network" in error.what
    assert error.where == "some-org/some-set"
