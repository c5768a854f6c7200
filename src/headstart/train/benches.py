"""The workbench that fits a task: of features, or of texts that are to be said."""

from __future__ import annotations

from pathlib import Path

from headstart.progress import Progress
from headstart.task.model import Objective, Task
from headstart.train.cache import FeatureCache
from headstart.train.language import LanguageBench
from headstart.train.workbench import Workbench


def workbench(
    task: Task, base: str, cache: FeatureCache, folder: Path, progress: Progress
) -> Workbench:
    """Return the workbench of a base on a task; arguments as of :class:`Workbench`."""
    kind = LanguageBench if task.objective is Objective.TEXT else Workbench
    return kind(task, base, cache, folder, progress)
