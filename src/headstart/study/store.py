"""A study's folder: who holds it, what is in it, and each trial's result as soon as it is known."""

from __future__ import annotations

import fcntl
import json
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.errors import RequestError, UnwritableError
from headstart.files import canonical, replacing, write_json, write_text
from headstart.study.record import StudyRecord, TrialRecord
from headstart.train.evaluate import Predictions

REQUEST = "request.json"
OPTIONS = {  # as a user knows them
    "fingerprint": "the data",
    "input": "--input",
    "target": "--target",
    "bases": "--base",
    "methods": "--method",
    "budget": "--budget",
    "seeds": "--seeds",
    "learning_curve": "--learning-curve",
    "audit": "--audit",
    "metric": "--metric",
    "labels_per_class": "--labels-per-class",
    "retain": "--retain",
    "forget_at_most": "--forget-at-most",
}


class Store:
    """Reads and writes a study's folder.

    Layout: ``study.json``, ``report.html``, ``best/``, ``log.txt`` for people and machines;
    ``trials/KEY.json`` and ``.npz`` (predictions) a finished trial; ``work/`` what only a
    running study needs (checkpoints, models of finalists).
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.trials = folder / "trials"
        self.work = folder / "work"

    def trial_work(self, key: str) -> Path:
        """Return the folder in which a running trial keeps its checkpoint."""
        path = self.work / key
        path.mkdir(parents=True, exist_ok=True)
        return path

    def model(self, key: str) -> Path:
        """Return where the model of a finished trial lies, if it was kept."""
        return self.work / f"{key}.model"

    def drop_model(self, key: str) -> None:
        """Remove the model of a trial that will not be delivered."""
        shutil.rmtree(self.model(key), ignore_errors=True)

    def read_trial(self, key: str) -> TrialRecord | None:
        """Return a finished trial, or None."""
        try:
            text = (self.trials / f"{key}.json").read_text(encoding="utf-8")
            return TrialRecord.model_validate_json(text)
        except (OSError, ValueError):
            return None

    def write_trial(self, record: TrialRecord, predictions: dict[str, Predictions]) -> None:
        """Keep a finished trial; its predictions are on disk before its record is."""
        if predictions:
            self.write_predictions(record.key, predictions)
        write_text(self.trials / f"{record.key}.json", record.model_dump_json(indent=1) + "\n")

    def write_predictions(self, key: str, predictions: dict[str, Predictions]) -> None:
        """Keep predictions by part."""
        with replacing(self.trials / f"{key}.npz") as beside, beside.open("wb") as file:
            np.savez(file, **packed(predictions))

    def try_predictions(self, key: str, part: str) -> Predictions | None:
        """Return what was predicted on a part, or None if it was not or cannot be read."""
        try:
            return self.predictions(key, part)
        except (OSError, ValueError, KeyError, zipfile.BadZipFile):
            return None

    def predictions(self, key: str, part: str) -> Predictions:
        """Return what a finished trial predicted on a part."""
        with np.load(self.trials / f"{key}.npz", allow_pickle=False) as file:
            return unpacked(file, part)

    def read_note(self, name: str) -> Any:
        """Return a JSON value kept under ``work/``, or None."""
        try:
            return json.loads((self.work / f"{name}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def write_note(self, name: str, value: Any) -> None:
        """Keep a JSON value under ``work/``."""
        write_json(self.work / f"{name}.json", value)

    def finished(self) -> StudyRecord | None:
        """Return the record of a study that came to its end, or None."""
        try:
            text = (self.folder / "study.json").read_text(encoding="utf-8")
            record = StudyRecord.model_validate_json(text)
        except (OSError, ValueError):
            return None
        return record if (self.folder / "best").is_dir() else None

    def tidy(self) -> None:
        """Remove what only a running study needs."""
        shutil.rmtree(self.work, ignore_errors=True)


@contextmanager
def opened(folder: Path, request: dict[str, Any], resume: bool) -> Iterator[Store]:
    """Make or reopen a study's folder, and hold it alone while the block runs.

    Args:
        folder: ``--out``.
        request: What settles the numbers; a resumed study must have the same.
        resume: Whether a folder that is there may be gone on with.

    Raises:
        RequestError: The folder is in use, holds something else, or cannot be written to.
    """
    _refuse_foreign(folder, request, resume)
    before = {entry.name for entry in folder.iterdir()} if folder.is_dir() else None
    try:
        with _held(folder):
            _sweep(folder)
            write_json(folder / REQUEST, request)
            yield Store(folder)
    except RequestError:
        if not before and not _begun(folder):
            _remove(folder, keep=before is not None)
        raise


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Make the folder and keep others out of it while the block runs."""
    try:
        (folder / "trials").mkdir(parents=True, exist_ok=True)
        (folder / "work").mkdir(exist_ok=True)
        lock = (folder / "work" / "lock").open("w", encoding="utf-8")
    except OSError as error:
        raise UnwritableError(
            f"cannot write: {error.strerror}",
            where=str(folder),
            mend="choose another folder with --out, or free space and permissions there",
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise RequestError(
                "another headstart is at work in this folder",
                where=str(folder),
                mend="wait for it, or choose another folder with --out",
            ) from error
        yield


def _begun(folder: Path) -> bool:
    """Whether another holds the folder, or a trial lies there that was paid for."""
    if next((folder / "trials").glob("*.json"), None) is not None:
        return True
    try:
        with (folder / "work" / "lock").open("r+", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def _remove(folder: Path, *, keep: bool) -> None:
    """Leave the place as it was found: absent, or an empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    if keep:
        folder.mkdir(exist_ok=True)


def _sweep(folder: Path) -> None:
    """Remove what a killed process was writing beside its place (see headstart.files)."""
    for place in (folder, folder / "trials", folder / "work"):
        for left in place.glob(".*.*"):
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)


def refuse_taken(folder: Path, resume: bool) -> None:
    """Refuse an ``--out`` that is a file, or holds something and is not to be resumed.

    Raises:
        RequestError: It is.
    """
    if folder.exists() and not folder.is_dir():
        raise RequestError("--out is a file", where=str(folder), mend="name a folder")
    if not resume and folder.exists() and any(folder.iterdir()):
        raise RequestError(
            "the folder is there already and not empty",
            where=str(folder),
            mend="add --resume to go on with it, or choose another folder with --out",
        )


def _refuse_foreign(folder: Path, request: dict[str, Any], resume: bool) -> None:
    refuse_taken(folder, resume)
    if not folder.exists() or not any(folder.iterdir()):
        return
    try:
        before = json.loads((folder / REQUEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        before = None
    known = {"trials", "work", "log.txt", REQUEST}
    names = {entry.name for entry in folder.iterdir()}
    if before is None and {n for n in names if not n.startswith(f".{REQUEST}.")} <= known:
        return  # killed before the request was written
    if before is None:
        raise RequestError(
            "the folder holds no study to resume",
            where=str(folder),
            mend="choose another folder with --out",
        )
    asked = json.loads(canonical(request))
    changed = [
        OPTIONS.get(key, key)
        for key in sorted({*before, *asked})
        if before.get(key) != asked.get(key)
    ]
    if changed:
        raise RequestError(
            f"the study there was asked for differently ({', '.join(changed)})",
            where=str(folder),
            mend="resume with the same data and options, or choose another folder with --out",
        )


def packed(predictions: dict[str, Predictions]) -> dict[str, Any]:
    """Return predictions by part as arrays that numpy's archives hold."""
    arrays: dict[str, Any] = {}
    for part, values in predictions.items():
        if isinstance(values, list):
            arrays[part] = np.concatenate(values) if values else np.zeros(0, dtype=np.int64)
            arrays[f"{part}_lengths"] = np.array([len(item) for item in values], dtype=np.int64)
        else:
            arrays[part] = values
    return arrays


def unpacked(file: Mapping[str, Any], part: str) -> Predictions:
    """Return the predictions on a part from arrays that :func:`packed` made."""
    values: NDArray[np.float64] = file[part]
    if f"{part}_lengths" not in file:
        return values
    cuts = np.cumsum(file[f"{part}_lengths"])[:-1]
    return [np.asarray(item, dtype=np.int64) for item in np.split(values, cuts)]
