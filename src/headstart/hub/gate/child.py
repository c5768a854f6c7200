"""The process in which one check runs: holds itself in, runs the check, tells what it found.

Started by :mod:`headstart.hub.gate.sandbox`: the job comes as JSON on standard input, the finding
goes as JSON to the descriptor that the job names.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

from headstart.hub.gate.confine import Guard, close_network, end_with_parent, limit
from headstart.hub.gate.model import Candidate, Finding, printable
from headstart.hub.gate.standard import Standard


def main() -> None:
    """Run one job."""
    job = json.load(sys.stdin)
    end_with_parent()
    # Before any library starts threads: a namespace is left by a process of one thread only.
    alone = close_network()
    limit(**job["limits"])
    guard = Guard(Path(job["scratch"]))
    guard.install()
    finding = _found(job, guard)
    told = {**asdict(finding), "network": "namespace" if alone else "refused"}
    with os.fdopen(job["answer"], "wb") as answer:
        answer.write(json.dumps(told).encode())


def _found(job: dict[str, Any], guard: Guard) -> Finding:
    """Run the check; what it raises is a failure, and so is trying the network."""
    name = job["check"]
    try:
        module, _, attribute = job["class"].partition(":")
        finding = getattr(import_module(module), attribute)()(_candidate(job))
        if not isinstance(finding, Finding):
            finding = Finding(name, False, f"The check returned no finding but {type(finding)}.")
        json.dumps(asdict(finding))
    except MemoryError:
        limits = job["limits"]["memory_bytes"]
        finding = Finding(name, False, f"The check took more memory than {limits:,} bytes.")
    except BaseException as error:  # SystemExit included: a check that ends early has not passed
        words = printable(" ".join(f"{type(error).__name__}: {error}".split()))
        finding = Finding(name, False, f"The check failed: {words}")
    if guard.network is not None:
        words = printable(guard.network)
        finding = Finding(name, False, f"The check tried the network: {words}. None may.")
    return finding


def _candidate(job: dict[str, Any]) -> Candidate:
    told = job["candidate"]
    return Candidate(
        folder=Path(told["folder"]),
        name=told["name"],
        standard=Standard.model_validate(told["standard"]),
        bases={name: Path(path) for name, path in told["bases"].items()},
        incumbent=None if told["incumbent"] is None else Path(told["incumbent"]),
        imported=told["imported"],
        data={name: Path(path) for name, path in told["data"].items()},
    )


if __name__ == "__main__":
    main()
