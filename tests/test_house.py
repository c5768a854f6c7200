"""What holds for the whole house: a light way in, named files, nothing of this machine inside."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from bench.summary import PAGE, written
from headstart.cli.main import app

HOUSE = Path(__file__).resolve().parents[1]
HEAVY = (
    "torch", "transformers", "pandas", "sklearn", "timm", "torchvision", "peft", "datasets",
    "sqlalchemy", "alembic",
)  # fmt: skip
LARGEST = 2**20


def tracked() -> list[Path]:
    """Return the files in git, or skip where this is no checkout."""
    try:
        done = subprocess.run(
            ["git", "ls-files", "-z"], cwd=HOUSE, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout: no list of tracked files")
    files = [HOUSE / name for name in done.stdout.split("\0") if name]
    return [file for file in files if file.is_file()]


def modules() -> list[Path]:
    """Return every Python file of the project that is in git."""
    return [file for file in tracked() if file.suffix == ".py"]


@pytest.mark.parametrize(
    "code",
    [
        "import headstart",
        "import sys; sys.argv = ['headstart', '--help']; from headstart.cli.main import run\n"
        "try: run()\nexcept SystemExit as end: assert not end.code",
        "import sys; sys.argv = ['headstart', 'adapt', '--help']\n"
        "from headstart.cli.main import run\n"
        "try: run()\nexcept SystemExit as end: assert not end.code",
    ],
    ids=["import", "help", "adapt-help"],
)
def test_the_way_in_is_light(code: str) -> None:
    ask = f"\nimport sys; print('HEAVY', [name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code + ask], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines()[-1] == "HEAVY []"


def test_every_file_says_in_its_first_line_what_it_is_for() -> None:
    silent = []
    for file in modules():
        docstring = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
        if len(docstring.split("\n")[0]) < 10:
            silent.append(str(file.relative_to(HOUSE)))
    assert silent == []


def test_no_tracked_file_names_this_machine_or_a_registry() -> None:
    # Put together here, so that this file does not find itself.
    roots = "|".join(("home", "root", "opt", "srv", "mnt", "work"))
    machine = re.compile(rf"(?<![\w.}}])/(?:{roots})/[a-z]")
    registry = re.compile(r"https?://\S*(?:/" + r"simple/|/" + r"packages/|\." + r"whl|\.tgz)")
    found = []
    for file in tracked():
        data = file.read_bytes()
        if b"\0" in data:
            continue
        for number, line in enumerate(data.decode("utf-8").splitlines(), start=1):
            if machine.search(line) or registry.search(line):
                found.append(f"{file.relative_to(HOUSE)}:{number}: {line.strip()[:80]}")
    assert found == []


def test_no_tracked_file_is_larger_than_a_mebibyte() -> None:
    assert [file.name for file in tracked() if file.stat().st_size > LARGEST] == []


def test_constraints_pin_versions_and_name_no_address() -> None:
    lines = (HOUSE / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line.strip() and not line.startswith("#")]
    assert pins
    assert [line for line in pins if not re.fullmatch(r"[\w.-]+==[\w.!+]+", line)] == []


def commands_in_pages() -> Iterator[tuple[str, str]]:
    """Yield (page, command line) for each command that a page's code blocks tell to type."""
    pages = [*HOUSE.glob("*.md"), *(HOUSE / "docs").rglob("*.md")]
    for page in sorted(pages):
        blocks = re.findall(
            r"```(?:bash|sh|console|shell)\n(.*?)```", page.read_text("utf-8"), re.S
        )
        for block in blocks:
            for line in block.replace("\\\n", " ").splitlines():
                typed = line.strip().removeprefix("$ ")
                if typed.startswith(("headstart ", "make ")):
                    yield page.name, typed


def test_the_commands_in_the_pages_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (HOUSE / "Makefile").read_text("utf-8"), re.M))
    wrong = []
    for page, line in commands_in_pages():
        words = shlex.split(line, comments=True)
        if words[0] == "make":
            unknown = [word for word in words[1:] if "=" not in word and word not in targets]
        else:
            unknown = unknown_words(typer.main.get_command(app), words[1:])
        wrong += [f"{page}: {line!r}: no {word}" for word in unknown]
    assert wrong == []


def unknown_words(command: Any, words: list[str]) -> list[str]:
    """Return the subcommand or options in ``words`` that ``command`` does not have."""
    if hasattr(command, "commands") and words and not words[0].startswith("-"):
        found = command.commands.get(words[0])
        return [words[0]] if found is None else unknown_words(found, words[1:])
    known = {name for param in command.params for name in param.opts} | {"--help", "-h"}
    return [word for word in words if word.startswith("--") and word.split("=")[0] not in known]


@pytest.mark.parametrize(
    ("line", "unknown"),
    [
        ("adapt x.csv --budget 10min", []),
        ("adapt x.csv --budgets 10min", ["--budgets"]),
        ("bases list", []),
        ("bases order", ["order"]),
        ("--version", []),
    ],
)
def test_a_command_that_does_not_exist_would_be_found(line: str, unknown: list[str]) -> None:
    assert unknown_words(typer.main.get_command(app), line.split()) == unknown


def test_the_page_of_benchmarks_says_what_was_last_measured() -> None:
    assert PAGE.read_text(encoding="utf-8") == written(), "run python -m bench.summary"
