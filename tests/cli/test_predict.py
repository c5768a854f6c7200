"""``headstart predict`` and ``export``: every row keeps its place, problems are told by row."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from typer.testing import Result

from headstart.forms.export import Exported

Run = Callable[..., Result]


def draw(path: Path, name: str) -> None:
    """Write a tiny picture."""
    image = pytest.importorskip("PIL.Image")
    image.new("RGB", (4, 4)).save(path / name)


Serve = Callable[..., Any]


@pytest.fixture
def serve(api: ModuleType, make_adapted: type[Any]) -> Serve:
    """Makes headstart.load return a fake model with these properties."""

    def serve(**properties: Any) -> Any:
        model = make_adapted(**properties)
        model.folders = []
        api.load = lambda folder: (model.folders.append(folder), model)[1]  # type: ignore[attr-defined]
        return model

    return serve


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_a_table_comes_back_with_prediction_and_confidence_in_its_order(
    headstart_cli: Run, serve: Serve, tmp_path: Path
) -> None:
    serve()
    (tmp_path / "new.csv").write_text('id,text\n7,so good\n8,"bad, sad"\n')
    result = headstart_cli("predict", "m", str(tmp_path / "new.csv"))
    assert result.exit_code == 0, result.output
    assert table(result.stdout) == [
        {"id": "7", "text": "so good", "prediction": "good", "confidence": "0.75"},
        {"id": "8", "text": "bad, sad", "prediction": "bad", "confidence": "0.875"},
    ]


def test_lines_come_from_stdin(headstart_cli: Run, serve: Serve) -> None:
    serve()
    result = headstart_cli("predict", "m", "-", stdin="so good\nsad\n")
    assert [row["prediction"] for row in table(result.stdout)] == ["good", "bad"]
    assert [row["text"] for row in table(result.stdout)] == ["so good", "sad"]


def test_a_text_file_is_one_text_a_line(headstart_cli: Run, serve: Serve, tmp_path: Path) -> None:
    serve()
    (tmp_path / "new.txt").write_text("so good\nsad\n")
    result = headstart_cli("predict", "m", str(tmp_path / "new.txt"))
    assert [row["prediction"] for row in table(result.stdout)] == ["good", "bad"]


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl"])
def test_the_output_file_is_written_in_the_format_of_its_suffix(
    headstart_cli: Run, serve: Serve, tmp_path: Path, suffix: str
) -> None:
    serve()
    out = tmp_path / f"out.{suffix}"
    result = headstart_cli("predict", "m", "-", "--out", str(out), stdin="so good\nsad\n")
    assert result.exit_code == 0, result.output
    if suffix == "jsonl":
        rows = [json.loads(line) for line in out.read_text().splitlines()]
        assert rows[0] == {"text": "so good", "prediction": "good", "confidence": 0.75}
    else:
        separator = {"csv": ",", "tsv": "\t"}[suffix]
        assert out.read_text().splitlines()[1] == separator.join(["so good", "good", "0.75"])
    assert [file.name for file in tmp_path.iterdir()] == [out.name]


def test_json_prints_the_rows(headstart_cli: Run, serve: Serve) -> None:
    serve()
    result = headstart_cli("predict", "m", "-", "--json", stdin="sad\n")
    assert json.loads(result.stdout) == [{"text": "sad", "prediction": "bad", "confidence": 0.875}]


def test_json_with_out_says_what_was_written(
    headstart_cli: Run, serve: Serve, tmp_path: Path
) -> None:
    serve()
    out = str(tmp_path / "o.csv")
    result = headstart_cli("predict", "m", "-", "--json", "--out", out, stdin="sad\n\nx\n")
    assert json.loads(result.stdout) == {"out": out, "rows": 3, "failed": 1}


def test_rows_that_cannot_be_read_keep_their_place_and_say_why(
    headstart_cli: Run, serve: Serve, tmp_path: Path
) -> None:
    serve()
    (tmp_path / "new.csv").write_text("id,text\n1,so good\n2,\n3,sad\n")
    result = headstart_cli("predict", "m", str(tmp_path / "new.csv"))
    assert result.exit_code == 0
    rows = table(result.stdout)
    assert [row["prediction"] for row in rows] == ["good", "", "bad"]
    assert [row["error"] for row in rows] == ["", "the input is empty", ""]
    assert "new.csv row 3: the input is empty" in result.stderr


def test_broken_images_do_not_cost_their_neighbours_the_prediction(
    headstart_cli: Run, serve: Serve, tmp_path: Path
) -> None:
    serve(modality="image", columns=("image",))
    names = [f"{'broken' if row in (3, 4) else 'o'}{row}.jpg" for row in range(9)]
    for name in names:
        draw(tmp_path, name)
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "o0.jpg").read_bytes()[:-100])
    (tmp_path / "text.png").write_text("no picture")
    result = headstart_cli("predict", "m", str(tmp_path))
    rows = {row["file"]: row for row in table(result.stdout)}
    assert sorted(rows) == sorted([*names, "cut.jpg", "text.png"])
    assert "cannot be decoded" in rows["cut.jpg"]["error"]
    assert "not an image" in rows["text.png"]["error"]
    for name in names:
        broken = name.startswith("broken")
        assert rows[name]["prediction"] == ("" if broken else "good")
        assert rows[name]["error"] == ("the image is cut short" if broken else "")
    assert result.exit_code == 0


def test_it_fails_only_if_every_row_failed(
    headstart_cli: Run, serve: Serve, tmp_path: Path
) -> None:
    serve(modality="image", columns=("image",))
    (tmp_path / "broken.jpg").write_bytes(b"")
    result = headstart_cli("predict", "m", str(tmp_path / "broken.jpg"))
    assert result.exit_code == 1
    assert "broken.jpg: the image file is empty" in result.stderr


def test_pictures_inside_a_table_are_read_and_left_out_of_the_answer(
    headstart_cli: Run, serve: Serve, tmp_path: Path
) -> None:
    pandas = pytest.importorskip("pandas")
    model = serve(modality="image", columns=("image",))
    model._row = lambda item: (0.25, 0.75) if item.data else (1.0, 0.0)
    draw(tmp_path, "one.png")
    cell = {"bytes": (tmp_path / "one.png").read_bytes(), "path": None}
    frame = pandas.DataFrame({"id": [5, 6], "image": [cell, {"bytes": b"cut", "path": None}]})
    frame.to_parquet(tmp_path / "new.parquet")
    rows = table(headstart_cli("predict", "m", str(tmp_path / "new.parquet")).stdout)
    assert [(row["id"], row["prediction"]) for row in rows] == [("5", "good"), ("6", "")]
    assert "image" not in rows[0]


def test_a_table_may_name_images_relative_to_itself(
    headstart_cli: Run, serve: Serve, tmp_path: Path
) -> None:
    serve(modality="image", columns=("image",))
    (tmp_path / "pictures").mkdir()
    draw(tmp_path / "pictures", "o.jpg")
    (tmp_path / "new.csv").write_text("image\npictures/o.jpg\npictures/none.jpg\n")
    rows = table(headstart_cli("predict", "m", str(tmp_path / "new.csv")).stdout)
    assert [row["prediction"] for row in rows] == ["good", ""]
    assert rows[1]["error"] == "there is no file pictures/none.jpg"


def test_a_sole_text_column_is_taken_whatever_its_name(
    headstart_cli: Run, serve: Serve, tmp_path: Path
) -> None:
    serve()
    (tmp_path / "new.csv").write_text("number,review\n1,so good\n")
    result = headstart_cli("predict", "m", str(tmp_path / "new.csv"))
    assert [row["prediction"] for row in table(result.stdout)] == ["good"]


def test_two_possible_columns_are_not_guessed_between(
    headstart_cli: Run, serve: Serve, tmp_path: Path
) -> None:
    serve()
    (tmp_path / "new.csv").write_text("title,texts\nhello,so good\n")
    result = headstart_cli("predict", "m", str(tmp_path / "new.csv"))
    assert result.exit_code == 2
    assert "no column 'text'" in result.stderr
    assert "did you mean 'texts'?" in result.stderr


def test_the_users_own_prediction_column_is_kept(
    headstart_cli: Run, serve: Serve, tmp_path: Path
) -> None:
    serve()
    (tmp_path / "new.csv").write_text("text,prediction\nso good,mine\n")
    (row,) = table(headstart_cli("predict", "m", str(tmp_path / "new.csv")).stdout)
    assert (row["prediction"], row["predicted_prediction"]) == ("mine", "good")


def test_several_labels_come_with_a_confidence_each(headstart_cli: Run, serve: Serve) -> None:
    serve(objective="multi-label")
    result = headstart_cli("predict", "m", "-", "--json", stdin="so\nsad\n")
    rows = json.loads(result.stdout)
    assert rows[0] == {"text": "so", "prediction": ["bad", "good"], "confidence": [0.25, 0.75]}
    assert rows[1] == {"text": "sad", "prediction": [], "confidence": []}


def test_a_number_has_no_confidence(headstart_cli: Run, serve: Serve) -> None:
    serve(objective="real")
    (row,) = json.loads(headstart_cli("predict", "m", "-", "--json", stdin="four\n").stdout)
    assert row == {"text": "four", "prediction": 4.0, "confidence": None}


def test_half_a_surrogate_pair_does_not_stop_the_rest(
    headstart_cli: Run, serve: Serve, tmp_path: Path
) -> None:
    serve()
    (tmp_path / "new.jsonl").write_text('{"text": "so \\ud83d"}\n{"text": "sad"}\n')
    out = tmp_path / "out.csv"
    result = headstart_cli("predict", "m", str(tmp_path / "new.jsonl"), "--out", str(out))
    assert result.exit_code == 0, result.output
    assert [row["text"] for row in table(out.read_text())] == ["so ?", "sad"]


def test_words_are_tagged_one_by_one(headstart_cli: Run, serve: Serve) -> None:
    serve(objective="tags")
    (row,) = json.loads(headstart_cli("predict", "m", "-", "--json", stdin="to New York\n").stdout)
    assert row["prediction"] == ["O", "O", "O"]


def test_a_pair_has_a_tab_between_its_texts(headstart_cli: Run, serve: Serve) -> None:
    serve(columns=("a", "b"))
    result = headstart_cli("predict", "m", "-", stdin="so\tgood\nalone\n")
    rows = table(result.stdout)
    assert [bool(row["prediction"]) for row in rows] == [True, False]
    assert "tab" in rows[1]["error"]


def test_many_rows_are_predicted_in_chunks_and_none_is_lost(
    headstart_cli: Run, serve: Serve
) -> None:
    model = serve()
    text = "".join(f"row {row}\n" for row in range(2500))
    rows = table(headstart_cli("predict", "m", "-", stdin=text).stdout)
    assert [row["text"] for row in rows] == text.splitlines()
    assert sum(model.calls) == 2500
    assert max(model.calls) < 2500


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("none.csv", None, "no such file"),
        ("empty.csv", b"", "empty"),
        ("empty.txt", b"\n\n", "no lines"),
        ("folder", "mkdir", "no .txt files in the folder"),
        ("picture.jpg", b"x", "cannot read 'picture.jpg'"),
        ("quote.csv", b'text,label\n"open,1\n', "quote is broken"),
        ("cut.parquet", b"PAR1", "not a readable Parquet file"),
        ("x" * 300, None, "no such file"),
    ],
)
def test_bad_inputs_are_wrong_requests_and_leave_nothing(
    headstart_cli: Run, serve: Serve, tmp_path: Path, name: str, content: Any, told: str
) -> None:
    serve()
    source, out = tmp_path / name, tmp_path / "out.csv"
    if content == "mkdir":
        source.mkdir()
    elif content is not None:
        source.write_bytes(content)
    result = headstart_cli("predict", "m", str(source), "--out", str(out))
    assert result.exit_code == 2, result.output
    assert told in result.stderr
    assert "mend:" in result.stderr
    assert not out.exists()


@pytest.mark.parametrize("name", ["out.xlsx", "out", ""])
def test_an_impossible_output_is_refused_before_the_model_is_loaded(
    headstart_cli: Run, serve: Serve, tmp_path: Path, name: str
) -> None:
    model = serve()
    result = headstart_cli("predict", "m", "-", "--out", str(tmp_path / name), stdin="x\n")
    assert result.exit_code == 2
    assert model.folders == []


def test_export_goes_beside_the_model_unless_told_otherwise(
    headstart_cli: Run, api: ModuleType, tmp_path: Path
) -> None:
    (tmp_path / "best").mkdir()
    asked: list[Any] = []

    def export_checked(folder: Path, to: str, out: Path, dtype: str) -> Exported:
        asked.append((folder, to, out, dtype))
        return Exported(out, "its outputs differ by at most 1e-06", 1e-6)

    api.export_checked = export_checked  # type: ignore[attr-defined]
    result = headstart_cli("export", str(tmp_path), "--to", "onnx")
    assert result.stdout.strip() == str(tmp_path / "best-onnx")
    assert "differ by at most 1e-06" in result.stderr
    result = headstart_cli("export", str(tmp_path), "--to", "gguf", "--out", "x", "--json",
                           "--dtype", "float16")  # fmt: skip
    told = json.loads(result.stdout)
    assert (told["folder"], told["drift"]) == ("x", 1e-6)
    assert asked[1] == (tmp_path / "best", "gguf", Path("x"), "float16")
