"""The sandbox: whatever a check does, it ends in time, with words, and nothing else is touched."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from headstart.hub.gate.checks import CHECKS
from headstart.hub.gate.gate import Evidence, gate
from headstart.hub.gate.model import Candidate, Finding
from headstart.hub.gate.sandbox import run_check
from headstart.hub.gate.standard import Limits, Standard

# Each body is a check of its own, in a module that a fresh process can import.
BODIES = {
    "passes": "pathlib.Path('note.txt').write_text('x'); return good()",
    "raises": "raise ValueError('no such tensor')",
    "exits": "sys.exit(0)",
    "dies": "os._exit(0)",
    "aborts": "os.abort()",
    "segfaults": "ctypes.string_at(0)",
    "loops": "\n        while True: pass",
    "sleeps": "threading.Event().wait(); return good()",
    "eats": "x = bytearray(4 * 2**30); return good()",
    "eats_on": "\n        x = []\n        while True: x.append(bytearray(2**24))",
    "eats_tensors": "import torch; x = torch.ones(2**29); return good()",
    "forks": "os.fork(); return good()",
    "starts": "subprocess.run(['true']); return good()",
    "shell": "os.system('true'); return good()",
    "spawns": "os.posix_spawn('/bin/true', ['true'], {}); return good()",
    "kills": "os.kill(os.getppid(), 9); return good()",
    "writes": "pathlib.Path(TARGET).write_text('x'); return good()",
    "opens": "os.open(TARGET, os.O_CREAT | os.O_WRONLY); return good()",
    "removes": "os.remove(candidate.folder / 'config.json'); return good()",
    "renames": "os.rename(candidate.folder / 'config.json', 'mine'); return good()",
    "fills": "\n        with open('big', 'wb') as f: f.truncate(2**33)",
    "calls": "socket.create_connection((HOST, PORT)); return good()",
    "calls_quietly": (
        "\n        try: socket.create_connection((HOST, PORT))"
        "\n        except OSError: pass"
        "\n        return good()"
    ),
    "asks_names": (
        "\n        try: socket.getaddrinfo('example.org', 80)"
        "\n        except OSError: pass"
        "\n        return good()"
    ),
    "floods": "\n        for _ in range(200): os.write(1, bytes(2**20))\n        return good()",
    "tells_all": "return Finding('x', True, 'x' * 2**23)",
    "tells_none": "return None",
    "tells_odd": "return Finding('x', True, 'x', {'a': object()})",
    "reads_secrets": "return Finding('x', 'SECRET' in os.environ, str(sorted(os.environ)))",
}  # fmt: skip
WORDS = {
    "raises": "ValueError: no such tensor", "exits": "SystemExit", "dies": "without a finding",
    "aborts": "SIGABRT", "segfaults": "SIGSEGV", "loops": "CPU", "sleeps": "longer than 3 seconds",
    "eats": "more memory than", "eats_on": "more memory than",
    "eats_tensors": "allocate memory", "forks": "processes (os.fork)",
    "starts": "processes (subprocess.Popen)", "shell": "processes (os.system)",
    "spawns": "processes (os.posix_spawn)", "kills": "processes (os.kill)",
    "writes": "scratch folder only", "opens": "scratch folder only",
    "removes": "scratch folder only", "renames": "scratch folder only", "fills": "File too large",
    "calls": "tried the network", "calls_quietly": "tried the network",
    "asks_names": "tried the network", "tells_all": "told more than", "tells_none": "no finding",
    "tells_odd": "TypeError", "reads_secrets": "PATH",
}  # fmt: skip


@pytest.fixture
def rogue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: Path, standard: Standard
) -> Callable[[str], Finding]:
    """Return what runs one of the bodies in the sandbox."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("SECRET", "token")

    def run(name: str, port: int = 1) -> Finding:
        module = f"rogue_{name}"
        (tmp_path / f"{module}.py").write_text(
            "import ctypes, os, pathlib, socket, subprocess, sys, threading\n"
            "from headstart.hub.gate.model import Finding\n"
            f"HOST, PORT, TARGET = '127.0.0.1', {port}, {str(tmp_path / 'target')!r}\n"
            "def good(): return Finding('rogue', True, 'All is well.')\n"
            f"class Rogue:\n    name = 'rogue'\n    def __call__(self, candidate):\n"
            f"        {BODIES[name]}\n"
        )
        rogue = getattr(__import__(module), "Rogue")  # noqa: B009
        limits = Limits(seconds=60, cpu_seconds=20, memory_bytes=2**30, scratch_bytes=2**20)
        if name == "loops":
            limits = limits.model_copy(update={"cpu_seconds": 1})
        if name == "sleeps":
            limits = limits.model_copy(update={"seconds": 3})
        return run_check(rogue, Candidate(model, "team/model", standard), limits)

    return run


def test_a_check_may_write_in_its_scratch_folder_which_goes(
    rogue: Callable[..., Finding], tmp_path: Path
) -> None:
    finding = rogue("passes")
    assert (finding.check, finding.passed, finding.words) == ("rogue", True, "All is well.")
    assert finding.details["network"] in ("namespace", "refused")
    assert not list(Path.cwd().glob("note.txt"))


@pytest.mark.parametrize("name", WORDS)
def test_a_check_that_misbehaves_fails_with_words(
    name: str, rogue: Callable[..., Finding], tmp_path: Path, model: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        finding = rogue(name, port=server.getsockname()[1])
        with pytest.raises(BlockingIOError):
            server.accept()
    assert not finding.passed
    assert WORDS[name] in finding.words
    assert "token" not in finding.words
    assert not (tmp_path / "target").exists()
    assert (model / "config.json").is_file()


def test_a_check_that_prints_without_end_is_heard_out_in_bounded_memory(
    rogue: Callable[..., Finding],
) -> None:
    assert rogue("floods").passed


def test_nothing_is_left_behind(rogue: Callable[..., Finding]) -> None:
    open_before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    rogue("raises")
    rogue("dies")
    assert len(os.listdir("/proc/self/fd")) == open_before  # noqa: PTH208


@pytest.mark.slow
def test_the_gate_runs_every_check_and_its_evidence_survives_json(
    model: Path, standard: Standard
) -> None:
    evidence = gate(Candidate(model, "team/model", standard))
    assert evidence.passed, [f.words for f in evidence.findings if not f.passed]
    assert [finding.check for finding in evidence.findings] == list(standard.checks)
    told = json.loads(json.dumps(evidence.to_json()))
    assert Evidence.from_json(told) == evidence
    assert told["passed"] is True
    assert evidence.fingerprint == standard.fingerprint
    assert "transformers" in evidence.versions


@pytest.mark.slow
def test_a_model_runs_within_a_gigabyte_and_one_that_claims_to_be_huge_is_refused(
    model: Path, standard: Standard
) -> None:
    limits = standard.limits.model_copy(update={"memory_bytes": 2**30})
    candidate = Candidate(model, "team/model", standard)
    finding = run_check(CHECKS.get("load"), candidate, limits)
    assert finding.passed, finding.words
    config = model / "config.json"
    told = json.loads(config.read_text())
    config.write_text(json.dumps(told | {"vocab_size": 2**40, "intermediate_size": 2**40}))
    assert not run_check(CHECKS.get("load"), candidate, limits).passed


def test_one_refusal_refuses_the_model_and_all_else_is_still_told(
    model: Path, standard: Standard
) -> None:
    (model / "evil.py").write_text("import os")
    evidence = gate(Candidate(model, "team/model", standard))
    assert not evidence.passed
    refused = {finding.check for finding in evidence.findings if not finding.passed}
    assert refused == {"formats", "pickle", "load", "predictions"}
    words = {finding.check: finding.words for finding in evidence.findings}
    assert "Not run" in words["load"]  # what was refused is not loaded
