"""Multiple-choice questions: likelihoods as the library's, answers as lm-eval's, bad rows named."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from headstart.base import reference
from headstart.base.compat import prepare_torchvision
from headstart.base.virtual import SoftPrompt
from headstart.errors import RequestError
from headstart.measure.score import score
from headstart.progress import Silent
from headstart.retention import rows as few
from headstart.retention.choices import Choices, Question
from headstart.retention.corpus import Corpus
from headstart.retention.likelihood import likelihoods, paired
from headstart.retention.suite import PARTS, read_suites
from headstart.task.model import Modality

from ..speakers import write_base
from ..taught import WORDS

CHANCE = 0.25
PAIRS = [
    ("the quick brown fox", " jumps over the lazy dog"),
    ("the quick brown fox", " 1 2"),
    ("it was the best of times ", " it was"),
    ("", " the lazy dog"),
    ("naïve café:", " 犬が好き"),
    ("a " * 60, " b"),
]


@pytest.fixture(scope="module")
def random_decoder(tmp_path_factory):
    prepare_torchvision()
    return reference.load_decoder(write_base(tmp_path_factory.mktemp("random") / "llama"))


@pytest.fixture(scope="module")
def knowing(taught):
    return reference.load_decoder(taught)


def questions(count: int, options: int = 4) -> list[dict]:
    """What comes after some words in their order."""
    generator = np.random.default_rng(5)
    found = []
    for number in range(count):
        start, length = int(generator.integers(10)), int(generator.integers(2, 8))
        query = " ".join(WORDS[(start + at) % 10] for at in range(length))
        right = WORDS[(start + length) % 10]
        others = [word for word in WORDS if word != right]
        choices = [str(one) for one in generator.choice(others, options - 1, replace=False)]
        answer = int(generator.integers(options))
        choices.insert(answer, right)
        found.append({"query": f"n{number % 60} {query}", "choices": choices, "answer": answer})
    return found


def written(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def suite_of(path) -> Choices:
    found = read_suites(str(path), writes=True, modality=Modality.TEXT, progress=Silent())
    assert [type(one) for one in found] == [Choices]
    return found[0]


def alone(decoder, context: list[int], continuation: list[int]) -> tuple[float, bool]:
    """The library's own model, one text at a time."""
    ids = torch.tensor([[*context, *continuation]])
    with torch.inference_mode(), decoder.cached():
        told = decoder.causal(input_ids=ids).logits[0].log_softmax(1)[len(context) - 1 : -1]
    picked = told[torch.arange(len(continuation)), continuation]
    return float(picked.double().sum()), told.argmax(1).tolist() == continuation


def test_likelihoods_are_those_of_texts_alone(random_decoder):
    pairs = [paired(random_decoder, *pair) for pair in PAIRS]
    found = likelihoods(random_decoder, pairs, Silent(), "scoring")
    expected = [alone(random_decoder, *pair)[0] for pair in pairs]
    np.testing.assert_allclose(found[:, 0], expected, rtol=1e-5, atol=1e-5)
    assert np.ptp(found[:, 0]) > 1.0


def test_what_greedy_choice_says_is_told(random_decoder):
    context = random_decoder.tokenizer.encode("the quick brown")
    likeliest: list[int] = []
    for _ in range(3):
        ids = torch.tensor([context + likeliest])
        with torch.inference_mode(), random_decoder.cached():
            likeliest.append(int(random_decoder.causal(input_ids=ids).logits[0, -1].argmax()))
    other = [*likeliest[:2], likeliest[2] + 1]
    pairs = [(context, likeliest), (context, other), (context, likeliest[:1])]
    assert likelihoods(random_decoder, pairs, Silent(), "scoring")[:, 1].tolist() == [1, 0, 1]


def test_a_soft_prompt_stands_before_every_text(random_decoder):
    pairs = [paired(random_decoder, *pair) for pair in PAIRS]
    before = likelihoods(random_decoder, pairs, Silent(), "scoring")
    values = torch.randn(3, random_decoder.card.width, generator=torch.Generator().manual_seed(1))
    random_decoder.virtual = SoftPrompt(values)
    try:
        after = likelihoods(random_decoder, pairs, Silent(), "scoring")
        embedded = random_decoder.embedded(torch.tensor([[*pairs[0][0], *pairs[0][1]]]))
        with torch.inference_mode(), random_decoder.cached():
            told = random_decoder.causal(inputs_embeds=embedded).logits[0].log_softmax(1)
    finally:
        random_decoder.virtual = None
    said = pairs[0][1]
    picked = told[-len(said) - 1 : -1][torch.arange(len(said)), said]
    assert after[0, 0] == pytest.approx(float(picked.sum()), abs=1e-4)
    assert not np.allclose(before[:, 0], after[:, 0], atol=1e-3)


def test_tokens_are_those_of_the_joined_text(random_decoder):
    context, continuation = paired(random_decoder, "the lazy ", "dog")
    assert context + continuation == random_decoder.tokenizer.encode("the lazy dog")
    assert random_decoder.tokenizer.decode(continuation) == " dog"
    assert paired(random_decoder, "", " dog")[0] == [random_decoder.prefix_id]


def test_too_long_a_context_loses_its_beginning(random_decoder):
    longest = random_decoder.card.input_size
    continuation = paired(random_decoder, "a", " lazy dog")[1]
    context = random_decoder.tokenizer.encode("the quick brown fox jumps " * 120)
    assert len(context) > longest
    found = likelihoods(random_decoder, [(context, continuation)], Silent(), "scoring")
    kept = context[-(longest + 1 - len(continuation)) :]
    expected = alone(random_decoder, kept, continuation)[0]
    assert found[0, 0] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("size", [0, 600])
def test_what_cannot_be_scored_is_refused(random_decoder, size):
    with pytest.raises(RequestError, match=f"{size} tokens"):
        likelihoods(random_decoder, [([1], [5] * size)], Silent(), "scoring")


def test_the_likeliest_choice_by_characters_is_the_answer(random_decoder):
    asked = [
        Question("the quick", ("brown fox jumps over the lazy dog", "1", "best of times"), 0),
        Question("it was", ("the best of times", "2"), 1),
    ]
    suite = Choices("two", asked)
    for part in PARTS:
        (one,) = suite.parts[part]
        pairs = [paired(random_decoder, one.query, " " + choice) for choice in one.choices]
        summed = [alone(random_decoder, *pair)[0] for pair in pairs]
        scores = np.array(summed) / [len(choice) for choice in one.choices]
        told = suite.told(random_decoder, part, Silent())[0]
        assert told.argmax() == scores.argmax()
        ratios = np.log(told[: len(scores)] / told[0])
        np.testing.assert_allclose(ratios, scores - scores[0], atol=1e-4)


def test_one_who_knows_answers_better_than_chance(knowing, random_decoder, tmp_path):
    suite = suite_of(written(tmp_path / "next.jsonl", questions(200)))
    found = {}
    for name, decoder in {"knowing": knowing, "random": random_decoder}.items():
        told = suite.told(decoder, "test", Silent())
        found[name] = score(
            suite.objective, suite.classes, suite.targets("test"), told, suite.metric
        )
    assert found["knowing"] > 0.8
    assert found["random"] < 2 * CHANCE


def test_a_question_with_fewer_choices_never_gets_one_that_it_lacks(random_decoder, tmp_path):
    rows = questions(30, 2) + questions(30, 5)
    suite = suite_of(written(tmp_path / "mixed.jsonl", rows))
    assert suite.classes == ("A", "B", "C", "D", "E")
    for part in PARTS:
        told = suite.told(random_decoder, part, Silent())
        assert np.isfinite(told).all()
        counts = [len(one.choices) for one in suite.parts[part]]
        assert set(counts) == {2, 5}
        assert all(row[count:].sum() == 0 for row, count in zip(told, counts, strict=True))


@pytest.mark.parametrize(
    "row",
    [
        {"query": "q", "choices": ["x", "y", "z"], "answer": 1},
        {"question": "q", "choices": ["x", "y", "z"], "label": "1"},
        {"query": "q", "choices": ["x", "y", "z"], "gold": "y"},
        {"query": "q", "choices": ["x", "y", "z"], "answer": "B"},
        {"question": "q", "choices": {"text": ["x", "y", "z"], "label": ["A", "B", "C"]},
         "answerKey": "B"},
        {"question": "q", "choices": {"text": ["x", "y", "z"], "label": ["1", "2", "3"]},
         "answerKey": "2"},
        {"query": "q", "choices": ["0", "1", "2"], "answer": "1"},
    ],
)  # fmt: skip
def test_every_form_of_an_answer_is_understood(row, tmp_path):
    name = "query" if "query" in row else "question"
    suite = suite_of(written(tmp_path / "forms.jsonl", [row, {**row, name: "another"}]))
    assert [int(suite.targets(part)[0]) for part in PARTS] == [1, 1]


def test_a_table_may_hold_lists_in_its_cells(tmp_path):
    path = tmp_path / "cells.csv"
    path.write_text('query,choices,answer\none,"[""x"", ""y""]",0\ntwo,"[""x"", ""y""]",1\n')
    suite = suite_of(path)
    answers = {suite.parts[part][0].query: int(suite.targets(part)[0]) for part in PARTS}
    assert answers == {"one": 0, "two": 1}


def test_parts_are_halves_that_hang_on_content_alone(tmp_path):
    rows = questions(100)
    one = suite_of(written(tmp_path / "one.jsonl", rows))
    other = suite_of(written(tmp_path / "other.jsonl", rows[::-1]))
    held = [{question.content for question in one.parts[part]} for part in PARTS]
    assert not held[0] & held[1]
    assert abs(len(held[0]) - len(held[1])) <= 1
    assert [{q.content for q in other.parts[part]} for part in PARTS] == held
    assert one.fingerprint() == other.fingerprint()
    assert one.name == "one"


def test_some_of_many_questions_are_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(few, "TEXT", 10_000)
    suite = suite_of(written(tmp_path / "many.jsonl", questions(600)))
    asked = [question for part in PARTS for question in suite.parts[part]]
    assert 8_000 < sum(question.size for question in asked) <= 10_000


def test_no_part_has_more_rows_than_are_affordable(tmp_path):
    rows = [{"query": f"n{n}", "choices": ["a", "b"], "answer": 0} for n in range(900)]
    suite = suite_of(written(tmp_path / "short.jsonl", rows))
    assert [len(suite.parts[part]) for part in PARTS] == [few.ROWS, few.ROWS]


def test_a_question_that_stands_twice_is_asked_once(tmp_path):
    rows = questions(20)
    suite = suite_of(written(tmp_path / "twice.jsonl", rows + rows))
    assert sum(len(suite.parts[part]) for part in PARTS) == 20


def test_another_answer_is_another_suite(tmp_path):
    rows = questions(20)
    first = suite_of(written(tmp_path / "first.jsonl", rows)).fingerprint()
    rows[3]["answer"] = (rows[3]["answer"] + 1) % 4
    assert suite_of(written(tmp_path / "second.jsonl", rows)).fingerprint() != first


def test_questions_are_not_trained_on(tmp_path, knowing):
    suite = suite_of(written(tmp_path / "q.jsonl", questions(10)))
    assert suite.recall(knowing) is None


GOOD = {"query": "q", "choices": ["x", "y"], "answer": 0}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"answer": 2}, "the answer '2' to 2 choices"),
        ({"answer": -1}, "the answer '-1'"),
        ({"answer": None}, "the answer 'None'"),
        ({"answer": True}, "the answer 'True'"),
        ({"answer": "perhaps"}, "the answer 'perhaps'"),
        ({"choices": []}, "0 choice"),
        ({"choices": ["x"]}, "1 choice"),
        ({"choices": ["x", ""]}, "no text"),
        ({"choices": ["x", 7]}, "no text"),
        ({"choices": None}, "a list of choices"),
        ({"choices": "x or y"}, "a list of choices"),
        ({"choices": "[broken"}, "no JSON list"),
        ({"choices": {"label": ["A", "B"]}}, "a list of choices"),
        ({"choices": ["x", "y" * 3000]}, "3,000 characters"),
        ({"query": None}, "where the question is to stand"),
        ({"query": ["q"]}, "where the question is to stand"),
    ],
)
def test_a_row_that_is_no_question_is_named(changes, said, tmp_path):
    path = written(tmp_path / "bad.jsonl", [GOOD, {**GOOD, **changes}, GOOD])
    with pytest.raises(RequestError) as caught:
        read_suites(str(path), writes=True, modality=Modality.TEXT, progress=Silent())
    assert said in caught.value.what
    assert "1 of 3 rows" in caught.value.what
    assert caught.value.where == f"--retain {path}, bad.jsonl line 2"
    assert '"choices"' in caught.value.mend


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"choices": ["x", "y"], "answer": 0}, "no column for the question"),
        ({"query": "q", "choices": ["x", "y"]}, "no column for the right answer"),
    ],
)
def test_a_missing_column_is_named(row, said, tmp_path):
    path = written(tmp_path / "bad.jsonl", [row, row])
    with pytest.raises(RequestError, match=said):
        read_suites(str(path), writes=True, modality=Modality.TEXT, progress=Silent())


def test_one_question_is_too_few(tmp_path):
    with pytest.raises(RequestError, match="too few"):
        suite_of(written(tmp_path / "one.jsonl", [GOOD, GOOD]))


def test_documents_are_still_a_corpus(retained, tmp_path):
    path = written(tmp_path / "docs.jsonl", [{"text": f"{n} soup and bread"} for n in range(60)])
    for found in (str(retained), str(path)):
        suites = read_suites(found, writes=True, modality=Modality.TEXT, progress=Silent())
        assert [type(one) for one in suites] == [Corpus]


@pytest.mark.parametrize("text", ['{"query": "q", "choices": [', "", "[1, 2"])
def test_a_broken_table_is_told_of_as_before(text, tmp_path):
    path = tmp_path / "broken.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RequestError) as caught:
        read_suites(str(path), writes=True, modality=Modality.TEXT, progress=Silent())
    assert caught.value.where.startswith("--retain")


def test_real_questions_are_read(shared_data):
    for path in sorted((shared_data / "llm" / "retention").glob("mc-*.jsonl")):
        suite = suite_of(path)
        assert suite.name == path.stem
        assert min(len(suite.parts[part]) for part in PARTS) >= 50
