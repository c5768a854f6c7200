"""What each method that trains step by step trains, and from where it starts."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from headstart.errors import WorkError
from headstart.measure.score import score
from headstart.method import gradient
from headstart.method.finetune import Finetune
from headstart.method.gradual import Gradual
from headstart.method.heads import head_predictions
from headstart.method.labelling import Labelling
from headstart.method.lora import Lora
from headstart.method.model import METHODS
from headstart.method.partial import Partial
from headstart.method.probe import probe_head
from headstart.method.saying import Saying
from headstart.method.scratch import Scratch
from headstart.task.model import Objective
from headstart.train import loop
from headstart.train.linear import LinearHead
from headstart.train.place import Place

from .conftest import CASES, GRADIENT, PAIRS

STARTS_FROM_PROBE = [name for name in GRADIENT if name != "scratch"]


LABELLED = [p for p in PAIRS if CASES[p[0]].objective is not Objective.TEXT]


@pytest.mark.parametrize(("name", "method"), [p for p in LABELLED if p[1] in STARTS_FROM_PROBE])
def test_the_start_scores_as_the_probe_on_train_alone(shop, name, method):
    task, bench = shop.task(name), shop.bench(name)
    head = probe_head(task, bench, shop.metric(name))
    values = bench.features("validation").values
    expected = score(
        task.objective, task.classes, task.validation.targets,
        head_predictions(head, values, task.validation, task), shop.metric(name),
    )  # fmt: skip
    start = shop.fitted(name, method).points[0]
    assert start.step == 0
    assert start.validation == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("method", STARTS_FROM_PROBE)
def test_training_never_ends_below_its_start(shop, method):
    fitted = shop.fitted("text", method)
    assert shop.score("text", fitted.validation) >= fitted.points[0].validation


@pytest.mark.parametrize("method", GRADIENT)
def test_validation_predictions_are_the_best_points(shop, method):
    fitted = shop.fitted("text", method)
    best = max(point.validation for point in fitted.points)
    assert shop.score("text", fitted.validation) == pytest.approx(best)


@pytest.fixture
def blank_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """A start that knows nothing: on these texts the probe's could not be bettered."""

    def zero(task, bench, metric):
        return LinearHead(np.zeros((3, bench.card.width), np.float32), np.zeros(3, np.float32))

    monkeypatch.setattr(gradient, "probe_head", zero)


def changed(shop, method: str) -> set[str]:
    """Names of the body's weights that training changed."""
    before = shop.bench("text").pristine.body.state_dict()
    body = shop.fit("text", method, folder="blank").model.network.encoder.body
    after = body.state_dict()
    assert list(before) == list(after)
    return {name for name in before if not torch.equal(before[name], after[name])}


def test_partial_trains_only_the_top_block(blank_start, shop):
    found = changed(shop, "partial")
    assert found
    assert all(name.startswith("encoder.layer.2.") for name in found)


def test_partial_takes_a_third_of_the_blocks(shop):
    settings = Partial().search(shop.task("text"), shop.bench("text"), "accuracy")
    assert {setting["top"] for setting in settings} == {1}  # embeddings and three layers


@pytest.mark.parametrize("method", ["finetune", "gradual", "scratch"])
def test_full_methods_train_every_block(blank_start, shop, method):
    found = {".".join(name.split(".")[:3]) for name in changed(shop, method)}
    assert {"encoder.layer.0", "encoder.layer.1", "encoder.layer.2"} <= found
    assert any(name.startswith("embeddings") for name in found)


def test_lora_changes_only_linear_layers(blank_start, shop):
    found = changed(shop, "lora")
    assert found
    assert all(name.endswith(".weight") for name in found)
    assert not any("embeddings" in name or "LayerNorm" in name for name in found)


def test_lora_and_partial_train_fewer_weights_than_finetune(shop):
    counts = {m: shop.fitted("text", m).trainable_parameters for m in GRADIENT}
    assert max(counts["lora"], counts["partial"]) < counts["finetune"] / 2
    network = shop.fitted("text", "finetune").model.network
    assert counts["finetune"] == counts["scratch"] == sum(p.numel() for p in network.parameters())


def test_frozen_blocks_cost_less(shop):
    flop = {m: shop.fitted("text", m).flop for m in GRADIENT}
    assert flop["partial"] < flop["gradual"] < flop["finetune"]


def grouped(shop, method, **changes):
    setting = shop.setting("text", method.name, folder="groups", **changes)
    return method.groups(Labelling(method, setting).network(), setting)


def test_gradual_unfreezes_from_the_top_by_half_of_the_steps(shop):
    groups = grouped(shop, Gradual(), steps=60)
    assert [group.from_step for group in groups] == [0, 0, 10, 20, 30]
    assert [g.factor for g in groups] == pytest.approx([1, 1, 0.8, 0.64, 0.512])


def test_finetune_trains_all_at_once_each_lower_block_slower(shop):
    groups = grouped(shop, Finetune())
    assert {group.from_step for group in groups} == {0}
    assert [g.factor for g in groups] == pytest.approx([1, 1, 0.9, 0.81, 0.729])


def _start(method, setting):
    return Labelling(method, setting).network()


def test_lora_starts_as_the_base_and_draws_its_matrices_from_the_seed(shop):
    method = Lora()
    networks = [
        _start(method, shop.setting("text", "lora", folder="start", seed=seed))
        for seed in (0, 0, 1)
    ]
    states = [network.state_dict() for network in networks]
    drawn = [name for name in states[0] if "lora_A" in name]
    assert drawn
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert all(not torch.equal(states[0][name], states[2][name]) for name in drawn)
    assert all(not states[0][name].any() for name in states[0] if "lora_B" in name)


def test_scratch_has_other_weights_than_the_base_fixed_by_the_seed(shop):
    base = shop.bench("text").pristine.body.state_dict()
    method, drawn = Scratch(), []
    for seed in (0, 0, 1):
        setting = shop.setting("text", "scratch", folder="start", seed=seed)
        drawn.append(_start(method, setting).encoder.body.state_dict())
    matrices = [name for name in base if name.endswith("dense.weight")]
    assert all(torch.equal(drawn[0][name], drawn[1][name]) for name in base)
    for name in matrices:
        assert not torch.equal(drawn[0][name], base[name])
        assert not torch.equal(drawn[0][name], drawn[2][name])


def test_scratch_starts_a_regression_at_the_targets_mean(shop):
    method = Scratch()
    job = Labelling(method, shop.setting("regression", "scratch", folder="start"))
    assert job.scale.mean > 1900
    assert not job.network().head.bias.any()


def test_the_top_of_a_decoder_is_not_the_output_layer_that_it_shares_with_the_input(shop):
    setting = shop.setting("corpus", "partial", folder="tied")
    network = Saying(Partial(), setting).network()
    trained = {id(p) for group in Partial().groups(network, setting) for p in group.parameters()}
    assert id(network.encoder.output_weight()) not in trained
    assert len(trained) > 0


def test_the_lowest_blocks_of_a_decoder_learn_at_the_whole_rate(shop):
    setting = shop.setting("corpus", "finetune", folder="decay")
    groups = Finetune().groups(Saying(Finetune(), setting).network(), setting)
    assert {group.factor for group in groups} == {1.0}


@pytest.mark.parametrize("method", GRADIENT)
def test_a_range_test_spoils_nothing(shop, method):
    kind = METHODS.get(method)()
    before = {n: v.clone() for n, v in shop.bench("text").pristine.state_dict().items()}
    found = kind.range_test(shop.setting("text", method, folder="range"))
    assert len(found.rates) == len(found.losses) > 3
    after = shop.bench("text").pristine.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_rate_without_numbers_still_leaves_the_probe_or_an_honest_failure(shop):
    setting = shop.setting("text", "finetune", folder="absurd", rate=1e30, warmup=0.0)
    with pytest.raises(WorkError, match="no number"):
        Finetune().fit(setting)


@pytest.mark.parametrize(
    ("name", "method"),
    [("text", "gradual"), ("corpus", "lora"), ("dialogues", "finetune"), ("dialogues", "prompt"),
     ("corpus", "prefix")],
)  # fmt: skip
def test_a_killed_trial_goes_on_to_the_same_predictions(shop, name, method, monkeypatch):
    class Killed(BaseException):
        pass

    monkeypatch.setattr("headstart.method.gradient.Place", lambda *a: Place(*a, save_every=0.0))
    take_step = loop.Trainer._take_step

    def dying(trainer):
        if trainer.step == 20:
            raise Killed
        return take_step(trainer)

    setting = shop.setting(name, method, folder="killed")
    with monkeypatch.context() as patch:
        patch.setattr(loop.Trainer, "_take_step", dying)
        with pytest.raises(Killed):
            METHODS.get(method)().fit(setting)
    assert (setting.folder / "checkpoint.pt").exists()
    found, expected = METHODS.get(method)().fit(setting), shop.fitted(name, method)
    assert np.array_equal(found.validation, expected.validation)
    assert np.array_equal(found.test(), expected.test())
    assert found.points == expected.points
    assert found.flop == expected.flop


@pytest.mark.parametrize("name", ["text", "dialogues"])
def test_activations_that_are_computed_again_change_nothing(shop, name):
    whole = shop.fit(name, "lora", folder="whole")
    bench = shop.bench(name)
    bench.again.add("lora")
    try:
        again = shop.fit(name, "lora", folder="again")
    finally:
        bench.again.clear()
    np.testing.assert_allclose(again.validation, whole.validation, rtol=1e-3, atol=1e-4)
    assert again.flop > whole.flop
