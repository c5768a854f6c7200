"""Models on a standard's reference tasks: rows read, classes matched by name, predictions made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.errors import RequestError
from headstart.files import digest
from headstart.hub.gate.model import Candidate
from headstart.hub.gate.running.own import Own
from headstart.hub.gate.running.subject import Subject, predictions
from headstart.hub.gate.standard import ReferenceTask
from headstart.measure.score import ANSWERS
from headstart.method.adapted import Signature
from headstart.method.speaker import SpeakerModel
from headstart.task.build import build_task
from headstart.task.model import Dialogue, Input, Kind, Objective

PACKAGED = "packaged:"
_CLASSES = (Objective.SINGLE_LABEL, Objective.MULTI_LABEL, Objective.TAGS)


@dataclass(frozen=True)
class Reference:
    """The rows of a reference task.

    Attributes:
        rule: What the standard says of it.
        objective: Shape of a target.
        classes: The data's class names, in the order of the targets' indices.
        inputs: N inputs.
        targets: N targets.
        fingerprint: Hash of the rows that count.
    """

    rule: ReferenceTask
    objective: Objective
    classes: tuple[str, ...]
    inputs: list[Input]
    targets: Any
    fingerprint: str

    def told(self, subject: Subject, names: tuple[str, ...]) -> Any:
        """Return a model's predictions, in terms of ``names`` (see :meth:`names`).

        Raises:
            RequestError: The model predicts something else, or does not know the data's classes.
        """
        self._check(subject)
        if self.rule.metric in ANSWERS:
            return _answers(subject, self.inputs)
        found = predictions(subject, self.inputs)
        if self.objective not in _CLASSES:
            return found
        assert subject.signature is not None
        own = subject.signature.classes
        if self.objective is Objective.TAGS:
            places = np.array([names.index(name) for name in own], dtype=np.int64)
            return [places[item] for item in found]
        return _columns(found, own, names)

    def names(self, *subjects: Subject) -> tuple[str, ...]:
        """Return the data's classes, then what else the models know: an answer that is wrong."""
        known = [one.signature.classes for one in subjects if one.signature is not None]
        return tuple(dict.fromkeys([*self.classes, *(name for names in known for name in names)]))

    def _check(self, subject: Subject) -> None:
        where = f"reference task '{self.rule.name}'"
        signature = subject.signature
        if signature is None or signature.objective is not self.objective:
            gives = "features only" if signature is None else f"{signature.objective} predictions"
            raise RequestError(
                f"the data hold {self.objective} targets, and the model gives {gives}",
                where=where,
                mend="gate it by a standard whose tasks are for such models",
            )
        if self.objective not in _CLASSES:
            return
        missing = [name for name in self.classes if name not in signature.classes]
        if missing and subject.unnamed:
            raise RequestError(
                "the model's classes have no names (LABEL_0, …), so nothing can be told by them",
                where=where,
                mend="name them: id2label in config.json, or label_names for timm",
            )
        if missing:
            raise RequestError(
                f"the model does not know the classes {_listed(missing)}; it knows "
                f"{_listed(signature.classes)}",
                where=where,
                mend="the names must be those of the data",
            )


def read_reference(candidate: Candidate, rule: ReferenceTask, subject: Subject) -> Reference:
    """Read the rows of a reference task as the model's kind of task has them.

    Raises:
        RequestError: They cannot be read, or are none for such a model.
    """
    where = f"reference task '{rule.name}'"
    source = rule.data if rule.data.startswith(PACKAGED) else candidate.data.get(rule.data)
    if source is None:
        raise RequestError(f"its data '{rule.data[:100]}' were not handed to the gate", where=where)
    if subject.signature is None:
        raise RequestError(
            "the model gives features only, and predicts nothing to be scored", where=where
        )
    try:
        task = build_task(
            source,
            input=rule.input or None,
            target=rule.target,
            kind=_kind(rule, subject.signature),
        )
    except RequestError as error:
        raise RequestError(error.what, where=where, mend=error.mend) from error
    parts = list(task.parts.values()) if rule.part == "all" else [task.parts[rule.part]]
    rows = sorted(
        ((part.ids[at], number, at) for number, part in enumerate(parts) for at in range(len(part)))
    )[: rule.rows]
    if not rows:
        raise RequestError(f"its part '{rule.part}' has no rows", where=where)
    taken = [parts[number].take([at]) for _, number, at in rows]
    joined = [one.targets[0] for one in taken]
    return Reference(
        rule=rule,
        objective=task.objective,
        classes=task.classes,
        inputs=[one.inputs[0] for one in taken],
        targets=joined if task.objective is Objective.TAGS else np.asarray(joined),
        fingerprint=digest(task.fingerprint, rule.part, *(one for one, _, _ in rows)),
    )


def written_answers(reference: Reference) -> Any:
    """Return the targets as the metric takes them: of written answers the texts."""
    if reference.rule.metric not in ANSWERS:
        return reference.targets
    return [one.answer if isinstance(one, Dialogue) else "" for one in reference.inputs]


def _kind(rule: ReferenceTask, signature: Signature) -> Kind:
    """Return the kind of task; a classifier of texts may be one of pairs."""
    if len(rule.input) == 2 and signature.kind is Kind.CLASSIFICATION:
        return Kind.TEXT_PAIR
    return signature.kind


def _columns(
    found: NDArray[np.float64], own: Sequence[str], names: Sequence[str]
) -> NDArray[np.float64]:
    """Return probabilities (N, C) in the order of ``names``; what a model does not know has 0."""
    columns = np.zeros((len(found), len(names)))
    for at, name in enumerate(own):
        columns[:, names.index(name)] += found[:, at]
    return columns


def _answers(subject: Subject, inputs: Sequence[Input]) -> list[str]:
    """Return what a language model writes after each prompt."""
    model = subject.model if isinstance(subject, Own) else None
    if not isinstance(model, SpeakerModel):
        raise RequestError(
            "answers are written by language models that headstart adapted",
            mend="score others by bits_per_byte",
        )
    return [str(answer) for answer in model.predict(list(inputs))]


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(f"'{name[:40]}'" for name in names[:6])
    return shown + (f" and {len(names) - 6} more" if len(names) > 6 else "")
