"""Merging an adapter into a language model: checked, said, and refused where outputs moved."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from headstart.errors import WorkError
from headstart.method.lora import Lora
from headstart.method.merging import TEXTS
from headstart.method.model import METHODS


@pytest.mark.parametrize("method", ["lora", "rslora", "dora"])
def test_a_merge_says_how_far_the_losses_moved(shop, method):
    notes = shop.fitted("corpus", method).notes
    said = [note for note in notes if note.startswith("merged into the base")]
    assert len(said) == 1
    assert f"losses of {TEXTS * 12} tokens" in said[0]
    assert float(said[0].split()[-1]) < 1e-4


def test_an_encoder_is_merged_without_the_check(shop):
    assert not any("merged" in note for note in shop.fitted("text", "lora").notes)


class Louder(Lora):
    """Merges, and changes the merged weights."""

    factor = 1.01

    def merged(self, wrapped):
        body = super().merged(wrapped)
        with torch.no_grad():
            for name, weight in body.named_parameters():
                if name.endswith("down_proj.weight"):
                    weight *= self.factor
        return body


@pytest.mark.parametrize("factor", [1.1, float("nan")])
def test_a_merge_that_moves_outputs_fails_the_trial(shop, factor):
    setting = shop.setting("corpus", "lora", folder=f"louder-{factor}", steps=4)
    method = Louder()
    method.factor = factor
    with pytest.raises(WorkError, match="moved the loss of a token") as caught:
        method.fit(setting)
    assert "adapter" in str(caught.value)


def test_the_check_is_part_of_what_a_trial_cost(shop):
    class Unchecked(Lora):
        def finish(self, network, setting):
            ending = super().finish(network, setting)
            assert ending.flop > 0
            return type(ending)(ending.adapter)

    setting = shop.setting("corpus", "lora", folder="unchecked", steps=4)
    again = shop.setting("corpus", "lora", folder="checked", steps=4)
    assert Lora().fit(again).flop > Unchecked().fit(setting).flop


def test_rslora_scales_by_the_root_of_its_rank_and_dora_trains_sizes(shop):
    prepared = {}
    for method in ("rslora", "dora"):
        setting = shop.setting("corpus", method, folder="scales")
        kind = METHODS.get(method)()
        job = kind._job(setting)
        network = job.network()
        wrapped = network.encoder.body
        layer = next(m for m in wrapped.modules() if hasattr(m, "lora_A"))
        trained = [p for group in kind.groups(network, setting) for p in group.parameters()]
        prepared[method] = (layer, trained)
    assert prepared["rslora"][0].scaling["default"] == pytest.approx(16 / np.sqrt(32))
    sizes = prepared["dora"][0].lora_magnitude_vector["default"].weight
    assert any(p is sizes for p in prepared["dora"][1])
