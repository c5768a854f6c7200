"""How to load a delivered model, with headstart and without it, as Markdown for its card."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from headstart.base.sidecar import read_sidecar
from headstart.method.adapted import MANIFEST

_HEADSTART = """With headstart:

```python
import headstart

model = headstart.load({folder!r})
model.predict([{example}])
```
"""
_PLAIN = {
    "pooler": """With transformers alone:

```python
from transformers import pipeline

pipeline("text-classification", model={folder!r})("an input")
```
""",
    "sentence": """With sentence-transformers alone, whose output is the logits:

```python
from sentence_transformers import SentenceTransformer

logits = SentenceTransformer({folder!r}).encode(["an input"])
```

The body alone is `transformers.AutoModel.from_pretrained({folder!r})`; there is no
`AutoModelForSequenceClassification` for a head on mean-pooled features.
""",
    "words": """With transformers alone:

```python
from transformers import AutoModelForTokenClassification

model = AutoModelForTokenClassification.from_pretrained({folder!r})
```

A word's tag is that of its first token.
""",
    "timm": """With timm alone:

```python
import timm

model = timm.create_model("local-dir:" + {folder!r}, pretrained=True).eval()
```
""",
    "torchvision": """With torchvision alone:

```python
import torchvision
from safetensors.torch import load_file

model = torchvision.models.{architecture}(num_classes={outputs})
model.load_state_dict(load_file({folder!r} + "/model.safetensors"))
```
""",
    "hf-image": """With transformers alone:

```python
from transformers import AutoModelForImageClassification

model = AutoModelForImageClassification.from_pretrained({folder!r})
```
""",
    "pair": """The body loads with `transformers.AutoModel.from_pretrained({folder!r})`; the head,
which reads both sides of a pair and their distance and product, lies in `head.safetensors`.
""",
    "beside": """The body loads with `transformers.AutoModel.from_pretrained({folder!r})`; the head,
a linear layer on its features, lies in `head.safetensors`: this architecture's own classifier
in transformers has another head.
""",
}
_WRITES = {
    "language-modeling": """With transformers alone, which goes on with a text:

```python
from transformers import pipeline

pipeline("text-generation", model={folder!r})("Once upon a time")
```
""",
    "instruction": """With transformers alone, by the chat template that lies in the folder:

```python
from transformers import pipeline

asked = [{{"role": "user", "content": "a prompt"}}]
pipeline("text-generation", model={folder!r})(asked, max_new_tokens=128)
```
""",
}
_SOFT_PROMPT = """`model.safetensors` holds the base as it is, and `adapter/` the trained embeddings
that stand before every text. With transformers and peft:

```python
from peft import PeftModel
from transformers import AutoModelForCausalLM

base = AutoModelForCausalLM.from_pretrained({folder!r})
model = PeftModel.from_pretrained(base, {adapter!r})
```
"""
_SHOTS = """Nothing was trained: `headstart.json` says which instruction and examples stand before
every prompt. With transformers alone they are yours to write.
"""
_BESIDE = """Several adapters of one base, in the memory of one:

```python
import headstart

base = {base!r}  # as adapt --base named it
models = headstart.load_adapters(base, {{"a name": {folder!r}}})
models.predict("a name", ["a prompt"])
```
"""
_ADAPTER = """`adapter/` holds the low-rank updates alone, for
`peft.PeftModel.from_pretrained(base, "adapter")`; in `model.safetensors` they are merged.
"""


def how_to_load(best: Path) -> str:
    """Return the section of the model card for the model in ``best``."""
    manifest = json.loads((best / MANIFEST).read_text(encoding="utf-8"))
    example = '"photo.jpg"' if manifest["modality"] == "image" else '"an input"'
    if manifest["kind"] == "text-pair":
        example = '("one text", "the other")'
    words = [_HEADSTART.format(folder=best.name, example=example)]
    if manifest["family"] == "network":
        outputs = len(manifest["classes"]) or 1  # a regression has one output
        words.append(_plain(best, outputs, pair=bool(manifest.get("pair"))))
    if manifest["family"] == "speaker":
        words.append(_writes(best, manifest))
    elif (best / "adapter").is_dir():
        words.append(_ADAPTER)
    return "\n".join(words)


def _writes(best: Path, manifest: dict[str, Any]) -> str:
    """Return how a language model is loaded without headstart, and several adapters with it."""
    adapted = (best / "adapter").is_dir()
    if manifest.get("prompt"):
        words = [_SOFT_PROMPT.format(folder=best.name, adapter=f"{best.name}/adapter")]
    elif manifest.get("shots"):
        words = [_SHOTS]
    else:
        words = [_WRITES[manifest["kind"]].format(folder=best.name)]
        words += [_ADAPTER] if adapted else []
    if adapted:
        told = json.loads((best / "adapter" / "adapter_config.json").read_text(encoding="utf-8"))
        base = str(told.get("base_model_name_or_path"))
        words.append(_BESIDE.format(folder=best.name, base=base))
    return "\n".join(words)


def _plain(best: Path, outputs: int, *, pair: bool) -> str:
    sidecar = read_sidecar(best)
    name: str = sidecar.family
    if name == "text":
        name = "pooler" if sidecar.settings.get("pooling") == "pooler" else "sentence"
        name = "words" if sidecar.settings.get("word_level") else name
    if sidecar.head == "beside":
        name = "pair" if pair else "beside"
    architecture = str(sidecar.settings.get("name") or sidecar.architecture).lower()
    return _PLAIN[name].format(folder=best.name, architecture=architecture, outputs=outputs)
