"""Tasks of lm-eval: the scores are those of its own command; what cannot be asked is refused."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys

import numpy as np
import pytest
import torch
import yaml

from headstart.base import reference
from headstart.base.virtual import KINDS
from headstart.errors import RequestError
from headstart.measure.score import score
from headstart.progress import Silent
from headstart.retention import harness
from headstart.retention import rows as few
from headstart.retention.choices import Choices
from headstart.retention.harness import Harness
from headstart.retention.suite import PARTS, read_suites
from headstart.task.model import Modality

from ..speakers import write_base
from ..taught import WORDS, documents
from .test_choices import questions, written

pytest.importorskip("lm_eval")
datasets = pytest.importorskip("datasets")

ROWS = 30
# lm-eval's own command, behind what transformers wants where torchvision does not fit torch.
COMMAND = (
    "from headstart.base.compat import prepare_torchvision as ready; ready(say=False); "
    "from lm_eval.__main__ import cli_evaluate as run; run()"
)
MULTIPLE_CHOICE = {
    "output_type": "multiple_choice",
    "doc_to_text": "{{query}}",
    "doc_to_choice": "{{choices}}",
    "doc_to_target": "answer",
    "metric_list": [
        {"metric": name, "aggregation": "mean", "higher_is_better": True}
        for name in ("acc", "acc_norm")
    ],
}
TASKS = {
    "mc": MULTIPLE_CHOICE,
    "shots": {**MULTIPLE_CHOICE, "num_fewshot": 2},
    "documents": {
        "output_type": "loglikelihood_rolling",
        "doc_to_text": "",
        "doc_to_target": "{{text}}",
        "metric_list": [
            {"metric": name} for name in ("word_perplexity", "byte_perplexity", "bits_per_byte")
        ],
    },
    "last": {
        "output_type": "loglikelihood",
        "doc_to_text": "{{query}}",
        "doc_to_target": " {{right}}",
        "metric_list": [
            {"metric": "acc", "aggregation": "mean", "higher_is_better": True},
            {"metric": "perplexity", "aggregation": "perplexity", "higher_is_better": False},
        ],
    },
    "said": {
        "output_type": "generate_until",
        "doc_to_text": "{{query}}",
        "doc_to_target": "{{right}}",
        "generation_kwargs": {"until": [" "], "max_gen_toks": 3, "do_sample": False},
        "metric_list": [
            {"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}
        ],
    },
}  # fmt: skip
SCORES = [
    ("mc", "acc_norm"),
    ("mc", "acc"),
    ("shots", "acc"),
    ("documents", "bits_per_byte"),
    ("documents", "byte_perplexity"),
    ("documents", "word_perplexity"),
    ("last", "acc"),
    ("last", "perplexity"),
    ("said", "exact_match"),
]


def task(folder, name: str, data, **settings):
    """Write a task as lm-eval wants it."""
    config = {
        "task": name,
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(data)}},
        "test_split": "test",
        **settings,
    }
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return path


@pytest.fixture(scope="module", autouse=True)
def _here(tmp_path_factory):
    """Data sets are kept in a folder of the test's, and nothing asks the network."""
    import huggingface_hub.constants as hub

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path_factory.mktemp("cache"))
        patch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
        patch.setattr(hub, "HF_HUB_OFFLINE", True)
        yield


@pytest.fixture(scope="module")
def decoder(taught):
    return reference.load_decoder(taught)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Tasks about the order of words; some documents are longer than the decoder reads."""
    found = tmp_path_factory.mktemp("tasks")
    rows = questions(ROWS)
    for one in rows[::3]:  # two words for one, and an answer that is wrong: scores between
        one["choices"][one["answer"]] += f" {one['choices'][one['answer']]}"
    for one in rows[::4]:
        one["answer"] = (one["answer"] + 1) % 4
    rows = [{**one, "right": one["choices"][one["answer"]]} for one in rows]
    asked = written(found / "asked.jsonl", rows)
    texts = documents(ROWS, 5, turned=False)
    texts[3] = " ".join(texts[4:20])
    said = written(found / "texts.jsonl", [{"text": text} for text in texts])
    for name, settings in TASKS.items():
        task(found, name, said if name == "documents" else asked, **settings)
    return found


@pytest.fixture(scope="module")
def printed(folder, taught, decoder, tmp_path_factory):
    """What lm-eval's own command finds, by task and metric."""
    out = tmp_path_factory.mktemp("out")
    model = f"pretrained={taught.removeprefix('local:')},dtype=float32"
    command = [
        sys.executable, "-c", COMMAND, "run", "--model", "hf", "--device", "cpu",
        "--model_args", f"{model},max_length={decoder.card.input_size}",
        "--tasks", ",".join(TASKS), "--include_path", str(folder), "--output_path", str(out),
    ]  # fmt: skip
    settings = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_CACHE": str(out / "cache"), "TQDM_DISABLE": "1"}
    done = subprocess.run(
        command, env={**os.environ, **settings}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (path,) = out.rglob("results_*.json")
    return json.loads(path.read_text(encoding="utf-8"))["results"]


def suite_of(given) -> Harness:
    found = read_suites(str(given), writes=True, modality=Modality.TEXT, progress=Silent())
    assert [type(one) for one in found] == [Harness]
    return found[0]


def whole(suite, decoder) -> float:
    """The score of the rows of both parts."""
    told = np.concatenate([suite.told(decoder, part, Silent()) for part in PARTS])
    targets = np.concatenate([suite.targets(part) for part in PARTS])
    return score(suite.objective, suite.classes, targets, told, suite.metric)


@pytest.mark.parametrize(("name", "metric"), SCORES)
def test_both_parts_score_what_lm_evals_own_command_says(name, metric, folder, decoder, printed):
    suite = suite_of(f"{folder / name}.yaml@{metric}")
    expected = printed[name][f"{metric},none"]
    assert whole(suite, decoder) == pytest.approx(expected, rel=1e-5)
    assert sum(len(suite.targets(part)) for part in PARTS) == ROWS


def test_the_scores_held_to_the_command_are_no_trivial_ones(printed):
    for name, metric in SCORES:
        if metric in ("acc", "acc_norm", "exact_match"):
            assert 0.2 < printed[name][f"{metric},none"] < 1.0
    assert printed["mc"]["acc,none"] != printed["mc"]["acc_norm,none"]
    assert printed["last"]["perplexity,none"] > 1.5


def test_its_rows_are_those_that_the_same_questions_have_elsewhere(folder, decoder):
    ours = Choices.read(str(folder / "asked.jsonl"), Silent())[0]
    assert whole(suite_of(folder / "mc.yaml"), decoder) == whole(ours, decoder)


def test_what_lm_eval_recommends_is_scored_first(folder):
    suite = suite_of(folder / "mc.yaml")
    assert (suite.name, suite.metric) == ("mc, acc_norm", "accuracy")
    assert suite_of(folder / "documents.yaml").metric == "bits_per_byte"


def test_each_part_is_a_half_of_its_own(folder):
    suite = suite_of(folder / "mc.yaml")
    assert sorted(suite.rows["validation"] + suite.rows["test"]) == list(range(ROWS))
    assert abs(len(suite.rows["validation"]) - len(suite.rows["test"])) <= 1


def test_a_row_lies_in_the_same_part_wherever_it_stands(folder, tmp_path):
    rows = [json.loads(line) for line in (folder / "asked.jsonl").read_text().splitlines()]
    data = written(tmp_path / "turned.jsonl", rows[::-1])
    other = suite_of(task(tmp_path, "mc", data, **MULTIPLE_CHOICE))
    suite = suite_of(folder / "mc.yaml")
    for part in PARTS:
        assert {ROWS - 1 - row for row in other.rows[part]} == set(suite.rows[part])


def test_of_many_rows_the_first_are_asked_as_with_the_commands_limit(folder, decoder, monkeypatch):
    every = suite_of(folder / "mc.yaml")
    monkeypatch.setattr(harness, "ROWS", 4)
    suite = suite_of(folder / "mc.yaml")
    assert suite.limit == 8
    assert sorted(suite.rows["validation"] + suite.rows["test"]) == list(range(8))
    command = suite.command("best", 64)
    assert command.endswith(f"max_length=64 --tasks mc --include_path {folder} --limit 8")
    assert suite.fingerprint() != every.fingerprint()
    monkeypatch.setattr(few, "TEXT", 500)
    assert 2 <= suite_of(folder / "mc.yaml").limit < 8


def test_examples_in_prompts_are_the_same_in_part_and_whole(folder, decoder):
    suite = suite_of(folder / "shots.yaml")
    rows = set(suite.rows["test"])
    some = suite.asked.answered(decoder, rows, suite.limit, Silent(), "")
    every = suite.asked.answered(decoder, set(range(ROWS)), suite.limit, Silent(), "")
    assert set(some) == rows
    for row in rows:
        assert some[row]["arguments"] == every[row]["arguments"]
        assert some[row]["arguments"][0][0].count("\n\n") == 2
        assert some[row]["filtered_resps"] == every[row]["filtered_resps"]


def test_nothing_is_printed_and_nothing_else_is_changed(folder, decoder, capfd):
    before = {name: weight.clone() for name, weight in decoder.state_dict().items()}
    states = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()
    pad = decoder.tokenizer.pad_token
    for name in ("mc", "documents", "said"):
        suite_of(folder / f"{name}.yaml").told(decoder, "test", Silent())
    assert capfd.readouterr() == ("", "")
    assert random.getstate() == states[0]
    assert np.random.get_state()[1].tolist() == states[1]
    assert torch.equal(torch.get_rng_state(), states[2])
    assert decoder.tokenizer.pad_token == pad
    assert all(torch.equal(weight, before[n]) for n, weight in decoder.state_dict().items())


def test_the_command_that_gives_the_same_is_said_once(folder, decoder):
    class Notes(Silent):
        lines: list[str] = []  # noqa: RUF012

        def say(self, line: str) -> None:
            self.lines.append(line)

    suite = suite_of(folder / "mc.yaml")
    for part in PARTS:
        suite.told(decoder, part, Notes())
    assert len(Notes.lines) == 1
    assert suite.command("MODEL", decoder.card.input_size) in Notes.lines[0]


@pytest.mark.parametrize("kind", KINDS.values())
def test_an_answer_is_written_after_virtual_tokens(folder, tmp_path, kind):
    decoder = reference.load_decoder(write_base(tmp_path / "llama"))
    suite, every = suite_of(folder / "said.yaml"), set(range(ROWS))
    plain = suite.asked.answered(decoder, every, ROWS, Silent(), "")
    width = kind(torch.zeros(1, 1)).width(decoder.config)
    decoder.virtual = kind(torch.randn(4, width, generator=torch.Generator().manual_seed(2)))
    found = suite.asked.answered(decoder, every, ROWS, Silent(), "")
    for row in every:
        assert found[row]["filtered_resps"] == [greedy(decoder, found[row]["arguments"][0][0])]
    assert any(found[row]["filtered_resps"] != plain[row]["filtered_resps"] for row in every)


def greedy(decoder, prompt: str) -> str:
    """Three tokens one at a time, nothing kept between them, up to a space or an end."""
    ids = decoder.tokenizer.encode(prompt)
    written: list[int] = []
    for _ in range(3):
        embedded = decoder.embedded(torch.tensor([ids + written]))
        with torch.inference_mode(), decoder.cached():
            out = decoder.causal(inputs_embeds=embedded, past_key_values=decoder.past(1))
            written.append(int(out.logits[0, -1].argmax()))
        if written[-1] in decoder.end_ids:
            break
    return decoder.tokenizer.decode(written, skip_special_tokens=True).split(" ")[0]


def test_a_users_own_functions_are_used(folder, decoder, tmp_path):
    (tmp_path / "own.py").write_text("def text(doc):\n    return doc['query'].split(' ', 1)[1]\n")
    path = task(tmp_path, "own", folder / "asked.jsonl", **MULTIPLE_CHOICE)
    config = path.read_text().replace("doc_to_text: '{{query}}'", "doc_to_text: !function own.text")
    assert "!function" in config
    path.write_text(config)
    suite = suite_of(path)
    found = suite.asked.answered(decoder, {0}, suite.limit, Silent(), "")
    assert found[0]["arguments"][0][0].split()[0] in WORDS


@pytest.mark.slow
def test_a_group_is_a_suite_for_each_of_its_tasks(folder, tmp_path):
    for name in ("one", "two"):
        task(tmp_path, name, folder / "asked.jsonl", **MULTIPLE_CHOICE)
    group = tmp_path / "both.yaml"
    group.write_text(yaml.safe_dump({"group": "both", "task": ["one", "two"]}))
    found = read_suites(str(group), writes=True, modality=Modality.TEXT, progress=Silent())
    assert [suite.name for suite in found] == ["one, acc_norm", "two, acc_norm"]


def test_without_lm_eval_the_extra_is_named(folder, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "lm_eval"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "lm_eval", None)
    with pytest.raises(RequestError) as caught:
        suite_of(folder / "mc.yaml")
    assert "headstart[eval]" in caught.value.mend


def refused(given) -> RequestError:
    with pytest.raises(RequestError) as caught:
        read_suites(str(given), writes=True, modality=Modality.TEXT, progress=Silent())
    assert caught.value.where.startswith(f"--retain {given}")
    assert caught.value.mend
    return caught.value


def test_a_metric_that_it_lacks_is_refused(folder):
    said = refused(f"{folder / 'mc.yaml'}@exact_match").what
    assert "acc, acc_norm" in said
    assert "'exact_match' is none of them" in said


@pytest.mark.parametrize(
    "listed",
    [
        {"metric": "f1"},
        {"metric": "acc", "aggregation": "median", "higher_is_better": True},
    ],
)
def test_a_metric_that_is_no_mean_of_rows_is_refused(listed, folder, tmp_path):
    settings = {**MULTIPLE_CHOICE, "metric_list": [listed]}
    refused(task(tmp_path, "odd", folder / "asked.jsonl", **settings))


def test_code_that_comes_with_data_is_refused(folder, tmp_path):
    path = task(tmp_path, "far", folder / "asked.jsonl", **MULTIPLE_CHOICE)
    config = yaml.safe_load(path.read_text())
    config["dataset_kwargs"]["trust_remote_code"] = True
    path.write_text(yaml.safe_dump(config))
    assert "trust_remote_code" in refused(path).what


def test_code_that_the_model_writes_is_refused(folder, tmp_path):
    settings = {**TASKS["said"], "unsafe_code": True}
    assert "runs code" in refused(task(tmp_path, "odd", folder / "asked.jsonl", **settings)).what


def test_data_that_cannot_be_reached_is_named(folder, tmp_path):
    path = task(tmp_path, "far", folder / "asked.jsonl", **MULTIPLE_CHOICE)
    config = yaml.safe_load(path.read_text())
    config.update(dataset_path="nobody/nothing", dataset_kwargs={})
    path.write_text(yaml.safe_dump(config))
    error = refused(path)
    assert "nobody/nothing" in error.what
    assert "dataset_path: json" in error.mend


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"dataset_kwargs": {"data_files": {"test": "no-such-file.jsonl"}}}, "no-such-file"),
        ({"test_split": "missing"}, "missing"),
        ({"output_type": "sung"}, "sung"),
        ({"doc_to_text": "{{no_such_column}}"}, "no_such_column"),
        ({"doc_to_text": "{{ broken"}, "cannot ask the task"),
        ({"doc_to_text": "{{query}}", "no_such_setting": 1}, "no_such_setting"),
    ],
)
def test_a_broken_task_is_named(changes, said, folder, tmp_path):
    settings = {**MULTIPLE_CHOICE, **changes}
    assert said in refused(task(tmp_path, "odd", folder / "asked.jsonl", **settings)).what


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no task"),
        ("- a list", "holds no task"),
        ("name: something else", "holds no task"),
        ("task: [unclosed", "not readable as YAML"),
        ("task: !!python/object/apply:os.system ['echo pwned']", "cannot ask|not readable"),
        ("task: a\x00b", "not readable as YAML"),
    ],
)
def test_a_file_that_is_no_task_is_named(text, said, tmp_path, capfd):
    path = tmp_path / "odd.yaml"
    path.write_text(text)
    with pytest.raises(RequestError, match=said):
        read_suites(str(path), writes=True, modality=Modality.TEXT, progress=Silent())
    assert "pwned" not in capfd.readouterr().out.split("\n")


def test_a_file_that_is_not_there_is_named(tmp_path):
    assert refused(tmp_path / "none.yaml").what == "no such file"


def test_a_task_of_one_row_is_refused(folder, tmp_path):
    row = (folder / "asked.jsonl").read_text().splitlines()[0]
    data = tmp_path / "one.jsonl"
    data.write_text(row + "\n")
    assert "1 row" in refused(task(tmp_path, "one", data, **MULTIPLE_CHOICE)).what


@pytest.mark.slow
def test_a_task_that_lm_eval_does_not_know_is_named():
    assert "arc_easy" in refused("lm-eval:arc_eas").mend
