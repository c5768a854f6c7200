"""The command as a process: exit codes, streams, and nothing of Python's own noise."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

# Stands for a study that works until it is stopped; says so, so that the test knows when.
WORKING = """
import sys, time, types
fake = types.ModuleType("headstart.api")
def adapt(data, **options):
    options["progress"].say("working")
    import threading
    threading.Event().wait(60)
fake.adapt = adapt
import headstart
headstart.api = sys.modules["headstart.api"] = fake
sys.argv = ["headstart", "adapt", "x.csv"]
from headstart.cli.main import run
run()
"""


def headstart(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "headstart.cli.main", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        **options,  # type: ignore[call-overload]
    )


def test_version_and_help_end_with_0() -> None:
    version = headstart("--version")
    assert (version.returncode, version.stdout.split()[0]) == (0, "headstart")
    assert headstart("adapt", "--help").returncode == 0


@pytest.mark.parametrize("line", ["", "adpt", "adapt", "adapt x.csv --seeds none", "bases shw"])
def test_a_wrong_line_ends_with_2(line: str) -> None:
    result = headstart(*line.split())
    assert result.returncode == 2
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_being_stopped_ends_with_130_and_names_the_way_on(sent: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", WORKING], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "working\n"
    process.send_signal(sent)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "headstart adapt x.csv --resume" in said
    assert "Traceback" not in said


def test_a_reader_that_goes_away_is_no_failure() -> None:
    read, write = os.pipe()
    os.close(read)
    process = subprocess.run(
        [sys.executable, "-m", "headstart.cli.main", "--help"],
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
    )
    os.close(write)
    assert "Traceback" not in process.stderr
    assert "sorry" not in process.stderr


def test_a_terminal_without_unicode_still_gets_its_answer() -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    result = headstart("predict", "m", "x.csv", "--out", "müsli.xlsx", env=environment)
    assert result.returncode == 2, result.stderr
    assert "sli" in result.stderr


def test_what_the_user_set_in_the_environment_stays() -> None:
    code = (
        "import os\nfrom headstart.cli import quiet\nquiet.hush()\n"
        "print(os.environ['TRANSFORMERS_VERBOSITY'], os.environ['HF_HUB_DISABLE_TELEMETRY'])"
    )
    environment = {**os.environ, "TRANSFORMERS_VERBOSITY": "info"}
    environment.pop("HF_HUB_DISABLE_TELEMETRY", None)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.split() == ["info", "1"]
