"""What every method owes: it learns, repeats itself, is saved whole, and says what it cost."""

from __future__ import annotations

import numpy as np
import pytest

from headstart.method.model import METHODS, Method
from headstart.task.model import Objective

from .conftest import CASES, GRADIENT, PAIRS, Shop

ids = [f"{name}-{method}" for name, method in PAIRS]
every_pair = pytest.mark.parametrize(("name", "method"), PAIRS, ids=ids)
STEERED = "a prompt steers what a base knows, and this one is random"
LIMITS = {
    ("text-pair", "tfidf"): "a linear head on a bag of words cannot compare two sides",
    ("corpus", "prompt"): STEERED,
    ("dialogues", "prompt"): STEERED,
    ("corpus", "prefix"): STEERED,
    ("dialogues", "prefix"): STEERED,
}
every_method = pytest.mark.parametrize("method", METHODS.names())


def runs(shop: Shop, name: str, method: str) -> Method:
    """The method; the test is over here where it refuses the task."""
    kind = METHODS.get(method)()
    card = shop.bench(name).card if kind.needs_base else None
    refusal = kind.refuse(shop.task(name), card)
    if refusal is not None:
        assert len(refusal) > 10  # a reason
        pytest.skip(refusal)
    return kind


def home(shop: Shop, method: str) -> str:
    """A task that the method takes; the test is over here where it takes none."""
    kind = METHODS.get(method)()
    card = shop.bench("text").card if kind.needs_base else None
    if kind.refuse(shop.task("text"), card) is None:
        return "text"
    if kind.refuse(shop.task("dialogues"), card) is None:
        return "dialogues"
    runs(shop, "corpus", method)
    return "corpus"


def flat(found) -> np.ndarray:
    return np.concatenate(found) if isinstance(found, list) else np.asarray(found)


@every_method
def test_a_method_has_the_name_it_is_registered_under_and_a_summary(method):
    kind = METHODS.get(method)
    assert kind.name == method
    assert 10 < len(kind.summary) < 60


@pytest.mark.parametrize(
    ("name", "method"),
    [
        pytest.param(*pair, id=id, marks=pytest.mark.xfail(reason=LIMITS[pair], strict=True))
        if pair in LIMITS
        else pytest.param(*pair, id=id)
        for pair, id in zip(PAIRS, ids, strict=True)
    ],
)
def test_a_method_learns(shop, name, method):
    kind = runs(shop, name, method)
    value = shop.score(name, shop.fitted(name, method).validation)
    if kind.name in ("majority", "untouched", "fewshot"):
        assert value < CASES[name].learnt
    else:
        assert value >= CASES[name].learnt


@every_pair
def test_predictions_have_the_shape_of_the_task(shop, name, method):
    runs(shop, name, method)
    task, fitted = shop.task(name), shop.fitted(name, method)
    for part, found in (("validation", fitted.validation), ("test", fitted.test())):
        inputs = task.parts[part].inputs
        assert len(found) == len(inputs)
        if isinstance(found, list):
            assert [len(tags) for tags in found] == [len(item) for item in inputs]
        elif task.classes:
            assert found.shape == (len(inputs), len(task.classes))
            assert ((found >= 0) & (found <= 1)).all()
        elif task.objective is Objective.TEXT:
            assert found.shape == (len(inputs), 2)
            assert (found > 0).all()
        else:
            assert found.shape == (len(inputs),)


@every_pair
def test_the_model_predicts_what_the_trial_was_scored_on(shop, name, method):
    runs(shop, name, method)
    fitted = shop.fitted(name, method)
    expected, found = fitted.test(), fitted.model.outputs(shop.task(name).test.inputs)
    # Batches of other shapes add up in another order: cosines of class means, sharpened by their
    # temperature, then differ by 3e-5 on processors without AVX-512.
    np.testing.assert_allclose(flat(found), flat(expected), rtol=1e-4, atol=1e-4)


@every_pair
def test_a_saved_model_predicts_the_same_in_a_fresh_process(shop, fresh, name, method):
    runs(shop, name, method)
    model = shop.fitted(name, method).model
    _, outputs, predictions = fresh[f"{name}-{method}"]
    inputs = shop.task(name).test.inputs
    np.testing.assert_allclose(flat(outputs), flat(model.outputs(inputs)), rtol=1e-5, atol=1e-5)
    if shop.task(name).classes:
        assert predictions == model.predict(inputs)


@every_method
def test_the_same_seed_gives_the_same_numbers(shop, method):
    name = home(shop, method)
    again = shop.fit(name, method, folder="again")
    before = shop.fitted(name, method)
    assert np.array_equal(flat(again.validation), flat(before.validation))
    assert np.array_equal(flat(again.test()), flat(before.test()))
    assert again.points == before.points
    assert again.flop == before.flop
    assert again.peak_bytes == before.peak_bytes
    assert again.chosen == before.chosen


@pytest.mark.parametrize("method", [*GRADIENT, "qlora"])
def test_another_seed_gives_other_numbers(shop, method):
    name = home(shop, method)
    other = shop.fit(name, method, folder="other", seed=1)
    losses = [[point.loss for point in run.points] for run in (other, shop.fitted(name, method))]
    assert losses[0] != losses[1]


@every_pair
def test_what_a_trial_cost_is_said(shop, name, method):
    kind = runs(shop, name, method)
    fitted = shop.fitted(name, method)
    assert (fitted.flop > 0) is kind.needs_base
    assert fitted.seconds > 0
    assert fitted.cpu_seconds >= 0
    assert fitted.peak_bytes > 0
    assert (fitted.trainable_parameters > 0) is (method not in ("untouched", "fewshot"))
    assert bool(fitted.points) is kind.trains_steps


@every_method
def test_a_search_is_small_and_its_settings_differ(shop, method):
    kind = METHODS.get(method)()
    name = home(shop, method)
    bench = shop.bench(name) if kind.needs_base else None
    found = kind.search(shop.task(name), bench, shop.metric(name))
    assert 1 <= len(found) <= 4
    assert all(a != b for i, a in enumerate(found) for b in found[:i])


@pytest.mark.parametrize("method", [m for m in METHODS.names() if METHODS.get(m).needs_base])
def test_the_base_is_left_as_it_was(shop, method):
    task = home(shop, method)
    bench = shop.bench(task)
    before = {name: value.clone() for name, value in bench.pristine.state_dict().items()}
    shop.fitted(task, method)
    after = bench.pristine.state_dict()
    assert list(after) == list(before)
    assert all(bool((after[name] == before[name]).all()) for name in before)


@pytest.mark.parametrize(
    ("name", "method"), [("image", "tfidf"), ("tags", "tfidf"), ("multi-label", "prototype"),
                         ("regression", "prototype"), ("tags", "prototype"), ("text", "qlora")]
)  # fmt: skip
def test_a_method_says_why_it_cannot_run(shop, name, method):
    assert METHODS.get(method)().refuse(shop.task(name), None)
