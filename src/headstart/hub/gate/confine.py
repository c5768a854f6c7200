"""What holds a check's process in: limits, no network, no processes, no writing elsewhere.

Two layers. The kernel's: resource limits, and where it allows a fresh network namespace, in which
there is no way out. Python's: an audit hook, which cannot be taken off, refuses sockets, processes
and writing with words; it is all there is where the kernel has no such namespace.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

_NEW_USER, _NEW_NET = 0x10000000, 0x40000000  # linux/sched.h
_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of linux/prctl.h
_ROOM = 8 * 2**30  # address space beside the memory: libraries, threads' stacks
_MOST_FILES = 1024
_PRIORITY = 10
_NETWORK = frozenset(
    {
        "socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo",
        "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo",
    }
)  # fmt: skip
_OWN_ADDRESSES = ("::1", "127.0.0.1")
_PROCESSES = frozenset(
    {
        "os.fork", "os.forkpty", "os.exec", "os.posix_spawn", "os.spawn", "os.system",
        "subprocess.Popen", "pty.spawn", "os.kill", "os.killpg", "signal.pthread_kill",
    }
)  # fmt: skip
# Events whose arguments at these places are paths that are changed.
_CHANGES = {
    "os.remove": (0,), "os.rmdir": (0,), "os.mkdir": (0,), "os.truncate": (0,), "os.chmod": (0,),
    "os.chown": (0,), "os.utime": (0,), "os.rename": (0, 1), "os.link": (0, 1), "os.symlink": (1,),
    "os.setxattr": (0,), "os.removexattr": (0,), "shutil.rmtree": (0,),
}  # fmt: skip
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_HARMLESS = ("/dev/null", "/dev/tty")


class RefusedError(PermissionError):
    """A check tried what no check may do; the message says what."""


def close_network() -> bool:
    """Move this process into a network without a way out; return whether the kernel allowed it."""
    unshare = getattr(ctypes.CDLL(None, use_errno=True), "unshare", None)
    if unshare is None:
        return False
    if unshare(_NEW_NET) == 0:  # for the administrator
        return True
    user, group = os.getuid(), os.getgid()
    if unshare(_NEW_USER | _NEW_NET) != 0:
        return False
    with suppress(OSError):  # without a name for its own user the process works all the same
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    return True


def limit(*, cpu_seconds: int, memory_bytes: int, file_bytes: int, mapped_bytes: int) -> None:
    """Set this process's limits, for good.

    Args:
        cpu_seconds: Then the kernel ends it.
        memory_bytes: Of what it allocates; beyond, allocating fails.
        file_bytes: Of any file that it writes.
        mapped_bytes: Of files that it may map into memory beside.
    """
    space = memory_bytes + mapped_bytes + _ROOM
    for name, value in (
        ("RLIMIT_CPU", cpu_seconds), ("RLIMIT_DATA", memory_bytes), ("RLIMIT_AS", space),
        ("RLIMIT_FSIZE", file_bytes), ("RLIMIT_CORE", 0), ("RLIMIT_NOFILE", _MOST_FILES),
    ):  # fmt: skip
        kind = getattr(resource, name, None)
        if kind is not None:
            hard = resource.getrlimit(kind)[1]
            least = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(kind, (least, least))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # writing beyond the limit raises, with words
    os.nice(_PRIORITY)


def end_with_parent() -> None:
    """Have the kernel end this process when the one that started it ends."""
    control = getattr(ctypes.CDLL(None), "prctl", None)
    if control is not None:
        control(_PARENT_DEATH_SIGNAL, signal.SIGKILL)


class Guard:
    """The audit hook: refuses, and keeps what was tried.

    Args:
        scratch: The only folder to write to.

    Attributes:
        network: What of the network was tried, in words.
    """

    def __init__(self, scratch: Path) -> None:
        self.scratch = os.path.realpath(scratch)
        self.network: str | None = None

    def install(self) -> None:
        """Hold this process in from now on; there is no way back."""
        sys.addaudithook(self)

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Refuse one event, or let it be."""
        if event in _NETWORK:
            if not _asks_for_ipv6(event, arguments):
                self.network = self.network or f"{event}{_shown(arguments)}"
            raise RefusedError(f"a check may not use the network ({event}{_shown(arguments)})")
        if event in _PROCESSES:
            raise RefusedError(f"a check may not start or signal processes ({event})")
        if event == "open":
            path, _, flags = arguments
            if isinstance(flags, int) and flags & _WRITES:
                self._within(path)
        elif event in _CHANGES:
            for place in _CHANGES[event]:
                self._within(arguments[place], arguments)

    def _within(self, path: Any, arguments: tuple[Any, ...] = ()) -> None:
        """Refuse a path outside the scratch folder."""
        if isinstance(path, int):
            return  # a descriptor, which was judged when it was opened
        where = os.fsdecode(path)
        folder = arguments[-1] if arguments and type(arguments[-1]) is int else -1
        if folder >= 0 and not where.startswith("/"):  # relative to an open folder
            where = f"/proc/self/fd/{folder}/{where}"
        where = os.path.realpath(where)
        if where in _HARMLESS or where == self.scratch or where.startswith(self.scratch + "/"):
            return
        raise RefusedError(f"a check may write in its scratch folder only, not to '{where[:200]}'")


def _asks_for_ipv6(event: str, arguments: tuple[Any, ...]) -> bool:
    """Tell a socket bound to this machine itself, as urllib3 does when it is imported.

    To find out whether there is IPv6; "no" serves it as well. Some library imports it wherever
    boto3 is installed, whatever the model: that is refused, too, but held against no model.
    """
    address = arguments[1] if event == "socket.bind" and len(arguments) > 1 else None
    return isinstance(address, tuple) and address[:2] in [(one, 0) for one in _OWN_ADDRESSES]


def _shown(arguments: tuple[Any, ...]) -> str:
    return str(tuple(part for part in arguments if isinstance(part, (str, bytes, tuple))))[:120]
