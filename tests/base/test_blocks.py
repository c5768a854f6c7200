"""Depth blocks, from the input up."""

from __future__ import annotations

import pytest

from headstart.base import reference
from headstart.base.blocks import blocks
from headstart.base.timm_image import create


def names(module):
    return [name for name, _ in blocks(module)]


def test_bert_has_embeddings_layers_and_its_pooler(bert_folder):
    body = reference.load(f"local:{bert_folder}").body
    assert names(body) == ["embeddings", "encoder.layer.0", "encoder.layer.1", "pooler"]


def test_a_decoders_last_norm_belongs_to_its_last_layer(llama_folder):
    found = blocks(reference.load(f"local:{llama_folder}").body)
    assert [name for name, _ in found] == ["embed_tokens", "layers.0", "layers.1"]
    assert len(found[-1][1]) == 2


def test_a_vit_opens_to_its_layers(vit_folder):
    found = names(reference.load(f"local:{vit_folder}").body)
    assert len(found) == 3
    assert [name.rpartition(".")[2] for name in found[1:]] == ["0", "1"]


@pytest.mark.parametrize("reference_", ["timm:resnet18?random=0", "torchvision:resnet18?random=0"])
def test_a_resnet_has_its_stem_and_eight_residual_blocks(reference_):
    expected = ["conv1", *(f"layer{stage}.{block}" for stage in (1, 2, 3, 4) for block in (0, 1))]
    assert names(reference.load(reference_).body) == expected


def test_an_efficientnet_has_stem_blocks_and_final_convolution():
    found = names(create("tf_efficientnet_lite0", 0))
    assert (found[0], found[-1], len(found)) == ("conv_stem", "conv_head", 18)


def test_a_transformers_resnet_opens_its_stages_but_not_its_blocks():
    from transformers import ResNetConfig, ResNetModel

    config = ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 2])
    found = names(ResNetModel(config))
    assert len(found) == 4
    assert found[1:] == [f"encoder.stages.{s}.layers.{b}" for s, b in ((0, 0), (1, 0), (1, 1))]


@pytest.mark.parametrize(
    "architecture", ["resnet18", "tf_efficientnet_lite0", "convnext_atto", "mobilenetv3_small_050"]
)
def test_every_weight_lies_in_exactly_one_block(architecture):
    model = create(architecture, 0)
    seen = [id(p) for _, group in blocks(model) for module in group for p in module.parameters()]
    assert sorted(seen) == sorted(id(p) for p in model.parameters())
