"""fewshot: the base as it is, shown a few training rows before every question."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from headstart.base.model import BaseCard
from headstart.errors import RequestError
from headstart.measure.score import METRICS, score
from headstart.method.adapted import Signature
from headstart.method.model import Fitted, Hyperparameters, Method, Setting
from headstart.method.saying import language_bench
from headstart.method.shots import SYSTEM, Shots, nats_with
from headstart.method.speaker import SpeakerModel
from headstart.method.watch import drawn
from headstart.progress import Silent
from headstart.task.model import Dialogue, Kind, Objective, Task
from headstart.train.evaluate import Predictions
from headstart.train.language import LanguageBench

COUNTS = (0, 2, 4)  # examples in a prompt
DRAWINGS = 2  # of each count: which examples they are matters as much as how many
LOOKED = (8, 32)  # fewest and most validation rows that a prompt is chosen on
SHARE = 8  # an example takes no more of what the base reads at once than one part of so many
INSTRUCTION = "Reply with the answer alone, in the manner of any answers that were given before."


class Fewshot(Method):
    """The best of a few prompts, chosen on validation; no weight is touched.

    Which examples are shown, and in what order, moves a base as much as their number does (Zhao
    et al. 2021, 2102.09690): so there are several drawings.
    """

    name = "fewshot"
    summary = f"the base as it is, shown up to {max(COUNTS)} answered rows"
    control = True

    def refuse(self, task: Task, card: BaseCard | None) -> str | None:
        """Only questions can have answered ones before them."""
        if task.objective is Objective.TEXT and task.kind is Kind.INSTRUCTION:
            return None
        return "examples stand before prompts that are to be answered, and there are none here"

    def fit(self, setting: Setting) -> Fitted:
        """Choose the prompt on some validation rows, score all of them with it."""
        started, cpu_started = time.monotonic(), time.process_time()
        bench = language_bench(setting)
        decoder, watcher = bench.pristine, setting.progress
        best, read, rows = _chosen(setting, bench)
        shots, chosen = best

        def told(part: str) -> tuple[Predictions, int]:
            inputs = setting.task.parts[part].inputs
            return nats_with(decoder, shots, inputs, watcher, f"scoring {part}")

        validation, count = told("validation")
        return Fitted(
            model=SpeakerModel(Signature.of(setting.task), decoder, shots=shots),
            validation=validation,
            test=lambda: told("test")[0],
            flop=(read + count) * bench.flop_per_unit,
            seconds=time.monotonic() - started,
            cpu_seconds=time.process_time() - cpu_started,
            peak_bytes=sum(p.nbytes for p in decoder.parameters()),
            trainable_parameters=0,
            chosen=chosen,
            notes=[_note(shots, rows)],
        )


def _chosen(
    setting: Setting, bench: LanguageBench
) -> tuple[tuple[Shots, Hyperparameters], int, int]:
    """Return the best prompt with its name, the tokens that were read for it, and the rows."""
    part, metric = setting.task.validation, METRICS.get(setting.metric)
    candidates = _candidates(setting, bench)
    few = part.take(_looked(len(part), len(candidates)))
    merits, read = [], 0
    with setting.progress.bar("choosing a prompt", len(candidates)) as advance:
        for shots, _ in candidates:
            try:
                found, count = nats_with(bench.pristine, shots, few.inputs, Silent(), "")
            except RequestError:
                if shots == Shots():
                    raise
                merits.append(-np.inf)  # many templates take no system message
            else:
                value = score(Objective.TEXT, (), few.targets, found, metric.name)
                merits.append(metric.merit(value))
                read += count
            advance(1)
    return candidates[int(np.argmax(merits))], read, len(few)


def _looked(validation: int, candidates: int) -> list[int]:
    """Return the validation rows that prompts are chosen on: together about one look at all."""
    fewest, most = LOOKED
    found: list[int] = drawn(validation, min(most, max(fewest, validation // candidates))).tolist()
    return found


def _candidates(setting: Setting, bench: LanguageBench) -> list[tuple[Shots, Hyperparameters]]:
    """Return the prompts to choose from, the plainest first."""
    inputs = setting.task.train.inputs
    has_system = any(isinstance(d, Dialogue) and d.messages[0].role == SYSTEM for d in inputs)
    told = (None,) if has_system else (None, INSTRUCTION)
    found = []
    for count in COUNTS:
        for drawing in range(DRAWINGS if count else 1):
            examples = _examples(setting, bench, count, drawing)
            for instruction in told:
                name = {"shots": len(examples), "instruction": instruction is not None}
                drew = {"drawing": drawing} if count else {}
                found.append((Shots(instruction, examples), {**name, **drew}))
    return found


def _examples(
    setting: Setting, bench: LanguageBench, count: int, drawing: int
) -> tuple[Dialogue, ...]:
    """Return training rows by the seed: short enough for a prompt to hold several."""
    inputs: Sequence[object] = setting.task.train.inputs
    sizes = bench.texts("train").sizes
    longest = bench.pristine.card.input_size // SHARE
    short = [row for row in range(len(inputs)) if sizes[row] <= longest]
    if len(short) < count:
        short = sorted(range(len(inputs)), key=lambda row: sizes[row])[:count]
    order = np.random.default_rng([setting.seed, drawing]).permutation(len(short))
    rows = [short[at] for at in order[:count]]
    return tuple(one for one in (inputs[row] for row in rows) if isinstance(one, Dialogue))


def _note(shots: Shots, rows: int) -> str:
    told = "with an instruction" if shots.instruction else "without an instruction"
    return f"chosen on {rows} validation rows: {len(shots.examples)} examples, {told}"
