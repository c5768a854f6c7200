"""oneDNN's products: only in plain layers, and taken back whatever happens."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from headstart.errors import WorkError
from headstart.task.model import Modality
from headstart.train.backend.onednn import OneDnn


class Doubled(nn.Linear):
    def forward(self, rows):
        return 2 * super().forward(rows)


class Small(nn.Module):
    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, batch):
        return self.layers(batch["x"])

    def device(self):
        return torch.device("cpu")

    card = SimpleNamespace(modality=Modality.TEXT)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(5, 4), (2, 3, 4)])
def test_a_layer_without_bias_and_any_number_of_axes_agree(bias, shape):
    encoder = Small(nn.Linear(4, 6, bias=bias), Doubled(6, 2))
    batch = {"x": torch.randn(shape)}
    with torch.no_grad():
        expected = encoder(batch)
    torch.testing.assert_close(torch.from_numpy(OneDnn(encoder).features(batch)), expected)


def test_a_layer_that_does_more_than_multiply_is_left_alone():
    with pytest.raises(WorkError, match="no linear layer"):
        OneDnn(Small(Doubled(4, 2)))


def test_the_twin_shares_every_weight(bert):
    twin = OneDnn(bert).encoder
    shared = zip(bert.parameters(), twin.parameters(), strict=True)
    assert all(left is right for left, right in shared)
    assert twin.tokenizer is bert.tokenizer
