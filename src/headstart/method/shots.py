"""What stands before every question: an instruction, and questions with their answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from headstart.base.decoder import Decoder
from headstart.progress import Progress
from headstart.task.model import Dialogue, Input, Message
from headstart.train.beginning import nats_after_beginning
from headstart.train.language import LanguageNetwork, nats_of
from headstart.train.windows import Windows

Fits = Callable[[Dialogue], bool]
SYSTEM = "system"


@dataclass(frozen=True)
class Shots:
    """Examples for a base that was not trained on them (few-shot; Brown et al. 2020, 2005.14165).

    Attributes:
        instruction: A system message; None for none.
        examples: Answered dialogues.
    """

    instruction: str | None = None
    examples: tuple[Dialogue, ...] = ()

    def before(self, dialogue: Dialogue, fits: Fits) -> Dialogue:
        """Return the dialogue with these before it; its own system message has precedence.

        Where it does not fit, examples are left out, those farthest from the question first.
        """
        own = dialogue.messages
        system = own[:1] if own and own[0].role == SYSTEM else ()
        told = system
        if not system and self.instruction is not None:
            told = (Message(SYSTEM, self.instruction),)
        for first in range(len(self.examples) + 1):
            kept = [one for example in self.examples[first:] for one in _turns(example)]
            found = Dialogue((*told, *kept, *own[len(system) :]), shown=len(told) + len(kept))
            if fits(found):
                break
        return found

    def record(self) -> dict[str, Any]:
        """Return it as JSON."""
        turns = [
            [{"role": one.role, "content": one.content} for one in _turns(example)]
            for example in self.examples
        ]
        return {"instruction": self.instruction, "examples": turns}

    @classmethod
    def read(cls, record: dict[str, Any]) -> Shots:
        """Return what :meth:`record` wrote.

        Raises:
            KeyError, TypeError: It is something else.
        """
        told = record["instruction"]
        return cls(
            None if told is None else str(told),
            tuple(
                Dialogue(tuple(Message(str(m["role"]), str(m["content"])) for m in turns))
                for turns in record["examples"]
            ),
        )


def _turns(dialogue: Dialogue) -> tuple[Message, ...]:
    """Return the messages without a system message: there can be one only, at the beginning."""
    return tuple(one for one in dialogue.messages if one.role != SYSTEM)


def nats_with(
    decoder: Decoder, shots: Shots, inputs: Sequence[Input], progress: Progress, label: str
) -> tuple[NDArray[np.float64], int]:
    """Return (N, 2) nats and tokens of the dialogues' own answers, and how many tokens were read.

    Examples and instruction are read and not said: the numbers are comparable to those without.
    """

    def fits(one: Dialogue) -> bool:
        return not decoder.truncated([one])[0]

    ready = [shots.before(cast(Dialogue, one), fits) for one in inputs]
    if not shots.examples:
        texts = Windows(decoder, ready)
        every = range(len(texts.places))
        plain = nats_of(LanguageNetwork(decoder), texts, every, progress=progress, label=label)
        return plain, sum(texts.sizes)
    alike: dict[int, list[int]] = defaultdict(list)
    for row, one in enumerate(ready):
        alike[one.shown].append(row)
    found, read = np.zeros((len(ready), 2)), 0
    with progress.bar(label, len(ready)) as advance:
        for rows in alike.values():
            samples = decoder.encode([ready[row] for row in rows])
            found[rows], count = nats_after_beginning(decoder, samples, advance)
            read += count
    return found, read
