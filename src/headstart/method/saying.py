"""Training a language model: targets are the tokens of documents, or of answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

from headstart.base.decoder import Decoder
from headstart.measure.score import METRICS, score
from headstart.method.adapted import Model, Signature
from headstart.method.job import Job, Watching
from headstart.method.model import Setting
from headstart.method.speaker import SpeakerModel
from headstart.method.watch import drawn, looks
from headstart.method.watched import training_precision
from headstart.task.model import Objective
from headstart.train.evaluate import Predictions
from headstart.train.language import LanguageBench, LanguageNetwork, nats_of
from headstart.train.lesson import Lesson, Sayings
from headstart.train.network import Network
from headstart.train.samples import Samples
from headstart.train.windows import Windows


class Saying(Job):
    """Starts from the base as it is."""

    @property
    def bench(self) -> LanguageBench:
        """The base at work on texts."""
        return language_bench(self.setting)

    def cost(self) -> tuple[float, float]:
        """Nothing is computed before."""
        return 0.0, 0.0

    def network(self, quick: bool = False) -> Network:
        """Return the prepared decoder."""
        network = LanguageNetwork(cast(Decoder, self.method.encoder(self.setting)))
        self.method.prepare(network, self.setting)
        return network

    def pristine(self, network: Network) -> Network:
        """Return the base as it is."""
        return LanguageNetwork(self.bench.pristine)

    def samples(self, network: Network, part: str) -> Samples:
        """Return the windows of a part; where only the top is trained, with what enters that."""
        top = self.setting.hyperparameters.get("top")
        if top is None:
            return self.bench.samples(part)
        network.boundary = self.bench.boundary(top)
        return self.bench.states(part, top, training_precision(self.setting))

    def lesson(self) -> Lesson:
        """Return the loss of the tokens that are said."""
        return Sayings(self.bench.samples("train"))

    def watching(self, network: Network) -> Watching:
        """Return what scores watched texts."""
        windows = self.samples(network, "validation")
        return _Watched(self.setting, network, self.bench.texts("validation"), windows)

    def finish(self, network: Network) -> None:
        """Do nothing."""

    def predict(
        self, network: Network, part: str, rows: Sequence[int] | None = None
    ) -> Predictions:
        """Return (N, 2) nats and tokens."""
        texts = self.bench.texts(part)
        rows = range(len(texts.places)) if rows is None else rows
        label = f"scoring {part}"
        return nats_of(network, texts, rows, progress=self.setting.progress, label=label)

    def looking(self, watching: Watching, judged: Sequence[int], times: int) -> float:
        """Return the operations of scoring texts; what is kept is not computed again."""
        assert isinstance(watching, _Watched)
        texts, windows = self.bench.texts("validation"), watching.windows
        places, each = texts.of(watching.rows), self.bench.flop_per_unit
        whole = each * sum(texts.sizes[place] for place in texts.of(judged))
        looked = each * times * sum(texts.sizes[place] for place in places)
        top = self.setting.hyperparameters.get("top")
        above = 1.0 if top is None else 1.0 - self.bench.below(top)
        below = sum(windows.below_flop(places, first=look == 0) for look in range(times))
        return whole + above * looked + below

    def model(self, network: Network, adapter: Path | None) -> Model:
        """Return the language model with its signature."""
        decoder = cast(Decoder, network.encoder)
        return SpeakerModel(Signature.of(self.setting.task), decoder, adapter)


class _Watched:
    """Scores a network on some validation texts, the same at each evaluation and seed."""

    def __init__(
        self, setting: Setting, network: Network, texts: Windows, windows: Samples
    ) -> None:
        self.setting, self.network, self.texts = setting, network, texts
        self.windows = windows
        part, values = setting.task.validation, setting.hyperparameters
        found = looks(values["steps"] * values["batch"], len(part), Objective.TEXT)
        self.rows: list[int] = drawn(len(part), found.watched).tolist()
        self.part = part.take(self.rows)
        self.evaluations = found.evaluations
        self.dtype = training_precision(setting)

    def __call__(self) -> tuple[float, float]:
        """Return (merit, mean loss of a token)."""
        found = nats_of(self.network, self.texts, self.rows, self.dtype, samples=self.windows)
        loss = float(found[:, 0].sum() / max(1.0, found[:, 1].sum()))
        if loss != loss:
            return float("nan"), float("nan")
        metric = self.setting.metric
        value = score(Objective.TEXT, (), self.part.targets, found, metric)
        return METRICS.get(metric).merit(value), loss


def language_bench(setting: Setting) -> LanguageBench:
    """Return the workbench of a trial on texts."""
    bench = setting.base
    assert isinstance(bench, LanguageBench)
    return bench
