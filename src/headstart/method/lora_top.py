"""lora-top: low-rank updates in the upper half of the blocks, from states kept below them."""

from __future__ import annotations

from headstart.base.blocks import blocks
from headstart.method.lora import Lora
from headstart.method.model import Hyperparameters
from headstart.task.model import Task
from headstart.train.workbench import Workbench


class LoraTop(Lora):
    """LoRA above the middle of the body; what lies below is computed once an input.

    Low blocks are general, high blocks specific (Yosinski et al. 2014, arXiv 1411.1792).
    """

    name = "lora-top"
    summary = "low-rank updates on the top half"

    def search(self, task: Task, bench: Workbench | None, metric: str) -> list[Hyperparameters]:
        """Return one setting a rate, with the number of blocks that are adapted."""
        top = _half(bench) if bench is not None else 1
        return [{**setting, "top": top} for setting in super().search(task, bench, metric)]

    def flop_factor(self, bench: Workbench) -> float:
        """One pass forward, one back through the upper half."""
        below = bench.below(_half(bench))
        return super().flop_factor(bench) * (1.0 - below) if below else 1.0 + 1.1 / 2

    def once_factor(self, bench: Workbench) -> float:
        """Return the lower half's share of a pass."""
        return bench.below(_half(bench))


def _half(bench: Workbench) -> int:
    return max(1, len(blocks(bench.pristine.body)) // 2)  # embeddings count as a block
