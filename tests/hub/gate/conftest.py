"""A good model folder to start from: a tiny BERT with a head, a tokenizer, samples and a card."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from headstart.hub.gate.checks import CHECKS
from headstart.hub.gate.model import Candidate, Finding
from headstart.hub.gate.standard import Standard, default_standard

CARD = """---
license: "apache-2.0"
pipeline_tag: "text-classification"
tags: ["headstart", "probe"]
metrics: ["accuracy"]
headstart: {"base": "hub:team/base", "method": "probe", "trial": "a1b2", "seeds": 3,
  "data": {"name": "emojis", "fingerprint": "c3d4"}}
---

# emojis: probe

From text (`text`) it predicts one class: <unk> and &lt;b&gt; included.

```html
<script>this is shown, not run</script>
```

| metric | test |
|---|---|
| accuracy | 81.2% [76.2, 85.9] |

<p align="center"><img src="https://example.org/a.png" width="40"></p>
"""


@pytest.fixture(scope="session")
def saved_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that transformers wrote: the body of a tiny BERT, and its tokenizer."""
    from headstart.base.compat import prepare_torchvision

    prepare_torchvision(say=False)
    import torch
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("saved") / "base"
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=20, hidden_size=8, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=8,
    )  # fmt: skip
    BertModel(config).save_pretrained(folder)
    words = {"[UNK]": 0, "cat": 1, "dog": 2, "the": 3, "soup": 4, "[PAD]": 5}
    tokenizer = Tokenizer(WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="[UNK]", pad_token="[PAD]"
    ).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def saved_bert(saved_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return what headstart saves: the base with a head that tells cats from dogs, and a card."""
    from headstart.base import reference
    from headstart.method.adapted import NetworkModel, Signature
    from headstart.method.samples import record_samples
    from headstart.task.model import Kind, Modality, Objective
    from headstart.train.linear import LinearHead
    from headstart.train.network import Network

    encoder = reference.load(f"local:{saved_base}")
    features = encoder(encoder.collate(encoder.encode(["cat", "dog"]))).detach().numpy()
    slopes = np.stack([features[0] - features[1], features[1] - features[0]]).astype(np.float32)
    slopes *= 10 / np.square(slopes[0]).sum()
    bias = -slopes @ features.mean(axis=0)
    head = LinearHead(weight=slopes, bias=bias.astype(np.float32))
    signature = Signature(
        Kind.CLASSIFICATION, Objective.SINGLE_LABEL, Modality.TEXT, ("text",), "label",
        ("a.b", "https://x"),
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("saved") / "model"
    folder.mkdir()
    made = NetworkModel(signature, Network(encoder, head, signature.objective, pair=False))
    made.save(folder)
    record_samples(made, folder)
    (folder / "README.md").write_text(CARD)
    return folder


@pytest.fixture
def model(saved_bert: Path, tmp_path: Path) -> Path:
    """Return a copy of the good folder, to be spoilt."""
    return Path(shutil.copytree(saved_bert, tmp_path / "model"))


@pytest.fixture
def cats(tmp_path: Path) -> Path:
    """Return reference data that the good model knows."""
    file = tmp_path / "cats.csv"
    rows = [f"{'cat' if n % 2 else 'dog'} {n},{'a.b' if n % 2 else 'https://x'}" for n in range(60)]
    file.write_text("\n".join(["text,label", *rows]) + "\n")
    return file


@pytest.fixture
def whole(model: Path, saved_base: Path, saved_bert: Path, cats: Path) -> Candidate:
    """Return the good model, held against a standard that uses everything, with all it needs."""
    rules = default_standard().model_dump() | {
        "tasks": [{"name": "cats", "data": cats.name, "metric": "accuracy", "at_least": 0.8}],
        "incumbent": "no-worse",
        "forgetting": {"at_most": 0.02, "retain": [cats.name]},
        "seeds": 3,
        "latency": {"milliseconds": 60_000},
        "samples": "required",
        "exports": ["transformers", "gguf"],
    }
    return Candidate(
        model, "team/model", Standard.model_validate(rules), bases={"team/base": saved_base},
        incumbent=saved_bert, data={cats.name: cats},
    )  # fmt: skip


@pytest.fixture
def standard() -> Standard:
    """Return the packaged standard."""
    return default_standard()


@pytest.fixture
def judge(model: Path, standard: Standard) -> Callable[..., Finding]:
    """Return what a check, by name, finds in the folder."""

    def judged(check: str, **rules: object) -> Finding:
        held_against = standard.model_copy(update=rules)
        return CHECKS.get(check)()(Candidate(model, "team/model", held_against))

    return judged
