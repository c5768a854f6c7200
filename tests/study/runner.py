"""Runs studies in forked children on request, one JSON line in, one out (see helpers.Runner)."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from functools import partial
from typing import Any

import torch

import headstart

torch.set_num_threads(1)


def die_after(steps: int) -> None:
    """Keep every training step on disk, and let this process be killed in the next one."""
    from headstart.method import gradient
    from headstart.train.loop import Trainer
    from headstart.train.place import Place

    gradient.Place = partial(Place, save_every=0.0)  # type: ignore[assignment,misc]
    take_step, left = Trainer._take_step, iter(range(steps))

    def mortal(trainer: Trainer) -> bool:
        if next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)
        return take_step(trainer)

    Trainer._take_step = mortal  # type: ignore[method-assign]


def child(options: dict[str, Any], errors: int) -> None:
    os.environ["HEADSTART_CACHE"] = options.pop("cache")
    steps = options.pop("die_after", None)
    if steps is not None:
        die_after(steps)
    try:
        headstart.adapt(options.pop("data"), **options)
    except BaseException as error:
        os.write(errors, f"{type(error).__name__}: {error}".encode())
        os._exit(1)
    os._exit(0)


def start(options: dict[str, Any]) -> tuple[int, int]:
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read)
        child(options, write)
    os.close(write)
    return pid, read


def finish(pid: int, read: int, deadline: float | None) -> str:
    while deadline is not None:
        gone, status = os.waitpid(pid, os.WNOHANG)
        if gone:
            break
        if time.monotonic() >= deadline:
            os.kill(pid, signal.SIGKILL)
            _, status = os.waitpid(pid, 0)
            break
        time.sleep(0.001)
    else:
        _, status = os.waitpid(pid, 0)
    with os.fdopen(read, "rb") as pipe:
        said = pipe.read().decode()
    return "killed" if os.WIFSIGNALED(status) else said or "done"


def warm_up(options: dict[str, Any]) -> None:
    """Run one study here: the children then find everything imported."""
    os.environ["HEADSTART_CACHE"] = options.pop("cache")
    headstart.adapt(options.pop("data"), **options)


warm_up(json.loads(sys.stdin.readline()))
for line in sys.stdin:
    wish = json.loads(line)
    end = None if wish["kill_after"] is None else time.monotonic() + wish["kill_after"]
    running = [start(options) for options in wish["studies"]]
    print(json.dumps([finish(pid, read, end) for pid, read in running]), flush=True)
