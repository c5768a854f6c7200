"""Will it fit: the memory that training a decoder takes on a GPU that is not here.

Counted on small twins of the base (:mod:`headstart.base.twin`), whose widths, layers and vocabulary
are then multiplied. What is kept of a token grows with the widths, weights with their squares.
All of it is counted in float32; where a GPU trains faster in bfloat16, activations are smaller.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from headstart.base.decoder import CONTEXT
from headstart.base.text_folder import read_config
from headstart.base.twin import WORDS, Shape, shape_of, write_twin
from headstart.errors import RequestError
from headstart.measure.cost import weight_bytes
from headstart.measure.gpus import GIB, gpu_memory
from headstart.method.gradient import GradientMethod
from headstart.method.model import METHODS, Setting
from headstart.progress import Progress, Silent
from headstart.task.build import build_task
from headstart.task.model import Kind, Objective, Task
from headstart.train.benches import workbench
from headstart.train.cache import FeatureCache
from headstart.train.recompute import stacked
from headstart.train.step import COUNTED
from headstart.train.tryout import TRAINED_BYTES, Counts
from headstart.train.workbench import Workbench

TAKEN = GIB  # by the driver, its context and the kernels
SHARE = 0.95  # of the rest: what an allocator can hand out before fragments fill it
LAYERS = (3, 6)  # of the twins: partial trains a third
LENGTHS = (32, 96)  # tokens of a text that they read
METRIC = "bits_per_byte"
EVERYTHING = 0.9  # of a twin's weights: so many are trained where all but buffers are


@dataclass(frozen=True)
class Memory:
    """Bytes that training takes, by what they are for.

    Attributes:
        base: The base as it is, which controls and levers read.
        weights: The copy that is trained, or in 4 bits.
        state: Gradients, moments and the best weights so far.
        step: Activations whatever is read (DoRA's norms).
        token: Those of a token, or of an image.
        again: The same where blocks are computed again in the backward pass.
    """

    base: float
    weights: float
    state: float
    step: float
    token: float
    again: float

    @property
    def fixed(self) -> float:
        """Bytes whatever is read."""
        return self.base + self.weights + self.state + self.step

    def total(self, tokens: int) -> float:
        """Return the bytes of a step whose pieces have so many tokens."""
        return self.fixed + self.token * tokens


@dataclass(frozen=True)
class Fit:
    """Whether training a base by a method fits.

    Attributes:
        base, method: Which.
        context: Tokens of a text.
        memory: What it takes.
        room: Bytes that the GPU has for it.
        texts: That fit at once; 0 if not even one does.
        again: Whether one fits where activations are computed again.
    """

    base: str
    method: str
    context: int
    memory: Memory
    room: float
    texts: int
    again: bool

    @property
    def fits(self) -> bool:
        """Whether it can be trained there at all."""
        return self.texts > 0 or self.again

    @property
    def answer(self) -> str:
        """For people."""
        if self.texts:
            return f"fits, {self.texts:,} at once" if self.texts > 1 else "fits, one at a time"
        return "fits, activations computed again" if self.again else "does not fit"


@dataclass(frozen=True)
class Question:
    """What is asked.

    Attributes:
        bases, methods: Every pair of which is answered.
        gpu: A name or a size, as of :func:`headstart.measure.gpus.gpu_memory`.
        context: Tokens of a text; None for what headstart trains with.
    """

    bases: Sequence[str]
    methods: Sequence[str]
    gpu: str
    context: int | None = None


def fits(asked: Question, task: Task, metric: str, progress: Progress) -> list[Fit]:
    """Return whether each method fits for each base; nothing is trained.

    Of decoders on texts only the configuration is read: a folder may hold it alone. Encoders are
    loaded, and counted themselves, on the task's largest input.

    Raises:
        RequestError: No such GPU, base or method, or the base reads fewer tokens.
    """
    _, size = gpu_memory(asked.gpu)
    room = SHARE * (size - TAKEN)
    methods = [_method(name) for name in asked.methods]
    says = task.objective is Objective.TEXT
    found = []
    with (
        TemporaryDirectory() as folder,
        progress.bar("counting memory", len(asked.bases) * len(methods)) as advance,
    ):
        for at, base in enumerate(asked.bases):
            place = Path(folder) / str(at)
            if says:
                shape, twins = _twinned(base, place)
                units = _length(base, shape, asked.context)
            else:
                bench = workbench(task, base, FeatureCache(), place, Silent())
                units = max(bench.samples("train").sizes)
            for method in methods:
                memory = foretold(method, shape, twins) if says else counted(method, bench, metric)
                left = room - memory.fixed
                texts, again = max(0, int(left / (memory.token * units))), memory.again * units
                found.append(Fit(base, method.name, units, memory, room, texts, again <= left))
                advance(1)
    return found


def counted(method: GradientMethod, bench: Workbench, metric: str) -> Memory:
    """Return what training a base that is loaded takes."""
    found, spared = _counts(method, bench, metric)
    base, state = weight_bytes(bench.pristine), found.trained * TRAINED_BYTES
    token, again = found.activations / found.units, spared.activations / spared.units
    blocks = len(stacked(bench.pristine.body))
    again = again + token / blocks if blocks else token
    return Memory(base, found.weights, state, 0.0, token, again)


Twins = dict[tuple[int, int], Workbench]  # by layers and tokens of a text


def foretold(method: GradientMethod, shape: Shape, twins: Twins) -> Memory:
    """Return what a decoder of this shape takes, from what its twins do."""
    both = {at: _counts(method, bench, METRIC) for at, bench in twins.items()}
    found = {at: counts for at, (counts, _) in both.items()}
    few, many = LAYERS
    short, long = LENGTHS

    def token(layers: int, again: bool = False) -> float:
        """Bytes of activations that each further token adds."""
        one, other = both[layers, short][again], both[layers, long][again]
        return (other.activations - one.activations) / (other.units - one.units)

    def step(layers: int) -> float:
        """Bytes of activations that do not hang on the texts; virtual tokens do."""
        one = found[layers, short]
        read: int = one.units + COUNTED * method.extra().get("tokens", 0)
        return float(max(0.0, one.activations - token(layers) * read))

    def whole(small: float, large: float, outside: float, inside: float) -> float:
        """Return what all layers come to, those outside of them and inside scaled."""
        each = (large - small) / (many - few)
        return (small - few * each) * outside + each * shape.layers * inside

    wide, square = shape.scale, shape.scale**2
    table = shape.vocabulary * wide  # the embeddings' growth
    one, other = found[few, short], found[many, short]
    added = 4 * one.trained if method.slim else 0, 4 * other.trained if method.slim else 0
    everything = 4 * one.trained > EVERYTHING * one.weights  # embeddings, too
    growth = (wide, wide) if method.slim else (table if everything else square, square)
    trained = whole(one.trained, other.trained, *growth)
    weights = whole(one.weights - added[0], other.weights - added[1], table, square)
    block = (token(many) - token(few)) / (many - few) * wide  # one at a time keeps all of its own
    bases = [weight_bytes(twins[layers, short].pristine) for layers in LAYERS]
    return Memory(
        base=whole(bases[0], bases[1], table, square),
        weights=weights + (4 * trained if method.slim else 0),
        state=trained * TRAINED_BYTES,
        step=whole(step(few), step(many), square, square),
        token=whole(token(few), token(many), wide, wide),
        again=whole(token(few, True), token(many, True), wide, wide) + block,
    )


def _counts(method: GradientMethod, bench: Workbench, metric: str) -> tuple[Counts, Counts]:
    values = {**method.search(bench.task, bench, metric)[0], "steps": 1, "schedule": "linear"}
    folder = bench.folder / f"fit-{method.name}"
    return method.counts(Setting(bench.task, bench, values, 0, metric, folder))


def _twinned(base: str, folder: Path) -> tuple[Shape, Twins]:
    """Return the shape of a base, and twins at work on made-up texts."""
    config = _config(base)
    shape, found = shape_of(config), {}
    for layers in LAYERS:
        place = folder / f"twin-{layers}"
        write_twin(config, shape, layers, place)
        for length in LENGTHS:
            data = folder / f"texts-{length}.jsonl"
            data.write_text("".join(_texts(length)), encoding="utf-8")
            task = build_task(str(data), kind=Kind.LANGUAGE_MODELING)
            work = folder / f"work-{layers}-{length}"
            cache = FeatureCache(folder / "cache")
            found[layers, length] = workbench(task, f"local:{place}", cache, work, Silent())
    return shape, found


def _texts(length: int) -> list[str]:
    """Return texts of so many tokens, no two the same."""
    texts = (
        " ".join(WORDS[(at * 7 + row * (1 + at % 5)) % len(WORDS)] for at in range(length))
        for row in range(24)
    )
    return [json.dumps({"text": text}) + "\n" for text in texts]


def _method(name: str) -> GradientMethod:
    found = METHODS.get(name)()
    if not isinstance(found, GradientMethod):
        raise RequestError(
            f"'{name}' trains no steps: it takes no more memory than the base",
            where="--method",
            mend="name one that trains, e.g. lora, qlora, prompt, finetune",
        )
    return found


def _length(base: str, shape: Shape, context: int | None) -> int:
    """Return the tokens of a text."""
    if context is not None and context < 1:
        raise RequestError(
            f"a context of {context} tokens", where="--context", mend="give 1 or more"
        )
    if context is not None and shape.context and context > shape.context:
        raise RequestError(
            f"{base} reads {shape.context:,} tokens at once, not {context:,}",
            where="--context",
            mend=f"give {shape.context:,} or fewer",
        )
    return context or min(CONTEXT, shape.context or CONTEXT)


def _config(base: str) -> Any:
    """Return the configuration of a decoder, without its weights."""
    from headstart.base import reference
    from headstart.base.decoder import no_decoder
    from headstart.base.text_folder import is_decoder

    prefix, name = reference.parse(base)
    look = getattr(reference.SOURCES.get(prefix), "configured", None)
    folder = None if look is None else look(name)
    if folder is None:
        raise no_decoder(base)
    config = read_config(folder)
    if not is_decoder(config):
        raise no_decoder(base)
    return config
