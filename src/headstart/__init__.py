"""headstart: which pre-trained model to start from, how to adapt it, and was it worth it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headstart.api import adapt, load, load_adapters

__version__ = "0.1.0"
__all__ = ["adapt", "load", "load_adapters"]


def __getattr__(name: str) -> Any:
    # Lazy, so that `import headstart` costs neither torch nor transformers.
    if name in __all__:
        from headstart import api

        return getattr(api, name)
    raise AttributeError(f"module 'headstart' has no attribute '{name}'")
