"""Text encoders: tokens, pooling, words, and equality with the libraries that read the folder."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from headstart.base import reference
from headstart.base.layout import load_encoder
from headstart.errors import RequestError

from .conftest import TEXTS, features, new_head


def test_a_bert_with_a_trained_pooler_reads_it(bert_folder):
    encoder = reference.load(f"local:{bert_folder}")
    assert encoder.pooling == "pooler"


def test_without_a_trained_pooler_the_mean_is_read_and_none_is_kept(bare_bert_folder):
    encoder = reference.load(f"local:{bare_bert_folder}")
    assert encoder.pooling == "mean"
    assert not any("pooler" in name for name, _ in encoder.named_parameters())


def test_a_roberta_does_not_read_its_pooler_since_its_classifier_does_not(tmp_path, bert_folder):
    from transformers import RobertaConfig, RobertaModel

    config = RobertaConfig(
        vocab_size=16, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=42, pad_token_id=0,
    )  # fmt: skip
    RobertaModel(config).save_pretrained(str(tmp_path))
    (tmp_path / "tokenizer.json").write_bytes((bert_folder / "tokenizer.json").read_bytes())
    (tmp_path / "tokenizer_config.json").write_bytes(
        (bert_folder / "tokenizer_config.json").read_bytes()
    )
    encoder = reference.load(f"local:{tmp_path}")
    assert (encoder.pooling, encoder.max_length) == ("mean", 40)


def test_the_pooler_layout_gives_equal_logits_in_plain_transformers(bert_folder, tmp_path):
    from transformers import pipeline

    encoder = reference.load(f"local:{bert_folder}")
    head = new_head(encoder)
    encoder.save(tmp_path / "best", head, ["red", "green", "blue"])
    with torch.inference_mode():
        logits = head(features(encoder, TEXTS))
    classify = pipeline("text-classification", model=str(tmp_path / "best"), device="cpu")
    found = classify(TEXTS, top_k=1)
    expected = logits.softmax(-1).max(-1)
    for row, answer in enumerate(found):
        assert answer[0]["label"] == ["red", "green", "blue"][expected.indices[row]]
        assert answer[0]["score"] == pytest.approx(expected.values[row].item(), abs=1e-5)


@pytest.mark.parametrize("normalise", [False, True])
@pytest.mark.parametrize("pooling", ["mean", "cls", "last"])
def test_the_sentence_transformers_layout_encodes_to_the_logits(
    bare_bert_folder, tmp_path, pooling, normalise
):
    from sentence_transformers import SentenceTransformer

    encoder = reference.load(f"local:{bare_bert_folder}")
    encoder.pooling, encoder.normalise = pooling, normalise
    head = new_head(encoder)
    encoder.save(tmp_path / "best", head, ["x", "y", "z"])
    with torch.inference_mode():
        logits = head(features(encoder, TEXTS)).numpy()
    model = SentenceTransformer(str(tmp_path / "best"), device="cpu")
    np.testing.assert_allclose(model.encode(TEXTS), logits, atol=1e-5)
    assert model.max_seq_length == encoder.max_length


def test_a_decoder_pools_the_mean_and_pads_with_the_end_token(llama_folder, tmp_path):
    from sentence_transformers import SentenceTransformer

    encoder = reference.load(f"local:{llama_folder}")
    assert encoder.pooling == "mean"
    assert encoder.pad_id == encoder.tokenizer.eos_token_id
    head = new_head(encoder)
    encoder.save(tmp_path / "best", head, [])
    with torch.inference_mode():
        logits = head(features(encoder, TEXTS)).numpy()
    model = SentenceTransformer(str(tmp_path / "best"), device="cpu")
    np.testing.assert_allclose(model.encode(TEXTS), logits, atol=1e-5)


def test_words_give_the_hidden_state_of_their_first_token(bert_folder, tmp_path):
    from transformers import AutoModelForTokenClassification

    encoder = reference.load(f"local:{bert_folder}")
    sentences = [("the", "cats", "sat"), ("walking",)]
    batch = encoder.collate(encoder.encode(sentences))
    assert batch["word_ids"].tolist() == [[1, 2, 4], [1, -1, -1]]  # [CLS] the cat ##s sat
    head = new_head(encoder, 2)
    with torch.inference_mode():
        logits = head(encoder(batch))
    assert logits.shape == (2, 3, 2)
    encoder.save(tmp_path / "best", head, ["O", "THING"])
    model = AutoModelForTokenClassification.from_pretrained(str(tmp_path / "best")).eval()
    assert model.config.id2label == {0: "O", 1: "THING"}
    with torch.inference_mode():
        plain = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    torch.testing.assert_close(logits[0], plain[0, [1, 2, 4]], atol=1e-5, rtol=1e-4)
    again, head_again, _ = load_encoder(tmp_path / "best")
    assert again.word_level
    with torch.inference_mode():
        again_logits = head_again(again(batch))
    torch.testing.assert_close(again_logits, logits, atol=1e-5, rtol=1e-4)


def test_words_beyond_the_limit_have_no_token_and_zero_features(bert_folder):
    encoder = reference.load(f"local:{bert_folder}")
    encoder.max_length = 5  # [CLS] three words [SEP]
    batch = encoder.collate(encoder.encode([("the", "cat", "sat", "on", "a")]))
    assert batch["word_ids"].tolist() == [[1, 2, 3, -1, -1]]
    with torch.inference_mode():
        assert encoder(batch)[0, 3:].abs().sum() == 0


def test_a_head_for_text_pairs_lies_beside_the_body(bert_folder, tmp_path):
    encoder = reference.load(f"local:{bert_folder}")
    head = torch.nn.Linear(4 * encoder.card.width, 2)
    encoder.save(tmp_path / "best", head, ["no", "yes"])
    again, head_again, classes = load_encoder(tmp_path / "best")
    assert classes == ["no", "yes"]
    assert torch.equal(head_again.weight, head.weight)
    torch.testing.assert_close(features(again, TEXTS), features(encoder, TEXTS))


def test_truncated_counts_the_dropped_tokens(bert_folder):
    encoder = reference.load(f"local:{bert_folder}")
    texts = ["the " * 100, "a cat", ""]
    assert encoder.max_length == 40
    assert encoder.truncated(texts) == [62, 0, 0]  # 100 words + [CLS] + [SEP] - 40
    assert [encoder.size(sample) for sample in encoder.encode(texts)] == [40, 4, 2]


@pytest.mark.parametrize("text", ["", " ", "x" * 100_000, "cat " * 25_000, "\ud83d\x00\n"])
def test_any_text_has_finite_features(bert_folder, llama_folder, text):
    for folder in (bert_folder, llama_folder):
        assert features(reference.load(f"local:{folder}"), [text]).isfinite().all()


def test_lora_leaves_embeddings_and_pooler_alone(bert_folder):
    targets = reference.load(f"local:{bert_folder}").lora_targets()
    assert len(targets) == 12  # query, key, value, output and two of the feed-forward, two layers
    assert all(name.startswith("encoder.layer.") for name in targets)


def test_an_image_is_refused_by_a_text_base(bert_folder, pictures):
    with pytest.raises(RequestError, match="reads text"):
        reference.load(f"local:{bert_folder}").encode(pictures)


def test_preprocessing_changes_with_all_that_changes_a_sample(bert_folder):
    encoder = reference.load(f"local:{bert_folder}")
    texts = {encoder.preprocessing()}
    encoder.encode(["the cat"])  # leaves truncation set in the tokenizer
    assert texts == {encoder.preprocessing()}
    encoder.max_length = 7
    texts.add(encoder.preprocessing())
    encoder.pooling = "cls"
    texts.add(encoder.preprocessing())
    encoder.tokenizer.add_tokens(["newword"])
    texts.add(encoder.preprocessing())
    assert len(texts) == 4


def test_an_unknown_pooling_is_refused_by_name(bare_bert_folder):
    (bare_bert_folder / "modules.json").write_text("[]", encoding="utf-8")
    (bare_bert_folder / "1_Pooling").mkdir()
    config = {"word_embedding_dimension": 16, "pooling_mode_max_tokens": True}
    (bare_bert_folder / "1_Pooling" / "config.json").write_text(json.dumps(config))
    with pytest.raises(RequestError, match="pooling_mode_max_tokens"):
        reference.load(f"local:{bare_bert_folder}")
