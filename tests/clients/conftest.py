"""The hub and its people, as the hub's own tests have them."""

from __future__ import annotations

from tests.hub.conftest import address, ann, hub, join  # noqa: F401
