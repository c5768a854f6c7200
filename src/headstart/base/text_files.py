"""Text encoders on disk: read a transformers folder, write one in the layout that fits.

Written layouts (``encoder.json`` beside them says which):

* a head on "mean", "cls" or "last" pooling → sentence-transformers: Transformer, Pooling,
  (Normalize,) Dense with an identity activation, so that ``SentenceTransformer(folder).encode``
  gives the logits;
* a head on the trained pooler → ``AutoModelForSequenceClassification``;
* a head on words → ``AutoModelForTokenClassification``;
* a head of another width (text pairs) → the body as ``AutoModel``, the head in
  ``head.safetensors``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import nn

from headstart.base.compat import prepare_torchvision, quiet_transformers
from headstart.base.sidecar import (
    HEAD_FILE,
    Sidecar,
    class_names,
    fill_linear,
    linear_of,
    read_json,
    write_head,
    write_sidecar,
)
from headstart.base.weights import read_weights
from headstart.errors import RequestError
from headstart.files import replacing_folder, write_json

if TYPE_CHECKING:
    from headstart.base.text import TextEncoder

_POOLING_KEYS = {
    "mean": "pooling_mode_mean_tokens",
    "cls": "pooling_mode_cls_token",
    "last": "pooling_mode_lasttoken",
}


def body_from_config(config: Any, *, keep_pooler: bool) -> nn.Module:
    """Return an ``AutoModel`` with the library's random initialisation.

    Args:
        config: A transformers configuration.
        keep_pooler: Whether the pooler is read; one that is not would only be dead weight, and
            a top block that never learns.
    """
    prepare_torchvision()
    from transformers import AutoModel

    body = cast(nn.Module, AutoModel.from_config(config, dtype=torch.float32))
    return body if keep_pooler else drop_pooler(body)


def drop_pooler(body: nn.Module) -> nn.Module:
    """Take an unread pooler off ``body``."""
    if isinstance(getattr(body, "pooler", None), nn.Module):
        setattr(body, "pooler", None)  # noqa: B010 - mypy sees a Module attribute
    return body


def save_text(
    encoder: TextEncoder, folder: Path, head: nn.Linear | None, classes: Sequence[str]
) -> None:
    """Write ``encoder`` and ``head`` to ``folder``, whole or not at all."""
    with replacing_folder(folder) as beside, quiet_transformers():
        place = _write_model(encoder, beside, head, classes)
        encoder.tokenizer.save_pretrained(str(beside))
        sidecar = Sidecar(
            family="text",
            architecture=encoder.card.architecture,
            licence=encoder.card.licence,
            pretrained=encoder.card.pretrained,
            classes=list(classes),
            head=place,
            settings={
                "pooling": encoder.pooling,
                "normalise": encoder.normalise,
                "max_length": encoder.max_length,
                "word_level": encoder.word_level,
            },
        )
        write_sidecar(beside, sidecar)


def _write_model(
    encoder: TextEncoder, folder: Path, head: nn.Linear | None, classes: Sequence[str]
) -> Any:
    body: Any = encoder.plain_body()
    if head is None or head.in_features != encoder.card.width:
        body.save_pretrained(str(folder))
        if head is not None:
            write_head(folder, head)
        return "none" if head is None else "beside"
    if encoder.word_level or encoder.pooling == "pooler":
        task = "TokenClassification" if encoder.word_level else "SequenceClassification"
        model = _classifier(encoder, task, body, head, classes)
        if model is None:
            body.save_pretrained(str(folder))
            write_head(folder, head)
            return "beside"
        model.save_pretrained(str(folder))
        return "native"
    body.save_pretrained(str(folder))
    _write_sentence_transformer(encoder, folder, head)
    return "native"


def _classifier(
    encoder: TextEncoder, task: str, body: nn.Module, head: nn.Linear, classes: Sequence[str]
) -> Any:
    """Return the library's classifier around ``body``; None if its head is no linear layer."""
    import transformers

    names = class_names(classes, head.out_features)
    config = type(encoder.config).from_dict(encoder.config.to_dict())
    config.id2label = dict(enumerate(names))
    config.label2id = {name: index for index, name in enumerate(names)}
    model = getattr(transformers, f"AutoModelFor{task}").from_config(config, dtype=torch.float32)
    final = final_linear(model)
    if final is None:
        return None
    result = getattr(model, model.base_model_prefix).load_state_dict(
        body.state_dict(), strict=False
    )
    if any(not name.startswith("pooler.") for name in result.missing_keys):
        return None
    fill_linear(final, head)
    return model


def final_linear(model: Any) -> nn.Linear | None:
    """Return the linear layer that a library classifier ends in, if its whole head is that."""
    for name in ("classifier", "score"):
        layer = getattr(model, name, None)
        if isinstance(layer, nn.Linear):
            return layer
    return None


def _write_sentence_transformer(encoder: TextEncoder, folder: Path, head: nn.Linear) -> None:
    """Write modules.json and the module folders as sentence-transformers reads them."""
    from safetensors.torch import save_file

    names = ["Transformer", "Pooling", *(["Normalize"] if encoder.normalise else []), "Dense"]
    paths = ["", *(f"{index}_{name}" for index, name in enumerate(names) if index)]
    modules = [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{name}"}
        for i, (name, path) in enumerate(zip(names, paths, strict=True))
    ]
    write_json(folder / "sentence_bert_config.json", {"max_seq_length": encoder.max_length})
    pooling = {key: mode == encoder.pooling for mode, key in _POOLING_KEYS.items()}
    write_json(
        folder / "1_Pooling" / "config.json",
        {"word_embedding_dimension": head.in_features} | pooling,
    )
    for path in paths[1:]:
        (folder / path).mkdir(exist_ok=True)
    dense = folder / paths[-1]
    write_json(
        dense / "config.json",
        {
            "in_features": head.in_features,
            "out_features": head.out_features,
            "bias": head.bias is not None,
            "activation_function": "torch.nn.modules.linear.Identity",
        },
    )
    state = {f"linear.{k}": v.detach().cpu().contiguous() for k, v in head.state_dict().items()}
    save_file(state, str(dense / "model.safetensors"))
    # Last, since a reader looks for it first.
    (folder / "modules.json").write_text(_json_list(modules), encoding="utf-8")


def _json_list(value: list[dict[str, Any]]) -> str:
    import json

    return json.dumps(value, indent=2) + "\n"


def read_text_head(folder: Path, sidecar: Sidecar) -> nn.Linear | None:
    """Return the head that :func:`save_text` wrote.

    Raises:
        RequestError: It is missing or damaged.
    """
    if sidecar.head == "none":
        return None
    if sidecar.head == "beside":
        return linear_of(read_weights(folder / HEAD_FILE), "", folder / HEAD_FILE)
    if sidecar.settings["word_level"] or sidecar.settings["pooling"] == "pooler":
        file = folder / "model.safetensors"
        state = read_weights(file)
        prefix = "classifier." if "classifier.weight" in state else "score."
        return linear_of(state, prefix, file)
    dense = next((path for path in sorted(folder.glob("*_Dense"))), folder / "2_Dense")
    file = dense / "model.safetensors"
    return linear_of(read_weights(file), "linear.", file)


def read_pooling(folder: Path) -> tuple[str, bool, int | None] | None:
    """Return (pooling, normalise, max length) of a sentence-transformers folder, else None.

    Raises:
        RequestError: The folder pools in a way that headstart does not know.
    """
    if not (folder / "modules.json").is_file():
        return None
    text = (folder / "modules.json").read_text(encoding="utf-8")
    config = read_json(folder / "1_Pooling" / "config.json")
    on = [key for key, value in config.items() if key.startswith("pooling_mode_") and value is True]
    on = on or [_POOLING_KEYS.get({"lasttoken": "last"}.get(m, m), m) for m in _modes(config)]
    pooling = next((mode for mode, key in _POOLING_KEYS.items() if on == [key]), None)
    if pooling is None:
        raise RequestError(
            f"cannot pool by {', '.join(on) or 'nothing'}; known: {', '.join(_POOLING_KEYS)}",
            where=str(folder / "1_Pooling" / "config.json"),
            mend="choose a base with mean, cls or last-token pooling",
        )
    bert = folder / "sentence_bert_config.json"
    length = read_json(bert).get("max_seq_length") if bert.is_file() else None
    return pooling, "Normalize" in text, int(length) if length else None


def _modes(config: dict[str, Any]) -> list[str]:
    mode = config.get("pooling_mode", "mean")
    return [mode] if isinstance(mode, str) else list(mode)
