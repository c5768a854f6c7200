"""What fits in memory: refused or split before it starts, not after an hour."""

from __future__ import annotations

from headstart.measure.memory import available_bytes
from headstart.method.model import Hyperparameters, Need, Setting
from headstart.study.arm import Arm, skip
from headstart.study.bill import BESIDE
from headstart.study.trial import Context
from headstart.study.words import bytes_text
from headstart.train.moments import fault
from headstart.train.recipe import EIGHT_BIT

SPARED = 0.9  # of what is available: kernels take something too
_AGAIN = (
    "activations are computed again in the backward pass, and a step takes a third more operations"
)
_SMALL = "the optimiser keeps its moments in 8 bits, which is slow on processors"
_BOTH = f"{_AGAIN}; {_SMALL}"


def needed(context: Context, arm: Arm) -> Need | None:
    """Return the memory that training an arm takes; None where that is not known."""
    assert arm.bench is not None
    again = "-again" if arm.method.name in arm.bench.again else ""
    small = "-small" if arm.method.name in arm.bench.small else ""
    name = f"need-{arm.method.name}{again}{small}"
    values = arm.method.search(context.task, arm.bench, context.metric)[0]
    values = {**values, **moments(arm), "steps": 1, "schedule": context.schedule}
    folder = context.store.trial_work(name)
    setting = Setting(context.task, arm.bench, values, 0, context.metric, folder)
    return arm.bench.once(name, lambda: arm.method.need(setting))


def moments(arm: Arm) -> Hyperparameters:
    """Return the hyperparameters that say how an arm's optimiser keeps its moments."""
    small = arm.bench is not None and arm.method.name in arm.bench.small
    return {"moments": EIGHT_BIT} if small else {}


def _spared(context: Context, arm: Arm, room: float) -> tuple[str, float] | None:
    """Let an arm do with less memory if only that fits; return how, and the bytes it takes."""
    assert arm.bench is not None
    name, again, small = arm.method.name, arm.bench.again, arm.bench.small
    if name in again | small:
        return None
    quantised = fault(arm.bench.pristine.device().type) is None
    for how, ways in ((_AGAIN, (again,)), (_SMALL, (small,)), (_BOTH, (again, small))):
        if small in ways and not quantised:
            continue
        for way in ways:
            way.add(name)
        need = needed(context, arm)
        if need is not None and BESIDE * need.bytes(0) <= room:
            return how, BESIDE * need.bytes(0)
        for way in ways:
            way.discard(name)
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
            how, takes = spared
            arm.story.append(
                f"{bytes_text(least)} would not fit in the {bytes_text(room)} that are free, "
                f"{bytes_text(takes)} do: {how}."
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
