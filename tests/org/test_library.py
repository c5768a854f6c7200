"""Profiles come from the package, a folder and other packages; a bad one says where it is bad."""

from __future__ import annotations

import os
import sys
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from types import ModuleType

import pytest

from headstart import registry
from headstart.errors import RequestError
from headstart.org.library import DEFAULT, GROUP, Library, chosen_folder

TEXT = """
version: 1
id: cooking
as_of: 2026-01-31
domain: {en: Home, de: Zuhause}
area: {en: Kitchen, de: Küche}
skill: {en: Cooking, de: Kochen}
roles: [{id: chef, name: {en: Chef, de: Koch}}]
levels: [{id: first, name: {en: First, de: Erste}}]
strands: [{id: knives, name: {en: Knives, de: Messer}}]
expectations:
  - id: chef-first
    role: chef
    level: first
    text: {en: Cuts, de: Schneidet}
    points: [{strand: knives, text: {en: Cuts, de: Schneidet}}]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "cooking.yaml").write_text(TEXT, encoding="utf-8")
    return tmp_path


def test_a_folder_adds_profiles_to_the_packaged_one(folder: Path) -> None:
    library = Library(folder)
    assert library.names() == [DEFAULT, "cooking"]
    assert library.get("cooking").skill.de == "Kochen"


def test_a_profile_is_read_again_only_after_it_changed(folder: Path) -> None:
    library = Library(folder)
    first = library.get("cooking")
    assert library.get("cooking") is first
    path = folder / "cooking.yaml"
    path.write_text(TEXT.replace("Kochen", "Köcheln"), encoding="utf-8")
    os.utime(path, ns=(1, 1))
    assert library.get("cooking").skill.de == "Köcheln"


def test_another_package_adds_one_by_an_entry_point(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    point = EntryPoint("cooking", "kitchen:PROFILE", GROUP)
    kitchen = ModuleType("kitchen")
    kitchen.PROFILE = folder / "cooking.yaml"  # type: ignore[attr-defined]
    monkeypatch.setattr(registry, "entry_points", lambda group: EntryPoints([point]))
    monkeypatch.setitem(sys.modules, "kitchen", kitchen)
    library = Library()
    assert library.names() == [DEFAULT, "cooking"]
    assert library.get("cooking").id == "cooking"


def test_the_environment_names_the_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADSTART_PROFILES", "some/where")
    assert chosen_folder() == Path("some/where")
    monkeypatch.setenv("HEADSTART_PROFILES", " ")
    assert chosen_folder() is None


@pytest.mark.parametrize("name", ["cokking", "../cooking", ""])
def test_an_unknown_profile_gets_those_that_are_known(folder: Path, name: str) -> None:
    with pytest.raises(RequestError, match="known: cooking, transfer-learning"):
        Library(folder).get(name)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="HEADSTART_PROFILES"):
        Library(tmp_path / "none").names()


def test_a_name_that_is_packaged_cannot_be_taken(folder: Path) -> None:
    (folder / "cooking.yaml").rename(folder / f"{DEFAULT}.yaml")
    with pytest.raises(RequestError, match="packaged already"):
        Library(folder).names()


def test_file_and_id_must_agree(folder: Path) -> None:
    (folder / "cooking.yaml").rename(folder / "baking.yaml")
    with pytest.raises(RequestError, match="calls itself 'cooking'"):
        Library(folder).get("baking")


def test_a_bad_profile_harms_no_other(folder: Path) -> None:
    (folder / "bad.yaml").write_text("version: [", encoding="utf-8")
    assert Library(folder).get("cooking").id == "cooking"
    with pytest.raises(RequestError, match=r"bad\.yaml, line"):
        Library(folder).get("bad")


def test_a_bad_place_in_a_profile_is_told_with_its_line(folder: Path) -> None:
    path = folder / "cooking.yaml"
    path.write_text(TEXT.replace("level: first\n    text", "level: last\n    txt"), "utf-8")
    with pytest.raises(RequestError) as told:
        Library(folder).get("cooking")
    assert "expectations > 0 > text: Field required" in told.value.what
    assert told.value.where == f"{path}, line 12"
