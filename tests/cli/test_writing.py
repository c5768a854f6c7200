"""``headstart predict`` with a language model: prompts of every kind, and answers as they come."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from typer.testing import Result

from headstart.base.compat import prepare_torchvision
from headstart.method.adapted import load_model
from headstart.task.model import Dialogue, Message
from tests.speakers import adapted

Run = Callable[..., Result]
MESSAGES = (
    '{"messages": [{"role": "user", "content": "the fox"}]}\n'
    '{"messages": [{"role": "user", "content": "a dog"}, '
    '{"role": "assistant", "content": "is not read"}]}\n'
)
MOST = ("--max-tokens", "6")


@pytest.fixture(scope="module")
def best(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    prepare_torchvision()
    return adapted(tmp_path_factory.mktemp("speaker"))


@pytest.fixture(scope="module")
def answer(best: Path) -> Callable[[str], str]:
    model = load_model(best)
    return lambda prompt: "".join(model.stream(prompt, max_tokens=6))  # type: ignore[attr-defined]


def predictions(result: Result) -> list[str]:
    assert result.exit_code == 0, result.output
    return [row["prediction"] for row in json.loads(result.stdout)]


def test_a_prompt_may_be_typed(
    headstart_cli: Run, best: Path, answer: Callable[[str], str]
) -> None:
    result = headstart_cli("predict", str(best), "the lazy dog", "--json", *MOST)
    (row,) = json.loads(result.stdout)
    assert row["prompt"] == "the lazy dog"
    assert row["prediction"] == answer("the lazy dog")
    result = headstart_cli("predict", str(best), "fox", "--json", *MOST)
    assert predictions(result) == [answer("fox")]


@pytest.mark.parametrize("slip", ["prompts.txt", "new.jsonl", "data/prompts"])
def test_the_slip_of_a_files_name_is_no_prompt(headstart_cli: Run, best: Path, slip: str) -> None:
    result = headstart_cli("predict", str(best), slip)
    assert result.exit_code == 2
    assert "no such file" in result.stderr
    assert "in quotes" in result.stderr


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("new.txt", "the fox\na dog\n"),
        ("new.csv", "id,prompt\n1,the fox\n2,a dog\n"),
        ("new.csv", "question,topic\nthe fox,x\na dog,y\n"),
        ("new.jsonl", '{"instruction": "the fox"}\n{"instruction": "a dog", "input": ""}\n'),
        ("new.jsonl", MESSAGES),
    ],
)  # fmt: skip
def test_prompts_come_from_files_of_every_shape(
    headstart_cli: Run, best: Path, tmp_path: Path, answer: Callable[[str], str],
    file: str, content: str,
) -> None:  # fmt: skip
    (tmp_path / file).write_text(content)
    result = headstart_cli("predict", str(best), str(tmp_path / file), "--json", *MOST)
    assert predictions(result) == [answer("the fox"), answer("a dog")]


def test_a_dialogue_goes_on_where_it_stands(headstart_cli: Run, best: Path, tmp_path: Path) -> None:
    said = [("user", "a"), ("assistant", "the fox"), ("user", "b")]
    row = {"messages": [{"role": role, "content": text} for role, text in said]}
    (tmp_path / "new.jsonl").write_text(json.dumps(row) + "\n")
    result = headstart_cli("predict", str(best), str(tmp_path / "new.jsonl"), "--json", *MOST)
    asked = Dialogue((*(Message(*one) for one in said), Message("assistant", "")))
    assert predictions(result) == load_model(best).predict([asked], max_tokens=6)


def test_rows_that_are_no_prompts_keep_their_place(
    headstart_cli: Run, best: Path, tmp_path: Path
) -> None:
    long = "the " * 3000
    rows = [{"prompt": "a"}, {"prompt": ""}, {"prompt": long}, {"prompt": "b"}]
    (tmp_path / "new.jsonl").write_text("\n".join(map(json.dumps, rows)))
    out = tmp_path / "out.csv"
    result = headstart_cli("predict", str(best), str(tmp_path / "new.jsonl"), "-o", str(out), *MOST)
    assert result.exit_code == 0, result.output
    found = list(csv.DictReader(io.StringIO(out.read_text())))
    assert [bool(row["error"]) for row in found] == [False, True, True, False]
    assert "and the model reads 512" in found[2]["error"]
    assert "line 3" in result.stderr


def test_answers_that_were_cut_are_counted(headstart_cli: Run, best: Path) -> None:
    result = headstart_cli("predict", str(best), "the fox", "--json", "--max-tokens", "1")
    assert json.loads(result.stdout)[0]["cut"] is True
    assert "1 of 1 answers were cut" in result.stderr


def test_draws_go_by_their_seed(headstart_cli: Run, best: Path) -> None:
    found = [
        predictions(headstart_cli("predict", str(best), "the fox", "--json", "--max-tokens", "20",
                                  "--temperature", "1.5", "--seed", seed))
        for seed in ("1", "1", "2")
    ]  # fmt: skip
    assert found[0] == found[1] != found[2]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--max-tokens", "0"], "an answer of 0 tokens"),
        (["--temperature", "-1"], "the temperature is -1"),
    ],
)
def test_options_without_sense_are_refused(
    headstart_cli: Run, best: Path, options: list[str], told: str
) -> None:
    result = headstart_cli("predict", str(best), "the fox", *options)
    assert result.exit_code == 2
    assert told in result.stderr


def test_a_classifier_writes_no_text(
    headstart_cli: Run, api: object, make_adapted: Callable[[], object]
) -> None:
    api.load = lambda folder: make_adapted()  # type: ignore[attr-defined]
    result = headstart_cli("predict", "m", "-", "--temperature", "1", stdin="x\n")
    assert result.exit_code == 2
    assert "writes no text" in result.stderr
    result = headstart_cli("predict", "m", "so good")
    assert "no such file" in result.stderr  # nor does it take a prompt


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal")
def test_a_terminal_shows_the_answer_in_pieces_while_it_is_written(
    best: Path, answer: Callable[[str], str]
) -> None:
    code = (
        "import sys\n"
        "from headstart.cli import main\n"
        "from headstart.method import speaker\n"
        "whole = speaker.SpeakerModel.stream\n"
        "def marked(self, *args, **options):\n"
        "    pieces = whole(self, *args, **options)\n"
        "    while True:\n"
        "        try:\n"
        "            yield next(pieces) + '|'\n"
        "        except StopIteration as stop:\n"
        "            return stop.value\n"
        "speaker.SpeakerModel.stream = marked\n"
        "main.run()"
    )
    upper, lower = os.openpty()
    done = subprocess.Popen(
        [sys.executable, "-c", code, "predict", str(best), "the fox", *MOST],
        stdout=lower, stderr=subprocess.PIPE,
    )  # fmt: skip
    os.close(lower)
    shown = b""
    while True:
        try:
            part = os.read(upper, 4096)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(upper)
    error = done.communicate()[1].decode()
    assert done.returncode == 0, error
    assert "the answer was cut" in error
    text = shown.decode().replace("\r\n", "\n")
    assert text.count("|") > 1
    assert text.replace("|", "").rstrip("\n") == answer("the fox").rstrip("\n")
