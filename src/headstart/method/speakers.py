"""Several adapters beside one base: which one speaks is chosen at each call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from headstart.base import reference
from headstart.base.device import pick_device
from headstart.base.virtual import KINDS as VIRTUAL
from headstart.base.virtual import VirtualTokens, read_virtual
from headstart.base.weights import corrupt
from headstart.errors import RequestError
from headstart.method.adapter_files import AdapterFiles, adapter_files
from headstart.method.speaker import SpeakerModel
from headstart.progress import Progress
from headstart.train.evaluate import Predictions

TOLERANCE = 1e-4  # of a layer's largest weight: more than merging in float32 rounds
_BASE = "name the base that it was adapted from"


class Speakers:
    """One base in memory, and the adapters of several studies beside it.

    Each says what the merged model of its study says (its ``best/``), to rounding. They share
    the base's weights: use one at a time, from one thread.

    Args:
        base: Reference of the base that all were adapted from.
        folders: Name to a study's folder, its ``best/``, or the ``adapter/`` in that.

    Raises:
        RequestError: A folder holds no adapter, the adapter does not fit the base, or beside
            this base it is another model than the one that its study delivered.
    """

    def __init__(self, base: str, folders: Mapping[str, str | Path]) -> None:
        if not folders:
            raise RequestError("no adapters were named", mend='pass {"name": "its folder"}')
        files = {name: adapter_files(Path(folder)) for name, folder in folders.items()}
        self._decoder = reference.load_decoder(base).to(pick_device()).eval()
        self._signatures = {name: one.signature for name, one in files.items()}
        self._prompts: dict[str, VirtualTokens] = {}
        self._places: dict[str, str] = {}  # peft's own names: ours may be any text
        for name, one in files.items():
            if one.kind in VIRTUAL:
                self._prompts[name] = self._prompt(one)
            else:
                self._places[name] = self._beside(one)
                self._check(name, one)

    @property
    def names(self) -> tuple[str, ...]:
        """The adapters' names."""
        return tuple(self._signatures)

    @contextmanager
    def using(self, name: str) -> Iterator[SpeakerModel]:
        """Give the model with the adapter ``name``; it is that model while the block runs.

        Raises:
            RequestError: There is none of this name.
        """
        if name not in self._signatures:
            raise RequestError(
                f"no adapter is named '{name}'", mend=f"choose one of {', '.join(self.names)}"
            )
        decoder, wrapped = self._decoder, cast(Any, self._decoder.body)
        with ExitStack() as stack:
            if name in self._places:
                wrapped.set_adapter(self._places[name])
                wrapped.requires_grad_(False)  # being chosen makes it trainable
            elif self._places:
                stack.enter_context(wrapped.disable_adapter())
            stack.callback(setattr, decoder, "virtual", None)
            decoder.virtual = self._prompts.get(name)
            yield SpeakerModel(self._signatures[name], decoder)

    def predict(
        self, name: str, inputs: Sequence[Any], progress: Progress | None = None, **writing: Any
    ) -> list[Any]:
        """Return what the adapter ``name`` writes after each prompt.

        Other arguments are those of :meth:`headstart.method.speaker.SpeakerModel.predict`.
        """
        with self.using(name) as model:
            return model.predict(inputs, progress, **writing)

    def outputs(
        self, name: str, inputs: Sequence[Any], progress: Progress | None = None
    ) -> Predictions:
        """Return (N, 2): nats and tokens of each text or dialogue under the adapter ``name``."""
        with self.using(name) as model:
            return model.outputs(inputs, progress)

    def _prompt(self, files: AdapterFiles) -> VirtualTokens:
        """Return virtual tokens; they stand before texts only while they are chosen."""
        found = read_virtual(files.folder, self._decoder.config)
        return found.to(pick_device()).requires_grad_(False)

    def _beside(self, files: AdapterFiles) -> str:
        """Put low-rank updates beside the base's weights; return peft's name of them."""
        from peft import PeftModel

        decoder, place = self._decoder, f"adapter_{len(self._places)}"
        body = cast(Any, decoder.body)
        try:
            if self._places:
                body.load_adapter(str(files.folder), adapter_name=place)
            else:
                decoder.body = PeftModel.from_pretrained(body, str(files.folder), place)
        except (RuntimeError, ValueError, KeyError) as error:  # shapes, or layers that are missing
            raise self._misfit(files, str(error).splitlines()[0]) from error
        decoder.to(pick_device()).eval()
        return place

    @torch.inference_mode()
    def _check(self, name: str, files: AdapterFiles) -> None:
        """Hold the adapter's layers beside this base against the weights that were delivered.

        Raises:
            RequestError: They differ: another base, or one that was in 4 bits.
        """
        from safetensors import SafetensorError, safe_open

        if files.merged is None:
            return
        place = self._places[name]
        try:
            with safe_open(str(files.merged), "pt") as wanted:
                known = set(wanted.keys())
                for path, module in self._decoder.causal.named_modules():
                    found = _with_update(module, place)
                    if found is None or f"{path}.weight" not in known:
                        continue
                    far = _apart(found, wanted.get_tensor(f"{path}.weight"))
                    if not far <= TOLERANCE:
                        raise RequestError(
                            f"beside {self._decoder.card.reference} the adapter '{name}' is not "
                            f"the model that its study delivered: {path} is off by {far:.1g} of "
                            "its largest weight",
                            where=str(files.folder),
                            mend=f"{_BASE}; one of qlora fits the base in 4 bits only: load its "
                            "study whole, with headstart.load",
                        )
        except (SafetensorError, OSError) as error:
            raise corrupt(files.merged, error) from error

    def _misfit(self, files: AdapterFiles, why: str) -> RequestError:
        return RequestError(
            f"the adapter does not fit {self._decoder.card.reference}: {why}",
            where=str(files.folder),
            mend=_BASE,
        )


def _with_update(module: Any, place: str) -> Tensor | None:
    """Return a layer's weight with the update; None where there is none, or no plain sum."""
    if place not in getattr(module, "lora_A", {}):
        return None
    if place in getattr(module, "lora_magnitude_vector", {}):  # DoRA scales the sum
        return None
    weight = cast(Tensor, module.get_base_layer().weight)
    return weight.float() + cast(Tensor, module.get_delta_weight(place)).float()


def _apart(found: Tensor, expected: Tensor) -> float:
    if found.shape != expected.shape:
        return float("inf")
    expected = expected.to(found)
    return float((found - expected).abs().max() / expected.abs().max().clamp(min=1e-12))
