"""Which weights are trained, at which rate, and which modules are in training mode."""

from __future__ import annotations

import pytest
from torch import nn

from headstart.train.groups import Group, activate, depth_groups

from .toys import trainer


@pytest.fixture
def network():
    return trainer(dropout=0.5, batch_norm=True).network


def trained(network: nn.Module) -> set[str]:
    """The top names of what needs a gradient."""
    found = {name for name, p in network.named_parameters() if p.requires_grad}
    return {name.rpartition(".")[0].removeprefix("encoder.inner.")[:8] for name in found}


def ids(parameters) -> list[int]:
    return [id(p) for p in parameters]


def test_every_weight_is_in_exactly_one_group(network):
    groups = depth_groups(network)
    found = ids(p for group in groups for p in group.parameters())
    assert sorted(found) == sorted(ids(network.parameters()))


def test_groups_come_from_the_top_down_each_at_a_lower_rate(network):
    groups = depth_groups(network, decay=0.5, head_factor=2.0)
    assert [group.factor for group in groups] == [2.0, 1.0, 0.5, 0.25, 0.125]
    assert groups[0].modules == [network.head]
    assert groups[1].modules == [network.encoder.inner.layers[2]]
    assert groups[-1].modules == [network.encoder.inner.embedding]


@pytest.mark.parametrize("top", [0, 1, 2, 4, 9])
def test_only_the_top_blocks_are_trained(network, top):
    groups = depth_groups(network, top=top)
    activate(network, groups, 0, keep_statistics=True)
    stack = ["layers.2", "layers.1", "layers.0", "embeddin"]
    assert trained(network) == {"head", *stack[:top]}


def test_weights_that_lie_in_no_block_belong_to_the_bottom(network):
    token = nn.Parameter(network.head.bias.detach().clone())
    network.encoder.inner.register_parameter("class_token", token)
    groups = depth_groups(network)
    assert id(token) in ids(groups[-1].parameters())
    assert all(id(token) not in ids(g.parameters()) for g in depth_groups(network, top=2))


def test_a_group_may_train_only_some_names(network):
    group = Group([network.encoder.inner.layers[0]], only="norm.")
    layer = network.encoder.inner.layers[0]
    assert ids(group.parameters()) == ids(layer.norm.parameters())


def test_a_weight_named_twice_is_trained_once(network):
    group = Group([network.head, network.head], loose=[network.head.weight])
    assert sorted(ids(group.parameters())) == sorted(ids(network.head.parameters()))


def test_a_group_waits_for_its_step(network):
    groups = [Group([network.head]), Group([network.encoder.inner.layers[2]], from_step=5)]
    assert activate(network, groups, 4, keep_statistics=True) == 1
    assert trained(network) == {"head"}
    assert activate(network, groups, 5, keep_statistics=True) == 2
    assert trained(network) == {"head", "layers.2"}


def test_frozen_modules_stay_in_evaluation_mode(network):
    activate(network, depth_groups(network, top=1), 0, keep_statistics=False)
    layers = network.encoder.inner.layers
    assert layers[2].dropout.training
    assert layers[2].norm.training
    assert not any(m.training for layer in layers[:2] for m in layer.modules())


def test_kept_statistics_are_kept_in_trained_blocks_too(network):
    activate(network, depth_groups(network), 0, keep_statistics=True)
    norm = network.encoder.inner.layers[2].norm
    assert not norm.training
    assert norm.weight.requires_grad
