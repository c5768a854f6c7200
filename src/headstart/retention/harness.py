"""harness: a task of lm-eval, the field's evaluation harness, scored row by row."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from headstart.base.compat import prepare_peft, prepare_torchvision
from headstart.base.decoder import Decoder
from headstart.base.skeleton import Skeleton
from headstart.errors import RequestError
from headstart.files import digest
from headstart.measure.metric import Predictions, Targets
from headstart.measure.score import score
from headstart.progress import Progress
from headstart.retention.rows import ROWS, affordable, halves
from headstart.retention.suite import PARTS, Suite
from headstart.task.model import Objective
from headstart.task.raw import shown

if TYPE_CHECKING:
    from headstart.retention.harness_task import Asked, Sample

PREFIX = "lm-eval:"
SUFFIXES = (".yaml", ".yml")
GENERATED = 100  # rows of both parts where answers are written, token by token
MEND = "pip install 'headstart[eval]'"

# lm-eval's metrics, the one that is taken first, and ours that sums up their rows as it does.
METRICS = {
    "acc_norm": "accuracy",
    "acc": "accuracy",
    "exact_match": "accuracy",
    "acc_bytes": "accuracy",
    "acc_mutual_info": "accuracy",
    "bits_per_byte": "bits_per_byte",
    "byte_perplexity": "perplexity",
    "word_perplexity": "perplexity",
    "perplexity": "perplexity",
}


@dataclass(frozen=True, slots=True)
class Told:
    """What a task's rows came to, as our metrics want it.

    Attributes:
        metric, objective: Ours.
        targets: (N,) ones, of rows that are right or wrong; else the weights of the rows.
        predictions: (N, 2) one-hot of wrong and right; else nats and weights.
    """

    metric: str
    objective: Objective
    targets: NDArray[Any]
    predictions: NDArray[np.float64]

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in index order."""
        return ("wrong", "right") if self.objective is Objective.SINGLE_LABEL else ()

    def score(self) -> float:
        """Return the score of all rows."""
        return score(self.objective, self.classes, self.targets, self.predictions, self.metric)


class Harness(Suite):
    """A task of lm-eval (Gao et al., EleutherAI), asked through lm-eval itself.

    The first rows of the task are asked, as ``lm_eval --limit`` counts them:
    :data:`~headstart.retention.rows.ROWS` a part or what
    :data:`~headstart.retention.rows.TEXT` holds, fewer where answers are written. They are dealt
    to the parts by content. The score of all of them is that of :attr:`command`.

    Args:
        asked: The task.
        metric: One of its metrics; None for the first of :data:`METRICS` that it has.

    Raises:
        RequestError: The task cannot be asked, or its rows cannot be told one by one.
    """

    writes = True

    def __init__(self, asked: Asked, metric: str | None = None) -> None:
        self.asked = asked
        blank = asked.blank(len(PARTS) * (ROWS if not asked.generates else GENERATED // 2))
        self.scored = _metric(asked, blank[0], metric)
        kind = blank[0]["filter"]
        self.name = f"{asked.name}, {self.scored}" + (f" ({kind})" if kind != "none" else "")
        found = _told(self.scored, blank, asked.where)
        _check(asked, self.scored, found)
        self.limit = affordable([_size(one) for one in blank])
        rows = blank[: self.limit]
        if len(rows) < len(PARTS):
            raise RequestError(
                f"the task '{asked.name}' has {len(rows)} row, too few for two parts",
                where=asked.where,
                mend="give it more rows",
            )
        self.rows = halves([_content(one["doc"]) for one in rows])
        self.metric, self.objective = found.metric, found.objective
        self.classes = found.classes
        self._targets = found.targets
        asked_of = (_content([row["doc"], row["arguments"], row["target"]]) for row in rows)
        self._fingerprint = digest(self.name, *sorted(asked_of))
        self._said = False

    @classmethod
    def read(cls, reference: str, progress: Progress) -> list[Suite] | None:
        """Return a suite for each task of ``lm-eval:NAME`` or of a YAML file, ``@metric`` after it.

        A group (``lm-eval:mmlu``) is as many suites as it has tasks.
        """
        bare, _, metric = reference.rpartition("@") if "@" in reference else (reference, "", "")
        if bare.startswith(PREFIX):
            name, path = bare.removeprefix(PREFIX), None
        elif Path(bare).suffix.lower() in SUFFIXES:
            name, path = "", Path(bare).expanduser()
        else:
            return None
        _library()
        from headstart.retention.harness_task import tasks

        return [cls(one, metric or None) for one in tasks(name, path, f"--retain {reference}")]

    def command(self, model: str, longest: int) -> str:
        """Return the command of lm-eval that gives the score of all rows.

        Args:
            model: Folder of a model, as ``adapt`` leaves it.
            longest: Tokens that the model reads at once.
        """
        there = "" if self.asked.folder is None else f" --include_path {self.asked.folder}"
        return (
            f"lm_eval --model hf --model_args pretrained={model},dtype=float32,"
            f"max_length={longest} --tasks {self.asked.name}{there} --limit {self.limit}"
        )

    def targets(self, part: str) -> Targets:
        """Return ones (N,), or the weights of the rows (bytes, words)."""
        return self._targets[self.rows[part]]

    def told(self, body: Skeleton, part: str, progress: Progress) -> Predictions:
        """Return (N, 2): wrong and right, or nats and weights."""
        decoder = cast(Decoder, body)
        if not self._said:
            command = self.command("MODEL", decoder.card.input_size)
            progress.say(f"{self.name}: the rows of both parts are those of {command}")
            self._said = True
        rows = self.rows[part]
        label = f"retained: {self.asked.name}"
        found = self.asked.answered(decoder, set(rows), self.limit, progress, label)
        return _told(self.scored, [found[row] for row in rows], self.asked.where).predictions

    def fingerprint(self) -> str:
        """Return a hash of the rows, the prompts and the metric."""
        return self._fingerprint


def _library() -> None:
    """Import lm-eval, with what other libraries want before.

    Raises:
        RequestError: It is not installed.
    """
    prepare_torchvision(say=False)
    prepare_peft()
    try:
        import lm_eval.evaluator
        import lm_eval.models.huggingface  # noqa: F401
    except ImportError as error:
        raise RequestError(
            f"tasks of lm-eval need the package 'lm-eval': {shown(error, 120)}",
            where="--retain",
            mend=MEND,
        ) from error


def _metric(asked: Asked, sample: Sample, wanted: str | None) -> str:
    """Return the metric by which a task is scored."""
    named = [str(name) for name in sample["metrics"]]
    known = [name for name in METRICS if name in named]
    if wanted is None and known:
        return known[0]
    if wanted in known:
        return wanted
    which = f"'{wanted}' is none of them" if wanted else "none can be told row by row"
    raise RequestError(
        f"the task '{asked.name}' has the metrics {', '.join(named) or '(none)'}; {which}",
        where=asked.where,
        mend=f"name a task with one of: {', '.join(METRICS)}",
    )


def _told(metric: str, samples: Sequence[Sample], where: str) -> Told:
    """Return the rows of a metric."""
    ours = METRICS[metric]
    try:
        if ours == "accuracy":
            right = np.array([float(one[metric]) for one in samples])
            if not np.isin(right, (0.0, 1.0)).all():
                raise ValueError("a row is neither right nor wrong")
            one_hot = np.stack([1.0 - right, right], axis=1)
            ones = np.ones(len(right), dtype=np.int64)
            return Told(ours, Objective.SINGLE_LABEL, ones, one_hot)
        pairs = [one[metric] for one in samples]
        weighed = [pair if isinstance(pair, tuple | list) else (pair, 1.0) for pair in pairs]
        nats = np.array([(-float(loglikelihood), float(w)) for loglikelihood, w in weighed])
        return Told(ours, Objective.TEXT, nats[:, 1], nats)
    except (KeyError, TypeError, ValueError) as error:
        raise RequestError(
            f"lm-eval's metric '{metric}' has rows that are no score: {shown(error)}",
            where=where,
            mend="name another of the task's metrics, as in --retain task.yaml@acc",
        ) from error


def _check(asked: Asked, metric: str, told: Told) -> None:
    """Refuse a metric whose rows lm-eval sums up in another way than we."""
    theirs, ours = asked.summed(metric), told.score()
    if theirs is None or not np.isclose(theirs, ours, rtol=1e-9, atol=1e-12):
        raise RequestError(
            f"the task '{asked.name}' sums up '{metric}' in its own way, so that what was "
            "forgotten of it cannot be told",
            where=asked.where,
            mend="name another of the task's metrics, as in --retain task.yaml@acc",
        )


def _content(value: Any) -> str:
    return digest(json.dumps(value, sort_keys=True, ensure_ascii=False, default=str))


def _size(sample: Sample) -> int:
    """Return the characters that a row has a decoder read."""
    texts = [part for given in sample["arguments"] for part in given if isinstance(part, str)]
    return sum(map(len, texts))
