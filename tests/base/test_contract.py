"""What every base owes to the rooms above, whatever its source."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from headstart.base import reference
from headstart.base.layout import load_encoder
from headstart.task.model import Modality

from .conftest import TEXTS, features, new_head

BASES = ["local-bert", "local-bare-bert", "local-llama", "local-vit", "timm", "torchvision"]


@pytest.fixture(params=BASES)
def base(request, bert_folder, bare_bert_folder, llama_folder, vit_folder):
    return {
        "local-bert": f"local:{bert_folder}",
        "local-bare-bert": f"local:{bare_bert_folder}",
        "local-llama": f"local:{llama_folder}",
        "local-vit": f"local:{vit_folder}",
        "timm": "timm:resnet18?random=1",
        "torchvision": "torchvision:resnet18?random=1",
    }[request.param]


@pytest.fixture
def inputs_of(pictures):
    return lambda encoder: TEXTS if encoder.card.modality is Modality.TEXT else pictures


def test_the_card_tells_the_truth(base, inputs_of):
    encoder = reference.load(base)
    assert encoder.card == reference.card(base)
    assert encoder.card.reference == base
    assert encoder.card.parameters == sum(p.numel() for p in encoder.parameters())
    assert features(encoder, inputs_of(encoder)).shape == (3, encoder.card.width)


def test_a_batch_gives_the_same_features_as_one_by_one(base, inputs_of):
    encoder = reference.load(base)
    inputs = inputs_of(encoder)
    alone = torch.cat([features(encoder, [item]) for item in inputs])
    torch.testing.assert_close(features(encoder, inputs), alone, atol=1e-5, rtol=1e-4)


def test_what_is_saved_comes_back(base, inputs_of, tmp_path):
    encoder = reference.load(base)
    head = new_head(encoder)
    encoder.save(tmp_path / "saved", head, ["x", "y", "z"])
    again, head_again, classes = load_encoder(tmp_path / "saved")
    assert classes == ["x", "y", "z"]
    assert again.preprocessing() == encoder.preprocessing()
    assert again.card.pretrained == encoder.card.pretrained
    inputs = inputs_of(encoder)
    with torch.inference_mode():
        expected = head(features(encoder, inputs))
        torch.testing.assert_close(
            head_again(features(again, inputs)), expected, atol=1e-5, rtol=1e-4
        )


def test_a_saved_classifier_is_the_source_head_of_the_base_it_becomes(base, inputs_of, tmp_path):
    encoder = reference.load(base)
    assert reference.load(base, pretrained=False).source_head is None
    head = new_head(encoder)
    encoder.save(tmp_path / "saved", head, ["x", "y", "z"])
    again = reference.load(f"local:{tmp_path / 'saved'}")
    weight, bias = again.source_head
    found = features(encoder, inputs_of(encoder))
    with torch.inference_mode():
        torch.testing.assert_close(found @ weight.T + bias, head(found), atol=1e-5, rtol=1e-4)
    assert not any("source" in name for name in again.state_dict())


def test_a_saved_body_is_a_base_again(base, inputs_of, tmp_path):
    encoder = reference.load(base)
    encoder.save(tmp_path / "saved", None, [])
    assert load_encoder(tmp_path / "saved")[1] is None
    again = reference.load(f"local:{tmp_path / 'saved'}")
    inputs = inputs_of(encoder)
    torch.testing.assert_close(
        features(again, inputs), features(encoder, inputs), atol=1e-5, rtol=1e-4
    )


def test_initialise_is_reproducible_and_forgets_the_weights(base):
    encoder = reference.load(base)
    before = _weights(encoder)
    state = torch.random.get_rng_state()
    encoder.initialise(7)
    first = _weights(encoder)
    encoder.initialise(7)
    assert torch.equal(first, _weights(encoder))
    assert not torch.equal(first, before)
    encoder.initialise(8)
    assert not torch.equal(first, _weights(encoder))
    assert torch.equal(state, torch.random.get_rng_state())


def test_without_pretraining_the_same_architecture_is_random(base):
    trained, random = reference.load(base), reference.load(base, pretrained=False)
    assert not random.card.pretrained
    assert random.card.parameters == trained.card.parameters
    assert random.card.revision.startswith("random")
    assert not torch.equal(_weights(random), _weights(trained))


def test_lora_adapts_the_targets_and_the_save_merges_it(base, inputs_of, tmp_path):
    from peft import LoraConfig, get_peft_model

    encoder = reference.load(base)
    plain = features(encoder, inputs_of(encoder))
    config = LoraConfig(r=2, target_modules=encoder.lora_targets(), init_lora_weights=True)
    encoder.body = get_peft_model(encoder.body, config)
    inputs = inputs_of(encoder)
    torch.testing.assert_close(features(encoder, inputs), plain, atol=1e-5, rtol=1e-4)
    torch.manual_seed(3)
    for name, weight in encoder.named_parameters():
        if "lora_B" in name:
            nn.init.normal_(weight, std=0.1)
    adapted = features(encoder.eval(), inputs)
    assert not torch.allclose(adapted, plain, atol=1e-4)
    encoder.save(tmp_path / "merged", None, [])
    again = load_encoder(tmp_path / "merged")[0]
    torch.testing.assert_close(features(again, inputs), adapted, atol=1e-4, rtol=1e-3)


def test_the_body_is_settable_and_is_what_runs(base, inputs_of):
    encoder = reference.load(base)
    replaced = nn.Identity()
    encoder.body = replaced
    assert encoder.body is replaced


def _weights(encoder):
    return torch.cat([p.detach().flatten() for p in encoder.body.parameters()])
