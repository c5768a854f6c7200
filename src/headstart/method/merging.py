"""Merging an adapter into a language model's weights, checked: no token's loss may move."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from headstart.errors import WorkError
from headstart.method.gradient import Ending
from headstart.method.model import Setting
from headstart.method.saying import language_bench
from headstart.method.watch import drawn
from headstart.train.language import token_losses_of
from headstart.train.network import Network, Sample

TOLERANCE = 1e-3  # nats; a sound merge in float32 moves a hundredth of it, a wrong one hundreds
TEXTS = 8  # of validation
TOKENS = 256  # of each, its last


def merge_checked(
    merge: Callable[[], None], network: Network, setting: Setting, adapter: Path
) -> Ending:
    """Merge; compare the losses of tokens of a few validation texts before and after.

    Args:
        merge: Puts the merged body into the network.
        network: A decoder's.
        setting: Of the trial.
        adapter: Folder of the adapter.

    Raises:
        WorkError: A token's loss moved by more than :data:`TOLERANCE`.
    """
    samples = _few(setting)
    before = token_losses_of(network, samples)
    merge()
    moved = float(np.abs(token_losses_of(network, samples) - before).max(initial=0.0))
    if not moved <= TOLERANCE:
        raise WorkError(
            f"merging the adapter moved the loss of a token by {moved:.2g} nats; "
            f"at most {TOLERANCE:g} is allowed",
            where=str(adapter),
            mend="use a lower learning rate, or update peft; the adapter itself is whole",
        )
    units = sum(len(side["input_ids"]) for sample in samples for side in sample)
    return Ending(
        adapter,
        flop=2.0 * units * setting.base.flop_per_unit,
        notes=(
            f"merged into the base: losses of {len(before)} tokens moved by at most {moved:.0e}",
        ),
    )


def _few(setting: Setting) -> list[Sample]:
    """Return the ends of a few validation texts, the same for each trial."""
    texts = language_bench(setting).texts("validation")
    rows = drawn(len(texts.places), min(TEXTS, len(texts.places))).tolist()
    found = texts.take([texts.places[row][0] for row in rows])
    return [tuple({k: v[-TOKENS:] for k, v in side.items()} for side in one) for one in found]
