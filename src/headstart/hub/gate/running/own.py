"""What headstart adapted: a folder with a manifest."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from headstart.base.skeleton import Skeleton
from headstart.forms.export import GGUF, write_form
from headstart.forms.spoken import write_file
from headstart.hub.gate.running.subject import Subject
from headstart.method.adapted import Model, NetworkModel, load_model
from headstart.method.samples import scores_of
from headstart.method.speaker import SpeakerModel
from headstart.task.model import Input


class Own(Subject):
    """An adapted model.

    Args:
        folder: What ``adapt`` left in ``best/``.

    Raises:
        RequestError: A file is missing or damaged.
    """

    library = "headstart"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.model: Model = load_model(folder)
        self.signature, self.modality = self.model.signature, self.model.modality

    def scores(self, inputs: Sequence[Input]) -> Any:
        """Return outputs; of tags their probabilities."""
        return scores_of(self.model, inputs)

    def body(self) -> Skeleton | None:
        """Return its encoder or decoder."""
        return self.model.body

    def written(self, form: str, folder: Path, tolerance: float) -> str | None:
        """Write it as ``headstart export`` does."""
        if form == "gguf":
            return self._gguf(folder, tolerance)
        networks = isinstance(self.model, NetworkModel)
        if not networks and not (form == "transformers" and isinstance(self.model, SpeakerModel)):
            return None
        return f"as {form}, {write_form(self.model, self.folder, form, folder, tolerance)[0]}"

    def again(self, folder: Path) -> Subject:
        """Save it, and load what was saved."""
        self.model.save(folder)
        return Own(folder)

    def _gguf(self, folder: Path, tolerance: float) -> str | None:
        if not isinstance(self.model, SpeakerModel):
            return None
        return f"as gguf, {write_file(self.model, folder / GGUF, 'float32', tolerance)}"
