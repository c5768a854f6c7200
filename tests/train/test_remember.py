"""A memory of measurements: what is put in comes out, and damage is no error."""

from __future__ import annotations

import pytest

from headstart.train.remember import forget, recall, remember


def test_what_is_remembered_is_recalled_beside_what_was_there(tmp_path):
    memory = tmp_path / "new" / "memory.json"
    remember(memory, "a", {"x": 1.5})
    remember(memory, "b", {"y": None})
    assert recall(memory, "a") == {"x": 1.5}
    assert recall(memory, "b") == {"y": None}
    assert recall(memory, "c") is None


@pytest.mark.parametrize("damage", ["", "{", "[1]", "null", '{"a": 3}', "\x00"])
def test_a_damaged_file_knows_nothing_and_is_replaced(tmp_path, damage):
    memory = tmp_path / "memory.json"
    memory.write_text(damage)
    assert recall(memory, "a") is None
    remember(memory, "a", {"x": 1})
    assert recall(memory, "a") == {"x": 1}


def test_a_place_that_cannot_be_written_to_is_no_error(tmp_path):
    (tmp_path / "file").write_text("in the way")
    remember(tmp_path / "file" / "memory.json", "a", {"x": 1})
    assert recall(tmp_path / "file" / "memory.json", "a") is None


def test_what_is_forgotten_is_gone_and_the_rest_stays(tmp_path):
    memory = tmp_path / "memory.json"
    forget(memory, "a")
    assert not memory.exists()
    remember(memory, "a", {"x": 1})
    remember(memory, "b", {"x": 2})
    forget(memory, "a")
    assert recall(memory, "a") is None
    assert recall(memory, "b") == {"x": 2}
