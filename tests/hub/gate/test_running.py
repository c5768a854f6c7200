"""The checks that run a model: what each refuses, and in which words."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from headstart.base.compat import prepare_torchvision
from headstart.hub.gate.checks import CHECKS
from headstart.hub.gate.model import Candidate, Finding
from headstart.hub.gate.running.loading import subject_in
from headstart.method.samples import FILE

LIMITS = {"at_least": 0.8, "data": "cats.csv", "metric": "accuracy", "name": "cats"}


def look(check: str, candidate: Candidate) -> Finding:
    return CHECKS.get(check)()(candidate)


def ruled(candidate: Candidate, **rules: Any) -> Candidate:
    told = candidate.standard.model_dump() | rules
    return replace(candidate, standard=type(candidate.standard).model_validate(told))


def touch(folder: Path, change: Callable[[str, Any], Any]) -> None:
    """Change the weights of a folder."""
    file = str(folder / "model.safetensors")
    state = {name: change(name, tensor) for name, tensor in load_file(file).items()}
    save_file(state, file, {"format": "pt"})


def swapped(name: str, tensor: Any) -> Any:
    return tensor.flip(0).contiguous() if name.startswith("classifier.") else tensor


def edit(file: Path, **fields: Any) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | fields))


def written_by_transformers(base: Path, folder: Path, name: str, **config: Any) -> Path:
    """A model of transformers with random weights, as its users save it."""
    import torch
    import transformers

    torch.manual_seed(0)
    settings = transformers.BertConfig.from_pretrained(str(base), **config)
    getattr(transformers, name)(settings).save_pretrained(folder)
    for file in base.glob("tokenizer*"):
        shutil.copy(file, folder)
    return folder


# load


@pytest.mark.parametrize(
    "name",
    ["BertForSequenceClassification", "BertForTokenClassification", "BertModel", "BertForMaskedLM"],
)
def test_what_transformers_wrote_loads_and_survives_being_written_again(
    name: str, saved_base: Path, tmp_path: Path, whole: Candidate
) -> None:
    folder = written_by_transformers(saved_base, tmp_path / "plain", name)
    candidate = ruled(replace(whole, folder=folder), samples="optional")
    for check in ("load", "export", "predictions"):
        assert look(check, candidate).passed
    assert "transformers" in look("load", candidate).words


def test_a_plain_model_that_lacks_a_weight_does_not_load(
    saved_base: Path, tmp_path: Path, whole: Candidate
) -> None:
    folder = written_by_transformers(saved_base, tmp_path / "p", "BertForSequenceClassification")
    file = str(folder / "model.safetensors")
    state = load_file(file)
    del state["classifier.weight"]
    save_file(state, file, {"format": "pt"})
    assert "classifier.weight" in look("load", replace(whole, folder=folder)).words


def test_code_of_its_own_and_unknown_classes_do_not_load(
    saved_base: Path, tmp_path: Path, whole: Candidate
) -> None:
    folder = written_by_transformers(saved_base, tmp_path / "p", "BertModel")
    candidate = replace(whole, folder=folder)
    edit(folder / "config.json", architectures=["PreTrainedTokenizerFast"])
    assert "has no model 'PreTrainedTokenizerFast'" in look("load", candidate).words
    edit(folder / "config.json", auto_map={"AutoModel": "modeling.Model"})
    assert "auto_map" in look("load", candidate).words


def test_weights_that_are_no_numbers_do_not_pass(whole: Candidate) -> None:
    touch(whole.folder, lambda name, tensor: tensor * float("nan"))
    assert "no numbers" in look("load", whole).words


def test_a_timm_model_loads(tmp_path: Path, whole: Candidate) -> None:
    timm = pytest.importorskip("timm")
    model = timm.create_model("test_resnet", num_classes=2)
    names = {"label_names": ["cat", "dog"]}
    timm.models.save_for_hf(model, str(tmp_path / "t"), names, safe_serialization=True)
    candidate = replace(whole, folder=tmp_path / "t")
    assert "Loads by timm" in look("load", candidate).words
    assert subject_in(tmp_path / "t").signature.classes == ("cat", "dog")  # type: ignore[union-attr]
    assert look("export", candidate).passed


def test_an_adapter_loads_on_a_base_that_is_known_and_on_no_other(
    saved_base: Path, tmp_path: Path, whole: Candidate
) -> None:
    peft = pytest.importorskip("peft")
    from transformers import BertModel

    config = peft.LoraConfig(r=2, target_modules=["query"], task_type="FEATURE_EXTRACTION")
    adapted = peft.get_peft_model(BertModel.from_pretrained(str(saved_base)), config)
    adapted.save_pretrained(str(tmp_path / "a"))
    edit(tmp_path / "a" / "adapter_config.json", base_model_name_or_path="team/base")
    candidate = replace(whole, folder=tmp_path / "a")
    finding = look("load", candidate)
    assert finding.passed, finding.words
    assert "on its base team/base" in finding.words
    assert look("export", candidate).passed
    assert look("forgetting", candidate).passed
    assert "'team/base' is not known here" in look("load", replace(candidate, bases={})).words


def test_a_model_without_a_tokenizer_loads_and_is_asked_nothing(
    saved_base: Path, tmp_path: Path, whole: Candidate
) -> None:
    folder = written_by_transformers(saved_base, tmp_path / "p", "BertForSequenceClassification")
    for file in folder.glob("tokenizer*"):
        file.unlink()
    candidate = replace(whole, folder=folder)
    finding = look("load", candidate)
    assert finding.passed
    assert "without a tokenizer" in finding.words
    for check in ("latency", "tasks"):
        assert not look(check, candidate).passed


# predictions


def test_touched_weights_do_not_reproduce(whole: Candidate) -> None:
    touch(whole.folder, lambda name, one: one * 1.01 if name.startswith("classifier.") else one)
    assert look("load", whole).passed
    finding = look("predictions", whole)
    assert not finding.passed
    assert "recorded was" in finding.words


@pytest.mark.parametrize("how", ["manifest", "head"])
def test_a_swapped_label_map_is_found(how: str, whole: Candidate) -> None:
    if how == "manifest":
        edit(whole.folder / "headstart.json", classes=["https://x", "a.b"])
    else:
        touch(whole.folder, swapped)
    finding = look("predictions", whole)
    assert not finding.passed
    assert "'https://x'" in finding.words or "'a.b'" in finding.words
    assert not look("tasks", whole).passed


def test_small_differences_are_allowed_as_the_standard_says(whole: Candidate) -> None:
    file = whole.folder / FILE
    told = json.loads(file.read_text())
    for sample in told["samples"]:
        sample["output"] = {name: value - 0.01 for name, value in sample["output"].items()}
    file.write_text(json.dumps(told))
    assert not look("predictions", whole).passed
    assert look("predictions", ruled(whole, predictions=0.02)).passed


def test_whether_samples_are_needed_is_the_standards_to_say(whole: Candidate) -> None:
    (whole.folder / FILE).unlink()
    assert "hub record" in look("predictions", whole).words
    assert look("predictions", ruled(whole, samples="optional")).passed


@pytest.mark.parametrize(
    "text", ["", "[]", '{"version": 1, "samples": []}', '{"version": 1, "samples": [{"input": 3}]}']
)
def test_a_record_that_is_none_is_refused(text: str, whole: Candidate) -> None:
    (whole.folder / FILE).write_text(text)
    assert "cannot be read" in look("predictions", whole).words


def test_what_is_recorded_are_no_rows_of_the_user(whole: Candidate) -> None:
    told = json.loads((whole.folder / FILE).read_text())
    assert [sample["input"][:9] for sample in told["samples"]] == [
        "The train", "I like th", "How do I "
    ]  # fmt: skip


# tasks


def test_the_whole_interval_must_reach_the_limit(whole: Candidate) -> None:
    finding = look("tasks", ruled(whole, tasks=[LIMITS | {"at_least": 0.97}]))
    assert not finding.passed  # all 60 right: an interval from 0.94 on
    assert "lower end must be at least 0.97" in finding.words
    assert finding.details["tasks"][0]["rows"] == 60  # type: ignore[index]


def test_of_a_loss_the_upper_end_must_not_pass_the_limit(whole: Candidate) -> None:
    loss = LIMITS | {"metric": "log_loss"}
    assert look("tasks", ruled(whole, tasks=[loss | {"at_least": 0.5}])).passed
    words = look("tasks", ruled(whole, tasks=[loss | {"at_least": 1e-5}])).words
    assert "upper end must be at most" in words


def test_classes_are_matched_by_name(whole: Candidate, cats: Path) -> None:
    cats.write_text(cats.read_text().replace("a.b", "bird"))
    words = look("tasks", whole).words
    assert "does not know the classes 'bird'" in words
    assert "it knows 'a.b', 'https://x'" in words


def test_a_model_without_class_names_is_refused_in_words(
    saved_base: Path, tmp_path: Path, whole: Candidate
) -> None:
    folder = written_by_transformers(saved_base, tmp_path / "p", "BertForSequenceClassification")
    assert "have no names (LABEL_0" in look("tasks", replace(whole, folder=folder)).words


def test_a_plain_model_with_class_names_is_scored(
    saved_base: Path, tmp_path: Path, whole: Candidate
) -> None:
    names = {0: "https://x", 1: "a.b", 2: "never"}
    folder = written_by_transformers(
        saved_base, tmp_path / "p", "BertForSequenceClassification", id2label=names
    )
    finding = look("tasks", ruled(replace(whole, folder=folder), tasks=[LIMITS | {"at_least": 0}]))
    assert finding.passed, finding.words
    assert 0 <= finding.details["tasks"][0]["value"] <= 1  # type: ignore[index,operator]


def test_data_that_are_not_there_and_models_of_another_kind_are_refused(
    saved_base: Path, tmp_path: Path, whole: Candidate
) -> None:
    assert "not handed to the gate" in look("tasks", replace(whole, data={})).words
    folder = written_by_transformers(saved_base, tmp_path / "p", "BertModel")
    assert "features only" in look("tasks", replace(whole, folder=folder)).words
    unknown = [LIMITS | {"metric": "rmse"}]
    assert "rmse" in look("tasks", ruled(whole, tasks=unknown)).words


@pytest.fixture
def writer(tmp_path: Path) -> Path:
    """A tiny language model, as transformers saves it."""
    prepare_torchvision()
    from tests.method.conftest import write_llama

    write_llama(tmp_path / "llama")
    return tmp_path / "llama"


def test_language_models_are_scored_on_texts(
    writer: Path, tmp_path: Path, whole: Candidate
) -> None:
    texts = [f"soup bread oven bank loan stock goal match {n}" for n in range(30)]
    corpus = tmp_path / "corpus.jsonl"
    corpus.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    task = {"name": "texts", "data": "corpus.jsonl", "metric": "perplexity", "at_least": 40}
    candidate = replace(
        ruled(whole, tasks=[task], samples="optional"),
        folder=writer,
        data={"corpus.jsonl": corpus},
    )
    finding = look("tasks", candidate)
    assert finding.passed, finding.words
    few = ruled(candidate, tasks=[task | {"at_least": 5}])
    assert "upper end must be at most 5" in look("tasks", few).words
    for check in ("load", "export", "latency"):
        assert look(check, candidate).passed


def test_a_plain_language_model_and_headstarts_own_reading_of_it_agree(writer: Path) -> None:
    from headstart.base.decoder_folder import load_decoder_folder
    from headstart.train.language import LanguageNetwork, nats_of
    from headstart.train.windows import Windows

    texts = ["soup bread oven", "bank " * 150]  # the second longer than the model reads at once
    decoder = load_decoder_folder(writer, "local:x", "x")
    windows = Windows(decoder, texts)
    expected = nats_of(LanguageNetwork(decoder), windows, range(len(windows.places)))
    found = subject_in(writer).scores(texts)
    assert found[0] == pytest.approx(expected[0], rel=1e-4)
    assert found[1, 1] == expected[1, 1]


def test_a_language_model_whose_tokenizer_marks_neither_start_nor_end_is_scored(
    writer: Path,
) -> None:
    from transformers import AutoTokenizer

    marked = subject_in(writer).scores(["soup bread oven", ""])
    tokenizer = AutoTokenizer.from_pretrained(str(writer))
    tokenizer.bos_token = tokenizer.eos_token = None
    tokenizer.save_pretrained(writer)
    found = subject_in(writer).scores(["soup bread oven", ""])
    assert found[0, 1] == marked[0, 1] - 1  # the first token is given, not told
    assert 0 < found[0, 0] < marked[0, 0]
    assert found[1].tolist() == [0, 0]


# incumbent


def test_a_tie_is_no_worse_and_not_better(whole: Candidate) -> None:
    assert look("incumbent", whole).passed
    finding = look("incumbent", ruled(whole, incumbent="better"))
    assert not finding.passed
    assert "cats: tie in accuracy" in finding.words


def test_what_is_better_passes_and_what_is_worse_never_does(
    whole: Candidate, tmp_path: Path
) -> None:
    worse = Path(shutil.copytree(whole.folder, tmp_path / "worse"))
    touch(worse, swapped)
    better = ruled(replace(whole, incumbent=worse), incumbent="better")
    finding = look("incumbent", better)
    assert finding.passed, finding.words
    assert finding.details["tasks"][0]["verdict"] == "better"  # type: ignore[index]
    back = replace(whole, folder=worse, incumbent=whole.folder)
    for needed in ("better", "no-worse"):
        assert "cats: worse in accuracy" in look("incumbent", ruled(back, incumbent=needed)).words


def test_without_an_incumbent_there_is_nothing_to_beat_and_without_tasks_no_way(
    whole: Candidate,
) -> None:
    assert look("incumbent", replace(whole, incumbent=None)).passed
    assert "names no tasks" in look("incumbent", ruled(whole, tasks=[])).words


# forgetting


def test_a_body_that_lost_what_the_base_could_do_is_over_the_limit(whole: Candidate) -> None:
    finding = look("forgetting", whole)
    assert finding.passed, finding.words
    assert finding.details["suites"][0]["high"] == 0  # type: ignore[index]
    touch(whole.folder, lambda name, one: one * 0 if "word_embeddings" in name else one)
    finding = look("forgetting", whole)
    assert not finding.passed
    assert "allowed is at most 2.0%" in finding.words


def test_what_is_forgotten_needs_a_base_that_is_known(whole: Candidate) -> None:
    assert "'hub:team/base' is not known here" in look("forgetting", replace(whole, bases={})).words
    (whole.folder / "README.md").unlink()
    assert "names no base" in look("forgetting", whole).words


# export, lineage, seeds, latency


def test_an_export_that_drifts_is_refused(whole: Candidate) -> None:
    strict = replace(whole, standard=whole.standard.model_copy(update={"drift": -1.0}))
    assert "gives other outputs" in look("export", strict).words


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("headstart: {", "other: {", "'headstart' is missing"),
        ('"trial": "a1b2", ', "", "'headstart.trial' is missing"),
        ('"fingerprint": "c3d4"', '"rows": 3', "'headstart.data.fingerprint' is missing"),
        ('"base": "hub:team/base", ', "", "no base is named"),
        ("hub:team/base", "hub:team/other", "neither an approved model of this hub nor bundled"),
        ("hub:team/base", "bundled:other", "neither an approved model of this hub nor bundled"),
        ("hub:team/base", "local:models/base", "neither an approved model of this hub"),
    ],
)
def test_lineage_that_is_not_told_or_not_known_is_refused(
    old: str, new: str, words: str, whole: Candidate
) -> None:
    card = whole.folder / "README.md"
    card.write_text(card.read_text().replace(old, new))
    finding = look("lineage", whole)
    assert not finding.passed
    assert words in finding.words


def test_what_the_keeper_imported_is_a_base_itself(whole: Candidate) -> None:
    (whole.folder / "README.md").unlink()
    assert not look("lineage", whole).passed
    assert "hf:org/base" in look("lineage", replace(whole, imported="hf:org/base")).words


def test_fewer_seeds_than_asked_for_are_refused(whole: Candidate) -> None:
    assert "Adapt with --seeds 5" in look("seeds", ruled(whole, seeds=5)).words
    card = whole.folder / "README.md"
    card.write_text(card.read_text().replace('"seeds": 3', '"seeds": null'))
    assert "nothing at random" in look("seeds", ruled(whole, seeds=5)).words


def test_a_slow_model_is_refused(whole: Candidate) -> None:
    finding = look("latency", ruled(whole, latency={"milliseconds": 1e-6}))
    assert not finding.passed
    assert np.isfinite(finding.details["milliseconds"])  # type: ignore[arg-type]
