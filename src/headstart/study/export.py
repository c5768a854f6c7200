"""Export an adapted model for use without headstart, and prove that its outputs are the same."""

from __future__ import annotations

import shutil
from pathlib import Path

from headstart.errors import RequestError, nearest
from headstart.files import replacing_folder
from headstart.method.adapted import Model, NetworkModel, load_model

TARGETS = ("transformers", "onnx")


def export(folder: Path, to: str, out: Path) -> Path:
    """Write the adapted model in ``folder`` to ``out`` in another form.

    Args:
        folder: What ``adapt`` left in ``best/``.
        to: "onnx": ``model.onnx`` from tokens or pixels to logits, with ``preprocessing.json``
            and the tokenizer beside it. "transformers": the layout of the base's own library
            (transformers, sentence-transformers, timm or torchvision).
        out: A folder that does not exist yet, or is empty.

    Returns:
        ``out``.

    Raises:
        RequestError: No such form, the model is no network, or ``out`` is taken.
        WorkError: The exported model's outputs differ; nothing is left in ``out``.
    """
    if to not in TARGETS:
        raise RequestError(f"cannot export to '{to}'", where="--to", mend=nearest(to, TARGETS))
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise RequestError(
            "the output folder exists already", where=str(out), mend="choose another --out"
        )
    network = _network(load_model(folder), folder)
    with replacing_folder(out) as beside:
        if to == "onnx":
            from headstart.study.onnx_graph import write_onnx

            write_onnx(network, beside)
        else:
            from headstart.study.native import check_native

            shutil.copytree(folder, beside, dirs_exist_ok=True)
            check_native(network, beside)
    return out


def _network(model: Model, folder: Path) -> NetworkModel:
    if isinstance(model, NetworkModel):
        model.network.to("cpu").eval()
        return model
    raise RequestError(
        f"the delivered model is the baseline '{model.family}', which has no network to export",
        where=str(folder),
        mend="use it with `headstart predict`",
    )
