"""rslora: low-rank updates of a higher rank, scaled by its root so that all of it learns."""

from __future__ import annotations

from headstart.method.lora import Lora
from headstart.method.model import Hyperparameters
from headstart.train.workbench import Workbench


class RsLora(Lora):
    """LoRA scaled by alpha / √rank, not alpha / rank (Kalajdzievski 2023, arXiv 2312.03732).

    At a low rank this is LoRA with a larger alpha; its gain is said to be at high ranks.
    """

    name = "rslora"
    summary = "low-rank updates, rank 32, scaled by its root"
    variant = {"use_rslora": True}  # noqa: RUF012

    def extra(self) -> Hyperparameters:
        """Return rank and scale: 2.8, where LoRA's is 2."""
        return {"rank": 32, "alpha": 16}

    def flop_factor(self, bench: Workbench) -> float:
        """One pass forward, one back, and three through the low-rank matrices."""
        return 2.4
