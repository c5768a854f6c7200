"""peft adapters on their bases."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headstart.base.compat import prepare_peft, quiet_transformers
from headstart.base.sidecar import read_json
from headstart.base.text_folder import refused, weight_files
from headstart.base.transformers_weights import load_weights
from headstart.base.weights import read_weights
from headstart.errors import RequestError
from headstart.hub.gate.running import plain
from headstart.hub.gate.running.subject import Subject
from headstart.task.model import Modality

FILE = "adapter_config.json"
_TASKS = {
    "CAUSAL_LM": "AutoModelForCausalLM",
    "SEQ_CLS": "AutoModelForSequenceClassification",
    "TOKEN_CLS": "AutoModelForTokenClassification",
}
_HEADS = ("classifier.", "score.", "pooler.")  # may come with the adapter


def load_adapter(folder: Path, bases: Mapping[str, Path]) -> Subject:
    """Return the peft adapter in ``folder`` on its base.

    Args:
        folder: ``adapter_config.json`` and the adapter's weights.
        bases: Folder of each base that is known here, by its names.

    Raises:
        RequestError: The base is not known here, or the two do not fit together.
    """
    told = read_json(folder / FILE)
    name = str(told.get("base_model_name_or_path") or "")
    base = bases.get(name)
    if base is None:
        raise RequestError(
            f"its base '{name[:100]}' is not known here",
            where=FILE,
            mend="push the base to this hub, and name it in base_model_name_or_path as owner/name",
        )
    config, auto = _wrapped(folder, base, told)
    files = weight_files(base)
    if not files:
        raise RequestError("the base has no weights (model.safetensors)", where=name)
    # The task's own head comes with the adapter.
    model = load_weights(auto, base, files, config, lambda one: one.startswith(_HEADS))
    prepare_peft()
    from peft import PeftModel

    with refused(folder / FILE), quiet_transformers():
        adapted = PeftModel.from_pretrained(model, str(folder)).eval()
    signature, modality = plain.signature_of(type(model).__name__, config)
    place = folder if plain.has_tokenizer(folder) else base
    reader = plain.reader_of(place, config, modality or Modality.TEXT)

    def reload(written: Path) -> Subject:
        return load_adapter(written, {**bases, name: base})

    found = plain.Plain(adapted, signature, modality or Modality.TEXT, reader, folder, reload)
    found.library = "peft"
    found.notes = (f"on its base {name[:100]}",)
    return found


def _wrapped(folder: Path, base: Path, told: dict[str, Any]) -> tuple[Any, Any]:
    """Return the configuration of the model that an adapter wraps, and its auto class."""
    import transformers

    config = plain.config_of(base)
    auto = getattr(transformers, _TASKS.get(str(told.get("task_type")), "AutoModel"))
    state = read_weights(folder / "adapter_model.safetensors")
    heads = [t for n, t in state.items() if n.endswith(("classifier.weight", "score.weight"))]
    if heads and len(heads[0]) != config.num_labels:
        config.num_labels = len(heads[0])
    return config, auto
