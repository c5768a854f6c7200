"""Of an embedding table only the rows that the training inputs use are trained; others only decay.

A row that no input uses has no gradient, so that AdamW does nothing to it but weight decay, which
is one factor for all such rows. A table is a third to four fifths of a small language model's
weights, and a task uses a tenth of it: the rest need no gradient, moments, norm or copies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from headstart.train.groups import Group
from headstart.train.network import Network
from headstart.train.samples import Samples

SHARE = 0.5  # of a table's rows: where more are used, little is won


class NarrowEmbedding(nn.Module):
    """Stands in for an embedding table of (V, D) while K of its rows are trained.

    Args:
        table: The whole table; its weights stay as they are until :meth:`widened`.
        used: (K,) int64, rising: the rows that inputs use.

    Attributes:
        rows: (K, D), trained.
        decay: What weight decay has left of the other rows, a factor.
    """

    slots: Tensor
    decay: Tensor

    def __init__(self, table: nn.Embedding, used: Tensor) -> None:
        super().__init__()
        self._table = (table,)  # in a tuple: no weight of this module
        weight = table.weight.detach()
        slots = torch.full((len(weight),), -1, dtype=torch.int64, device=weight.device)
        slots[used] = torch.arange(len(used), device=weight.device)
        self._used, pad = used, table.padding_idx
        self._pad = int(slots[pad]) if pad is not None and slots[pad] >= 0 else None
        self.rows = nn.Parameter(weight[used])
        self.register_buffer("slots", slots, persistent=False)
        self.register_buffer("decay", torch.ones((), device=weight.device))

    def forward(self, ids: Tensor) -> Tensor:
        """Return (..., D) of ``ids`` (...), as the whole table would."""
        slots = self.slots[ids]
        found = F.embedding(slots.clamp(min=0), self.rows, self._pad)
        unused = slots < 0
        if bool(unused.any()):
            rest = F.embedding(ids, self._table[0].weight.detach()) * self.decay
            found = torch.where(unused.unsqueeze(-1), rest, found)
        return found

    def fade(self, rate: float, weight_decay: float) -> None:
        """Decay the unused rows as AdamW does in a step, if the table is trained by now."""
        if self.rows.grad is not None:
            self.decay *= 1.0 - rate * weight_decay

    def widened(self) -> nn.Embedding:
        """Return the whole table with what training made of it."""
        table = self._table[0]
        with torch.no_grad():
            table.weight *= self.decay
            table.weight[self._used] = self.rows
        return table


def narrow(network: Network, groups: Sequence[Group], samples: Samples) -> list[Group]:
    """Let the body's token embedding train only the rows that ``samples`` use.

    Args:
        network: Changed in place, until :func:`widen`, where there is something to win.
        groups: What is trained.
        samples: All training inputs.

    Returns:
        The groups, of the network as it is now.
    """
    table = _table(network)
    if table is None or not any(p is table.weight for g in groups for p in g.parameters()):
        return list(groups)
    used = _used(network, samples, table.padding_idx).to(table.weight.device)
    if len(used) > SHARE * table.num_embeddings:
        return list(groups)
    stand_in = NarrowEmbedding(table, used)
    _exchange(network, table, stand_in)
    return [
        replace(group, modules=[stand_in if m is table else m for m in group.modules])
        for group in groups
    ]


def widen(network: Network) -> None:
    """Put the whole table back."""
    for module in list(network.modules()):
        if isinstance(module, NarrowEmbedding):
            _exchange(network, module, module.widened())


def _table(network: Network) -> nn.Embedding | None:
    """Return the body's token embedding if it is a plain one that nothing else shares."""
    try:
        table = network.encoder.body.get_input_embeddings()  # type: ignore[operator]
    except (AttributeError, NotImplementedError):
        return None
    if type(table) is not nn.Embedding:  # a subclass may scale what it finds
        return None
    paths = [name for name, module in network.named_modules() if module is table]
    shared = sum(p is table.weight for _, p in network.named_parameters(remove_duplicate=False))
    return table if len(paths) == shared == 1 else None


def _exchange(network: Network, old: nn.Module, new: nn.Module) -> None:
    path = next(name for name, module in network.named_modules() if module is old)
    network.set_submodule(path, new)


def _used(network: Network, samples: Samples, padding: int | None) -> Tensor:
    """Return the rows of the table that training inputs use, padding's too."""
    seen = {padding, getattr(network.encoder, "pad_id", None)} - {None}
    for sample in samples.take(range(len(samples))):
        for side in sample:
            seen.update(side["input_ids"].tolist())
    return torch.tensor(sorted(seen), dtype=torch.int64)
