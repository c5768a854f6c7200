"""Write a decoder as one GGUF file, for llama.cpp and what is built on it.

Only what the format holds without loss is written: the Llama architecture, and byte-level BPE
tokenizers whose way of splitting text has a name in llama.cpp. The rest is refused, not guessed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from headstart.base.decoder import Decoder
from headstart.errors import RequestError

DTYPES = ("float32", "float16")
_WAY_OUT = "export it with --to transformers, which loses nothing"
# What llama.cpp calls a split of text into words before BPE, by what tokenizers calls it.
_DIGITS = ("Digits", "ByteLevel")
_LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_QWEN2 = _LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
_SPLITS = {_LLAMA3: "llama-bpe", _QWEN2: "qwen2"}


def write_gguf(decoder: Decoder, file: Path, dtype: str = "float32") -> None:
    """Write weights, tokenizer and chat template to ``file``.

    Args:
        decoder: A Llama, its adapters merged.
        file: Is written over.
        dtype: Of the matrices, one of :data:`DTYPES`; vectors stay float32, as llama.cpp has it.

    Raises:
        RequestError: The format has no place for something of this model; nothing is written.
    """
    import gguf

    refuse_gguf(decoder)
    config: Any = decoder.config
    tokens = _tokenizer(decoder)
    half = dtype == "float16"
    writer = gguf.GGUFWriter(file, "llama")
    _describe(writer, config, half)
    _write_tokenizer(writer, decoder, tokens)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config.num_hidden_layers)
    for key, tensor in decoder.causal.state_dict().items():
        if key == "lm_head.weight" and config.tie_word_embeddings:
            continue  # readers take the embedding where there is no output layer
        array = _permuted(key, tensor.detach().cpu().float(), config).contiguous()
        array = array.half() if half and array.ndim == 2 else array
        writer.add_tensor(names.get_name(key, try_suffixes=(".weight",)), array.numpy())
    try:
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
    finally:
        writer.close()


def refuse_gguf(decoder: Decoder) -> None:
    """Raise :class:`RequestError` if GGUF cannot hold ``decoder`` as it is."""
    config: Any = decoder.config
    if decoder.virtual is not None:
        raise _refused(
            "it is a soft prompt or a prefix before an untouched base, and GGUF holds none"
        )
    if config.model_type != "llama":
        raise _refused(f"its architecture is '{config.model_type}', and only 'llama' is written")
    rope = getattr(config, "rope_parameters", None) or {}
    if rope.get("rope_type", "default") != "default":
        raise _refused(f"its positions are scaled ('{rope['rope_type']}')")
    if getattr(config, "attention_bias", False) or getattr(config, "mlp_bias", False):
        raise _refused("its linear layers have biases")
    if config.hidden_act != "silu":
        raise _refused(f"its activation is '{config.hidden_act}', and the format means 'silu'")
    _tokenizer(decoder)


def _refused(why: str) -> RequestError:
    return RequestError(f"this model cannot be written as GGUF: {why}", where="--to gguf",
                        mend=_WAY_OUT)  # fmt: skip


def _describe(writer: Any, config: Any, half: bool) -> None:
    import gguf

    heads = config.num_attention_heads
    width = getattr(config, "head_dim", None) or config.hidden_size // heads
    writer.add_type("model")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16 if half else gguf.LlamaFileType.ALL_F32)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_rope_dimension_count(width)
    writer.add_key_length(width)
    writer.add_value_length(width)


def _permuted(key: str, weight: Tensor, config: Any) -> Tensor:
    """Return queries and keys in the order of GGUF: the two halves of a rotation interleaved."""
    heads = {
        "q_proj.weight": config.num_attention_heads,
        "k_proj.weight": config.num_key_value_heads,
    }.get(".".join(key.split(".")[-2:]))
    if heads is None:
        return weight
    rows = weight.shape[0] // heads // 2
    return weight.reshape(heads, 2, rows, -1).swapaxes(1, 2).reshape(weight.shape)


def _tokenizer(decoder: Decoder) -> dict[str, Any]:
    """Return what the tokenizer's own file says, if GGUF has a place for all of it."""
    tokenizer = decoder.tokenizer
    if not tokenizer.is_fast:
        raise _refused("its tokenizer has no tokenizer.json")
    told: dict[str, Any] = json.loads(tokenizer.backend_tokenizer.to_str())
    model = told["model"]
    if model["type"] != "BPE" or model.get("byte_fallback") or _split(told) is None:
        raise _refused(
            f"its tokenizer ({model['type']}, {_kinds(told) or 'no split'}) is not one of the "
            "byte-level BPE kinds that the format names"
        )
    if told.get("normalizer"):
        raise _refused(f"its tokenizer changes text first ({told['normalizer']['type']})")
    size = max([*model["vocab"].values(), *(one["id"] for one in told["added_tokens"])]) + 1
    if size > decoder.config.vocab_size:
        raise _refused(f"its tokenizer has {size:,} tokens, its weights "
                       f"{decoder.config.vocab_size:,}")  # fmt: skip
    return told


def _steps(told: dict[str, Any]) -> list[dict[str, Any]]:
    first = told.get("pre_tokenizer") or {}
    return list(first.get("pretokenizers", [first] if first else []))


def _kinds(told: dict[str, Any]) -> str:
    return " and ".join(step["type"] for step in _steps(told))


def _split(told: dict[str, Any]) -> str | None:
    """Return llama.cpp's name of how text is split, or None if it has none."""
    steps = _steps(told)
    kinds = tuple(step["type"] for step in steps)
    if not kinds or kinds[-1] != "ByteLevel" or steps[-1].get("add_prefix_space"):
        return None
    if steps[-1].get("use_regex", True):
        if kinds == _DIGITS and steps[0].get("individual_digits"):
            return "smollm"
        return "gpt-2" if len(kinds) == 1 else None
    if kinds != ("Split", "ByteLevel"):
        return None
    return _SPLITS.get(steps[0].get("pattern", {}).get("Regex", ""))


def _write_tokenizer(writer: Any, decoder: Decoder, told: dict[str, Any]) -> None:
    import gguf

    tokenizer, size = decoder.tokenizer, decoder.config.vocab_size
    added = {one["id"]: one for one in told["added_tokens"]}
    words = {at: word for word, at in told["model"]["vocab"].items()}
    words |= {at: one["content"] for at, one in added.items()}

    def kind(at: int) -> Any:
        if at not in words:
            return gguf.TokenType.UNUSED
        if at not in added:
            return gguf.TokenType.NORMAL
        return gguf.TokenType.CONTROL if added[at]["special"] else gguf.TokenType.USER_DEFINED

    merges = [pair if isinstance(pair, str) else " ".join(pair) for pair in told["model"]["merges"]]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(_split(told))
    writer.add_token_list([words.get(at, f"[PAD{at}]") for at in range(size)])
    writer.add_token_types([kind(at) for at in range(size)])
    writer.add_token_merges(merges)
    for name in ("bos", "eos", "pad", "unk"):
        token = getattr(tokenizer, f"{name}_token_id")
        if token is not None:
            getattr(writer, f"add_{name}_token_id")(token)
    begins = tokenizer("a")["input_ids"][:1] == [tokenizer.bos_token_id]
    writer.add_add_bos_token(begins)
    writer.add_add_space_prefix(False)
    if tokenizer.chat_template:
        writer.add_chat_template(tokenizer.chat_template)


def read_back(file: Path) -> tuple[Any, Any]:
    """Return the library's (model in float32, tokenizer) of a GGUF file, nothing cached."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    source: dict[str, Any] = {"gguf_file": file.name}
    model = AutoModelForCausalLM.from_pretrained(str(file.parent), dtype=torch.float32, **source)
    return model.eval(), AutoTokenizer.from_pretrained(str(file.parent), **source)
