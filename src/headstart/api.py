"""The Python face: ``headstart.adapt`` and ``headstart.load``."""

from __future__ import annotations

from typing import Any


def adapt(data: Any) -> Any:
    """Run a study on ``data``."""
    raise NotImplementedError


def load(folder: Any) -> Any:
    """Load an adapted model."""
    raise NotImplementedError
