"""A good model folder to start from: a tiny BERT with a tokenizer and a card."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from headstart.hub.gate.checks import CHECKS
from headstart.hub.gate.model import Candidate, Finding
from headstart.hub.gate.standard import Standard, default_standard

CARD = """---
license: "apache-2.0"
pipeline_tag: "text-classification"
tags: ["headstart", "probe"]
metrics: ["accuracy"]
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
def saved_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that transformers wrote: a tiny BERT, its tokenizer, and our files."""
    from headstart.base.compat import prepare_torchvision

    prepare_torchvision(say=False)
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from transformers import (
        BertConfig,
        BertForSequenceClassification,
        PreTrainedTokenizerFast,
    )

    folder = tmp_path_factory.mktemp("saved") / "model"
    config = BertConfig(
        vocab_size=20, hidden_size=8, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=8, id2label={0: "a.b", 1: "https://x"},
    )  # fmt: skip
    BertForSequenceClassification(config).save_pretrained(folder)
    tokenizer = Tokenizer(WordLevel({"[UNK]": 0, "cat": 1, "dog": 2}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="[UNK]").save_pretrained(folder)
    sidecar = {"version": 1, "family": "text", "architecture": "BERT", "licence": "Apache-2.0"}
    (folder / "encoder.json").write_text(json.dumps({**sidecar, "settings": {"pooling": "mean"}}))
    manifest = {"format": 1, "family": "network", "kind": "classification", "classes": ["a", "b"]}
    (folder / "headstart.json").write_text(json.dumps(manifest))
    (folder / "README.md").write_text(CARD)
    return folder


@pytest.fixture
def model(saved_bert: Path, tmp_path: Path) -> Path:
    """Return a copy of the good folder, to be spoilt."""
    return Path(shutil.copytree(saved_bert, tmp_path / "model"))


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
