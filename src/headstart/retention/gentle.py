"""gentle: a lower rate and, for low-rank updates, a lower rank."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from headstart.base.model import Batch
from headstart.retention.lever import Lever
from headstart.train.network import Network

RANKS = 2  # ranks that share one place


class Gentle(Lever):
    """Smaller steps: the rate divided by the strength, half the rank.

    Less training forgets less (Biderman et al. 2024, "LoRA learns less and forgets less",
    arXiv 2405.09673).
    """

    name = "gentle"
    summary = "a lower rate, and half the rank"
    strength = 3.0

    @classmethod
    def setting(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Return the setting with its rate and rank lowered; the loss stays as it is."""
        lower = {"rate": values["rate"] / cls.strength}
        if "rank" in values:
            lower["rank"] = max(1, values["rank"] // RANKS)
        return {**values, **lower}

    def term(self, network: Network, batch: tuple[Batch, ...], rows: Sequence[int]) -> Tensor:
        """Add nothing."""
        return next(network.parameters()).new_zeros(())
