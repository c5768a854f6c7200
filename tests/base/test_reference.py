"""References: parsed, and refused with the nearest known name."""

from __future__ import annotations

import pytest

from headstart.base import reference
from headstart.errors import RequestError


def test_a_reference_is_source_and_name():
    assert reference.parse("timm:resnet18.a1_in1k") == ("timm", "resnet18.a1_in1k")
    assert reference.parse("local:/a:b") == ("local", "/a:b")


@pytest.mark.parametrize(
    ("wrong", "help_"),
    [
        ("minilm-l6", "bundled:minilm-l6"),
        ("bundled:minilm-6", "minilm-l6"),
        ("bundle:minilm-l6", "bundled"),
        ("timm:resnet19", "resnet1"),
        ("timm:resnet18.a9_in1k", "resnet18.a"),
        ("torchvision:resnet19", "resnet1"),
        ("torchvision:resnet18/V1", "IMAGENET1K_V1"),
        ("timm:", "timm:"),
        ("timm:resnet18?wieghts=x", "weights"),
        ("timm:resnet18?random=-1", "random=0"),
        ("timm:resnet18?random=1&weights=x", "exclude"),
        ("", "local:FOLDER"),
        ("local:no/such/folder", "no/such/folder"),
    ],
)
def test_a_wrong_reference_is_refused_with_help(wrong, help_):
    with pytest.raises(RequestError) as caught:
        reference.load(wrong)
    assert help_ in str(caught.value)


def test_known_bases_parse_and_start_with_the_bundled():
    found = reference.known()
    assert found[0] == "bundled:minilm-l6"
    assert len(found) == len(set(found))
    assert all(reference.parse(name) for name in found)
    assert any("resnet" in name for name in found)
    assert any("bert" in name for name in found)


def test_the_list_of_bases_at_hand_fetches_nothing(monkeypatch, tmp_path):
    import torch

    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path / "hub"))
    monkeypatch.setattr(torch.hub, "download_url_to_file", None)  # a download would fail
    found = [card.reference for card in reference.cards_at_hand()]
    assert found[0] == "bundled:minilm-l6"
    assert not any(name.startswith("torchvision:") for name in found)


def test_cached_torchvision_weights_are_checked_by_the_hash_in_their_name(monkeypatch, tmp_path):
    import torch

    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    file = tmp_path / "checkpoints" / "resnet18-f37072fd.pth"
    torch.save({"conv1.weight": torch.zeros(1)}, file)
    with pytest.raises(RequestError, match="SHA-256") as caught:
        reference.load("torchvision:resnet18/IMAGENET1K_V1")
    assert str(file) in str(caught.value)
