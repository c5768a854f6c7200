"""Training an encoder with a head: targets are classes, tags or numbers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from headstart.method.adapted import Model, NetworkModel, Signature, fold_scale, unfold_scale
from headstart.method.job import Job, Watching
from headstart.method.watched import Watched, training_precision, words_of
from headstart.task.model import Objective
from headstart.train.evaluate import Predictions, network_logits, predictions_of
from headstart.train.lesson import Labels, Lesson
from headstart.train.linear import LinearHead
from headstart.train.loss import Scale, target_scale
from headstart.train.network import Network, random_head
from headstart.train.samples import Samples


class Labelling(Job):
    """Starts from the head that the method names, the probe's as a rule."""

    def cost(self) -> tuple[float, float]:
        """Return what the method's start takes."""
        return self.method.start_cost(self.setting)

    @cached_property
    def scale(self) -> Scale:
        """How real targets are brought to deviation 1."""
        task = self.setting.task
        return target_scale(task.train, task.objective)

    def network(self, quick: bool = False) -> Network:
        """Return the prepared network; the probe's head would need the features of all rows."""
        setting = self.setting
        task, bench = setting.task, setting.base
        start = (
            random_head(task, bench.card.width, seed=0)
            if quick
            else self.method.start_head(setting)
        )
        head = unfold_scale(start, self.scale)
        network = Network(self.method.encoder(setting), head, task.objective, bench.pair)
        self.method.prepare(network, setting)
        return network

    def pristine(self, network: Network) -> Network:
        """Return the base under the network's first head."""
        setting = self.setting
        bench = setting.base
        return Network(bench.pristine, _head_of(network), setting.task.objective, bench.pair)

    def samples(self, network: Network, part: str) -> Samples:
        """Return the inputs of a part.

        Where the hyperparameter "top" says that only blocks from the top are trained, the network
        is entered at the frozen boundary, with what is kept of each input.
        """
        setting = self.setting
        top = setting.hyperparameters.get("top")
        if top is None:
            return setting.base.samples(part)
        network.boundary = setting.base.boundary(top)
        return setting.base.states(part, top, training_precision(setting))

    def lesson(self) -> Lesson:
        """Return the objective's loss on the targets."""
        task = self.setting.task
        weighted = self.setting.hyperparameters.get("class_weighted", False)
        return Labels(task.train, task.objective, self.scale, len(task.classes) if weighted else 0)

    def watching(self, network: Network) -> Watched:
        """Return what scores watched rows by the study's metric."""
        return Watched(self.setting, network, self.scale, self.samples(network, "validation"))

    def finish(self, network: Network) -> None:
        """Let the head speak in the targets' own unit."""
        network.set_head(fold_scale(_head_of(network), self.scale))

    def predict(
        self, network: Network, part: str, rows: Sequence[int] | None = None
    ) -> Predictions:
        """Return probabilities, values or tags."""
        setting = self.setting
        inputs, samples = setting.task.parts[part].inputs, setting.base.samples(part)
        rows = range(len(inputs)) if rows is None else rows
        tags = setting.task.objective is Objective.TAGS
        words = words_of([inputs[row] for row in rows]) if tags else None
        label = f"predicting {part}"
        logits = network_logits(network, samples, rows, words, setting.progress, label)
        return predictions_of(setting.task.objective, logits)

    def looking(self, watching: Watching, judged: Sequence[int], times: int) -> float:
        """Return the operations; what is kept below a frozen boundary is not computed again."""
        assert isinstance(watching, Watched)
        bench, top = self.setting.base, self.setting.hyperparameters.get("top")
        samples, rows = watching.samples, watching.rows
        looked = times * sum(samples.sizes[row] for row in rows)
        whole = sum(samples.sizes[row] for row in judged) * bench.flop_per_unit
        if top is None:
            return whole + looked * bench.flop_per_unit
        above = (1.0 - bench.below(top)) * bench.flop_per_unit
        visits = [samples.below_flop(rows, first=n == 0) for n in range(times)]
        return whole + looked * above + sum(visits)

    def model(self, network: Network, adapter: Path | None) -> Model:
        """Return the network with its signature."""
        return NetworkModel(Signature.of(self.setting.task), network, adapter)


def _head_of(network: Network) -> LinearHead:
    return LinearHead(
        weight=network.head.weight.detach().cpu().numpy(),
        bias=network.head.bias.detach().cpu().numpy(),
    )
