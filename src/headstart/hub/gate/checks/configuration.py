"""Does any configuration name code, or hold what no configuration of a model holds?

Keys are held against the list of those that the libraries' own classes take (``keys.txt``); the
values of keys by which libraries import or fetch have lists of their own. A key that is on no
list may hold numbers: nothing can be run, imported or fetched from a number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files as resources
from pathlib import PurePosixPath
from typing import Any, ClassVar

from headstart.errors import RequestError
from headstart.hub.gate.kinds import kind_of, word_set
from headstart.hub.gate.model import Candidate, Finding, Reason, judged
from headstart.hub.gate.reading import (
    MEBIBYTE,
    File,
    UnreadableError,
    json_lines,
    listing,
    load_json,
    load_yaml,
    read_text,
)

_SMALL, _LARGE = 8 * MEBIBYTE, 128 * MEBIBYTE
_VOCABULARIES = frozenset({"vocab.json", "added_tokens.json", "vocabulary.json"})
_NAMES = word_set(
    "config.json modules.json special_tokens_map.json headstart.json encoder.json "
    "chat_template.json config_sentence_transformers.json model_index.json params.json "
    "configuration.json"
)
_RECORDS = frozenset({"data_config.json"})  # of what a sentence encoder was trained on; not read
_TOKENIZER = word_set(
    "version truncation padding added_tokens normalizer pre_tokenizer post_processor decoder model"
)
_MODELS = frozenset({"BPE", "WordPiece", "WordLevel", "Unigram"})

# Keys that name code, or where to fetch it: they may be there, and must be empty.
_CODE = word_set(
    "auto_map custom_pipelines trust_remote_code custom_code custom_generate code_revision "
    "remote_code module modules class_path func fn code function callable script command exec "
    "eval url file state_dict hf_hub_filename _target_ py/object py/reduce py/function "
    "__class__ __reduce__ __import__ import_path class_ref module_class entry_point"
)
_WORD = re.compile(r"[A-Za-z_]\w{0,127}")
_ATTENTION = re.compile(r"eager|sdpa|flex_attention|flash_attention_[234]|paged\|(eager|sdpa)")
_ACTIVATION = re.compile(r"torch\.nn\.modules\.(activation|linear)\.\w+|\w+")
_LIBRARY = re.compile(r"(transformers|timm|torchvision|sentence_transformers)(\.\w+)*")
_SENTENCE_MODULE = re.compile(r"sentence_transformers\.(\w+\.)*(models|modules)(\.\w+)+")
_MODULES = "modules.json"
# Keys by which libraries import or look up, with what may stand there.
_LISTED: dict[str, re.Pattern[str]] = {
    **dict.fromkeys(
        word_set(
            "architectures tokenizer_class processor_class image_processor_type quant_method "
            "feature_extractor_type base_model_class image_processor_class slow_tokenizer_class "
            "feature_extractor_class slow_image_processor_type video_processor_type "
            "experts_implementation"
        ),
        _WORD,
    ),
    "attn_implementation": _ATTENTION,
    "_attn_implementation": _ATTENTION,
    "parent_library": _LIBRARY,
    "megatron_core": re.compile(r"megatron\.core"),
    "activation_function": _ACTIVATION,
    "activation_fn": _ACTIVATION,
    "sbert_ce_default_activation_function": _ACTIVATION,
}
# Keys whose texts are for people, name layers, or are looked up in no library.
_FREE = word_set(
    "_name_or_path name_or_path _model_name_or_path base_model_name_or_path "
    "tokenizer_name_or_path classes label_names labels license licence description origin_url "
    "paper_ids paper_name notes citation content input target tag prompt prefix "
    "prompt_tuning_init_text target_modules modules_to_save target_parameters exclude_modules "
    "layers_pattern modules_to_not_convert llm_int8_skip_modules ignore first_conv classifier "
    "special_tokens_map_file tokenizer_file vocab_file stop_strings "
    "keys_to_ignore_at_inference additional_special_tokens trainable_token_indices vocab "
    "base_model_tp_plan base_model_pp_plan instruction skiplist_words"
)
# Maps whose keys are data: labels, tokens, layers.
_MAPS = word_set(
    "chat_template id2label label2id label_descriptions added_tokens_decoder prompts rank_pattern "
    "alpha_pattern task_specific_params word_weights weight_map extra_special_tokens "
    "lang_code_to_id language_codes lang_to_id task_to_id model_specific_special_tokens"
)
_LONGEST_FREE = 64 * 1024
_LONGEST = 1024
_DOTTED = re.compile(r"(?!torch\.\w+$)[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")
_UNSAFE = re.compile(r"://|__|^[/~\\]|(^|/)\.\.(/|$)|\.pyc?$|\w\(|[`;$]|--|[\x00-\x08\x0b-\x1f]")


class Configuration:
    """Every JSON and YAML file is plain data, and names no code."""

    name: ClassVar[str] = "configuration"

    def __call__(self, candidate: Candidate) -> Finding:
        """Return what was found."""
        reasons: list[Reason] = []
        files = listing(candidate.folder).files
        looked = 0
        beside = frozenset(file.name for file in files)
        widened = frozenset(candidate.standard.allow.configuration_keys)
        for file in files:
            judge = _judge_of(file.name)
            if judge is None:
                continue
            looked += 1
            try:
                faults = dict.fromkeys(judge(file, _Context(beside, widened)))
                reasons += [Reason(file.name, fault) for fault in faults]
            except (RequestError, OSError) as error:
                reasons.append(Reason(file.name, getattr(error, "what", str(error))))
        good = f"{looked} configuration files name no code and hold plain values."
        mend = (
            "Remove these keys; a key of your own must stand in the standard's "
            "allow.configuration_keys."
        )
        return judged(self.name, reasons, good=good, mend=mend, details={"files": looked})


@dataclass(frozen=True)
class _Context:
    """What a file is judged with: names of all files, and the keys that the standard widened."""

    beside: frozenset[str]
    widened: frozenset[str]


_Judge = Callable[[File, _Context], Iterator[str]]


def _judge_of(name: str) -> _Judge | None:
    """Return what judges the file called ``name``; None for files that are no configuration."""
    kind, last = kind_of(name), PurePosixPath(name).name
    if kind != "json":
        return {"yaml": _yaml, "jsonl": _lines}.get(kind or "")
    if last == "tokenizer.json":
        return _tokenizer
    if last.endswith(".index.json"):
        return _index
    if last in _VOCABULARIES:
        return _vocabulary
    read = last in _NAMES or last.endswith("_config.json")
    return _configuration if read and last not in _RECORDS else _data


def _configuration(file: File, context: _Context) -> Iterator[str]:
    value = load_json(read_text(file.path, _SMALL))
    pending: list[Any] = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, list):
            pending += item
        elif isinstance(item, dict):
            for key, inner in item.items():
                if key in context.widened:
                    continue
                fault = _fault(key, inner, file.name)
                if fault is not None:
                    yield fault
                elif key not in _MAPS:
                    pending.append(inner)


def _fault(key: str, value: Any, name: str) -> str | None:
    """Return why ``key`` may not hold ``value``, or None; maps within it are looked at later."""
    shown = f"the key {key[:80]!r}"
    if key in _CODE:
        return f"{shown} names code, or where to fetch it" if value else None
    pattern = _LISTED.get(key)
    if PurePosixPath(name).name == _MODULES and key == "type":
        pattern = _SENTENCE_MODULE
    if pattern is not None:
        odd = next((text for text in _own_texts(value) if not pattern.fullmatch(text)), None)
        return None if odd is None else f"{shown} names {odd[:80]!r}, which is not on the list"
    if key in _MAPS:
        return _map_fault(shown, value)
    if key in _FREE or key.endswith(("_token", "_tokens")):
        long = any(len(text) > _LONGEST_FREE for text in _own_texts(value))
        return f"{shown} holds a text longer than {_LONGEST_FREE:,} characters" if long else None
    if key not in known_keys():
        return None if _only_numbers(value) else f"{shown} is not on the list and holds text"
    odd = next((text for text in _own_texts(value) if not _is_plain(text)), None)
    return None if odd is None else f"{shown} holds {odd[:80]!r}, which is no plain word"


def _map_fault(shown: str, value: Any) -> str | None:
    """Judge a map from data to data: short texts, numbers, and maps of these."""
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            if any(key in _CODE - {"code", "file", "function", "url", "module"} for key in item):
                return f"{shown} holds a key that names code"
            pending += item.values()
        elif isinstance(item, list):
            pending += item
        elif isinstance(item, str) and len(item) > _LONGEST_FREE:
            return f"{shown} holds a text longer than {_LONGEST_FREE:,} characters"
    return None


def _own_texts(value: Any) -> Iterator[str]:
    """Yield the texts of ``value`` that belong to its own key: itself, or those in its lists."""
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, list):
            pending += item


def _only_numbers(value: Any) -> bool:
    """Return whether ``value`` is made of numbers, nulls and false."""
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            pending += item.values()
        elif isinstance(item, list):
            pending += item
        elif isinstance(item, str) or item is True:
            return False
    return True


def _is_plain(text: str) -> bool:
    """Return whether a text is a word or a list of words: no address, path, code or import."""
    return len(text) <= _LONGEST and not _DOTTED.fullmatch(text) and not _UNSAFE.search(text)


@cache
def known_keys() -> frozenset[str]:
    """Return the keys that the libraries' configuration, tokenizer and processor classes take."""
    text = resources("headstart.hub.gate").joinpath("keys.txt").read_text(encoding="ascii")
    return frozenset(text.split())


def _tokenizer(file: File, context: _Context) -> Iterator[str]:
    value = load_json(read_text(file.path, _LARGE))
    if not isinstance(value, dict):
        yield "it is no JSON object"
        return
    for key in value.keys() - _TOKENIZER - context.widened:
        yield f"the key {key[:80]!r} is none of a tokenizer's"
    model = value.get("model")
    kind = model.get("type") if isinstance(model, dict) else None
    if kind is not None and kind not in _MODELS:
        yield f"the tokenizer's model {str(kind)[:80]!r} is not on the list"


def _vocabulary(file: File, context: _Context) -> Iterator[str]:
    load_json(read_text(file.path, _LARGE))
    yield from ()


def _index(file: File, context: _Context) -> Iterator[str]:
    """Every tensor must lie in a safetensors file beside the index."""
    value = load_json(read_text(file.path, _LARGE))
    parts = value.get("weight_map") if isinstance(value, dict) else None
    if not isinstance(parts, dict):
        yield "it has no 'weight_map'"
        return
    folder = PurePosixPath(file.name).parent
    for part in dict.fromkeys(str(part) for part in parts.values()):
        if kind_of(part) != "safetensors" or "/" in part:
            yield f"it names {part[:80]!r}, which is no safetensors file beside it"
        elif (folder / part).as_posix() not in context.beside:
            yield f"it names {part[:80]!r}, which is missing"


def _data(file: File, context: _Context) -> Iterator[str]:
    """JSON that no library reads as configuration: any data, but no key that names code."""
    pending = [load_json(read_text(file.path, _SMALL))]
    while pending:
        item = pending.pop()
        if isinstance(item, list):
            pending += item
        elif isinstance(item, dict):
            pending += item.values()
            for key in item.keys() & {"auto_map", "_target_", "py/object", "py/reduce"}:
                yield f"the key {key!r} names code"


def _yaml(file: File, context: _Context) -> Iterator[str]:
    load_yaml(read_text(file.path, MEBIBYTE))
    yield from ()


def _lines(file: File, context: _Context) -> Iterator[str]:
    if file.size > _LARGE:
        raise UnreadableError(f"it is larger than {_LARGE:,} bytes, the limit for such a file")
    json_lines(file.path)
    yield from ()
