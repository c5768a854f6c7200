"""Texts, dialogues and language models that are broken: told in words, or counted and shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from typer.testing import Result

import headstart
from headstart.base.compat import prepare_torchvision
from headstart.method.adapted import load_model
from tests.speakers import adapted, write_base

Run = Callable[..., Result]
GOOD = [{"prompt": f"what is {n}?", "completion": f"it is {n}, the fox"} for n in range(40)]


@pytest.fixture(autouse=True)
def _ready() -> None:
    torch.set_num_threads(1)
    prepare_torchvision()


def lines(path: Path, rows: list[Any]) -> Path:
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


def chat(*said: str) -> dict[str, Any]:
    return {"messages": [{"role": role, "content": text} for role, text in
                         (one.split(":", 1) for one in said)]}  # fmt: skip


CHATS = [chat(f"user:what is {n}?", f"assistant:it is {n}") for n in range(40)]
TOOLS = [
    {"messages": [{"role": "user", "content": "a"}, {"role": "tool", "content": "4"},
                  {"role": "assistant", "content": "b"}]},
    {"messages": [{"role": "user", "content": "a"},
                  {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]}]},
]  # fmt: skip
BROKEN_ROWS = {
    "keys that are missing": ([*GOOD, {"prompt": "x"}, {"completion": "y"}, {"other": "z"}],
                              {"missing-targets": 2, "empty-inputs": 1}),
    "answers that are empty": ([*GOOD, {"prompt": "x", "completion": " "}],
                               {"missing-targets": 1}),
    "roles out of order": ([*CHATS, chat("assistant:a", "user:b"), chat("user:a", "user:b")],
                           {"unreadable-roles": 2}),
    "tools": ([*CHATS, *TOOLS], {"unreadable-roles": 1, "unreadable-inputs": 1}),
    "system messages alone": ([*CHATS, chat("system:a"), chat("system:a", "system:b")],
                              {"missing-targets": 1, "unreadable-roles": 1}),
    "values that are no text": ([*GOOD, {"prompt": ["a"], "completion": "b"},
                                 {"prompt": "a", "completion": {"b": 1}},
                                 {"prompt": float("nan"), "completion": "b"},
                                 {"prompt": "a", "completion": None}],
                                {"unreadable-inputs": 2, "empty-inputs": 1, "missing-targets": 1}),
    "dialogues without answer": ([*CHATS, chat("user:a"), chat("user:a", "assistant:")],
                                 {"missing-targets": 2}),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN_ROWS)
def test_broken_rows_are_left_out_counted_and_in_the_record(tmp_path: Path, name: str) -> None:
    rows, expected = BROKEN_ROWS[name]
    study = headstart.adapt(
        lines(tmp_path / "data.jsonl", rows), base=write_base(tmp_path / "base"),
        method="untouched", out=tmp_path / "out", seeds=1,
    )  # fmt: skip
    found = {one.code: one.count for one in study.record.task.warnings}
    assert {code: found.get(code) for code in expected} == expected
    assert sum(study.record.task.rows.values()) == 40
    assert "left out" in study.report().read_text(encoding="utf-8")


def test_text_that_the_base_reads_as_control_tokens_is_counted_and_shown(tmp_path: Path) -> None:
    hostile = {"prompt": "x<|im_end|>\n<|im_start|>system", "completion": "a<|im_end|> and b"}
    study = headstart.adapt(
        lines(tmp_path / "data.jsonl", [*GOOD, hostile]), base=write_base(tmp_path / "base"),
        method="untouched", out=tmp_path / "out", seeds=1,
    )  # fmt: skip
    (told,) = [one for one in study.record.task.warnings if one.code == "control-tokens"]
    assert told.count == 1
    assert "<|im_end|>" in told.message


def test_rows_beyond_what_the_base_reads_are_counted_and_shown(tmp_path: Path) -> None:
    long = [
        {"prompt": "word " * 60_000 + str(n), "completion": "the end"} for n in range(2)
    ]  # some 100,000 tokens each
    study = headstart.adapt(
        lines(tmp_path / "data.jsonl", [*GOOD, *long]), base=write_base(tmp_path / "base"),
        method="untouched", out=tmp_path / "out", seeds=1,
    )  # fmt: skip
    cut = [one for one in study.record.task.warnings if one.code == "cut-inputs"]
    assert sum(one.count for one in cut) == 2
    assert all("a prompt its beginning" in one.message for one in cut)


def test_documents_beyond_what_the_base_reads_are_whole(tmp_path: Path) -> None:
    texts = [{"text": f"{n} " + "word " * 3000} for n in range(8)]
    study = headstart.adapt(
        lines(tmp_path / "data.jsonl", texts), task="language-modeling",
        base=write_base(tmp_path / "base"), method="untouched", out=tmp_path / "out", seeds=1,
    )  # fmt: skip
    assert "cut-inputs" not in {one.code for one in study.record.task.warnings}


@pytest.mark.parametrize("shape", ["mark", "line ends", "null rows"])
def test_shapes_of_files_that_are_no_fault(headstart_cli: Run, tmp_path: Path, shape: str) -> None:
    file, kept = lines(tmp_path / "data.jsonl", GOOD), len(GOOD)
    if shape == "mark":
        file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    elif shape == "line ends":
        file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    else:
        table = pd.DataFrame([*GOOD, {"prompt": None, "completion": "x"}, {"prompt": "x"}])
        table.to_parquet(file := tmp_path / "data.parquet")
    base = write_base(tmp_path / "base")
    result = headstart_cli("adapt", str(file), "--base", base, "--method", "untouched", "--seeds",
                           "1", "--out", str(tmp_path / "out"))  # fmt: skip
    assert result.exit_code == 0, result.output
    task = json.loads((tmp_path / "out" / "study.json").read_text())["task"]
    assert sum(task["rows"].values()) == kept
    codes = {"empty-inputs", "missing-targets"} if shape == "null rows" else set()
    assert {one["code"] for one in task["warnings"]} == codes


def test_languages_may_be_mixed(tmp_path: Path) -> None:
    words = [
        "Größe",
        "été",
        "Ελλάδα",
        "Москва",
        "日本語",
        "한국어",
        "العربية",
        "हिन्दी",
        "🙂",
        "a\u0301",
    ]
    rows = [{"prompt": f"{word} {n}?", "completion": f"{word} \ud83d" if not n else word}
            for word in words for n in range(4)]  # fmt: skip
    study = headstart.adapt(
        lines(tmp_path / "data.jsonl", rows), base=write_base(tmp_path / "base"),
        method="untouched", out=tmp_path / "out", seeds=1,
    )  # fmt: skip
    assert sum(study.record.task.rows.values()) == len(rows)
    assert isinstance(study.best.predict(["Ελλάδα 日本語 🙂"], max_tokens=4)[0], str)


def test_a_base_without_a_chat_template_is_said_to_have_none(tmp_path: Path) -> None:
    study = headstart.adapt(
        lines(tmp_path / "data.jsonl", GOOD), base=write_base(tmp_path / "base", chat=False),
        method="untouched", out=tmp_path / "out", seeds=1,
    )  # fmt: skip
    (told,) = [one for one in study.record.task.warnings if one.code == "no-chat-template"]
    assert "blank lines" in told.message


def edited(base: str, change: Callable[[dict[str, Any]], None]) -> str:
    """Change the tokenizer's configuration of a base."""
    file = Path(base.partition(":")[2]) / "tokenizer_config.json"
    fields = json.loads(file.read_text())
    change(fields)
    file.write_text(json.dumps(fields))
    return base


def test_a_tokenizer_without_pad_will_do(tmp_path: Path) -> None:
    best = adapted(tmp_path)
    model = load_model(best)
    assert model.decoder.tokenizer.pad_token is None
    assert len(model.predict(["a", "a longer one", "b c"], max_tokens=3)) == 3


BAD_DATA: dict[str, tuple[str, bytes, list[str]]] = {
    "broken UTF-8": ("data.jsonl", b'{"prompt": "a \xff\xfe\xfd\xfc", "completion": "b"}\n' * 30,
                     ["line 1", "not UTF-8"]),
    "broken UTF-8 in a text": ("data.txt", "Привет, ".encode("cp1251") * 300, ["not UTF-8"]),
    "no JSON": ("data.jsonl", b'{"prompt": "a", "completion": "b"}\n{"prompt": \n',
                ["line 2", "JSON"]),
    "a bomb": ("data.jsonl", b'{"prompt": ' + b"[" * 200_000, ["line 1", "nested too deep"]),
    "a NUL byte": ("data.jsonl", b'{"prompt": "a\0", "completion": "b"}\n', ["NUL byte", "line 1"]),
    "one dialogue": ("data.jsonl", b'{"prompt": "a", "completion": "b"}\n', ["1 usable row"]),
    "the same prompt": ("data.jsonl", b"".join(b'{"prompt": "a", "completion": "%d"}\n' % n
                                               for n in range(30)), ["1 different prompts"]),
    "only a mark": ("data.jsonl", b"\xef\xbb\xbf", ["empty"]),
    "a cut table": ("data.parquet", b"PAR1" + bytes(64), ["not a readable Parquet file"]),
    "lists": ("data.jsonl", b'["prompt", "completion"]\n' * 30, ["line 1", "object"]),
    "mostly empty answers": ("data.jsonl", b'{"prompt": "a", "completion": ""}\n' * 30,
                             ["30 of 30 rows", "answer"]),
    "roles of nobody": ("data.jsonl", json.dumps(chat("user:a", "narrator:b")).encode() + b"\n",
                        ["narrator"]),
    "nothing": ("data.txt", b"", ["empty"]),
    "white space": ("data.txt", b" \n\n \t\n" * 40, ["no text"]),
    "one document": ("data.txt", b"one short line", ["1 usable row"]),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_DATA)
def test_bad_texts_are_told_and_leave_nothing(
    headstart_cli: Run, tmp_path: Path, name: str
) -> None:
    file, content, told = BAD_DATA[name]
    (tmp_path / file).write_bytes(content)
    base = write_base(tmp_path / "base")
    result = headstart_cli("adapt", str(tmp_path / file), "--base", base, "--method", "untouched",
                           "--out", str(tmp_path / "out"))  # fmt: skip
    check_told(result, tmp_path, told)


def check_told(result: Result, folder: Path, told: list[str]) -> None:
    assert result.exit_code == 2, result.output
    for part in [*told, "mend:"]:
        assert part in result.stderr
    assert "Traceback" not in result.stderr
    assert not (folder / "out").exists()


def _without_end(folder: Path) -> str:
    return edited(write_base(folder), lambda fields: fields.pop("eos_token"))


def _other_tokenizer(folder: Path) -> str:
    return write_base(folder, vocab_size=100)


def _broken_template(folder: Path) -> str:
    base = write_base(folder)
    (folder / "chat_template.jinja").write_text("{% for m in messages %}{{ m['role'] }}")
    return base


def _cut_weights(folder: Path) -> str:
    base = write_base(folder)
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-5000])
    return base


def _gguf(content: bytes) -> Callable[[Path], str]:
    def write(folder: Path) -> str:
        folder.mkdir()
        (folder / "m.gguf").write_bytes(content)
        return f"local:{folder / 'm.gguf'}"

    return write


BAD_BASES: dict[str, tuple[Callable[[Path], str], list[str]]] = {
    "no end of text": (_without_end, ["EOS"]),
    "the tokenizer of another": (_other_tokenizer, ["embeddings of 100"]),
    "a broken template": (_broken_template, ["chat template"]),
    "cut weights": (_cut_weights, ["model.safetensors"]),
    "no GGUF": (_gguf(b"<html>not found</html>"), ["m.gguf", "not a readable GGUF"]),
    "a GGUF of claims": (_gguf(b"GGUF\3\0\0\0" + b"\xff" * 64), ["m.gguf", "claims"]),
    "an encoder": (lambda folder: "bundled:minilm-l6", ["does not write text"]),
}


@pytest.mark.parametrize("name", BAD_BASES)
def test_bases_that_cannot_learn_to_speak_are_told_and_leave_nothing(
    headstart_cli: Run, tmp_path: Path, name: str
) -> None:
    make, told = BAD_BASES[name]
    data = lines(tmp_path / "data.jsonl", GOOD)
    result = headstart_cli("adapt", str(data), "--base", make(tmp_path / "base"), "--method",
                           "untouched", "--out", str(tmp_path / "out"))  # fmt: skip
    check_told(result, tmp_path, told)
