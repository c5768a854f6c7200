"""Record what a model says of a few inputs, so that a gate can see it reproduced."""

from __future__ import annotations

from pathlib import Path

from headstart.errors import RequestError, WorkError
from headstart.hub.gate.lineage import read_lineage
from headstart.hub.gate.running.loading import subject_in
from headstart.method.samples import FILE, neutral_inputs, write_samples


def record(folder: Path, base: Path | None = None) -> int:
    """Write ``predictions.json`` into a model's folder; return how many inputs are in it.

    Args:
        folder: A model in any layout that the gate loads.
        base: Folder of the base, for a peft adapter.

    Raises:
        RequestError: There is no such model, or nothing here makes inputs for it.
        WorkError: What it says is no number.
    """
    if not folder.is_dir():
        raise RequestError("there is no such folder", where=str(folder), mend="name a model's")
    names = read_lineage(folder).models if base is not None else ()
    adapter = _adapted(folder) if base is not None else None
    bases = {name: base for name in (*names, adapter) if name and base is not None}
    subject = subject_in(folder, bases)
    said = subject.sayings()
    if not said or subject.modality is None:
        raise RequestError("nothing here makes inputs for such a model", where=str(folder))
    try:
        write_samples(folder, neutral_inputs(subject.signature, subject.modality), said)
    except ValueError as error:
        raise WorkError(f"what the model says is no number: {error}", where=FILE) from error
    return len(said)


def _adapted(folder: Path) -> str | None:
    """Return what a peft adapter calls its base, which may be a path of another machine."""
    from headstart.base.sidecar import read_json
    from headstart.hub.gate.running.adapter import FILE as ADAPTER

    file = folder / ADAPTER
    told = read_json(file).get("base_model_name_or_path") if file.is_file() else None
    return str(told) if told else None
