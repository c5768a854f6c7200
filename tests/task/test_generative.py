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


@pytest.mark.parametrize(
    ("unit", "end"),
    [("one line of many words\n", "words"), ("A sentence of words. ", "words."), ("word ", "word"),
     ("文は終わる。", "。"), ("x", "x")],
)  # fmt: skip
def test_a_text_without_blank_lines_is_cut_where_something_ends(unit, end):
    text = unit * (40_000 // len(unit))
    found = passages(text)
    assert "".join("".join(found).split()) == "".join(text.split())
    assert all(passage.endswith(end) for passage in found)
    assert {2000 <= len(passage) <= 10_000 for passage in found} == {True}
    assert len(found) > 3


def test_messages_may_be_written_as_json_in_the_cells_of_a_table(tmp_path):
    said = [[{"role": "user", "content": f"Q, {n}"}, {"role": "assistant", "content": f"A {n}"}]
            for n in range(30)]  # fmt: skip
    cells = "".join('"' + json.dumps(one).replace('"', '""') + '"\n' for one in said)
    (tmp_path / "a.csv").write_text("messages\n" + cells + "[broken\n")
    task = build_task(tmp_path / "a.csv")
    assert sum(map(len, task.parts.values())) == 30
    assert [(one.code, one.count) for one in task.warnings] == [("empty-inputs", 1)]
    assert task.train.inputs[0].messages[0].content.startswith("Q, ")


def test_contents_may_be_kept_as_parts_of_text(tmp_path):
    def turns(number, part):
        said = {"role": "assistant", "content": [{"type": "text", "text": f"answer {number}"}]}
        return {"messages": [{"role": "user", "content": [part]}, said]}

    rows = [turns(n, {"type": "text", "text": f"question {n}"}) for n in range(40)]
    rows.append(turns(40, {"type": "image_url", "image_url": {"url": "https://example.org/a"}}))
    task = build_task(lines(tmp_path / "d.jsonl", rows))
    said = [one.messages[-1].content for part in task.parts.values() for one in part.inputs]
    assert sorted(said) == sorted(f"answer {n}" for n in range(40))
    assert [(one.code, one.count) for one in task.warnings] == [("unreadable-inputs", 1)]


def test_a_line_that_is_null_is_left_out_and_counted(tmp_path):
    rows = [{"prompt": f"q {n}", "completion": f"a {n}"} for n in range(40)]
    task = build_task(lines(tmp_path / "d.jsonl", [*rows[:20], None, *rows[20:]]))
    assert sum(len(part) for part in task.parts.values()) == 40
    assert [(one.code, one.count) for one in task.warnings] == [("missing-targets", 1)]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [("It is caused by {n} things.", Kind.INSTRUCTION), ("yes", Kind.CLASSIFICATION)],
)
def test_questions_have_written_answers_or_classes(tmp_path, answer, kind):
    rows = [
        {"question": f"What causes ache {n}?", "answer": answer.format(n=n) if n % 2 else "no, not"}
        for n in range(60)
    ]
    if kind is Kind.INSTRUCTION:
        rows = [{**row, "answer": f"{row['answer']} {n}"} for n, row in enumerate(rows)]
    assert build_task(lines(tmp_path / "d.jsonl", rows)).kind is kind


def test_the_order_of_lines_changes_nothing(tmp_path):
    rows = [{"prompt": f"Q {n}", "completion": f"A {n}"} for n in range(30)]
    one = build_task(lines(tmp_path / "a.jsonl", rows))
    other = build_task(lines(tmp_path / "a.jsonl", rows[::-1]))
    assert one.fingerprint == other.fingerprint
    assert one.train.inputs == other.train.inputs
    np.testing.assert_array_equal(one.train.targets, other.train.targets)


QA = [
    {"question": f"what is {n}?", "answer": f"{n} is {WORDS}", "qtype": "fact", "source": "x"}
    for n in range(30)
]


def test_a_document_column_goes_before_other_texts(tmp_path):
    rows = [{"question": f"{WORDS * 3} {n}?", "id": n, "body": f"{n} {WORDS}"} for n in range(30)]
    task = build_task(lines(tmp_path / "docs.jsonl", rows), kind=Kind.LANGUAGE_MODELING)
    assert task.input == ("body",)
    assert "input: column 'body', by its name" in task.detected


def test_of_questions_and_answers_a_corpus_is_the_longer_text_and_both_are_named(tmp_path):
    task = build_task(lines(tmp_path / "qa.jsonl", QA), kind=Kind.LANGUAGE_MODELING)
    assert task.input == ("answer",)
    told = " ".join(task.detected)
    assert "the longest text (" in told
    assert "not used: columns 'question', 'qtype', 'source'" in told
    assert "--task instruction" in told


def test_questions_and_answers_are_dialogues_if_that_is_asked_for(tmp_path):
    task = build_task(lines(tmp_path / "qa.jsonl", QA), kind=Kind.INSTRUCTION)
    assert (task.input, task.target) == (("question",), "answer")
    told = " ".join(task.detected)
    assert "columns question and answer, by their names" in told
    assert "not used: columns 'qtype', 'source'" in told


def test_an_instruction_keeps_its_input_whatever_the_answer_is_called(tmp_path):
    rows = [{"instruction": "sum up", "input": f"{n} {WORDS}", "answer": str(n)} for n in range(30)]
    task = build_task(lines(tmp_path / "do.jsonl", rows), kind=Kind.INSTRUCTION)
    assert task.input == ("instruction", "input")


def test_a_corpus_in_another_encoding_says_so(tmp_path):
    text = "\n\n".join(f"{number} caf\xe9 {WORDS * 8}" for number in range(60))
    (tmp_path / "book.txt").write_bytes(text.encode("cp1252"))
    task = build_task(tmp_path / "book.txt")
    assert any("book.txt: read as Windows-1252" in line for line in task.detected)
    assert all("caf\xe9" in one for one in task.train.inputs)


def test_files_that_cannot_be_decoded_are_left_out_and_counted(tmp_path):
    for number in range(40):
        (tmp_path / f"{number}.txt").write_text(f"{number} {WORDS}", encoding="utf-8")
    (tmp_path / "bad.txt").write_bytes("Привет".encode("cp1251") * 20)
    task = build_task(tmp_path)
    (warning,) = [one for one in task.warnings if one.code == "unreadable-files"]
    assert warning.count == 1
    assert "bad.txt" in warning.examples[0]


def test_parts_of_texts_know_no_classes(tmp_path):
    task = build_task(lines(tmp_path / "qa.jsonl", QA), kind=Kind.INSTRUCTION)
    assert task.split == "70/15/15 by content"
    with pytest.raises(RequestError, match="too few") as caught:
        build_task(lines(tmp_path / "one.jsonl", QA[:1]), kind=Kind.INSTRUCTION)
    assert "class" not in str(caught.value.mend)


@pytest.mark.parametrize(
    ("kind", "columns"),
    [(Kind.LANGUAGE_MODELING, ("answer",)), (Kind.INSTRUCTION, ("question",))],
)
def test_medical_questions_as_a_corpus_and_as_dialogues(shared_data, kind, columns):
    path = shared_data / "llm/corpus/medquad-train.jsonl"
    if not path.is_file():
        pytest.skip("needs medquad-train.jsonl, which this machine lacks")
    task = build_task(path, kind=kind)
    assert task.input == columns
    assert sum(len(part) for part in task.parts.values()) > 2500


@pytest.mark.parametrize("beside", [{}, {"id": "a1"}])
def test_documents_alone_need_no_task(tmp_path, beside):
    path = tmp_path / "docs.jsonl"
    rows = [{"text": f"document number {row} about a thing", **beside} for row in range(40)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    task = build_task(str(path))
    assert task.kind is Kind.LANGUAGE_MODELING
    assert any("nothing beside them" in line for line in task.detected)


def test_a_column_of_texts_with_another_name_is_not_taken_for_documents(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps({"name": f"thing {row}"}) + "\n" for row in range(40)))
    with pytest.raises(RequestError, match="no column looks like a target") as caught:
        build_task(str(path))
    assert "--task language-modeling" in caught.value.mend
