"""Leaves out rates at which the loss blows up, where looking costs little."""

from __future__ import annotations

from typing import Any

from headstart.method.gradient import RANGE_STEPS
from headstart.method.model import Hyperparameters, Setting
from headstart.study.arm import Arm
from headstart.study.purse import Purse
from headstart.study.record import RatePoint
from headstart.study.trial import Context

SHARE = 0.06  # of the purse: the most that the range tests of all arms may cost


def within_range(
    context: Context,
    arm: Arm,
    purse: Purse,
    settings: list[Hyperparameters],
    share: float = SHARE,
) -> tuple[list[Hyperparameters], list[RatePoint]]:
    """Return the settings whose rate a range test bears, and what the test saw.

    Where the test would cost more than ``share`` of the purse, all settings are returned and
    no points: the first rung tells as much.
    """
    middle = settings[len(settings) // 2]
    price = purse.price(arm, middle["batch"], RANGE_STEPS)
    if price > share * purse.total:
        return settings, []
    found = _tested(context, arm, {**middle, "steps": RANGE_STEPS})
    if found is None:
        return settings, []
    purse.pay(price)
    points = [
        RatePoint(learning_rate=rate, loss=round(loss, 6))
        for rate, loss in zip(found["rates"], found["losses"], strict=True)
    ]
    ceiling = found["ceiling"]
    kept = [s for s in settings if ceiling is None or s["rate"] <= ceiling]
    if len(kept) < len(settings):
        arm.story.append(
            f"A range test saw the loss rise from a rate of {ceiling:.0e} on: higher ones were "
            "left out."
        )
    return kept or [{**settings[0], "rate": float(f"{ceiling / 3:.0e}")}], points


def _tested(context: Context, arm: Arm, values: Hyperparameters) -> dict[str, Any] | None:
    """Return a range test's rates, losses and ceiling, run once in a study's life."""
    name = f"range-{arm.method.name}-{arm.trial({}).key(context.task, context.metric)}"
    known: dict[str, Any] | None = context.store.read_note(name)
    if known is None:
        folder = context.store.trial_work(name)
        setting = Setting(
            context.task, arm.bench, values, 0, context.metric, folder, context.progress
        )
        test = arm.method.range_test(setting)
        if test is None:
            return None
        known = {"rates": test.rates, "losses": test.losses, "ceiling": test.ceiling}
        context.store.write_note(name, known)
    return known
