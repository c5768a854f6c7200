"""Bases on headstart's own hub: ``hub:team/name``, ``hub:team/name@approved``.

The hub's address is in ``HEADSTART_HUB``, else in ``HF_ENDPOINT``; its token in ``HF_TOKEN``, as
every client of the protocol has it.
"""

from __future__ import annotations

import os

from headstart.base.gguf import cache_folder
from headstart.base.source.hf import HuggingFace, Place
from headstart.errors import RequestError
from headstart.files import digest


class TeamHub(HuggingFace):
    """Source of bases on an internal hub; kept apart from what other hubs call the same."""

    prefix = "hub"
    title = "headstart hub"

    def place(self) -> Place:
        """Return where the hub is.

        Raises:
            RequestError: Nobody says where.
        """
        endpoint = os.environ.get("HEADSTART_HUB") or os.environ.get("HF_ENDPOINT")
        if not endpoint:
            raise RequestError(
                "nothing says where the hub is",
                mend="set HEADSTART_HUB (or HF_ENDPOINT) to its address, HF_TOKEN to your token",
            )
        cache = cache_folder() / "hubs" / digest(endpoint.rstrip("/"))[:12]
        return Place(self.prefix, endpoint.rstrip("/"), cache)

    def names(self) -> list[str]:
        """Return nothing: what the hub holds is asked of the hub (``headstart hub list``)."""
        return []


SOURCE = TeamHub()
