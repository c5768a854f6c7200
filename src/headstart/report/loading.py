"""How to load a delivered model, with headstart and without it, as Markdown for its card."""

from __future__ import annotations

import json
from pathlib import Path

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
    if (best / "adapter").is_dir():
        words.append(_ADAPTER)
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
