"""The device is picked, or named by the user."""

from __future__ import annotations

import pytest
import torch

from headstart.base.device import pick_device
from headstart.errors import RequestError


def test_without_a_wish_the_best_device_is_picked(monkeypatch):
    monkeypatch.delenv("HEADSTART_DEVICE", raising=False)
    expected = "cuda" if torch.cuda.is_available() else None
    assert expected is None or pick_device().type == expected
    torch.empty(1, device=pick_device())


def test_the_users_wish_overrides(monkeypatch):
    monkeypatch.setenv("HEADSTART_DEVICE", "cpu")
    assert pick_device() == torch.device("cpu")


@pytest.mark.parametrize("wish", ["gpu", "cuda:999", "banana"])
def test_a_device_that_is_not_here_is_refused(monkeypatch, wish):
    monkeypatch.setenv("HEADSTART_DEVICE", wish)
    with pytest.raises(RequestError, match="HEADSTART_DEVICE"):
        pick_device()
