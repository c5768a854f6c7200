"""A task of lm-eval at work: loaded, and asked of nobody or of a decoder. Imports lm-eval."""

from __future__ import annotations

import copy
import io
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from lm_eval.api.model import LM
from lm_eval.evaluator import evaluate
from lm_eval.models import huggingface
from lm_eval.tasks import TaskManager

from headstart.base.compat import quiet_transformers
from headstart.base.decoder import Decoder
from headstart.errors import HeadstartError, RequestError
from headstart.progress import Progress
from headstart.retention.likelihood import likelihoods
from headstart.task.raw import shown

Sample = dict[str, Any]  # what lm-eval logs of a row

# The seeds of lm-eval's command: Python's own, and all others.
_SEED, _OTHER_SEED = 0, 1234
_WINDOWS = 1024  # windows of texts handed over at once; how many are one pass is settled later
_WRITTEN = 8  # answers written at once
_DATA = (
    "check the task's file; without a network name a task whose data is here, with "
    "'dataset_path: json' and 'dataset_kwargs: {data_files: {test: …}}'"
)


class Asked:
    """A task.

    Args:
        task: lm-eval's own.
        name: As lm-eval knows it.
        folder: Where its YAML file is; None for a task that comes with lm-eval.
        where: What the user typed, for messages.
    """

    def __init__(self, task: Any, name: str, folder: Path | None, where: str) -> None:
        self.task, self.name, self.folder, self.where = task, name, folder, where
        self._sums: dict[str, Any] = {}
        if task.get_config("num_fewshot") is None:
            task.set_config(key="num_fewshot", value=0)

    @property
    def generates(self) -> bool:
        """Whether answers are written."""
        return bool(self.task.OUTPUT_TYPE == "generate_until")

    def blank(self, limit: int) -> list[Sample]:
        """Return the first rows with made-up answers, under the first of the task's filters.

        Raises:
            RequestError: The task does not work.
        """
        found = self._evaluated(_Blank, limit)
        first = found["samples"][self.name][0]["filter"]
        sums = found["results"][self.name]
        self._sums = {name: sums.get(f"{name},{first}") for name in self._metrics(found)}
        return [one for one in found["samples"][self.name] if one["filter"] == first]

    def summed(self, metric: str) -> float | None:
        """Return what lm-eval made of the blank rows; None where it is no number."""
        found = self._sums.get(metric)
        return float(found) if isinstance(found, int | float) else None

    def answered(
        self, decoder: Decoder, rows: set[int], limit: int, progress: Progress, label: str
    ) -> dict[int, Sample]:
        """Return these of the first rows with a decoder's answers, under the first filter.

        Every prompt is built as for all rows, so that examples in it are drawn as ever.
        """
        out, err = sys.stdout, sys.stderr

        def make() -> LM:
            return _Packed(decoder, rows, progress, label, (out, err))

        samples = self._evaluated(make, limit)["samples"][self.name]
        first = samples[0]["filter"]
        return {
            one["doc_id"]: one
            for one in samples
            if one["filter"] == first and one["doc_id"] in rows
        }

    def _metrics(self, found: dict[str, Any]) -> list[str]:
        return [str(name) for name in found["samples"][self.name][0]["metrics"]]

    def _evaluated(self, make: Callable[[], LM], limit: int) -> dict[str, Any]:
        try:
            with _hushed(), _seeded():
                self.task.set_fewshot_seed(_OTHER_SEED)
                found: dict[str, Any] = evaluate(
                    lm=make(),
                    task_dict={"tasks": {self.name: self.task}},
                    limit=limit,
                    bootstrap_iters=0,
                    log_samples=True,
                )
        except (HeadstartError, MemoryError):
            raise
        except (ArithmeticError, AssertionError, AttributeError, LookupError, OSError, TypeError,
                ValueError) as error:  # fmt: skip
            raise _broken(self.name, self.where, error, "check the task's file") from error
        return found


def tasks(name: str, path: Path | None, where: str) -> list[Asked]:
    """Return a task, or those of a group.

    Args:
        name: One that lm-eval knows; ignored where there is a path.
        path: Of a task's YAML file.
        where: What the user typed, for messages.

    Raises:
        RequestError: There is none, or it cannot be asked of a language model at this place.
    """
    config = _config(path, where) if path is not None else {}
    group = "group" in config  # by name, beside what it names; lm-eval takes no group by its path
    wanted = str(config["group"] if group else path or name)
    try:
        with _hushed(), _seeded():
            manager = TaskManager(
                include_defaults=path is None or group,
                include_path=str(path.parent) if path and group else None,
            )
            if path is None:
                config = _known(manager, name, where)
            _trusted(config, where)
            loaded = manager.load([wanted])["tasks"]
    except HeadstartError:
        raise
    except Exception as error:  # what data sets, templates and a user's functions raise
        raise _broken(path.stem if path else name, where, error, _DATA) from error
    folder = path.parent.resolve() if path is not None else None
    return [Asked(_askable(task, where), one, folder, where) for one, task in loaded.items()]


class _Blank(LM):  # type: ignore[misc]
    """Answers without a model: unlikely the longer, and nothing written."""

    def loglikelihood(self, requests: Sequence[Any]) -> list[tuple[float, bool]]:
        return [(-float(len(one.args[1])), False) for one in requests]

    def loglikelihood_rolling(self, requests: Sequence[Any]) -> list[float]:
        return [-float(len(one.args[0])) for one in requests]

    def generate_until(self, requests: Sequence[Any]) -> list[str]:
        return [""] * len(requests)


class _Packed(huggingface.HFLM):  # type: ignore[misc]
    """lm-eval's own model for transformers, whose likelihoods come from a packed decoder.

    Tokens, windows and what ends an answer are lm-eval's; passes hold no padding, and a soft
    prompt stands before every text. Only some rows are asked; the others are left blank.
    """

    def __init__(
        self,
        decoder: Decoder,
        rows: set[int],
        progress: Progress,
        label: str,
        streams: tuple[Any, Any],
    ) -> None:
        super().__init__(
            pretrained=decoder.causal,
            backend="causal",
            tokenizer=copy.deepcopy(decoder.tokenizer),  # gets a token for padding
            max_length=decoder.card.input_size,
            batch_size=_WINDOWS,
        )
        self.decoder, self.rows = decoder, rows
        self.watcher, self.label, self.streams = progress, label, streams

    def loglikelihood(self, requests: Sequence[Any], disable_tqdm: bool = True) -> list[Any]:
        return self._asked(requests, super().loglikelihood, _Blank().loglikelihood)

    def loglikelihood_rolling(
        self, requests: Sequence[Any], disable_tqdm: bool = True
    ) -> list[Any]:
        return self._asked(requests, super().loglikelihood_rolling, _Blank().loglikelihood_rolling)

    def generate_until(self, requests: Sequence[Any], disable_tqdm: bool = True) -> list[Any]:
        self.batch_size_per_gpu = 1 if self.decoder.virtual is not None else _WRITTEN
        with self.decoder.cached():
            return self._asked(requests, super().generate_until, _Blank().generate_until)

    def _asked(
        self,
        requests: Sequence[Any],
        ask: Callable[..., list[Any]],
        blank: Callable[[Sequence[Any]], list[Any]],
    ) -> list[Any]:
        found = blank(requests)
        places = [at for at, one in enumerate(requests) if one.doc_id in self.rows]
        answers = ask([requests[at] for at in places], disable_tqdm=True) if places else []
        for at, answer in zip(places, answers, strict=True):
            found[at] = answer
        return found

    def _loglikelihood_tokens(
        self, requests: Sequence[Any], disable_tqdm: bool = False, override_bs: int | None = None
    ) -> list[tuple[float, bool]]:
        pairs = [(context, continuation) for _, context, continuation in requests]
        with redirect_stdout(self.streams[0]), redirect_stderr(self.streams[1]):
            found = likelihoods(self.decoder, pairs, self.watcher, self.label)
        return [(float(told), bool(greedy)) for told, greedy in found]

    def _model_generate(
        self, context: Any, max_length: int, stop: list[str], **settings: Any
    ) -> Any:
        """Return the context (N, T) with what is written after it."""
        if self.decoder.virtual is None:
            return super()._model_generate(context, max_length, stop, **settings)
        embedded, past = self.decoder.embedded(context), self.decoder.past(1)
        if past is not None:  # generate() leaves out what the cache holds: as many places of it
            blank = embedded.new_zeros(1, self.decoder.before, embedded.shape[2])
            embedded = torch.cat([blank, embedded], dim=1)
            settings["past_key_values"] = past
        settings.pop("attention_mask", None)  # one text at a time has no padding
        settings["do_sample"] = settings.get("do_sample") or False
        if not settings["do_sample"]:
            settings.pop("temperature", None)
        written = self.model.generate(
            inputs_embeds=embedded,
            attention_mask=embedded.new_ones(embedded.shape[:2], dtype=torch.int64),
            max_new_tokens=max_length - context.shape[1],
            stopping_criteria=huggingface.stop_sequences_criteria(self.tokenizer, stop, 0, 1),
            pad_token_id=self.tokenizer.pad_token_id,
            use_cache=True,
            **settings,
        )
        return torch.cat([context, written], dim=1)


def _askable(task: Any, where: str) -> Any:
    """Return the task.

    Raises:
        RequestError: It needs images or sound, or runs code that the model wrote.
    """
    if getattr(task, "MULTIMODAL", False):
        what, mend = "asks about images or sound", "name a task of texts"
    elif getattr(task, "UNSAFE_CODE", False):
        what, mend = "runs code that the model writes", "run it with lm-eval's own command"
    else:
        return task
    raise RequestError(f"the task '{task.task_name}' {what}", where=where, mend=mend)


def _config(path: Path, where: str) -> dict[str, Any]:
    """Return what a YAML file says, functions by name only.

    Raises:
        RequestError: There is no such file, or it holds no task.
    """
    if not path.is_file():
        raise RequestError("no such file", where=where, mend=f"looked in {path.parent.resolve()}")
    try:
        found = yaml.load(path.read_bytes(), Loader=_Names)
    except (yaml.YAMLError, ValueError) as error:
        raise RequestError(
            f"not readable as YAML: {shown(error, 160)}", where=where, mend="mend the file"
        ) from error
    if not isinstance(found, dict) or not {"task", "group", "include"} & set(found):
        raise RequestError(
            "the file holds no task of lm-eval",
            where=where,
            mend="begin it with 'task: NAME'; lm-eval's guide to new tasks has the rest",
        )
    return found


# Reads a tag such as "!function utils.f" as the text after it.
_Names: Any = type("_Names", (yaml.SafeLoader,), {})
_Names.add_multi_constructor("!", lambda loader, tag, node: str(node.value))


def _known(manager: Any, name: str, where: str) -> dict[str, Any]:
    """Return what lm-eval's own file says of a task.

    Raises:
        RequestError: lm-eval knows none of this name.
    """
    if name not in manager.task_index:
        near = get_close_matches(name, manager.all_tasks, n=3)
        guess = f"did you mean {' or '.join(near)}? " if near else ""
        raise RequestError(
            f"lm-eval knows no task '{name}'",
            where=where,
            mend=f"{guess}'lm_eval ls tasks' lists all of them",
        )
    return manager.task_index[name].cfg or {}


def _trusted(config: dict[str, Any], where: str) -> None:
    """Refuse a task whose data comes with code that is to be run."""
    settings = config.get("dataset_kwargs")
    if isinstance(settings, dict) and settings.get("trust_remote_code"):
        raise RequestError(
            "the task asks to run code that comes with its data (trust_remote_code)",
            where=where,
            mend="take the line out, or name a task whose data is plain files",
        )


def _broken(name: str, where: str, error: Exception, mend: str) -> RequestError:
    said = f"{type(error).__name__}: {shown(error, 200)}"
    return RequestError(f"lm-eval cannot ask the task '{name}': {said}", where=where, mend=mend)


@contextmanager
def _hushed() -> Iterator[None]:
    """Swallow lm-eval's bars and notices; what it warns of is checked here."""
    sink = io.StringIO()
    with redirect_stdout(sink), redirect_stderr(sink), quiet_transformers():
        yield


@contextmanager
def _seeded() -> Iterator[None]:
    """Draw as lm-eval's command does, and leave the caller's random state as it was."""
    python, array = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng():
            random.seed(_SEED)
            np.random.seed(_OTHER_SEED)
            torch.manual_seed(_OTHER_SEED)
            yield
    finally:
        random.setstate(python)
        np.random.set_state(array)
