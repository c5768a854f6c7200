"""Sentence encoders, loaded by sentence-transformers where that is installed."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from headstart.base.compat import quiet_transformers
from headstart.base.skeleton import Skeleton
from headstart.base.text_folder import load_text, refused
from headstart.hub.gate.running.subject import Subject
from headstart.task.model import Input, Modality
from headstart.train.embed import embed


class Sentences(Subject):
    """A sentence encoder: its own library where that is installed, else headstart's reading of it.

    Args:
        folder: With ``modules.json``.
    """

    library = "sentence-transformers"
    modality, signature = Modality.TEXT, None

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._encoder = load_text(folder, f"local:{folder.name}", folder.name)
        self._model: Any = None
        if not find_spec("sentence_transformers"):
            self.notes = ("read by headstart: sentence-transformers is not installed",)
            return
        with refused(folder / "modules.json"), quiet_transformers():
            from sentence_transformers import SentenceTransformer

            self._model = SentenceTransformer(
                str(folder), device="cpu", trust_remote_code=False, local_files_only=True
            )

    def scores(self, inputs: Sequence[Input]) -> Any:
        """Return sentence vectors."""
        if self._model is None:
            return embed(self._encoder, inputs).values
        return np.asarray(self._model.encode(list(inputs), show_progress_bar=False))

    def body(self) -> Skeleton:
        """Return the encoder as headstart reads it."""
        return self._encoder

    def again(self, folder: Path) -> Subject:
        """Save it, and load what was saved."""
        if self._model is None:
            self._encoder.save(folder, None, ())
        else:
            self._model.save_pretrained(str(folder), create_model_card=False)
        return Sentences(folder)
