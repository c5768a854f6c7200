"""The Python face: ``headstart.adapt`` and ``headstart.load``."""

from __future__ import annotations
