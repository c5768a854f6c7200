"""A language model at work on texts: its network, its workbench, and what texts cost it in nats."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from headstart.base import reference
from headstart.base.decoder import IGNORED, Decoder
from headstart.base.device import pick_device
from headstart.base.divergence import divergence
from headstart.base.model import Batch
from headstart.files import digest
from headstart.measure.cost import forward_flop
from headstart.progress import Progress, Silent
from headstart.task.model import Input, Objective
from headstart.train.boundary import Boundary
from headstart.train.guard import Ceiling
from headstart.train.network import Network, Sample
from headstart.train.samples import Samples, micro_batches
from headstart.train.states import MEMORY
from headstart.train.windows import Windows
from headstart.train.workbench import PartFeatures, Workbench

CEILING = (1024, 16384)  # tokens of a micro-batch to begin with: (CPU, GPU)
_FLOAT32 = 4  # bytes
_COUNTED = 64  # tokens on which the operations of a pass are counted


class LanguageNetwork(Network):
    """A decoder as what is trained: batches in, losses out; it has no head of its own.

    Args:
        decoder: The body.
    """

    def __init__(self, decoder: Decoder) -> None:
        nn.Module.__init__(self)
        self.encoder = decoder
        self.objective = Objective.TEXT
        self.pair = False
        self.head = nn.Identity()  # type: ignore[assignment]

    def forward(self, batch: tuple[Batch, ...]) -> Tensor:
        """Return the loss (N,) in nats of each sequence."""
        return self._features(batch[0])

    def drift(self, pristine: Network, batch: tuple[Batch, ...]) -> Tensor:
        """Return the divergence of what comes next from what the base says: a mean, in nats.

        Kullback-Leibler, of the tokens that are said.
        """
        decoders = [cast(Decoder, one.encoder) for one in (self, pristine)]
        return divergence(decoders[0], decoders[1], batch[0])


class LanguageBench(Workbench):
    """Holds a decoder's pristine weights and encoded texts; it has no features."""

    @cached_property
    def pristine(self) -> Decoder:
        """The decoder with the base's weights, on the device; never trained."""
        return reference.load_decoder(self.base).to(pick_device()).eval()

    def features(self, part: str) -> PartFeatures:
        """Refuse: a language model is scored on tokens."""
        raise ValueError("a language model at work on texts has no features")

    def every_feature(self) -> None:
        """Do nothing: there are none."""

    def missing(self) -> list[Input]:
        """Return nothing: no features are missing."""
        return []

    def texts(self, part: str) -> Windows:
        """Return the encoded texts of a part."""
        found = self.samples(part)
        assert isinstance(found, Windows)
        return found

    def samples(self, part: str) -> Samples:
        """Return the windows of a part."""
        if part not in self._samples:
            self._samples[part] = Windows(self.pristine, self.task.parts[part].inputs)
        return self._samples[part]

    def network_for_timing(self) -> Network:
        """Return a trainable network on a copy of the decoder."""
        decoder = self.encoder()
        assert isinstance(decoder, Decoder)
        return LanguageNetwork(decoder).requires_grad_(True)

    def passed(self, network: Network, rows: Sequence[int], dtype: torch.dtype) -> None:
        """Run the network forward on training windows, to be timed."""
        losses_of(network, self.samples("train"), rows, dtype)

    @cached_property
    def flop_per_unit(self) -> float:
        """Operations of a forward pass, a token."""
        ids = torch.full((_COUNTED,), self.pristine.prefix_id)
        batch = self.pristine.collate([{"input_ids": ids, "labels": ids}])
        return forward_flop(self.pristine, batch) / _COUNTED

    def _boundary(self, top: int) -> Boundary | None:
        """Return none, too, where the states of the training texts would not all be kept.

        Those that are not are computed alone, which costs more than the whole pass of a batch.
        """
        kept = self.units("train") * self.pristine.config.hidden_size * _FLOAT32
        return super()._boundary(top) if kept <= MEMORY else None

    def ceiling(self) -> Ceiling:
        """Return the largest micro-batch known to fit."""
        name = digest(self.card.revision, self.base, "text")[:12]
        start = CEILING[self.pristine.device().type != "cpu"]
        return Ceiling.remembered(start, self.folder / f"ceiling-{name}.json")


def nats_of(
    network: Network,
    texts: Windows,
    rows: Sequence[int],
    dtype: torch.dtype = torch.float32,
    progress: Progress | None = None,
    label: str = "scoring",
    samples: Samples | None = None,
) -> NDArray[np.float64]:
    """Return (N, 2): what each of these texts costs the network in nats, and its tokens.

    Args:
        network: Put into evaluation mode.
        texts: Encoded.
        rows: Which of them.
        dtype: Of the matrix products.
        progress: Who watches.
        label: What the bar is called.
        samples: The texts' windows as the network reads them; None for as they are.
    """
    places, windows = texts.of(rows), texts if samples is None else samples
    owners = [at for at, row in enumerate(rows) for _ in texts.places[row]]
    found = np.zeros((len(rows), 2))
    np.add.at(found, owners, losses_of(network, windows, places, dtype, progress, label))
    return found


@torch.inference_mode()
def token_losses_of(network: Network, samples: Sequence[Sample]) -> NDArray[np.float64]:
    """Return the losses (M,) in nats of all tokens that encoded texts say, one text at a time.

    The network is put into evaluation mode; products are in float32.
    """
    network.eval()
    decoder = network.encoder
    assert isinstance(decoder, Decoder)
    found = []
    for sample in samples:
        batch = {k: v.to(decoder.device()) for k, v in network.collate([sample])[0].items()}
        found.append(decoder.token_losses(batch).double().cpu().numpy())
    return np.concatenate(found)


@torch.inference_mode()
def losses_of(
    network: Network,
    windows: Samples,
    places: Sequence[int],
    dtype: torch.dtype = torch.float32,
    progress: Progress | None = None,
    label: str = "scoring",
) -> NDArray[np.float64]:
    """Return (M, 2), nats and tokens, of windows; other arguments as of :func:`nats_of`."""
    network.eval()
    device = network.encoder.device()
    found = np.zeros((len(places), 2))
    sizes = [windows.sizes[place] for place in places]
    ceiling = CEILING[device.type != "cpu"]
    with (progress or Silent()).bar(label, len(places)) as advance:
        for piece in micro_batches(list(range(len(places))), sizes, ceiling):
            samples: list[Sample] = windows.take([places[at] for at in piece])
            batch = {k: v.to(device) for k, v in network.collate(samples)[0].items()}
            with torch.autocast(device.type, dtype, enabled=dtype is not torch.float32):
                found[piece, 0] = network((batch,)).double().cpu().numpy()
            found[piece, 1] = [int((one[0]["labels"] != IGNORED).sum()) for one in samples]
            advance(len(piece))
    return found
