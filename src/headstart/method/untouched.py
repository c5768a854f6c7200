"""untouched: the base as it is, scored and nothing else; what adapting it must beat."""

from __future__ import annotations

import time

from headstart.base.decoder import Decoder
from headstart.base.model import BaseCard
from headstart.method.adapted import Signature
from headstart.method.model import Fitted, Method, Setting
from headstart.method.saying import language_bench
from headstart.method.speaker import SpeakerModel
from headstart.task.model import Objective, Task
from headstart.train.evaluate import Predictions
from headstart.train.language import LanguageNetwork, nats_of


class Untouched(Method):
    """The base without any adaptation: zero-shot where there are prompts."""

    name = "untouched"
    summary = "the base as it is"
    control = True

    def refuse(self, task: Task, card: BaseCard | None) -> str | None:
        """Only a language model says something before it has learnt anything."""
        return None if task.objective is Objective.TEXT else "a base alone gives no answers here"

    def fit(self, setting: Setting) -> Fitted:
        """Score the validation texts."""
        started, cpu_started = time.monotonic(), time.process_time()
        bench = language_bench(setting)
        decoder: Decoder = bench.pristine
        network, watcher = LanguageNetwork(decoder), setting.progress

        def told(part: str) -> Predictions:
            texts = bench.texts(part)
            rows = range(len(texts.places))
            return nats_of(network, texts, rows, progress=watcher, label=f"scoring {part}")

        validation = told("validation")
        return Fitted(
            model=SpeakerModel(Signature.of(setting.task), decoder),
            validation=validation,
            test=lambda: told("test"),
            flop=bench.units("validation") * bench.flop_per_unit,
            seconds=time.monotonic() - started,
            cpu_seconds=time.process_time() - cpu_started,
            peak_bytes=sum(p.nbytes for p in decoder.parameters()),
            trainable_parameters=0,
        )
