"""What somebody else loads, as anyone would: ``python load.py OWNER PART…``."""

# ruff: noqa: E402 (torchvision is made ready before those who import it)

from __future__ import annotations

import sys

from headstart.base.compat import prepare_torchvision

prepare_torchvision(say=False)  # where torch is the processor's build and torchvision is not

import timm
import torch
from datasets import load_dataset
from peft import AutoPeftModelForCausalLM, PeftModel
from sentence_transformers import SentenceTransformer
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    pipeline,
)


def bert(owner: str) -> None:
    name = f"{owner}/bert"
    said = pipeline("text-classification", name)("the owl sings")
    assert said[0]["label"] in ("day", "night")
    plain = AutoModelForSequenceClassification.from_pretrained(name)
    checked = AutoModelForSequenceClassification.from_pretrained(name, revision="approved")
    given = AutoTokenizer.from_pretrained(name, revision="approved")("owl", return_tensors="pt")
    assert torch.equal(plain(**given).logits, checked(**given).logits)


def encoder(owner: str) -> None:
    vectors = SentenceTransformer(f"{owner}/sentences").encode(["the owl", "the night"])
    assert vectors.shape == (2, 16)


def images(owner: str) -> None:
    model = timm.create_model(f"hf-hub:{owner}/vit", pretrained=True)
    assert model.eval()(torch.zeros(1, 3, 160, 160)).shape == (1, 3)


def language(owner: str) -> None:
    name = f"{owner}/smollm2"
    words = AutoTokenizer.from_pretrained(name)
    base = AutoModelForCausalLM.from_pretrained(name)
    given = words("the owl sings at", return_tensors="pt")
    kinds = {key: value for key, value in given.items() if key != "token_type_ids"}
    before = base(**kinds).logits
    adapted = PeftModel.from_pretrained(base, f"{owner}/smollm2-lora")
    after = adapted(**kinds).logits
    assert not torch.allclose(before, after)
    alone = AutoPeftModelForCausalLM.from_pretrained(f"{owner}/smollm2-lora")  # finds its base
    assert torch.allclose(alone(**kinds).logits, after, atol=1e-5)


def rows(owner: str) -> None:
    table = load_dataset(f"{owner}/owls")
    assert (len(table["train"]), len(table["test"])) == (200, 100)
    flow = load_dataset(f"{owner}/owls", split="test", streaming=True)
    assert sum(1 for _ in flow) == 100


PARTS = {"bert": bert, "sentences": encoder, "vit": images, "smollm2-lora": language,
         "owls": rows}  # fmt: skip

if __name__ == "__main__":
    for name in sys.argv[2:]:
        if name in PARTS:
            PARTS[name](sys.argv[1])
    print("loaded")
