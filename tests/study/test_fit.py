"""Will it fit: what twins foretell is what the base itself is counted to take."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headstart.base import reference
from headstart.base.compat import prepare_torchvision
from headstart.base.text_folder import read_config
from headstart.base.twin import shape_of
from headstart.errors import RequestError
from headstart.measure.gpus import GIB, gpu_memory
from headstart.method.model import METHODS
from headstart.progress import Silent
from headstart.study.fit import Question, counted, fits
from headstart.task.build import build_task
from headstart.task.model import Kind
from headstart.train.benches import workbench
from headstart.train.cache import FeatureCache
from headstart.train.step import COUNTED
from tests.speakers import write_base

METHODS_OF_TEXTS = ("lora", "rslora", "dora", "qlora", "prompt", "prefix", "partial", "finetune")
WIDE = {
    "hidden_size": 512, "intermediate_size": 1024, "num_attention_heads": 8,
    "num_key_value_heads": 4, "num_hidden_layers": 9, "initializer_range": 0.02,
}  # fmt: skip


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    prepare_torchvision(say=False)
    path = tmp_path_factory.mktemp("corpus") / "texts.jsonl"
    rows = [" ".join(f"fox {at} {row}" for at in range(30)) for row in range(24)]
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in rows))
    return build_task(str(path), kind=Kind.LANGUAGE_MODELING)


@pytest.fixture(scope="module", params=[True, False], ids=["tied", "untied"])
def base(request, tmp_path_factory):
    prepare_torchvision(say=False)
    folder = tmp_path_factory.mktemp("wide") / "base"
    return write_base(folder, tie_word_embeddings=request.param, **WIDE)


@pytest.fixture(scope="module")
def bench(base, corpus, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    return workbench(corpus, base, FeatureCache(folder / "cache"), folder / "work", Silent())


def asked(corpus, *bases: str, gpu: str = "24GB", methods=("lora",), context: int | None = None):
    return fits(Question(bases, methods, gpu, context), corpus, "bits_per_byte", Silent())


@pytest.mark.slow
def test_what_twins_foretell_is_what_the_base_takes(base, bench, corpus):
    found = asked(corpus, base, methods=METHODS_OF_TEXTS)
    assert shape_of(read_config(Path(base.removeprefix("local:")))).scale == 2
    units = COUNTED * max(bench.samples("train").sizes)
    for one in found:
        real = counted(METHODS.get(one.method)(), bench, "bits_per_byte")
        assert one.memory.base == pytest.approx(real.base, rel=0.02)
        assert one.memory.weights == pytest.approx(real.weights, rel=0.05)
        assert one.memory.state == pytest.approx(real.state, rel=0.05)
        ours = one.memory.step + one.memory.token * units
        assert ours == pytest.approx(real.token * units, rel=0.15), one.method
        assert one.memory.again < 0.6 * one.memory.token
        spared = one.memory.again * units + one.memory.step
        assert spared > 0.8 * real.again * units
        if one.method != "dora":  # whose norms lie in the blocks: they are spared, too
            assert spared == pytest.approx(real.again * units, rel=0.2), one.method


def llama(folder, **changes):
    """A configuration alone."""
    told = {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 4096,
        "intermediate_size": 14336, "num_attention_heads": 32, "num_key_value_heads": 8,
        "num_hidden_layers": 32, "vocab_size": 128256, "max_position_embeddings": 8192,
        "tie_word_embeddings": False, **changes,
    }  # fmt: skip
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(told))
    return f"local:{folder}"


def test_a_configuration_of_billions_is_enough(corpus, tmp_path):
    base = llama(tmp_path / "8b")
    card, methods = "H100", ("lora", "qlora", "finetune")
    lora, qlora, full = asked(corpus, base, gpu=card, methods=methods, context=2048)
    assert lora.memory.base == pytest.approx(8.03e9 * 4, rel=0.01)  # its parameters, in float32
    assert qlora.memory.weights < 0.3 * lora.memory.weights
    assert full.memory.state == pytest.approx(8.03e9 * 16, rel=0.01)
    assert (full.texts, full.answer) == (0, "does not fit")
    assert qlora.texts > lora.texts
    (tight,) = asked(corpus, base, gpu="78GB", methods=("lora",), context=2048)
    assert (tight.texts, tight.answer) == (0, "fits, activations computed again")
    (longer,) = asked(corpus, base, gpu=card, context=8192)
    assert longer.memory == lora.memory
    assert longer.texts <= lora.texts / 4 + 1


def test_a_larger_gpu_holds_more(corpus, base):
    rooms = [asked(corpus, base, gpu=gpu)[0] for gpu in ("4GB", "T4", "A100 80GB")]
    assert rooms[0].room < rooms[1].room < rooms[2].room
    assert rooms[0].texts < rooms[1].texts < rooms[2].texts
    assert rooms[0].memory.total(10) > rooms[0].memory.fixed


@pytest.mark.parametrize(
    ("name", "known", "size"),
    [("rtx4090", "RTX 4090", 24), ("NVIDIA A100-SXM4-80GB", "A100 80GB", 80),
     ("tesla t4", "T4", 16), ("H100 PCIe", "H100", 80), ("24GB", "a GPU of 24 GiB", 24),
     ("7.5 GiB", "a GPU of 7.5 GiB", 7.5)],
)  # fmt: skip
def test_gpus_are_known_however_they_are_written(name, known, size):
    assert gpu_memory(name) == (known, size * GIB)


@pytest.mark.parametrize("name", ["", "H1000", "0GB", "-3GB", "GB", "1e9GB"])
def test_what_is_no_gpu_is_refused(name):
    with pytest.raises(RequestError) as caught:
        gpu_memory(name)
    assert caught.value.where == "--gpu"
    assert "24GB" in caught.value.mend


def test_wrong_questions_are_named(corpus, base, tmp_path):
    for context in (0, -1, 100_000):
        with pytest.raises(RequestError) as caught:
            asked(corpus, base, context=context)
        assert caught.value.where == "--context"
    with pytest.raises(RequestError, match="trains no steps"):
        asked(corpus, base, methods=("untouched",))
    with pytest.raises(RequestError, match="does not write text"):
        asked(corpus, "bundled:minilm-l6")
    with pytest.raises(RequestError, match="no such folder"):
        asked(corpus, f"local:{tmp_path / 'absent'}")


def test_shapes_of_other_families(tmp_path):
    from transformers import GPT2Config, Qwen2Config

    assert shape_of(Qwen2Config(num_attention_heads=28, num_key_value_heads=4, hidden_size=3584,
                                intermediate_size=18944)).scale == 4  # fmt: skip
    assert shape_of(GPT2Config()).layers == 12


def test_an_encoder_is_counted_itself(tmp_path):
    path = tmp_path / "rows.csv"
    lines = [f"the film {row} was {'good' if row % 2 else 'bad'},{row % 2}" for row in range(60)]
    path.write_text("text,label\n" + "\n".join(lines) + "\n")
    task = build_task(str(path))
    question = Question(("bundled:minilm-l6",), ("lora", "finetune"), "T4")
    lora, full = fits(question, task, "accuracy", Silent())
    card = reference.card("bundled:minilm-l6")
    assert full.memory.base == pytest.approx(4 * card.parameters, rel=0.02)
    assert lora.memory.state < 0.2 * full.memory.state
    assert lora.texts > 1
