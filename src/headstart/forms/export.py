"""Export an adapted model for use without headstart, and prove that its outputs are the same."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from headstart.errors import RequestError, nearest
from headstart.files import replacing_folder
from headstart.method.adapted import Model, NetworkModel, load_model
from headstart.method.speaker import SpeakerModel

TARGETS = ("transformers", "onnx", "gguf")
DTYPES = ("float32", "float16")
GGUF = "model.gguf"


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        place: A folder, or a file if one was asked for.
        checked: How far the outputs of the export lie from the model's, one sentence.
        drift: The most that one of them differs (a logit; of texts, the loss of a token, nats).
    """

    place: Path
    checked: str
    drift: float


def export(folder: Path, to: str, out: Path, dtype: str = "float32") -> Exported:
    """Write the adapted model in ``folder`` to ``out`` in another form.

    Args:
        folder: What ``adapt`` left in ``best/``.
        to: "onnx": ``model.onnx`` from tokens or pixels to logits, with ``preprocessing.json``
            and the tokenizer beside it. "transformers": the layout of the base's own library
            (transformers, sentence-transformers, timm or torchvision). "gguf": one file of a
            language model, for llama.cpp.
        out: A folder that does not exist yet, or is empty; of GGUF also a file that does not
            exist yet, ending in .gguf.
        dtype: Of the matrices in a GGUF file: "float32" or "float16".

    Raises:
        RequestError: No such form, the model has none in it, or ``out`` is taken.
        WorkError: The exported model's outputs differ; nothing is left in ``out``.
    """
    if to not in TARGETS:
        raise RequestError(f"cannot export to '{to}'", where="--to", mend=nearest(to, TARGETS))
    if dtype not in DTYPES or (dtype != "float32" and to != "gguf"):
        raise RequestError(
            f"cannot write {to} as '{dtype}'", where="--dtype",
            mend="leave it out, or give float32 or float16 with --to gguf",
        )  # fmt: skip
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise RequestError(
            f"the output {'folder' if out.is_dir() else 'file'} exists already",
            where=str(out),
            mend="choose another --out",
        )
    model = load_model(folder)
    if to == "gguf":
        return _gguf(model, folder, out, dtype)
    with replacing_folder(out) as beside:
        checked, drift = write_form(model, folder, to, beside)
    return Exported(out, checked, drift)


def write_form(
    model: Model, folder: Path, to: str, beside: Path, tolerance: float | None = None
) -> tuple[str, float]:
    """Write a folder in the form "transformers" or "onnx" and check it.

    Args:
        model: What was loaded from ``folder``; it goes to the CPU.
        folder: An adapted model.
        to: The form.
        beside: An empty folder.
        tolerance: How far outputs may lie apart, as of :func:`headstart.forms.drift.check_drift`.

    Returns:
        What is said of it, and the drift.

    Raises:
        RequestError: The model has no such form.
        WorkError: The outputs differ.
    """
    if isinstance(model, SpeakerModel):
        if to == "onnx":
            raise RequestError(
                "a language model is not written as ONNX: its graph has no generation",
                where="--to onnx",
                mend="export it with --to gguf or --to transformers",
            )
        from headstart.forms.spoken import write_folder

        spoken = write_folder(_on_cpu(model), folder, beside, tolerance)
        return str(spoken), spoken.loss
    network = _network(model, folder)
    if to == "onnx":
        from headstart.forms.onnx_graph import write_onnx

        drift = write_onnx(network, beside, tolerance)
    else:
        from headstart.forms.native import check_native

        shutil.copytree(folder, beside, dirs_exist_ok=True)
        drift = check_native(network, beside, tolerance)
    return f"loaded afresh, its outputs differ by at most {drift:.1g}", drift


def _gguf(model: Model, folder: Path, out: Path, dtype: str) -> Exported:
    if not isinstance(model, SpeakerModel):
        raise RequestError(
            f"GGUF is for language models, and this is a {model.signature.kind.value} model",
            where="--to gguf",
            mend="export it with --to onnx or --to transformers",
        )
    from headstart.base.gguf_export import refuse_gguf
    from headstart.forms.spoken import write_file

    refuse_gguf(_on_cpu(model).decoder)
    single = out.suffix.lower() == ".gguf"
    target = out.with_name(f".{out.name}.folder") if single else out
    try:
        with replacing_folder(target) as beside:
            spoken = write_file(model, beside / GGUF, dtype)
        if single:
            (target / GGUF).replace(out)
    finally:
        if single:
            shutil.rmtree(target, ignore_errors=True)
    return Exported(out, str(spoken), spoken.loss)


def _on_cpu(model: SpeakerModel) -> SpeakerModel:
    model.decoder.to("cpu").eval()
    return model


def _network(model: Model, folder: Path) -> NetworkModel:
    if isinstance(model, NetworkModel):
        model.network.to("cpu").eval()
        return model
    raise RequestError(
        f"the delivered model is the baseline '{model.family}', which has no network to export",
        where=str(folder),
        mend="use it with `headstart predict`",
    )
