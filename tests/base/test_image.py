"""Image encoders: preprocessing, and equality with the libraries that read the folder."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from headstart.base import reference
from headstart.base.image import Preprocess
from headstart.errors import RequestError
from headstart.task.images import open_image

from .conftest import features, new_head


def test_timm_gives_equal_logits_from_the_saved_folder(tmp_path, pictures):
    import timm
    from timm.data import create_transform, resolve_model_data_config

    encoder = reference.load("timm:resnet18?random=2")
    head = new_head(encoder)
    encoder.save(tmp_path / "best", head, ["a", "b", "c"])
    model = timm.create_model(f"local-dir:{tmp_path / 'best'}", pretrained=True).eval()
    assert list(model.pretrained_cfg["label_names"]) == ["a", "b", "c"]
    transform = create_transform(**resolve_model_data_config(model), is_training=False)
    with torch.inference_mode():
        expected = model(torch.stack([transform(open_image(p)) for p in pictures]))
        logits = head(features(encoder, pictures))
    torch.testing.assert_close(logits, expected, atol=1e-5, rtol=1e-4)


def test_timm_features_are_what_the_classifier_receives(pictures):
    encoder = reference.load("timm:mobilenetv3_small_050?random=2")
    batch = encoder.collate(encoder.encode(pictures))
    pixels = (batch["pixel_values"] / 255 - encoder.mean) / encoder.std
    with torch.inference_mode():
        hidden = encoder.body.forward_features(pixels)
        expected = encoder.body.forward_head(hidden, pre_logits=True)
        torch.testing.assert_close(encoder(batch), expected, atol=1e-6, rtol=1e-3)


def test_torchvision_gives_equal_logits_from_the_saved_state_dict(tmp_path, pictures):
    from safetensors.torch import load_file
    from torchvision.models import ResNet18_Weights, resnet18

    encoder = reference.load("torchvision:resnet18?random=2")
    head = new_head(encoder)
    encoder.save(tmp_path / "best", head, ["a", "b", "c"])
    model = resnet18(num_classes=3).eval()
    model.load_state_dict(load_file(tmp_path / "best" / "model.safetensors"))
    transform = ResNet18_Weights.DEFAULT.transforms()
    with torch.inference_mode():
        expected = model(torch.stack([transform(open_image(p)) for p in pictures]))
        logits = head(features(encoder, pictures))
    torch.testing.assert_close(logits, expected, atol=1e-5, rtol=1e-4)


def test_transformers_gives_equal_logits_from_the_saved_folder(vit_folder, tmp_path, pictures):
    from transformers import AutoImageProcessor, AutoModelForImageClassification

    encoder = reference.load(f"local:{vit_folder}")
    head = new_head(encoder)
    encoder.save(tmp_path / "best", head, ["a", "b", "c"])
    model = AutoModelForImageClassification.from_pretrained(str(tmp_path / "best")).eval()
    assert model.config.id2label == {0: "a", 1: "b", 2: "c"}
    processor = AutoImageProcessor.from_pretrained(str(vit_folder))
    with torch.inference_mode():
        pixels = processor([open_image(p) for p in pictures], return_tensors="pt")
        expected = model(**pixels).logits
        logits = head(features(encoder, pictures))
    torch.testing.assert_close(logits, expected, atol=2e-2, rtol=0)  # its resize rounds otherwise


@pytest.mark.parametrize("shape", [(50, 30), (30, 50), (224, 224), (1, 500), (333, 257)])
def test_resize_and_crop_are_torchvisions_to_the_pixel(shape):
    from PIL import Image as Pillow
    from torchvision.transforms import CenterCrop, Compose, InterpolationMode, Resize

    pixels = np.random.default_rng(1).integers(0, 256, (*shape, 3), dtype=np.uint8)
    picture = Pillow.fromarray(pixels)
    ours = Preprocess(32, 37, "bicubic", (0.5,) * 3, (0.5,) * 3)(picture)
    theirs = Compose([Resize(37, InterpolationMode.BICUBIC), CenterCrop(32)])(picture)
    np.testing.assert_array_equal(ours.permute(1, 2, 0).numpy(), np.array(theirs))


def test_samples_are_small_and_normalised_on_the_way_in(pictures):
    encoder = reference.load("timm:resnet18?random=2")
    batch = encoder.collate(encoder.encode(pictures))
    assert batch["pixel_values"].dtype == torch.uint8
    as_float = {"pixel_values": batch["pixel_values"].float() / 255}
    with torch.inference_mode():
        torch.testing.assert_close(encoder(as_float), encoder(batch))


def test_text_is_refused_by_an_image_base():
    with pytest.raises(RequestError, match="reads images"):
        reference.load("timm:resnet18?random=2").encode(["a cat"])


def test_preprocessing_names_what_changes_pixels():
    encoder = reference.load("timm:resnet18?random=2")
    fields = json.loads(encoder.preprocessing())
    assert fields.keys() == {"size", "resize", "interpolation", "mean", "std"}
