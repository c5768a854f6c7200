"""What can go wrong between this hub and the one that it mirrors."""

from __future__ import annotations

from headstart.errors import WorkError


class UpstreamError(WorkError):
    """The hub that is mirrored is out of reach, or what it sent is not to be trusted.

    The words reach users; they name neither its address nor where it led.
    """


class NotThereError(WorkError):
    """The hub that is mirrored has no such repo or revision, as far as this hub may know."""
