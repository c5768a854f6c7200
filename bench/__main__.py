"""Runs every benchmark, prints a table, and keeps the figures with machine, versions and date."""

from __future__ import annotations

import json
import os
import platform
import sys
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

from bench.summary import PAGE, written

BENCHMARKS = (
    "heads",
    "embedding",
    "ledger",
    "finetune",
    "language",
    "demo",
    "tuning",
    "forgetting",
    "price",
    "scale",
    "whole",
    "grid.replay",
    "grid.live",
    "grid.bases",
    "hub_bytes",
    "hub_speed",
    "hub_load",
    "hub_many",
)
RESULTS = Path(__file__).parent / "results"
PACKAGES = ("torch", "scikit-learn", "sentence-transformers", "transformers", "peft",
            "huggingface_hub")  # fmt: skip


def main() -> int:
    """Run the benchmarks named on the command line ("finetune:top" for one part), or all."""
    chosen = sys.argv[1:] or BENCHMARKS
    found = {}
    for name in chosen:
        module, _, part = name.partition(":")
        rows = import_module(f"bench.{module}").run(*([part] if part else []))
        found[name] = rows
        for row in rows:
            figures = "  ".join(
                f"{what} {value:.4g}" for what, value in row.items() if isinstance(value, float)
            )
            print(f"{name:<10} {row['what']:<60} {figures}")
    now = datetime.now(UTC)
    record = {
        "date": now.strftime("%Y-%m-%d"),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "versions": {package: version(package) for package in PACKAGES},
        "ratio": "the peer's seconds divided by ours, both taken in this run",
        "results": found,
    }
    RESULTS.mkdir(exist_ok=True)
    modules = dict.fromkeys(name.partition(":")[0] for name in chosen)
    path = RESULTS / f"{now.strftime('%Y-%m-%d')}-{'-'.join(modules)}.json"
    if path.is_file():  # the parts of a benchmark that ran one by one
        record["results"] = {**json.loads(path.read_text())["results"], **found}
    path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    PAGE.write_text(written(), encoding="utf-8")
    print(f"kept in {path}, summed up in {PAGE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
