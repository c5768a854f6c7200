"""A decoder that knows one corpus, at work on another; an encoder that knows topics."""

from __future__ import annotations

import pytest

from headstart.progress import Silent
from headstart.task.build import build_task
from headstart.task.model import Kind, Task
from headstart.train.benches import workbench
from headstart.train.cache import FeatureCache

from ..kept import halves, learned, topics
from ..taught import news, retained, taught

__all__ = ["halves", "learned", "news", "retained", "taught", "topics"]


@pytest.fixture(scope="session")
def task(news) -> Task:
    return build_task(str(news), kind=Kind.LANGUAGE_MODELING)


@pytest.fixture(scope="session")
def bench(task, taught, tmp_path_factory):
    root = tmp_path_factory.mktemp("bench")
    return workbench(task, taught, FeatureCache(root / "features"), root / "work", Silent())


@pytest.fixture(scope="session")
def labelled(halves) -> Task:
    return build_task(str(halves))


@pytest.fixture(scope="session")
def encoder_bench(labelled, learned, tmp_path_factory):
    root = tmp_path_factory.mktemp("encoder-bench")
    return workbench(labelled, learned, FeatureCache(root / "features"), root / "work", Silent())
