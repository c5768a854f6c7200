"""Models of transformers and peft, by the classes that their configurations name."""

from __future__ import annotations

import copy
import inspect
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from headstart.base.compat import prepare_torchvision, quiet_transformers
from headstart.base.hf_image import PREPROCESSOR, read_preprocess
from headstart.base.image import Preprocess
from headstart.base.sidecar import read_json
from headstart.base.skeleton import Skeleton
from headstart.base.text_folder import read_tokenizer, refused, weight_files
from headstart.base.transformers_weights import load_weights
from headstart.errors import RequestError
from headstart.hub.gate.running.bodies import body_in
from headstart.hub.gate.running.subject import Subject
from headstart.method.adapted import Signature
from headstart.task.images import open_image
from headstart.task.model import Image, Input, Kind, Modality, Objective

LONGEST = 1024  # tokens of a text that are read at once
_CLASSIFIERS = {
    "ForSequenceClassification": (Kind.CLASSIFICATION, Modality.TEXT),
    "ForTokenClassification": (Kind.TOKEN_CLASSIFICATION, Modality.TEXT),
    "ForImageClassification": (Kind.CLASSIFICATION, Modality.IMAGE),
}
_WRITERS = ("ForCausalLM", "LMHeadModel")


class Plain(Subject):
    """A model of transformers, or a peft adapter on one.

    Args:
        model: In evaluation mode.
        signature: What goes in and out; None for features.
        modality: As of :class:`Subject`.
        reader: The tokenizer, or how pictures become pixels; None where there is neither.
        folder: Where it was loaded from.
        reload: Loads what the model wrote of itself.
    """

    library = "transformers"

    def __init__(
        self,
        model: Any,
        signature: Signature | None,
        modality: Modality | None,
        reader: Any,
        folder: Path,
        reload: Callable[[Path], Subject],
    ) -> None:
        self.model, self.signature, self.modality = model, signature, modality
        self.reader, self.folder, self._reload = reader, folder, reload
        self._takes = frozenset(inspect.signature(_inner(model).forward).parameters)

    @torch.inference_mode()
    def scores(self, inputs: Sequence[Input]) -> Any:
        """Return what the library's own forward pass gives, one input at a time.

        Raises:
            RequestError: There is no tokenizer to read them.
        """
        if self.reader is None:
            raise RequestError(
                "it has no tokenizer, so nothing can be asked of it",
                mend="put the tokenizer beside the weights: tokenizer.save_pretrained(folder)",
            )
        found = [self._one(item) for item in inputs]
        tags = self.signature is not None and self.signature.objective is Objective.TAGS
        return found if tags else np.stack(found)

    def body(self) -> Skeleton | None:
        """Return the folder's encoder or decoder as headstart reads it, an adapter merged into it.

        Raises:
            RequestError: The adapter is of a kind that cannot be merged.
        """
        if not hasattr(self.model, "peft_config"):
            return body_in(self.folder)
        if not hasattr(self.model, "merge_and_unload"):
            raise RequestError("adapters of this kind cannot be merged, so nothing is measured")
        merged = copy.deepcopy(self.model).merge_and_unload()
        with tempfile.TemporaryDirectory(prefix="merged-") as place:
            merged.save_pretrained(place)
            self.reader.save_pretrained(place)
            return body_in(Path(place))

    def again(self, folder: Path) -> Subject:
        """Save it as its library does, and load that."""
        with quiet_transformers():
            self.model.save_pretrained(str(folder))
            if hasattr(self.reader, "save_pretrained"):
                self.reader.save_pretrained(str(folder))
        for name in (PREPROCESSOR,):
            if (self.folder / name).is_file():
                (folder / name).write_bytes((self.folder / name).read_bytes())
        return self._reload(folder)

    def _one(self, item: Input) -> NDArray[np.float64]:
        if self.signature is None:
            return self._features(item)
        if self.signature.objective is Objective.TEXT:
            return self._nats(str(item))
        if isinstance(item, Image):
            logits = self.model(pixel_values=pixels(self.reader, item)).logits[0]
        elif self.signature.objective is Objective.TAGS:
            return self._tags(item)
        else:
            logits = self._read(item).logits[0]
        return _probabilities(logits, self.signature.objective)

    def _features(self, item: Input) -> NDArray[np.float64]:
        if isinstance(item, Image):
            found = self.model(pixel_values=pixels(self.reader, item))[0]
        else:
            found = self._read(item)[0]
        return _numbers(found.reshape(-1, found.shape[-1]).mean(0))

    def _read(self, item: Any) -> Any:
        """Run the model on a text, a pair of texts, or words."""
        texts = item if isinstance(item, tuple) else (item,)
        encoded = self.reader(
            *texts, truncation=True, max_length=self._longest, return_tensors="pt"
        )
        return self._run(encoded)

    def _run(self, encoded: Any) -> Any:
        model = self.model
        if getattr(model.config, "is_encoder_decoder", False) and self.signature is None:
            model = model.get_encoder()
        return model(**{name: value for name, value in encoded.items() if name in self._takes})

    def _tags(self, item: Any) -> NDArray[np.float64]:
        """Return probabilities (W, C); words that are cut off are as likely one as another."""
        assert self.signature is not None
        encoded = self.reader(
            list(item), is_split_into_words=True, truncation=True, max_length=self._longest,
            return_tensors="pt",
        )  # fmt: skip
        logits = self._run(encoded).logits[0].double().softmax(-1).numpy()
        count = len(self.signature.classes)
        found = np.full((len(item), count), 1.0 / count)
        seen: set[int] = set()
        for place, word in enumerate(encoded.word_ids(0)):
            if word is not None and word not in seen:
                seen.add(word)
                found[word] = logits[place]
        return found

    def _nats(self, text: str) -> NDArray[np.float64]:
        """Return the nats and tokens of a text, window by window, as lm-eval counts them.

        Where the tokenizer marks neither start nor end, the first token is given, not told.
        """
        ids = self.reader(text, add_special_tokens=False, verbose=False)["input_ids"]
        marks = (self.reader.bos_token_id, self.reader.eos_token_id)
        ids = [*[mark for mark in marks if mark is not None][:1], *ids]
        nats, step = 0.0, self._longest
        for start in range(0, len(ids) - 1, step):
            window = torch.tensor(ids[start : start + step + 1])
            logits = self.model(input_ids=window[:-1].unsqueeze(0)).logits[0].float()
            nats += float(torch.nn.functional.cross_entropy(logits, window[1:], reduction="sum"))
        return np.array([nats, max(len(ids) - 1, 0)], dtype=np.float64)

    @property
    def _longest(self) -> int:
        known = getattr(self.model.config, "max_position_embeddings", None) or LONGEST
        offset = 2 if "roberta" in str(self.model.config.model_type) else 0
        return min(LONGEST, int(known) - offset)


def load_plain(folder: Path) -> Plain:
    """Return the model that ``config.json`` in ``folder`` describes.

    Raises:
        RequestError: A file is missing or damaged, the model brings code of its own, or names a
            class that transformers does not have.
    """
    config = config_of(folder)
    auto = class_named(config)
    files = weight_files(folder)
    if not files:
        raise RequestError("there are no weights (model.safetensors)", where=str(folder))
    signature, modality = signature_of(auto.__name__, config)
    # A bare body may have been saved without its pooler, which nobody reads.
    model = load_weights(
        auto, folder, files, config, lambda name: signature is None and "pooler." in name
    )
    modality = modality or _modality(folder, config)
    if modality is Modality.TEXT and not has_tokenizer(folder):
        found = Plain(model.eval(), signature, None, None, folder, load_plain)
        found.notes = ("without a tokenizer",)
        return found
    reader = reader_of(folder, config, modality)
    return Plain(model.eval(), signature, modality, reader, folder, load_plain)


def has_tokenizer(folder: Path) -> bool:
    """Whether a folder holds files of a tokenizer."""
    names = ("tokenizer*", "vocab.*", "*.model", "merges.txt")
    return any(next(folder.glob(name), None) is not None for name in names)


def config_of(folder: Path) -> Any:
    """Return a configuration of transformers.

    Raises:
        RequestError: It is damaged, or names code of its own.
    """
    file = folder / "config.json"
    if "auto_map" in read_json(file):
        raise RequestError("the model brings Python code of its own (auto_map)", where=str(file))
    prepare_torchvision(say=False)
    from transformers import AutoConfig

    with refused(file):
        return AutoConfig.from_pretrained(str(folder), trust_remote_code=False)


def class_named(config: Any) -> Any:
    """Return the class of transformers that a configuration names; the bare body if none."""
    import transformers

    names = getattr(config, "architectures", None) or ["AutoModel"]
    found = getattr(transformers, str(names[0]), None)
    if names[0] != "AutoModel" and not (
        inspect.isclass(found) and issubclass(found, transformers.PreTrainedModel)
    ):
        raise RequestError(
            f"transformers {transformers.__version__} has no model '{str(names[0])[:80]}'",
            where="config.json",
        )
    return found


def signature_of(name: str, config: Any) -> tuple[Signature | None, Modality | None]:
    """Return what goes in and out of the model class ``name``, as far as its name tells."""
    if name.endswith(_WRITERS):
        kind, objective = Kind.LANGUAGE_MODELING, Objective.TEXT
        return Signature(kind, objective, Modality.TEXT, ("text",), "", ()), Modality.TEXT
    for ending, (kind, modality) in _CLASSIFIERS.items():
        if name.endswith(ending):
            labels = config.id2label
            classes = tuple(str(labels[index]) for index in sorted(labels))
            objective = _objective(kind, config)
            if objective is Objective.REAL:
                kind, classes = Kind.REGRESSION, ()
            return Signature(kind, objective, modality, (modality,), "", classes), modality
    return None, None


def _objective(kind: Kind, config: Any) -> Objective:
    if kind is Kind.TOKEN_CLASSIFICATION:
        return Objective.TAGS
    if config.problem_type == "regression" or config.num_labels == 1:
        return Objective.REAL
    several = config.problem_type == "multi_label_classification"
    return Objective.MULTI_LABEL if several else Objective.SINGLE_LABEL


def _modality(folder: Path, config: Any) -> Modality | None:
    """Return what a bare body reads; None where neither texts nor pictures."""
    if (folder / PREPROCESSOR).is_file() and hasattr(config, "num_channels"):
        return Modality.IMAGE
    if hasattr(config, "vocab_size") and not hasattr(config, "vision_config"):
        return Modality.TEXT
    return Modality.IMAGE if hasattr(config, "num_channels") else None


def reader_of(folder: Path, config: Any, modality: Modality | None) -> Any:
    """Return the tokenizer, or how pictures become pixels."""
    if modality is Modality.TEXT:
        return read_tokenizer(folder)
    if modality is Modality.IMAGE:
        file = folder / PREPROCESSOR
        return read_preprocess(read_json(file) if file.is_file() else {}, config, file)
    return None


def pixels(preprocess: Preprocess, image: Image) -> Tensor:
    """Return (1, 3, H, W) normalised pixels."""
    pixels = preprocess(open_image(image)).float() / 255
    mean, std = (torch.tensor(one).view(3, 1, 1) for one in (preprocess.mean, preprocess.std))
    return ((pixels - mean) / std).unsqueeze(0)


def _probabilities(logits: Tensor, objective: Objective) -> NDArray[np.float64]:
    if objective is Objective.REAL:
        return _numbers(logits.reshape(-1)[0])
    found = logits.double()
    several = objective is Objective.MULTI_LABEL
    return _numbers(found.sigmoid() if several else found.softmax(-1))


def _numbers(tensor: Tensor) -> NDArray[np.float64]:
    return np.asarray(tensor.double().cpu().numpy())


def _inner(model: Any) -> Any:
    return model.get_base_model() if hasattr(model, "peft_config") else model
