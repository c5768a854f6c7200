"""Corpora and dialogues: what is read, what is kept whole, what is refused or counted."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headstart.errors import RequestError
from headstart.task.build import build_task
from headstart.task.corpus import passages
from headstart.task.model import Kind, Objective

WORDS = "one two three four five six seven eight nine ten"


def lines(path: Path, rows: list[dict]) -> Path:
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


def paragraphs(count: int) -> str:
    return "\n\n".join(f"{number} {WORDS * 8}" for number in range(count))


def test_a_text_file_is_a_corpus_of_passages(tmp_path):
    (tmp_path / "book.txt").write_text(paragraphs(100), encoding="utf-8")
    task = build_task(tmp_path / "book.txt")
    assert (task.kind, task.objective) == (Kind.LANGUAGE_MODELING, Objective.TEXT)
    texts = [text for part in task.parts.values() for text in part.inputs]
    assert sorted("\n\n".join(texts).split("\n\n")) == sorted(paragraphs(100).split("\n\n"))
    assert task.train.targets.tolist() == [len(text.encode()) for text in task.train.inputs]


def test_many_files_are_a_document_each_and_their_names_say_the_part(tmp_path):
    for number in range(40):
        (tmp_path / f"{number}.md").write_text(f"{number}\n\n{WORDS}", encoding="utf-8")
    task = build_task(tmp_path)
    assert sum(len(part) for part in task.parts.values()) == 40
    assert all("\n\n" in text for text in task.train.inputs)


def test_parts_in_the_names_of_files_are_kept(tmp_path):
    (tmp_path / "book-train.txt").write_text(paragraphs(60), encoding="utf-8")
    (tmp_path / "book-val.txt").write_text("held out " + paragraphs(20), encoding="utf-8")
    task = build_task(tmp_path)
    assert any("held out" in text for text in task.validation.inputs)
    assert not any("held out" in text for text in task.train.inputs)


def test_folders_of_texts_are_classes_unless_a_corpus_is_asked_for(tmp_path):
    for label in ("cats", "dogs"):
        (tmp_path / label).mkdir()
        for number in range(20):
            text = f"{label} {number} {WORDS}"
            (tmp_path / label / f"{number}.txt").write_text(text, encoding="utf-8")
    assert build_task(tmp_path).kind is Kind.CLASSIFICATION
    assert build_task(tmp_path, kind=Kind.LANGUAGE_MODELING).objective is Objective.TEXT


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "Q {}", "completion": "A {}"},
        {"instruction": "Q {}", "output": "A {}"},
        {"instruction": "Q", "input": "{}", "output": "A {}"},
        {"messages": [{"role": "user", "content": "Q {}"},
                      {"role": "assistant", "content": "A {}"}]},
        {"conversations": [{"from": "human", "value": "Q {}"}, {"from": "gpt", "value": "A {}"}]},
        {"prompt": [{"role": "user", "content": "Q {}"}],
         "completion": [{"role": "assistant", "content": "A {}"}]},
    ],
)  # fmt: skip
def test_prompts_and_answers_in_every_shape(tmp_path, row):
    rows = [json.loads(json.dumps(row).replace("{}", str(number))) for number in range(30)]
    task = build_task(lines(tmp_path / "chat.jsonl", rows))
    assert task.kind is Kind.INSTRUCTION
    one = task.train.inputs[0]
    assert [message.role for message in one.messages] == ["user", "assistant"]
    assert one.answer.startswith("A ")
    assert one.prompt[0].content.startswith("Q")
    assert task.train.targets[0] == len(one.answer.encode())


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        ({"prompt": "Q", "completion": ""}, "missing-targets"),
        ({"prompt": "Q"}, "missing-targets"),
        ({"completion": "A"}, "empty-inputs"),
    ],
)
def test_rows_without_prompt_or_answer_are_left_out_and_counted(tmp_path, broken, code):
    rows = [{"prompt": f"Q {n}", "completion": f"A {n}"} for n in range(30)]
    task = build_task(lines(tmp_path / "chat.jsonl", [*rows, broken]))
    found = {warning.code: warning.count for warning in task.warnings}
    assert found[code] == 1


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ([{"role": "assistant", "content": "A"}], "unreadable-roles"),
        ([{"role": "user", "content": "Q"}], "missing-targets"),
        ([{"role": "user", "content": "Q"}, {"role": "user", "content": "Q"}], "unreadable-roles"),
        ([{"role": "user", "content": "Q"}, {"role": "tool", "content": "T"}], "unreadable-roles"),
        ([{"role": "user", "content": "Q"}, {"role": "assistant"}], "unreadable-inputs"),
        (["Q", "A"], "unreadable-inputs"),
        ([], "empty-inputs"),
    ],
)
def test_dialogues_out_of_order_are_left_out_and_counted(tmp_path, messages, code):
    good = [
        {"messages": [{"role": "user", "content": f"Q {n}"},
                      {"role": "assistant", "content": f"A {n}"}]}
        for n in range(30)
    ]  # fmt: skip
    task = build_task(lines(tmp_path / "chat.jsonl", [*good, {"messages": messages}]))
    assert {warning.code: warning.count for warning in task.warnings}[code] == 1


def test_named_columns_are_prompts_and_answers_if_that_is_asked_for(tmp_path):
    rows = [{"question": f"Q {n}", "reply": f"A {n}", "kind": n % 2} for n in range(30)]
    path = lines(tmp_path / "faq.jsonl", rows)
    task = build_task(path, input=["question"], target="reply", kind=Kind.INSTRUCTION)
    assert task.train.inputs[0].answer.startswith("A ")
    with pytest.raises(RequestError, match="no prompts and answers among the columns"):
        build_task(lines(tmp_path / "x.jsonl", [{"a": "1"}] * 9), kind=Kind.INSTRUCTION)


def test_answers_are_part_of_what_a_task_is(tmp_path):
    prints = set()
    for answer in ("A", "B"):
        rows = [{"prompt": f"Q {n}", "completion": answer} for n in range(30)]
        prints.add(build_task(lines(tmp_path / "chat.jsonl", rows)).fingerprint)
    assert len(prints) == 2


@given(st.text(alphabet=st.sampled_from("ab \n"), max_size=9000))
def test_passages_lose_nothing_but_space(text):
    found = passages(text)
    assert "".join("".join(found).split()) == "".join(text.split())
    assert all(passage.strip() for passage in found)


def test_the_order_of_lines_changes_nothing(tmp_path):
    rows = [{"prompt": f"Q {n}", "completion": f"A {n}"} for n in range(30)]
    one = build_task(lines(tmp_path / "a.jsonl", rows))
    other = build_task(lines(tmp_path / "a.jsonl", rows[::-1]))
    assert one.fingerprint == other.fingerprint
    assert one.train.inputs == other.train.inputs
    np.testing.assert_array_equal(one.train.targets, other.train.targets)
