"""Run one check in a fresh process that time, memory and the kernel hold in.

What the process says is bounded; a check that raises, loops, eats memory, forks, writes outside
its scratch folder, tries the network or says nothing has failed, with words.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from headstart.hub.gate.model import Candidate, Check, Finding, printable
from headstart.hub.gate.reading import listing
from headstart.hub.gate.standard import Limits

_LONGEST_ANSWER = 2**20
_LAST_WORDS = 2000  # bytes kept of what the process printed
_BLOCK = 64 * 1024
_MODULE = "headstart.hub.gate.child"


def run_check(check: type[Check], candidate: Candidate, limits: Limits | None = None) -> Finding:
    """Return what ``check`` finds, run in a process of its own.

    Args:
        check: A class at the top of a module that a fresh process can import.
        candidate: What to judge.
        limits: What the process may take; the standard's by default.
    """
    limits = candidate.standard.limits if limits is None else limits
    with tempfile.TemporaryDirectory(prefix="headstart-gate-", ignore_cleanup_errors=True) as name:
        scratch = Path(name)
        reading, writing = os.pipe()
        try:
            process = _started(scratch, writing)
        except OSError as error:
            os.close(reading)
            return Finding(check.name, False, f"The check could not be started: {error}")
        finally:
            os.close(writing)
        job = _job(check, candidate, limits, scratch, writing)
        with os.fdopen(reading, "rb", buffering=0) as answer:
            told = _Listener(process, answer, limits.seconds).listen(json.dumps(job).encode())
        return told.finding(check.name, limits)


def _started(scratch: Path, writing: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-s", "-P", "-m", _MODULE],
        cwd=scratch,
        env=_environment(scratch),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=(writing,),
        start_new_session=True,
    )


def _environment(scratch: Path) -> dict[str, str]:
    """Return a small environment: none of the server's secrets, nothing fetched, one thread."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
    return kept | {
        "HOME": str(scratch), "TMPDIR": str(scratch), "XDG_CACHE_HOME": str(scratch),
        "HF_HOME": str(scratch), "HF_HUB_OFFLINE": "1", "HEADSTART_LEDGER": "none",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1", "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "",
        "TOKENIZERS_PARALLELISM": "false", "USER": "gate", "LOGNAME": "gate",
    }  # fmt: skip


def _job(
    check: type[Check], candidate: Candidate, limits: Limits, scratch: Path, writing: int
) -> dict[str, Any]:
    mapped = sum(
        file.size
        for folder in {candidate.folder, *candidate.bases.values(), candidate.incumbent}
        if folder is not None
        for file in listing(folder).files
    )
    return {
        "check": check.name,
        "class": f"{check.__module__}:{check.__qualname__}",
        "scratch": str(scratch),
        "answer": writing,
        "limits": {
            "cpu_seconds": limits.cpu_seconds, "memory_bytes": limits.memory_bytes,
            "file_bytes": limits.scratch_bytes, "mapped_bytes": 2 * mapped,
        },
        "candidate": {
            "folder": str(candidate.folder.resolve()),
            "name": candidate.name,
            "standard": candidate.standard.model_dump(mode="json"),
            "bases": {name: str(path.resolve()) for name, path in candidate.bases.items()},
            "incumbent": candidate.incumbent and str(candidate.incumbent.resolve()),
            "imported": candidate.imported,
            "data": {name: str(path.resolve()) for name, path in candidate.data.items()},
        },
    }  # fmt: skip


class _Listener:
    """Hears a process out, for so long, and keeps so much."""

    def __init__(self, process: subprocess.Popen[bytes], answer: IO[bytes], seconds: float) -> None:
        self.process, self.seconds = process, seconds
        self.answer, self.printed = bytearray(), bytearray()
        self.late = False
        self._places = {answer.fileno(): self.answer}
        assert process.stdout is not None
        self._places[process.stdout.fileno()] = self.printed

    def listen(self, job: bytes) -> _Listener:
        """Hand over the job, keep what comes back, and end the process and all of its group."""
        assert self.process.stdin is not None
        try:
            with suppress(BrokenPipeError):  # it ended before; its last words tell why
                self.process.stdin.write(job)
                self.process.stdin.close()
            self._hear()
        finally:
            _end(self.process)
        return self

    def _hear(self) -> None:
        end = time.monotonic() + self.seconds
        with selectors.DefaultSelector() as selector:
            for descriptor in self._places:
                selector.register(descriptor, selectors.EVENT_READ)
            while selector.get_map():
                left = end - time.monotonic()
                ready = selector.select(left) if left > 0 else []
                if not ready:
                    self.late = True
                    return
                for key, _ in ready:
                    if not self._take(key.fd):
                        selector.unregister(key.fd)
        try:
            self.process.wait(max(0.0, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.late = True

    def _take(self, descriptor: int) -> bool:
        """Read what is there; return whether more may come."""
        data = os.read(descriptor, _BLOCK)
        kept = self._places[descriptor]
        if kept is self.printed:
            kept += data
            del kept[:-_LAST_WORDS]
        elif len(kept) <= _LONGEST_ANSWER:
            kept += data
        return bool(data)

    def finding(self, check: str, limits: Limits) -> Finding:
        """Return what the process told, or why it told nothing."""
        if self.late:
            return Finding(check, False, f"The check took longer than {limits.seconds:g} seconds.")
        if len(self.answer) > _LONGEST_ANSWER:
            return Finding(check, False, f"The check told more than {_LONGEST_ANSWER:,} bytes.")
        code = self.process.returncode
        if code != 0:
            return Finding(check, False, self._ended(code, limits), {"exit": code})
        try:
            told = json.loads(self.answer)
            details = {**told["details"], "network": told["network"]}
            return Finding(check, told["passed"] is True, str(told["words"]), details)
        except (ValueError, KeyError, TypeError):
            return Finding(check, False, "The check ended without a finding.")

    def _ended(self, code: int, limits: Limits) -> str:
        said = printable(" ".join(self.printed.decode("utf-8", "replace").split())[-300:])
        words = f" Its last words: {said}" if said else ""
        if code == -signal.SIGXCPU or (code == -signal.SIGKILL and not said):
            spent = f"more than {limits.cpu_seconds:,} seconds of CPU, or was killed for its memory"
            return f"The check took {spent}."
        name = signal.Signals(-code).name if -code in set(signal.Signals) else str(code)
        memory = f"memory was limited to {limits.memory_bytes:,} bytes"
        return f"The check's process ended with {name}; {memory}.{words}"


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout is not None:
        process.stdout.close()
