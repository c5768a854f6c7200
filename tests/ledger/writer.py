"""Opens a ledger and adds trials, saying each key once the ledger has it: URL COUNT NAME."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import headstart.database.schema  # noqa: F401  what takes a while is done before the start
from headstart.ledger.ledger import Ledger

sys.path.insert(0, str(Path(__file__).parent))
from helpers import TASK, TRIAL


def main() -> None:
    url, count, name = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    print("ready", flush=True)
    sys.stdin.readline()
    with Ledger.open(url, writer=("host", name)) as ledger:
        ledger.add_task(TASK)
        for number in range(count):
            for key in (f"{name}-{number}", f"shared-{number}"):
                data = f"{name} {key}".encode() * 50
                entry = replace(TRIAL, key=key, record={"by": name}, predictions={"test": data})
                added = ledger.add_trial(entry)
                print(key if added else f"not {key}", flush=True)


main()
