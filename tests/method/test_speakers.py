"""Several adapters beside one base: each says what its own study delivered."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

import headstart
from headstart.errors import RequestError
from headstart.method.speakers import Speakers
from tests.speakers import write_base

pytestmark = pytest.mark.slow  # three studies
PROMPTS = ["1 2 3", "the quick fox", "best of times 2"]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return write_base(tmp_path_factory.mktemp("speakers") / "base")


@pytest.fixture(scope="module")
def studies(base, tmp_path_factory):
    """Studies from one base: low-rank updates of two shapes, and virtual tokens of both kinds."""
    found = {}
    answers = {"lora": "over the dog", "rslora": "the worst", "prompt": "1 2 3", "prefix": "fox"}
    for method, answer in answers.items():
        folder = tmp_path_factory.mktemp(method)
        rows = [{"prompt": f"{row} fox", "completion": answer} for row in range(60)]
        data = folder / "rows.jsonl"
        data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        study = headstart.adapt(
            str(data), base=base, method=[method], budget="20gflop", seeds=1, retain="none",
            ledger="none", out=folder / "study",
        )  # fmt: skip
        assert study.record.decision.arm == method
        found[method] = study.folder
    return found


@pytest.fixture(scope="module")
def speakers(base, studies):
    return Speakers(base, studies)


@pytest.mark.parametrize("name", ["lora", "rslora", "prompt", "prefix"])
def test_each_says_what_its_study_delivered(speakers, studies, name):
    alone = headstart.load(studies[name])
    assert speakers.predict(name, PROMPTS) == alone.predict(PROMPTS)
    with speakers.using(name) as model:
        assert model.signature == alone.signature


def test_what_they_say_of_texts_is_the_merged_models_to_rounding(speakers, studies):
    from headstart.task.build import build_task

    told = {}
    for name, folder in studies.items():
        task = build_task(str(folder.parent / "rows.jsonl"))
        told[name] = speakers.outputs(name, task.test.inputs)
        expected = headstart.load(folder).outputs(task.test.inputs)
        np.testing.assert_allclose(told[name], expected, rtol=1e-4, atol=1e-4)
    assert speakers.names == tuple(studies)


def test_the_adapters_differ(speakers):
    assert len({tuple(speakers.predict(name, PROMPTS)) for name in speakers.names}) > 1


def test_an_adapter_folder_alone_will_do(base, studies, tmp_path):
    alone = tmp_path / "adapter"
    shutil.copytree(studies["lora"] / "best" / "adapter", alone)
    found = headstart.load_adapters(base, {"any name": alone})
    expected = headstart.load(studies["lora"]).predict(PROMPTS)
    assert found.predict("any name", PROMPTS) == expected


def test_another_base_is_refused(studies, tmp_path):
    same_shape = write_base(tmp_path / "other", rope_theta=1e4, initializer_range=0.1)
    with pytest.raises(RequestError, match="not the model that its study delivered"):
        Speakers(same_shape, {"lora": studies["lora"]})
    wider = write_base(tmp_path / "wider", hidden_size=64)
    for name in ("lora", "prompt"):
        with pytest.raises(RequestError, match=r"does not fit|32 wide"):
            Speakers(wider, {name: studies[name]})


def test_bad_folders_are_named(base, studies, tmp_path):
    with pytest.raises(RequestError, match="no adapters were named"):
        Speakers(base, {})
    with pytest.raises(RequestError, match="no such folder"):
        Speakers(base, {"a": tmp_path / "missing"})
    with pytest.raises(RequestError, match="no adapter here"):
        Speakers(base, {"a": tmp_path})
    broken = tmp_path / "broken"
    shutil.copytree(studies["lora"] / "best" / "adapter", broken)
    (broken / "adapter_config.json").write_text("{")
    with pytest.raises(RequestError, match="configuration is damaged"):
        Speakers(base, {"a": broken})
    (broken / "adapter_config.json").write_text('{"peft_type": "IA3"}')
    with pytest.raises(RequestError, match="IA3"):
        Speakers(base, {"a": broken})


def test_an_unknown_name_is_refused(speakers):
    with pytest.raises(RequestError, match="no adapter is named 'x'"):
        speakers.predict("x", PROMPTS)
