"""Tiny tasks of every kind, tiny bases that can learn them, and each method fitted once."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from headstart.base.compat import prepare_torchvision
from headstart.files import digest
from headstart.measure.score import METRICS, metrics, score
from headstart.method.model import METHODS, Fitted, Hyperparameters, Method, Setting
from headstart.progress import Silent
from headstart.task.model import (
    Dialogue,
    Image,
    Input,
    Kind,
    Message,
    Modality,
    Objective,
    Part,
    Task,
)
from headstart.train.benches import workbench
from headstart.train.cache import FeatureCache
from headstart.train.workbench import Workbench

TOPICS = {
    "food": ["soup", "bread", "oven", "recipe", "butter", "chef"],
    "money": ["bank", "loan", "stock", "market", "price", "tax"],
    "sport": ["goal", "match", "team", "league", "coach", "score"],
}
NOISE = ["the", "a", "of", "one", "two", "three", "and", "with", "for", "by"]
COLOURS = {"blue": (40, 60, 200), "green": (40, 180, 60), "red": (200, 40, 40)}
SIZES = {"train": 96, "validation": 48, "test": 48}
GRADIENT = ("lora", "lora-top", "rslora", "dora", "partial", "gradual", "finetune", "scratch")
IMAGE_BASE = "timm:test_resnet?random=0"


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    torch.set_num_threads(1)
    prepare_torchvision()


def write_bert(folder: Path, *, pooler: bool) -> None:
    """A random three-layer BERT that knows the words of the tasks, as its users save it."""
    from transformers import BertConfig, BertModel, BertTokenizer

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *NOISE]
    words += [word for topic in TOPICS.values() for word in topic]
    BertTokenizer(vocab={word: index for index, word in enumerate(words)}).save_pretrained(folder)
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=32,
        num_hidden_layers=3,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=32,
    )
    BertModel(config, add_pooling_layer=pooler).save_pretrained(folder)


@pytest.fixture(scope="session")
def bert(tmp_path_factory) -> str:
    """Reference of a tiny BERT whose features are means over tokens."""
    folder = tmp_path_factory.mktemp("base") / "bert"
    write_bert(folder, pooler=False)
    return f"local:{folder}"


def write_llama(folder: Path, **sizes: int) -> None:
    """A random three-layer decoder that knows the words of the tasks."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    words = ["[UNK]", "[END]", *(word for topic in TOPICS.values() for word in topic)]
    backend = Tokenizer(WordLevel({w: at for at, w in enumerate(words)}, unk_token="[UNK]"))
    backend.pre_tokenizer = Whitespace()
    PreTrainedTokenizerFast(
        tokenizer_object=backend, eos_token="[END]", unk_token="[UNK]"
    ).save_pretrained(folder)
    torch.manual_seed(1)
    config = LlamaConfig(
        vocab_size=len(words), num_hidden_layers=3, num_attention_heads=2, num_key_value_heads=1,
        max_position_embeddings=64, tie_word_embeddings=True,
        **{"hidden_size": 32, "intermediate_size": 64, **sizes},
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)


@pytest.fixture(scope="session")
def llama(tmp_path_factory) -> str:
    """Reference of a tiny decoder with random weights that knows the words of the tasks."""
    folder = tmp_path_factory.mktemp("base") / "llama"
    write_llama(folder)
    return f"local:{folder}"


@pytest.fixture
def bert_folder(tmp_path) -> Path:
    """Folder of a tiny BERT with a pooler."""
    write_bert(tmp_path / "bert", pooler=True)
    return tmp_path / "bert"


def sentence(generator: np.random.Generator, topics: list[str], length: int = 4) -> list[str]:
    """Words of each topic, and noise, in random order."""
    words = [str(w) for t in topics for w in generator.choice(TOPICS[t], length, replace=False)]
    words += [str(word) for word in generator.choice(NOISE, int(generator.integers(1, 5)))]
    return [words[place] for place in generator.permutation(len(words))]


def single(generator: np.random.Generator) -> tuple[Input, object]:
    label = int(generator.integers(3))
    return " ".join(sentence(generator, [list(TOPICS)[label]])), label


def multi(generator: np.random.Generator) -> tuple[Input, object]:
    labels = generator.integers(0, 2, 3)
    topics = [topic for topic, has in zip(TOPICS, labels, strict=True) if has]
    return " ".join(sentence(generator, topics, 2)), labels


def real(generator: np.random.Generator) -> tuple[Input, object]:
    count = int(generator.integers(0, 6))
    words = sentence(generator, ["sport"], count) + sentence(generator, ["food"], 5 - count)
    return " ".join(words), 2000.0 + 3.0 * count


def pair(generator: np.random.Generator) -> tuple[Input, object]:
    names = list(TOPICS)
    left, label = int(generator.integers(3)), int(generator.integers(2))
    right = left if label else (left + 1) % 3
    sides = [" ".join(sentence(generator, [names[side]])) for side in (left, right)]
    return (sides[0], sides[1]), label


def tags(generator: np.random.Generator) -> tuple[Input, object]:
    words = sentence(generator, list(TOPICS), 2)
    of = {word: index for index, topic in enumerate(TOPICS.values()) for word in topic}
    return tuple(words), np.array([of.get(word, 3) for word in words], dtype=np.int64)


def rhyme(generator: np.random.Generator) -> list[str]:
    """Words of a topic in their order, from any of them on."""
    words = list(TOPICS.values())[int(generator.integers(3))]
    start = int(generator.integers(len(words)))
    return [words[(start + at) % len(words)] for at in range(12)]


def document(generator: np.random.Generator) -> tuple[Input, object]:
    text = " ".join(rhyme(generator))
    return text, len(text)


def exchange(generator: np.random.Generator) -> tuple[Input, object]:
    words = rhyme(generator)
    answer = " ".join(words[4:8])
    said = (Message("user", " ".join(words[:4])), Message("assistant", answer))
    return Dialogue(said), len(answer)


def picture(generator: np.random.Generator) -> tuple[Input, object]:
    from PIL import Image as Pillow

    label = int(generator.integers(3))
    colour = list(COLOURS.values())[label]
    pixels = generator.normal(colour, 25, (24, 24, 3)).clip(0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Pillow.fromarray(pixels).save(buffer, "PNG")
    return Image(data=buffer.getvalue()), label


@dataclass(frozen=True)
class Case:
    """How a task is drawn, and the validation score that a method that learns reaches."""

    kind: Kind
    objective: Objective
    classes: tuple[str, ...]
    draw: Callable[[np.random.Generator], tuple[Input, object]]
    learnt: float
    modality: Modality = Modality.TEXT


CASES = {
    "text": Case(Kind.CLASSIFICATION, Objective.SINGLE_LABEL, tuple(TOPICS), single, 0.8),
    "image": Case(
        Kind.CLASSIFICATION, Objective.SINGLE_LABEL, tuple(COLOURS), picture, 0.8, Modality.IMAGE
    ),
    "multi-label": Case(Kind.CLASSIFICATION, Objective.MULTI_LABEL, tuple(TOPICS), multi, 0.75),
    "regression": Case(Kind.REGRESSION, Objective.REAL, (), real, 0.4),
    "text-pair": Case(Kind.TEXT_PAIR, Objective.SINGLE_LABEL, ("other", "same"), pair, 0.65),
    "tags": Case(
        Kind.TOKEN_CLASSIFICATION, Objective.TAGS, (*TOPICS, "none"), tags, 0.8
    ),
    "corpus": Case(Kind.LANGUAGE_MODELING, Objective.TEXT, (), document, -0.7),
    "dialogues": Case(Kind.INSTRUCTION, Objective.TEXT, (), exchange, -0.95),
}  # fmt: skip


def build(name: str, sizes: dict[str, int] = SIZES) -> Task:
    """Return the task of a case; the same every time."""
    case = CASES[name]
    generator = np.random.default_rng(5)
    parts = {part: _part(case, generator, rows) for part, rows in sizes.items()}
    return Task(
        name=name,
        kind=case.kind,
        objective=case.objective,
        modality=case.modality,
        input=("left", "right") if case.kind is Kind.TEXT_PAIR else ("input",),
        target="target",
        classes=case.classes,
        fingerprint=digest(name),
        split="drawn",
        **parts,
    )


def _part(case: Case, generator: np.random.Generator, rows: int) -> Part:
    drawn = [case.draw(generator) for _ in range(rows)]
    inputs = [item for item, _ in drawn]
    targets: object = [target for _, target in drawn]
    if case.objective is not Objective.TAGS:
        dtypes = {
            Objective.MULTI_LABEL: np.float32,
            Objective.REAL: np.float64,
            Objective.TEXT: np.float64,
        }
        targets = np.array(targets, dtype=dtypes.get(case.objective, np.int64))
    ids = [digest(item.data if isinstance(item, Image) else repr(item)) for item in inputs]
    return Part(inputs, targets, ids, [f"row {row}" for row in range(rows)])  # type: ignore[arg-type]


@dataclass
class Shop:
    """Fits methods on the tasks, each question answered once."""

    root: Path
    bert: str
    llama: str

    def __post_init__(self) -> None:
        self.tasks: dict[str, Task] = {}
        self.benches: dict[str, Workbench] = {}
        self.done: dict[tuple[str, str], Fitted] = {}

    def task(self, name: str) -> Task:
        if name not in self.tasks:
            self.tasks[name] = build(name)
        return self.tasks[name]

    def bench(self, name: str) -> Workbench:
        if name not in self.benches:
            base = IMAGE_BASE if CASES[name].modality is Modality.IMAGE else self.bert
            base = self.llama if CASES[name].objective is Objective.TEXT else base
            cache = FeatureCache(self.root / "features")
            folder = self.root / "bench"
            self.benches[name] = workbench(self.task(name), base, cache, folder, Silent())
        return self.benches[name]

    def metric(self, name: str) -> str:
        return metrics(self.task(name).objective, self.task(name).classes)[0]

    def setting(self, name: str, method: str, folder: str = "work", **changes) -> Setting:
        """What a trial of the method is fitted from; ``changes`` go to the hyperparameters."""
        kind: Method = METHODS.get(method)()
        bench = self.bench(name) if kind.needs_base else None
        values = dict(kind.search(self.task(name), bench, self.metric(name))[-1])
        if kind.trains_steps:
            values |= steps_for(name, method)
        seed = int(changes.pop("seed", 0))
        work = self.root / folder / f"{name}-{method}"
        work.mkdir(parents=True, exist_ok=True)
        return Setting(self.task(name), bench, {**values, **changes}, seed, self.metric(name), work)

    def fit(self, name: str, method: str, folder: str = "work", **changes) -> Fitted:
        return METHODS.get(method)().fit(self.setting(name, method, folder, **changes))

    def fitted(self, name: str, method: str) -> Fitted:
        """The method fitted on the task with seed 0."""
        if (name, method) not in self.done:
            self.done[name, method] = self.fit(name, method)
        return self.done[name, method]

    def score(self, name: str, found) -> float:
        """The main score on validation, with the sign that makes higher better."""
        task, metric = self.task(name), self.metric(name)
        targets = task.validation.targets
        return METRICS.get(metric).merit(
            score(task.objective, task.classes, targets, found, metric)
        )


def steps_for(name: str, method: str) -> Hyperparameters:
    """Few steps at a high rate: these networks are tiny and their weights random."""
    image = CASES[name].modality is Modality.IMAGE
    rate = 1e-2 if "lora" in method or method in ("dora", "prompt", "prefix") else 3e-3
    return {"steps": 12 if image else 45, "batch": 16, "rate": rate}


@pytest.fixture(scope="session")
def shop(tmp_path_factory, bert, llama) -> Shop:
    return Shop(tmp_path_factory.mktemp("shop"), bert, llama)


PAIRS = [
    (name, method)
    for name in CASES
    for method in METHODS.names()
    if name in ("text", "image") or method not in ("partial", "gradual")
]

_FRESH = """
import pickle, sys
import torch
torch.set_num_threads(1)
from headstart.method.adapted import load_model
with open(sys.argv[1], "rb") as file:
    asked = pickle.load(file)
found = {}
for folder, inputs in asked:
    model = load_model(__import__("pathlib").Path(folder))
    found[folder] = (model.outputs(inputs), model.predict(inputs))
with open(sys.argv[2], "wb") as file:
    pickle.dump(found, file)
"""


@pytest.fixture(scope="session")
def fresh(shop, tmp_path_factory):
    """Saves every fitted model; returns what one fresh process that loads them all predicts."""
    import pickle

    root = tmp_path_factory.mktemp("saved")
    asked = []
    for name, method in PAIRS:
        kind = METHODS.get(method)()
        card = shop.bench(name).card if kind.needs_base else None
        if kind.refuse(shop.task(name), card) is None:
            folder = root / f"{name}-{method}"
            folder.mkdir()
            shop.fitted(name, method).model.save(folder)
            asked.append((str(folder), list(shop.task(name).test.inputs)))
    question, answer = root / "question.pickle", root / "answer.pickle"
    question.write_bytes(pickle.dumps(asked))
    done = subprocess.run(
        [sys.executable, "-c", _FRESH, str(question), str(answer)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = pickle.loads(answer.read_bytes())
    return {Path(folder).name: (Path(folder), *said) for folder, said in found.items()}
