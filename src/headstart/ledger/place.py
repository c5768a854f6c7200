"""Where the ledger is when nobody says, and who writes into it; the environment is read here."""

from __future__ import annotations

import getpass
import os
import platform
from pathlib import Path

OFF = "none"


def default_url() -> str | None:
    """Return ``$HEADSTART_LEDGER``, else the user's own SQLite file; None if it is ``none``.

    The file is ``headstart/ledger.sqlite3`` in ``$XDG_DATA_HOME`` or ``~/.local/share``.
    """
    chosen = os.environ.get("HEADSTART_LEDGER", "").strip()
    if chosen:
        return None if chosen.lower() == OFF else chosen
    if os.name == "nt":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return f"sqlite:///{base / 'headstart' / 'ledger.sqlite3'}"


def writer() -> tuple[str, str]:
    """Return the names of this host and this user, "unknown" where there is none."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container whose user has no name
        user = "unknown"
    return platform.node() or "unknown", user
