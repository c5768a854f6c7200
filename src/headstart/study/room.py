"""What fits in memory: refused or split before it starts, not after an hour."""

from __future__ import annotations

from headstart.measure.memory import available_bytes
from headstart.method.model import Need, Setting
from headstart.study.arm import Arm, skip
from headstart.study.bill import BESIDE
from headstart.study.trial import Context
from headstart.study.words import bytes_text

SPARED = 0.9  # of what is available: kernels take something too


def needed(context: Context, arm: Arm) -> Need | None:
    """Return the memory that training an arm takes; None where that is not known."""
    assert arm.bench is not None
    again = "-again" if arm.method.name in arm.bench.again else ""
    name = f"need-{arm.method.name}{again}"
    values = arm.method.search(context.task, arm.bench, context.metric)[0]
    values = {**values, "steps": 1, "schedule": context.schedule}
    folder = context.store.trial_work(name)
    setting = Setting(context.task, arm.bench, values, 0, context.metric, folder)
    return arm.bench.once(name, lambda: arm.method.need(setting))


def _spared(context: Context, arm: Arm, room: float) -> float | None:
    """Let an arm compute its activations again if only that fits; return the bytes it takes."""
    assert arm.bench is not None
    name = arm.method.name
    if name in arm.bench.again:
        return None
    arm.bench.again.add(name)
    need = needed(context, arm)
    if need is not None and BESIDE * need.bytes(0) <= room:
        return BESIDE * need.bytes(0)
    arm.bench.again.discard(name)
    return None


def has_room(context: Context, arm: Arm, need: Need | None) -> bool:
    """Tell whether an arm can be trained; split its batches where they do not fit whole.

    Splitting changes no result: gradients of the pieces add up to those of the batch.
    """
    assert arm.bench is not None
    free = available_bytes(arm.bench.pristine.device())
    if need is None or free is None:
        return True
    room, least = SPARED * free, BESIDE * need.bytes(0)
    if least > room:
        spared = _spared(context, arm, room)
        if spared is not None:
            arm.story.append(
                f"Activations are computed again in the backward pass: {bytes_text(least)} would "
                f"not fit in the {bytes_text(room)} that are free, {bytes_text(spared)} do. A step "
                "takes a third more operations."
            )
            return has_room(context, arm, needed(context, arm))
        reason = (
            f"training it takes {bytes_text(least)} of memory, {bytes_text(room)} are "
            "free: choose a smaller base, shorter inputs, or a method that trains less (probe, "
            "partial, lora)"
        )
        skip(context, arm, reason)
        return False
    ceiling = arm.bench.ceiling()
    fits = int((room / BESIDE - need.fixed) / max(need.per_unit, 1.0))
    if fits < ceiling.units:
        ceiling.lower_to(fits)
        arm.story.append(
            f"Batches are trained in pieces of at most {fits:,} units, which is what "
            f"{bytes_text(room)} of free memory hold; the effective batch is the same."
        )
    return True
