"""Models in timm's hub layout, loaded by timm."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from headstart.base.compat import prepare_torchvision
from headstart.base.sidecar import read_json
from headstart.base.skeleton import Skeleton
from headstart.base.text_folder import refused
from headstart.base.timm_folder import load_timm_folder
from headstart.base.timm_image import timm_preprocess
from headstart.hub.gate.running import plain
from headstart.hub.gate.running.subject import Subject
from headstart.method.adapted import Signature
from headstart.task.model import Image, Input, Kind, Modality, Objective


class Timm(Subject):
    """A model in timm's hub layout.

    Args:
        folder: ``config.json`` and weights.
    """

    library = "timm"
    modality = Modality.IMAGE

    def __init__(self, folder: Path) -> None:
        prepare_torchvision(say=False)
        import timm

        self.folder = folder
        load_timm_folder(folder, f"local:{folder.name}")  # every weight is there, with its shape
        with refused(folder / "config.json"):
            self.model: Any = timm.create_model(f"local-dir:{folder}", pretrained=True).eval()
        self._preprocess = timm_preprocess(self.model)
        self.signature = self._signature(read_json(folder / "config.json"))

    def _signature(self, fields: dict[str, Any]) -> Signature | None:
        outputs = int(self.model.num_classes)
        if not outputs:
            return None
        told = fields.get("label_names") or fields.get("pretrained_cfg", {}).get("label_names")
        names = [str(name) for name in told] if isinstance(told, list) else []
        classes = names if len(names) == outputs else [f"LABEL_{at}" for at in range(outputs)]
        kind, objective = Kind.CLASSIFICATION, Objective.SINGLE_LABEL
        if outputs == 1:
            kind, objective, classes = Kind.REGRESSION, Objective.REAL, []
        return Signature(kind, objective, Modality.IMAGE, ("image",), "", tuple(classes))

    @torch.inference_mode()
    def scores(self, inputs: Sequence[Input]) -> Any:
        """Return what timm's own forward pass gives."""
        objective = self.signature.objective if self.signature else None
        rows = []
        for item in inputs:
            assert isinstance(item, Image)
            found = self.model(plain.pixels(self._preprocess, item))[0].double()
            single = objective is Objective.SINGLE_LABEL
            rows.append((found.softmax(-1) if single else found).numpy())
        stacked = np.stack(rows)
        return stacked[:, 0] if objective is Objective.REAL else stacked

    def body(self) -> Skeleton:
        """Return the encoder as headstart reads it."""
        return load_timm_folder(self.folder, f"local:{self.folder.name}")[0]

    def again(self, folder: Path) -> Subject:
        """Save it in timm's hub layout, and load that."""
        from timm.models import save_for_hf

        names = list(self.signature.classes) if self.signature and not self.unnamed else None
        save_for_hf(
            self.model, str(folder), model_config={"label_names": names} if names else None,
            safe_serialization=True,
        )  # fmt: skip
        return Timm(folder)
