"""The frozen boundary: states that are kept give what a whole pass gives."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from headstart.base import reference
from headstart.base.compat import prepare_torchvision
from headstart.base.model import Encoder
from headstart.task.model import Image, Objective
from headstart.train.boundary import HIDDEN, below_share, find_boundary, hidden_states
from headstart.train.linear import LinearHead
from headstart.train.network import Network
from headstart.train.samples import Samples
from headstart.train.states import States

from .small import WIDTH, small_encoder

TEXTS = ["a", "b c d e f a b c", "c a", "e f a b c d", "a b", "f"]
FLOAT = torch.float32


@pytest.fixture(scope="module")
def bert(tmp_path_factory) -> Encoder:
    return small_encoder("bert", tmp_path_factory.mktemp("bert"))


def pictures(count: int) -> list[Image]:
    import io

    from PIL import Image as Pillow

    found = []
    for seed in range(count):
        pixels = np.random.default_rng(seed).integers(0, 255, (24, 24, 3), dtype=np.uint8)
        buffer = io.BytesIO()
        Pillow.fromarray(pixels).save(buffer, "PNG")
        found.append(Image(data=buffer.getvalue()))
    return found


@pytest.fixture(
    params=["bert", "llama", "timm:test_resnet", "timm:test_efficientnet", "torchvision:resnet18"]
)
def case(request, bert, tmp_path):
    """An encoder and inputs."""
    if request.param == "bert":
        return bert, TEXTS
    if request.param == "llama":
        return small_encoder("llama", tmp_path), TEXTS
    prepare_torchvision()
    return reference.load(f"{request.param}?random=0").eval(), pictures(5)


def network_on(encoder: Encoder) -> Network:
    generator = np.random.default_rng(0)
    weight = generator.normal(0, 0.3, (3, encoder.card.width)).astype(np.float32)
    return Network(
        encoder, LinearHead(weight, np.zeros(3, np.float32)), Objective.SINGLE_LABEL, pair=False
    )


def both(encoder: Encoder, inputs, top: int, memory: int = 1 << 30):
    """The network, its plain samples, and those that carry kept states."""
    network = network_on(encoder)
    samples = Samples(network.encode, network.size, inputs)
    few = [sample[0] for sample in samples.take([0, 1])]
    boundary = find_boundary(encoder, top, few)
    assert boundary is not None
    network.boundary = boundary
    return network, samples, States(samples, boundary, encoder, FLOAT, 10.0, memory)


@pytest.mark.parametrize("top", [1, 2, 3])
def test_logits_and_gradients_are_those_of_a_whole_pass(case, top):
    encoder, inputs = case
    network, samples, states = both(encoder, inputs, top)
    rows = list(range(len(inputs)))
    states.take(rows[:2])  # some are known already, some not
    found = []
    for source in (samples, states):
        network.zero_grad()
        logits = network(network.collate(source.take(rows)))
        logits.square().sum().backward()
        entrance = encoder.body.get_submodule(network.boundary.entrance)
        grads = [p.grad.clone() for p in [*entrance.parameters(), *network.head.parameters()]]
        found.append((logits.detach(), grads))
    (whole, expected), (kept, gradients) = found
    assert torch.allclose(kept, whole, atol=1e-5, rtol=1e-4)
    scale = max(float(gradient.abs().max()) for gradient in expected)
    assert all(
        torch.allclose(a, b, atol=1e-5 * scale, rtol=1e-3)
        for a, b in zip(gradients, expected, strict=True)
    )


def test_nothing_below_the_boundary_is_computed(case):
    encoder, inputs = case
    network, _, states = both(encoder, inputs, top=2)
    batch = network.collate(states.take([0, 1]))
    frozen = [encoder.body.get_submodule(path) for path in network.boundary.below]
    network.zero_grad()
    network(batch).sum().backward()
    assert all(p.grad is None for module in frozen for p in module.parameters())
    assert 0.0 < below_share(network.boundary, encoder, states.take([0])[0]) < 1.0


def test_the_body_is_left_as_it_was(case):
    encoder, inputs = case
    network, samples, states = both(encoder, inputs, top=2)
    before = network(network.collate(samples.take([0, 1])))
    network(network.collate(states.take([0, 1])))
    after = network(network.collate(samples.take([0, 1])))
    assert torch.equal(before, after)


def test_a_rows_states_do_not_hang_on_its_neighbours(case):
    encoder, inputs = case
    _, samples, states = both(encoder, inputs, top=2)
    sides = [sample[0] for sample in samples.take(range(len(inputs)))]
    together = [sample[0][HIDDEN] for sample in states.take(range(len(inputs)))]
    alone = [hidden_states(states._boundary, encoder, [side], FLOAT)[0] for side in sides]
    assert all(torch.equal(a, b) for a, b in zip(together, alone, strict=True))


@pytest.mark.parametrize("top", [0, 5, 99])
def test_a_body_that_is_trained_as_a_whole_or_not_at_all_has_no_boundary(bert, top):
    few = bert.encode(TEXTS[:2])
    assert find_boundary(bert, top, few) is None


class Around(nn.Module):
    """Adds to the output what its lowest layer says: there is a way round every boundary."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.embeddings, self.encoder, self.config = body.embeddings, body.encoder, body.config

    def forward(self, input_ids, attention_mask):
        low = self.embeddings(input_ids=input_ids)
        output = self.encoder(low)
        output.last_hidden_state = output.last_hidden_state + low
        return output


def test_a_body_with_a_way_round_the_boundary_has_none(bert):
    import copy

    around = copy.deepcopy(bert)
    around.body = Around(around.body)
    assert find_boundary(around, 2, around.encode(TEXTS[:2])) is None


def test_past_the_memory_rows_are_computed_again_and_cost_again(bert):
    unit = WIDTH * 4  # bytes a token
    *_, states = both(bert, TEXTS, top=2, memory=unit * sum([3, 10, 4]))
    rows = list(range(len(TEXTS)))
    first, again = states.take(rows), states.take(rows)
    assert sorted(states._hidden) == [0, 1, 2]
    for a, b in zip(first, again, strict=True):
        assert torch.equal(a[0][HIDDEN], b[0][HIDDEN])
    assert states.below_flop([0, 2, 4], first=True) == 10.0 * (3 + 4 + 4)
    assert states.below_flop([0, 2, 4], first=False) == 10.0 * 4
    view = states.view([4, 0])
    assert view.below_flop([0, 1], first=False) == 10.0 * 4
    assert torch.equal(view.take([1])[0][0][HIDDEN], first[0][0][HIDDEN])


def test_states_made_while_predicting_can_be_trained_on(bert):
    network, _, states = both(bert, TEXTS, top=2)
    with torch.inference_mode():
        network(network.collate(states.take([0, 1])))
    network(network.collate(states.take([0, 1]))).sum().backward()
    assert network.head.weight.grad is not None


def test_half_precision_states_are_those_of_a_half_precision_pass(bert):
    network, samples, _ = both(bert, TEXTS, top=2)
    states = States(samples, network.boundary, bert, torch.bfloat16, 1.0)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        whole, kept = (network(network.collate(s.take([0, 1, 2]))) for s in (samples, states))
    assert torch.allclose(whole.float(), kept.float(), atol=0.05)
