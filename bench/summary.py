"""Writes docs/benchmarks.md: the newest figures of every benchmark, from bench/results.

python -m bench.summary
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

BENCH = Path(__file__).parent
PAGE = BENCH.parent / "docs" / "benchmarks.md"
HEADER = """# Benchmarks

`make bench` measures all this again, `python -m bench NAME` one of them. Speeds are ratios of
seconds taken side by side in one run: the peer's over ours. The raw figures lie in
`bench/results/`, with machine, versions and date.
"""


def written() -> str:
    """Return the page in Markdown."""
    newest: dict[str, tuple[dict[str, Any], list[dict[str, Any]]]] = {}
    for file in sorted((BENCH / "results").glob("*.json")):  # names begin with the date
        record = json.loads(file.read_text(encoding="utf-8"))
        for name, rows in record["results"].items():
            newest[name] = (record, rows)
    return "\n".join([HEADER, *(_section(name, *newest[name]) for name in sorted(newest))])


def _section(name: str, record: dict[str, Any], rows: list[dict[str, Any]]) -> str:
    file = BENCH / f"{name.partition(':')[0].replace('.', '/')}.py"
    title = (ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or "").split("\n")[0]
    keys = list(dict.fromkeys(key for row in rows for key in row))
    lines = [f"## {name}", "", title, "", _line(key.replace("_", " ") for key in keys)]
    lines += [_line("---" for _ in keys)]
    lines += [_line(_cell(row.get(key)) for key in keys) for row in rows]
    packages = ", ".join(f"{package} {number}" for package, number in record["versions"].items())
    return "\n".join([*lines, "", f"*{record['date']}, {record['machine']}; {packages}*", ""])


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return str(value).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(written(), encoding="utf-8")
