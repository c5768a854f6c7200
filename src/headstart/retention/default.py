"""What is retained where nothing is named: real data that packages carry."""

from __future__ import annotations

from headstart.task.model import Modality, Task

_TEXTS = ("packaged:bbc-news", "packaged:emojis")
_IMAGES = ("packaged:digits",)


def default_reference(task: Task, writes: bool) -> str | None:
    """Return a packaged set that is not the task itself; None if there is none.

    Args:
        task: What is learnt.
        writes: Whether the base writes text.
    """
    known = _IMAGES if task.modality is Modality.IMAGE else _TEXTS[: 1 if writes else None]
    return next((name for name in known if name.partition(":")[2] != task.name), None)
