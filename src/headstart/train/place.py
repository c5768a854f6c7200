"""Where a run keeps itself, who watches, and what memory it may take."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from headstart.progress import Progress
from headstart.train.guard import Ceiling

SAVE_EVERY = 30.0  # seconds of training between checkpoints: lost work costs more than writing


@dataclass
class Place:
    """Where a run keeps itself, who watches, and what memory it may take.

    Attributes:
        checkpoint: File of its state; None keeps none.
        ceiling: Largest micro-batch.
        progress: Who watches.
        save_every: Seconds between checkpoints; 0 saves after every step.
    """

    checkpoint: Path | None
    ceiling: Ceiling
    progress: Progress
    label: str = "training"
    save_every: float = SAVE_EVERY
