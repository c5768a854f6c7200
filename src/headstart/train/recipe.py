"""How a run is trained: every number that is part of a trial's key, and what comes out."""

from __future__ import annotations

from dataclasses import dataclass, field

from headstart.train.schedule import Shape

EIGHT_BIT = "8-bit"  # moments


EIGHT_BIT = "8-bit"  # moments


@dataclass(frozen=True)
class Recipe:
    """Settings of one run.

    Attributes:
        rate: Peak learning rate.
        steps: Optimiser steps of the whole schedule.
        batch: Items a step (the effective batch, whatever fits in memory).
        weight_decay: AdamW's (Loshchilov and Hutter 2019, https://arxiv.org/abs/1711.05101).
        warmup: Share of the steps in which the rate climbs.
        shape: How the rate falls.
        clip: Largest norm of the gradient.
        evaluations: Times that validation is scored in a full run.
        patience: Evaluations without a gain before the run stops early, in its second half.
        keep_statistics: Leave batch-norm statistics as they were pre-trained.
        class_weighted: Weigh items by the inverse frequency of their class.
        precision: Of the forward pass: "float32", or "bfloat16" by autocast.
        moments: Of AdamW: "float32", or :data:`EIGHT_BIT`.
    """

    rate: float
    steps: int
    batch: int = 32
    weight_decay: float = 0.01
    warmup: float = 0.1
    shape: Shape = "cosine"
    clip: float = 1.0
    evaluations: int = 8
    patience: int = 4
    keep_statistics: bool = True
    class_weighted: bool = False
    precision: str = "float32"
    moments: str = "float32"


@dataclass(frozen=True)
class Point:
    """One evaluation: the step it came after, the loss since the last, and validation's score."""

    step: int
    epoch: float
    learning_rate: float
    loss: float | None
    validation: float | None


@dataclass
class Run:
    """What a run leaves, beside the weights in the network.

    Attributes:
        points: Evaluations in order.
        flop: Floating-point operations of training and evaluation.
        peak_bytes: Tensor bytes of the largest training step.
        seconds: Wall-clock time over all its processes (a resumed run adds up).
        notes: What happened that a reader should know (rate cut, batch split, early stop).
    """

    points: list[Point] = field(default_factory=list)
    flop: float = 0.0
    peak_bytes: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    notes: list[str] = field(default_factory=list)
