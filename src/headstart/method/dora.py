"""dora: low-rank updates of the weights' directions, beside a trained size for each output."""

from __future__ import annotations

from headstart.method.lora import Lora


class Dora(Lora):
    """Weight-decomposed LoRA by peft (Liu et al. 2024, arXiv 2402.09353)."""

    name = "dora"
    summary = "low-rank updates of direction, sizes trained beside"
    variant = {"use_dora": True}  # noqa: RUF012
