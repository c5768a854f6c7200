"""Bad input to the real ``headstart adapt``: exit code 2, thing, place and mend, nothing left."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

Run = Callable[..., Result]
ROWS = "".join(f"a fine text {row},yes\nno such text {row},no\n" for row in range(40))


def table(header: str, rows: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        (folder / "data.csv").write_text(f"{header}\n{rows}")
        return folder / "data.csv"

    return write


def raw(name: str, content: bytes) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return write


def empty_folder(folder: Path) -> Path:
    (folder / "data").mkdir()
    return folder / "data"


def nothing(folder: Path) -> Path:
    return folder / "data.csv"


GOOD = table("text,label", ROWS)


@pytest.mark.parametrize(
    ("make", "options", "told"),
    [
        (nothing, "", ["data.csv"]),
        (empty_folder, "", ["data"]),
        (raw("data.csv", b""), "", ["empty"]),
        (raw("data.csv", b"text,label\n"), "", ["no rows"]),
        (raw("data.csv", b'text,label\n"open,1\nx,2\n'), "", ["quote", "data.csv row 2"]),
        (raw("data.csv", b"text,label\nx,1\ny,2,3\n"), "", ["data.csv row 3", "3 cells"]),
        (raw("data.csv", b"\x00\x01\x02" * 50), "", ["not a text file"]),
        (raw("data.parquet", b"PAR1cut"), "", ["Parquet"]),
        (raw("data.xlsx", b"PK"), "", ["data.xlsx"]),
        (table("text,label", ROWS.replace(",no", ",yes")), "", ["class"]),
        (GOOD, "--target lable", ["'lable'", "'label'"]),
        (GOOD, "--input texts --target label", ["'texts'", "'text'"]),
        (GOOD, "--task clasification", ["clasification", "classification"]),
        (GOOD, "--base bundled:minilm", ["bundled:minilm", "minilm-l6"]),
        (GOOD, "--base minilm-l6", ["minilm-l6", "bundled:minilm-l6"]),
        (GOOD, "--base bundled:efficientnet-lite0", ["bundled:efficientnet-lite0"]),
        (GOOD, "--base local:nowhere", ["nowhere"]),
        (GOOD, "--method fintune", ["fintune", "finetune"]),
        (GOOD, "--metric acuracy", ["acuracy", "accuracy"]),
        (GOOD, "--budget soon", ["soon", "10min"]),
    ],
)
def test_a_bad_request_is_told_and_leaves_nothing(
    headstart_cli: Run,
    tmp_path: Path,
    make: Callable[[Path], Path],
    options: str,
    told: list[str],
) -> None:
    out = tmp_path / "out"
    result = headstart_cli("adapt", str(make(tmp_path)), "--out", str(out), *options.split())
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    for part in told:
        assert part in result.stderr
    assert "mend:" in result.stderr
    assert "Traceback" not in result.stderr
    assert not out.exists()
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith(".")] == []


def test_an_existing_out_is_not_overwritten(headstart_cli: Run, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    result = headstart_cli("adapt", str(GOOD(tmp_path)), "--out", str(out))
    assert result.exit_code == 2, result.output
    assert str(out) in result.stderr
    assert [file.name for file in out.iterdir()] == ["mine.txt"]


def test_an_out_that_cannot_be_made_is_told_before_the_work(
    headstart_cli: Run, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("a file, no folder")
    out = tmp_path / "file/out"
    result = headstart_cli("adapt", str(GOOD(tmp_path)), "--out", str(out))
    assert result.exit_code == 2, result.output
    assert str(out) in result.stderr


@pytest.mark.parametrize(
    "line",
    [
        "predict {0}/none {0}/data.csv",
        "report {0}/none",
        "bases show bundled:none",
        "bases show nothing",
    ],
)
def test_other_commands_refuse_what_is_not_there(
    headstart_cli: Run, tmp_path: Path, line: str
) -> None:
    GOOD(tmp_path)
    result = headstart_cli(*line.format(tmp_path).split())
    assert result.exit_code == 2, result.output
    assert "mend:" in result.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["data.csv"]
