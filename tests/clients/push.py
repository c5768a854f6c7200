"""What somebody pushes with the libraries' own functions: ``python push.py OWNER FOLDER PART…``.

A BERT with its tokenizer, a sentence encoder, a timm model, a SmolLM2 (that of FOLDER, or a tiny
one of its kind), an adapter of it, and a data set: all from nothing, with seeds.
"""

# ruff: noqa: E402 (torchvision is made ready before those who import it)

from __future__ import annotations

import sys
from pathlib import Path

from headstart.base.compat import prepare_torchvision

prepare_torchvision(say=False)  # where torch is the processor's build and torchvision is not

import datasets
import numpy as np
import timm
import torch
from huggingface_hub import metadata_update
from peft import LoraConfig, get_peft_model
from sentence_transformers import SentenceTransformer
from sentence_transformers.models import Pooling, Transformer
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    BertConfig,
    BertForSequenceClassification,
    BertModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "owl", "sings", "at", "night"]
CARD = {"license": "apache-2.0"}


def tokenizer() -> PreTrainedTokenizerFast:
    plain = Tokenizer(models.WordLevel({word: n for n, word in enumerate(WORDS)}, "[UNK]"))
    plain.pre_tokenizer = pre_tokenizers.Whitespace()
    plain.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return PreTrainedTokenizerFast(
        tokenizer_object=plain, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]",
        sep_token="[SEP]", mask_token="[MASK]", model_max_length=32,
    )  # fmt: skip


def small() -> dict[str, int]:
    return {"vocab_size": len(WORDS), "hidden_size": 16, "num_hidden_layers": 1,
            "num_attention_heads": 2, "intermediate_size": 32}  # fmt: skip


def card(name: str, task: str) -> None:
    metadata_update(name, {**CARD, "pipeline_tag": task}, overwrite=True)


def bert(owner: str) -> None:
    config = BertConfig(**small(), max_position_embeddings=32, id2label={0: "day", 1: "night"},
                        label2id={"day": 0, "night": 1})  # fmt: skip
    BertForSequenceClassification(config).push_to_hub(f"{owner}/bert")
    tokenizer().push_to_hub(f"{owner}/bert")
    card(f"{owner}/bert", "text-classification")


def sentences(owner: str) -> None:
    place = f"{owner}-encoder"
    BertModel(BertConfig(**small(), max_position_embeddings=32)).save_pretrained(place)
    tokenizer().save_pretrained(place)
    words = Transformer(place, max_seq_length=32)
    SentenceTransformer(modules=[words, Pooling(16)]).push_to_hub(f"{owner}/sentences")
    card(f"{owner}/sentences", "sentence-similarity")


def images(owner: str) -> None:
    model = timm.create_model("test_vit", num_classes=3)
    timm.models.push_to_hf_hub(
        model, f"{owner}/vit", model_config={"label_names": ["a", "b", "c"]},
        safe_serialization=True,  # its default is a pickle beside it, which the gate refuses
    )  # fmt: skip
    card(f"{owner}/vit", "image-classification")


def language(owner: str) -> None:
    folder = Path(sys.argv[2])
    if folder.is_dir():
        model = AutoModelForCausalLM.from_pretrained(folder)
        words = AutoTokenizer.from_pretrained(folder)
    else:
        model = LlamaForCausalLM(LlamaConfig(**small(), max_position_embeddings=64))
        words = tokenizer()
    model.push_to_hub(f"{owner}/smollm2")
    words.push_to_hub(f"{owner}/smollm2")
    card(f"{owner}/smollm2", "text-generation")


def adapter(owner: str) -> None:
    base = AutoModelForCausalLM.from_pretrained(f"{owner}/smollm2")
    chosen = LoraConfig(r=2, target_modules=["q_proj", "v_proj"], init_lora_weights=False,
                        task_type="CAUSAL_LM")  # fmt: skip
    get_peft_model(base, chosen).push_to_hub(f"{owner}/smollm2-lora")
    card(f"{owner}/smollm2-lora", "text-generation")


def rows(owner: str) -> None:
    numbers = np.arange(300)
    texts = [f"owl {n}" for n in numbers]
    table = datasets.Dataset.from_dict({"text": texts, "label": numbers % 2})
    table.train_test_split(100, seed=0).push_to_hub(f"{owner}/owls")


PARTS = {"bert": bert, "sentences": sentences, "vit": images, "smollm2": language,
         "smollm2-lora": adapter, "owls": rows}  # fmt: skip

if __name__ == "__main__":
    _, owner, _, *names = sys.argv
    torch.manual_seed(0)
    for name in names:
        PARTS[name](owner)
    print("pushed")
