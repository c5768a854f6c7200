"""What is kept of blocks and files, as sealed objects: no bit of them changes unseen."""

from __future__ import annotations

import json
from typing import Any

from blake3 import blake3

from headstart.hub.store.depot import Depot
from headstart.hub.store.model import Damaged

_SEAL = 32


def put(depot: Depot, key: str, content: Any) -> None:
    """Keep a record."""
    body = json.dumps(content, separators=(",", ":")).encode()
    depot.put(key, body, blake3(body).digest())


def get(depot: Depot, key: str) -> Any | None:
    """Return a record; None if there is none.

    Raises:
        Damaged: It is not what was kept.
    """
    try:
        stored = depot.get(key)
    except KeyError:
        return None
    body, seal = stored[:-_SEAL], stored[-_SEAL:]
    if blake3(body).digest() != seal:
        raise Damaged(key, "it is not what was kept")
    return json.loads(body)
