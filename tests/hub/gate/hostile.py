"""Files that a hostile push may hold: name in the folder, bytes, and who refuses them why."""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import json
import lzma
import pickle
import struct
import zipfile
from dataclasses import dataclass
from typing import Any

import numpy as np


class _Runs:
    def __reduce__(self) -> Any:
        return (print, ("a pickle was loaded",))


PICKLE = pickle.dumps(_Runs(), protocol=4)
OLD_PICKLE = pickle.dumps(_Runs(), protocol=0)


@dataclass(frozen=True)
class Hostile:
    """One file; ``check`` must refuse it, with ``words`` in the reason."""

    check: str
    file: str
    data: bytes
    words: str


def tensors(header: Any, body: bytes = b"", length: int | None = None) -> bytes:
    """Return a safetensors file with any header, and any length told for it."""
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(raw) if length is None else length) + raw + body


def entry(begin: int, end: int, shape: list[Any] | None = None, dtype: str = "U8") -> Any:
    """Return a header's entry for a tensor."""
    shape = [end - begin] if shape is None else shape
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def zipped(**members: bytes) -> bytes:
    """Return a zip of the members (``__`` in a name stands for a dot)."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "."), data)
    return stream.getvalue()


def gguf(pairs: bytes = b"", *, tensors: int = 0, count: int = 0) -> bytes:
    """Return the beginning of a GGUF file, with any counts."""
    return b"GGUF" + struct.pack("<IQQ", 3, tensors, count) + pairs


def text_pair(key: str, value: str) -> bytes:
    """Return a GGUF key and text."""
    k, v = key.encode(), value.encode()
    return struct.pack("<Q", len(k)) + k + struct.pack("<IQ", 8, len(v)) + v


def _array(value: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, value, allow_pickle=True)
    return stream.getvalue()


def _nested(data: bytes, times: int) -> bytes:
    for _ in range(times):
        data = zipped(inner__zip=data)
    return data


def _base64(data: bytes, times: int = 1) -> str:
    for _ in range(times):
        data = base64.b64encode(data)
    return data.decode()


def _config(**fields: Any) -> bytes:
    return json.dumps({"model_type": "bert", **fields}).encode()


ZEROS = bytes(2**20)
_SAFE = "model.safetensors"
_MANY = {f"t{n}": entry(0, 0) for n in range(100_000)}
_BOMB_YAML = "\n".join(
    ["a0: &a0 [x, x, x, x, x, x, x, x]"]
    + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 8)}]" for n in range(1, 12)]
)
_LAMBDA = {"class_name": "Lambda", "config": {"function": [_base64(PICKLE), None, None]}}
_IMPORT = {"module": "os", "class_name": "system", "config": {}}

FILES = {
    # safetensors that lie
    "header-longer-than-file": Hostile("formats", _SAFE, tensors({}, length=2**62), "claims"),
    "header-huge": Hostile("formats", _SAFE, tensors({}, bytes(2**25), length=2**24 + 1), "limit"),
    "header-no-json": Hostile("formats", _SAFE, tensors(b"{nope}"), "no JSON"),
    "header-list": Hostile("formats", _SAFE, tensors(b"[1]"), "begins with"),
    "header-deep": Hostile("formats", _SAFE, tensors(b'{"a":' * 50_000), "nested"),
    "header-not-utf8": Hostile("formats", _SAFE, tensors(b'{"\xff": 1}'), "UTF-8"),
    "key-twice": Hostile("formats", _SAFE, tensors(b'{"a": 1, "a": 2}'), "twice"),
    "overlap": Hostile(
        "formats", _SAFE, tensors({"a": entry(0, 8), "b": entry(4, 12)}, bytes(12)), "overlaps"
    ),
    "hole": Hostile(
        "formats", _SAFE, tensors({"a": entry(0, 4), "b": entry(8, 12)}, bytes(12)), "hole"
    ),
    "past-the-end": Hostile("formats", _SAFE, tensors({"a": entry(0, 99)}, bytes(9)), "of 9"),
    "bytes-behind": Hostile("formats", _SAFE, tensors({"a": entry(0, 4)}, bytes(9)), "of 9"),
    "lying-shape": Hostile(
        "formats", _SAFE, tensors({"a": entry(0, 4, [2**40])}, bytes(4)), "claims 4 bytes"
    ),
    "overflowing-shape": Hostile(
        "formats", _SAFE, tensors({"a": entry(0, 0, [2**62, 2**62])}), "need"
    ),
    "negative": Hostile("formats", _SAFE, tensors({"a": entry(0, 0, [-1])}), "shape"),
    "boolean-shape": Hostile("formats", _SAFE, tensors({"a": entry(0, 1, [True])}, b"1"), "shape"),
    "backwards": Hostile("formats", _SAFE, tensors({"a": entry(4, 0, [0])}, bytes(4)), "offsets"),
    "dtype": Hostile("formats", _SAFE, tensors({"a": entry(0, 0, [0], "O")}), "dtype"),
    "extra-field": Hostile("formats", _SAFE, tensors({"a": {**entry(0, 0), "x": 1}}), "must have"),
    "100000-entries": Hostile("formats", _SAFE, tensors(_MANY), "100,000 tensors"),
    "metadata-number": Hostile("formats", _SAFE, tensors({"__metadata__": {"a": 1}}), "more than"),
    "too-short": Hostile("formats", _SAFE, b"\1\2", "2 bytes"),
    "zip-behind-tensors": Hostile(
        "formats",
        _SAFE,
        tensors({"a": entry(0, len(zipped(a=b"1")))}, zipped(a=b"1")),
        "zip",
    ),
    # pickles in disguise
    "pickle-as-safetensors": Hostile("pickle", _SAFE, PICKLE, "builtins.print"),
    "pickle-behind-8-bytes": Hostile("pickle", _SAFE, bytes(8) + PICKLE, "builtins.print"),
    "pickle-as-tensor": Hostile(
        "pickle", _SAFE, tensors({"a": entry(0, len(PICKLE))}, PICKLE), "tensor 'a'"
    ),
    "pickle-in-metadata": Hostile(
        "pickle", _SAFE, tensors({"__metadata__": {"k": _base64(PICKLE)}}), "base64"
    ),
    "zip-as-safetensors": Hostile("pickle", _SAFE, zipped(archive__data=PICKLE), "is a pickle"),
    "torch-bin": Hostile("pickle", "pytorch_model.bin", zipped(data__pkl=PICKLE), "builtins.print"),
    "old-pickle-as-text": Hostile("pickle", "vocab.txt", OLD_PICKLE, "__builtin__.print"),
    "pickle-as-tokenizer": Hostile("pickle", "spiece.model", PICKLE, "builtins.print"),
    "pickle-in-json": Hostile("pickle", "config.json", _config(x=_base64(PICKLE)), "in base64"),
    "object-array": Hostile("pickle", "a.npy", _array(np.array([_Runs()], object)), "objects"),
    "object-npz": Hostile(
        "pickle", "a.npz", zipped(w__npy=_array(np.array([_Runs()], object))), "objects"
    ),
    "pickle-npz": Hostile("pickle", "a.npz", zipped(w__npy=PICKLE), "builtins.print"),
    "keras-lambda": Hostile(
        "pickle", "m.keras", zipped(config__json=json.dumps(_LAMBDA).encode()), "Lambda"
    ),
    "keras-import": Hostile(
        "pickle", "m.keras", zipped(config__json=json.dumps(_IMPORT).encode()), "'os'"
    ),
    "keras-pickle": Hostile("pickle", "m.keras", zipped(assets=PICKLE), "builtins.print"),
    "hdf5-lambda": Hostile(
        "pickle", "m.h5", b"\x89HDF\r\n\x1a\n" + b'{"class_name": "Lambda"}', "Lambda"
    ),
    "python": Hostile("pickle", "modeling_x.py", b"import os\n", "code"),
    "program": Hostile("pickle", "spiece.model", b"\x7fELF" + bytes(60), "program"),
    "script-as-text": Hostile("pickle", "NOTICE", b"#!/bin/sh\nrm -rf x\n", "script"),
    # bombs
    "zip-bomb": Hostile("pickle", "a.npz", zipped(w__npy=bytes(2**28)), "bomb"),
    "zip-in-zip": Hostile("pickle", "a.npz", _nested(ZEROS, 5), "within an archive"),
    "zip-as-text": Hostile("formats", "vocab.txt", _nested(ZEROS, 3), "zip"),
    "7z": Hostile("formats", "a.7z", b"7z\xbc\xaf\x27\x1c" + bytes(26), "7z"),
    "7z-as-json": Hostile("formats", "config.json", b"7z\xbc\xaf\x27\x1c" + bytes(26), "7z"),
    "gzip": Hostile("formats", "vocab.txt", gzip.compress(gzip.compress(ZEROS)), "gzip"),
    "xz": Hostile("formats", "vocab.txt", lzma.compress(ZEROS), "xz"),
    "bzip2": Hostile("formats", "a.bz2", bz2.compress(ZEROS), "bzip2"),
    "lz4": Hostile("formats", "vocab.txt", b"\x04\x22\x4d\x18" + bytes(60), "lz4"),
    "zstd": Hostile("formats", "vocab.txt", b"\x28\xb5\x2f\xfd" + bytes(60), "zstd"),
    "gzip-in-base64": Hostile(
        "pickle", "config.json", _config(x=_base64(gzip.compress(ZEROS))), "gzip"
    ),
    "base64-in-base64": Hostile(
        "pickle", "config.json", _config(x=_base64(bytes(4096), 6)), "base64 within base64"
    ),
    "json-deep": Hostile("configuration", "config.json", b"[" * 200_000, "nested"),
    "json-too-deep": Hostile("configuration", "config.json", b"[" * 99 + b"]" * 99, "deeper"),
    "json-number": Hostile("configuration", "config.json", b'{"a": ' + b"9" * 9999 + b"}", "JSON"),
    "json-twice": Hostile("configuration", "config.json", b'{"a": 1, "a": 2}', "twice"),
    "json-huge": Hostile("configuration", "config.json", b" " * (9 * 2**20), "larger"),
    "yaml-anchors": Hostile("configuration", "a.yaml", _BOMB_YAML.encode(), "aliases"),
    "yaml-itself": Hostile("configuration", "a.yaml", b"a: &a [*a]", "part of"),
    "yaml-deep": Hostile("configuration", "a.yaml", b"[" * 5000, "deeper"),
    "yaml-object": Hostile(
        "configuration", "a.yaml", b"!!python/object/apply:os.system [id]", "plain data"
    ),
    "yaml-in-card": Hostile("card", "README.md", f"---\n{_BOMB_YAML}\n---\n".encode(), "aliases"),
    "ndjson-endless": Hostile("formats", "a.jsonl", b'{"a": "' + b"x" * 2**21, "line 1 is longer"),
    "ndjson-deep": Hostile("formats", "a.jsonl", b"1\n" * 9 + b"[" * 5000, "line 10"),
    # configurations that name code
    "auto-map": Hostile(
        "configuration", "config.json", _config(auto_map={"AutoModel": "m.M"}), "'auto_map'"
    ),
    "auto-map-elsewhere": Hostile(
        "configuration", "tokenizer_config.json", _config(auto_map={"A": ["r--t.T", None]}), "auto"
    ),
    "auto-map-in-any-json": Hostile(
        "configuration", "other.json", _config(x=[{"auto_map": "m.M"}]), "'auto_map'"
    ),
    "pipelines": Hostile(
        "configuration", "config.json", _config(custom_pipelines={"p": {"impl": "p.P"}}), "code"
    ),
    "trust": Hostile("configuration", "config.json", _config(trust_remote_code=True), "trust"),
    "hydra": Hostile("configuration", "config.json", _config(a={"_target_": "os.system"}), "on th"),
    "unlisted": Hostile("configuration", "config.json", _config(loader_hook="os.system"), "hook"),
    "kernels": Hostile(
        "configuration", "config.json", _config(_attn_implementation="evil/kernel"), "evil/kernel"
    ),
    "dotted": Hostile("configuration", "config.json", _config(hidden_act="os.system"), "hidden_a"),
    "address": Hostile(
        "configuration", "config.json", _config(hidden_act="http://evil"), "hidden_act"
    ),
    "climbing": Hostile("configuration", "config.json", _config(hidden_act="../x"), "hidden_act"),
    "class-path": Hostile(
        "configuration", "config.json", _config(architectures=["os.system"]), "architectures"
    ),
    "peft-import": Hostile(
        "configuration",
        "adapter_config.json",
        _config(auto_mapping={"parent_library": "os", "base_model_class": "x"}),
        "'os'",
    ),
    "peft-megatron": Hostile(
        "configuration", "adapter_config.json", _config(megatron_core="evil.core"), "megatron"
    ),
    "sentence-module": Hostile(
        "configuration", "modules.json", b'[{"idx": 0, "type": "evil.Module"}]', "evil.Module"
    ),
    "sentence-function": Hostile(
        "configuration", "modules.json", b'[{"type": "sentence_transformers.util.x"}]', "util.x"
    ),
    "activation": Hostile(
        "configuration", "2_Dense/config.json", _config(activation_function="os.x"), "os.x"
    ),
    "timm-url": Hostile(
        "configuration", "config.json", _config(pretrained_cfg={"url": "http://x"}), "'url'"
    ),
    "index-of-pickles": Hostile(
        "configuration", "m.bin.index.json", b'{"weight_map": {"a": "m.bin"}}', "m.bin"
    ),
    "index-climbs": Hostile(
        "configuration", "m.index.json", b'{"weight_map": {"a": "../m.safetensors"}}', "beside"
    ),
    "tokenizer-key": Hostile("configuration", "tokenizer.json", b'{"plugin": "x"}', "'plugin'"),
    # GGUF that lies
    "gguf-tensors": Hostile("formats", "m.gguf", gguf(tensors=2**60), "claims"),
    "gguf-pairs": Hostile("formats", "m.gguf", gguf(count=2**60), "claims"),
    "gguf-text": Hostile(
        "formats", "m.gguf", gguf(struct.pack("<Q", 2**61) + bytes(50), count=1), "claims"
    ),
    "gguf-array": Hostile(
        "formats",
        "m.gguf",
        gguf(struct.pack("<Q", 1) + b"k" + struct.pack("<IIQ", 9, 8, 2**40), count=1),
        "claims",
    ),
    "gguf-short": Hostile("formats", "m.gguf", b"GGUF", "4 bytes"),
    "gguf-template": Hostile(
        "templates",
        "m.gguf",
        gguf(text_pair("tokenizer.chat_template", "{{ ''.__class__ }}") + bytes(64), count=1),
        "'tokenizer.chat_template'",
    ),
    "gguf-licence": Hostile(
        "licence",
        "m.gguf",
        gguf(text_pair("general.license", "evil-1.0") + bytes(64), count=1),
        "evil-1.0",
    ),
    # other kinds
    "vector-image": Hostile("formats", "a.svg", b"<svg onload='x()'/>", "kind"),
    "web-page": Hostile("formats", "index.html", b"<script>x</script>", "kind"),
    "git": Hostile("formats", ".git/config.json", b"{}", "kind"),
    "no-image": Hostile("formats", "a.png", b"<svg/>", "no image"),
    "nul": Hostile("formats", "vocab.txt", b"a\0b", "NUL"),
    "not-utf8": Hostile("formats", "merges.txt", b"ab\xff", "UTF-8"),
    "unlisted-kind": Hostile("formats", "m.onnx", b"\x08\x01", "not on the standard's list"),
}
