"""Sample predictions of what is delivered: recorded, or a warning that everybody sees."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from headstart.errors import WorkError
from headstart.method.majority import MajorityModel
from headstart.method.samples import FILE, read_samples, record_samples
from headstart.progress import Advance
from headstart.study.run import record_delivered
from headstart.task.model import Kind, Modality, Objective

SIGNATURE = (Kind.CLASSIFICATION, Objective.SINGLE_LABEL, Modality.TEXT, ("text",), "y", ("a", "b"))


class Heard:
    """Remembers what was said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    @contextmanager
    def bar(self, label: str, total: float) -> Iterator[Advance]:
        yield lambda units=1.0: None

    def say(self, line: str) -> None:
        self.lines.append(line)


def saved(folder: Path, *answer: float) -> MajorityModel:
    from headstart.method.adapted import Signature

    folder.mkdir()
    model = MajorityModel(Signature(*SIGNATURE), np.array(answer))
    model.save(folder)
    return model


def test_what_is_delivered_is_recorded_and_nothing_is_said(tmp_path: Path) -> None:
    saved(tmp_path / "best", 0.25, 0.75)
    heard = Heard()
    record_delivered(tmp_path / "best", heard)
    recorded = read_samples(tmp_path / "best")
    assert recorded is not None
    assert len(recorded.samples) == 3
    assert heard.lines == []


def test_a_model_that_says_nonsense_is_kept_with_a_warning(tmp_path: Path) -> None:
    folder = tmp_path / "best"
    signature = saved(folder, 0.25, 0.75).signature
    manifest = folder / "headstart.json"
    manifest.write_text(manifest.read_text().replace("0.25", "NaN"))
    (folder / FILE).write_text("of a model before")
    heard = Heard()
    record_delivered(folder, heard)
    (warning,) = heard.lines
    assert warning.startswith("warning: no sample predictions were recorded")
    assert (folder / "headstart.json").is_file()
    assert not (folder / FILE).exists()
    with pytest.raises(WorkError, match="no sample predictions"):
        record_samples(MajorityModel(signature, np.array([np.nan, 0.75])), folder)


def test_whatever_goes_wrong_what_was_trained_is_not_lost(tmp_path: Path) -> None:
    saved(tmp_path / "best", 0.25, 0.75)
    shutil.rmtree(tmp_path / "best")
    heard = Heard()
    record_delivered(tmp_path / "best", heard)
    assert len(heard.lines) == 1
