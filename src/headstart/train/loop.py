"""The training loop: best checkpoint by validation, early stop, guards, resume in mid-epoch."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import torch

from headstart.errors import WorkError
from headstart.files import digest
from headstart.progress import Advance, Silent
from headstart.train import checkpoint
from headstart.train.groups import Group, activate
from headstart.train.guard import RATE_CUT, RETRIES, Ceiling
from headstart.train.lesson import Lesson
from headstart.train.network import Network
from headstart.train.place import Place
from headstart.train.recipe import Point, Recipe, Run
from headstart.train.samples import Samples, batch_order
from headstart.train.schedule import rate_factor
from headstart.train.step import Stepper
from headstart.train.vocabulary import widen


class Trainer(Stepper):
    """Trains the groups of a network on one part, by AdamW under a recipe.

    Args:
        network: Trained in place; ends with the weights that were best on validation.
        groups: What is trained (see :mod:`headstart.train.groups`).
        recipe: How.
        lesson: What the rows' loss is.
        samples: The training rows' encoded inputs.
        validate: Returns (score, loss) of the network on validation; higher scores are better,
            and a score of NaN says that the network's outputs are no numbers.
        seed: Fixes the order of batches and dropout.
        place: Checkpoint, memory ceiling, progress.
    """

    def __init__(
        self,
        network: Network,
        groups: Sequence[Group],
        recipe: Recipe,
        lesson: Lesson,
        samples: Samples,
        validate: Callable[[], tuple[float, float]],
        seed: int,
        place: Place | None = None,
    ) -> None:
        self.place = place or Place(None, Ceiling(8192), Silent())
        super().__init__(network, groups, recipe, lesson, samples, self.place.ceiling, self._note)
        self.validate, self.seed = validate, seed
        trained = {id(p) for group in self.groups for p in group.parameters()}
        self.trained = {name for name, p in network.named_parameters() if id(p) in trained}
        self.active = -1
        self.step = 0
        self.rate_scale = 1.0
        self.cuts = 0
        self.best: tuple[float, float] | None = None  # score, minus loss
        self.best_state: checkpoint.State = {}
        self.since_best = 0
        self.losses: list[float] = []
        self.run = Run()
        self.flop_per_unit = 0.0
        self.order: tuple[int, list[list[int]]] = (-1, [])
        self.epoch_batches = math.ceil(len(samples) / recipe.batch)
        self.every = max(1, math.ceil(recipe.steps / recipe.evaluations))

    def fit(self) -> Run:
        """Train to the end of the schedule or to the early stop; return what happened.

        Raises:
            WorkError: The loss stayed no number after several cuts of the rate, or one input
                alone does not fit in memory.
        """
        devices = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(self.seed)
            self._begin()
            with self.place.progress.bar(self.place.label, self.recipe.steps) as advance:
                advance(self.step)
                self._steps(advance)
        checkpoint.restore_state(self.network, self.best_state)
        widen(self.network)
        self.network.eval()
        return self.run

    def _hopeless(self) -> bool:
        """Tell whether to stop early: never before half the schedule, where rates still are high.

        A run that starts from a fitted head often falls before it rises.
        """
        late = 2 * self.step >= self.recipe.steps
        return late and self.since_best >= self.recipe.patience

    def _begin(self) -> None:
        """Go on from the checkpoint if there is one, else score the start."""
        path = self.place.checkpoint
        state = checkpoint.load_checkpoint(path, self._fits()) if path is not None else None
        if state is not None:
            self._restore(state)
            return
        with self._clock():
            self._activate()
            if not self._evaluate():
                raise WorkError(
                    "the base's outputs are no numbers (NaN or infinite) before any training",
                    mend="choose another base, and look for absurd values in the inputs",
                )

    def _steps(self, advance: Advance) -> None:
        saved = time.monotonic()
        while self.step < self.recipe.steps and not self._hopeless():
            with self._clock():
                self._activate()
                done = self._take_step()
            if not done:
                self._back_to_best()
                continue
            advance(1)
            if time.monotonic() - saved >= self.place.save_every:
                self._save()
                saved = time.monotonic()
        if self.step < self.recipe.steps:
            self.run.notes.append(
                f"stopped early after {self.step} of {self.recipe.steps} steps: "
                f"{self.since_best} evaluations without a gain on validation"
            )

    @contextmanager
    def _clock(self) -> Iterator[None]:
        """Add the block's time to the run's."""
        started, cpu_started = time.monotonic(), time.process_time()
        try:
            yield
        finally:
            self.run.seconds += time.monotonic() - started
            self.run.cpu_seconds += time.process_time() - cpu_started

    def _take_step(self) -> bool:
        """Train on the next batch and score validation where it is due.

        Returns False, with the step still to be taken, if what came out is no number.
        """
        epoch, index = divmod(self.step, self.epoch_batches)
        rows = self._order(epoch)[index]
        if not self._train_on(rows):
            return False
        self.run.flop += self.samples.below_flop(rows, first=epoch == 0)
        self.step += 1
        due = self.step % self.every == 0 or self.step == self.recipe.steps
        if due and not self._evaluate():
            self.step -= 1
            return False
        return True

    def _activate(self) -> None:
        """Unfreeze what the step calls for; on a change measure what a step costs now."""
        active = sum(self.step >= group.from_step for group in self.groups)
        if active != self.active:
            activate(self.network, self.groups, self.step, self.recipe.keep_statistics)
            self.active = active
            self._measure()

    def _measure(self) -> None:
        """Count the operations and bytes of a training step on the first batch of the run."""
        rows = self._order(0)[0]
        before = checkpoint.Moment.of(self.network)
        flop, size = self._within_memory(lambda: self._step_cost(rows), rows)
        before.put_back(self.network)
        self.flop_per_unit = flop
        self.run.peak_bytes = max(self.run.peak_bytes, size)

    def _order(self, epoch: int) -> list[list[int]]:
        """Return the batches of ``epoch``; the last epoch asked for is kept."""
        if self.order[0] != epoch:
            sizes, batch = self.samples.sizes, self.recipe.batch
            self.order = (epoch, batch_order(sizes, batch, self.seed, epoch))
        return self.order[1]

    def _train_on(self, rows: list[int]) -> bool:
        """Take one optimiser step; return False if the loss or its gradient is no number."""
        loss = self._within_memory(lambda: self._accumulate(rows), rows)
        norm = torch.nn.utils.clip_grad_norm_(
            [p for p in self.network.parameters() if p.grad is not None], self.recipe.clip
        )
        if not (math.isfinite(loss) and bool(torch.isfinite(norm))):
            self.optimizer.zero_grad(set_to_none=True)
            return False
        self._update(self._rate())
        self.losses.append(loss)
        self.run.flop += self.flop_per_unit * sum(self.samples.sizes[row] for row in rows)
        return True

    def _rate(self) -> float:
        factor = rate_factor(
            self.step, self.recipe.steps, warmup=self.recipe.warmup, shape=self.recipe.shape
        )
        return self.recipe.rate * self.rate_scale * factor

    def _evaluate(self) -> bool:
        """Score validation, keep the weights if they are the best so far.

        Returns False, with nothing kept, if the score is no number: training has come apart.
        """
        score, loss = self.validate()
        activate(self.network, self.groups, self.step, self.recipe.keep_statistics)
        if not math.isfinite(score):
            return False
        merit = (score, -loss)
        if self.best is None or merit > self.best:
            self.best, self.since_best = merit, 0
            self.best_state = checkpoint.trained_state(self.network, self.trained)
        else:
            self.since_best += 1
        recent = sum(self.losses) / len(self.losses) if self.losses else None
        self.losses = []
        epoch = self.step / self.epoch_batches
        self.run.points.append(Point(self.step, epoch, self._rate(), recent, score))
        return True

    def _back_to_best(self) -> None:
        """After a loss that is no number: best weights, fresh optimiser state, a lower rate.

        Raises:
            WorkError: It happened too often.
        """
        self.cuts += 1
        if self.cuts > RETRIES:
            raise WorkError(
                f"the loss is no number (NaN or infinite) at step {self.step}, "
                f"also after {RETRIES} cuts of the rate to {self._rate():.1e}",
                mend="use a lower learning rate, and look for absurd values in the inputs",
            )
        self.rate_scale *= RATE_CUT
        checkpoint.restore_state(self.network, self.best_state)
        self.optimizer.state.clear()
        self.losses = []
        self._note(
            f"loss was no number at step {self.step}: back to the best weights, rate x {RATE_CUT}"
        )

    def _note(self, text: str) -> None:
        self.run.notes.append(text)
        self.place.progress.say(f"{self.place.label}: {text}")

    def _save(self) -> None:
        if self.place.checkpoint is None:
            return
        state: dict[str, Any] = {
            "fits": self._fits(),
            "weights": checkpoint.trained_state(self.network, self.trained),
            "best_weights": self.best_state,
            "optimizer": self.optimizer.state_dict(),
            "random": checkpoint.random_state(),
            "step": self.step,
            "active": self.active,
            "flop_per_unit": self.flop_per_unit,
            "rate_scale": self.rate_scale,
            "cuts": self.cuts,
            "best": list(self.best or ()),
            "since_best": self.since_best,
            "losses": self.losses,
            "run": asdict(self.run),
        }
        checkpoint.save_checkpoint(self.place.checkpoint, state)

    def _fits(self) -> str:
        """Return what a checkpoint must be of to go on from: this recipe, seed and weights."""
        shapes = [f"{name} {tuple(p.shape)}" for name, p in self.network.named_parameters()]
        return digest(repr(self.recipe), str(self.seed), *shapes, *sorted(self.trained))

    def _restore(self, state: dict[str, Any]) -> None:
        self.step = state["step"]
        self.rate_scale, self.cuts = state["rate_scale"], state["cuts"]
        self.best = (state["best"][0], state["best"][1])
        self.best_state, self.since_best = state["best_weights"], state["since_best"]
        self.losses = state["losses"]
        self.run = Run(**state["run"])
        self.run.points = [Point(**point) for point in state["run"]["points"]]
        checkpoint.restore_state(self.network, state["weights"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.active, self.flop_per_unit = state["active"], state["flop_per_unit"]
        activate(self.network, self.groups, self.step, self.recipe.keep_statistics)
        checkpoint.set_random_state(state["random"])
