"""The ``hf`` command of clients of several ages: what people type, and what they read."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.clients.conftest import folder_of
from tests.hub.conftest import Person

Told = Callable[..., dict[str, str]]


class Hf:
    """One person at a prompt."""

    def __init__(self, version: str, environment: dict[str, str], place: Path) -> None:
        self.version, self.environment, self.place = version, environment, place
        self.program = folder_of(version) / "hf"

    def __call__(self, line: str, *, code: int = 0, program: str = "hf") -> str:
        """Type a line; return all that is said, and see that it ends with this code."""
        done = subprocess.run(
            [self.program.with_name(program), *line.split()], env=self.environment, cwd=self.place,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        said = done.stdout + done.stderr
        assert done.returncode == code, f"hf {line}: {said[-3000:]}"
        if self.version == "own":  # older ones show it for every error
            assert "Traceback" not in said, f"hf {line}: {said[-3000:]}"
        return said


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "README.md").write_text("---\nlicense: mit\n---\n")
    (folder / "a.txt").write_text("1")
    (folder / "weights.bin").write_bytes(bytes(range(256)) * 24_000)
    return tmp_path


@pytest.mark.slow
def test_today_people_manage_and_move_models_by_command(
    told: Told, ann: Person, ben: Person, place: Path
) -> None:
    hf = Hf("own", told(ann), place)
    assert "user: ann" in hf("auth whoami")
    hf("repos create ann/c")
    hf("repos create ann/c", code=1)
    hf("repos create ann/c --exist-ok")
    assert "/ann/c/commit/" in hf("upload ann/c folder .")
    hf("upload ann/c folder/a.txt b.txt")
    hf("download ann/c --quiet")
    hf("download ann/c b.txt --local-dir out")
    assert (place / "out/b.txt").read_text() == "1"
    assert "All checksums match" in hf("cache verify ann/c")
    hf("repos tag create ann/c v1")
    assert "v1" in hf("repos tag list ann/c")
    hf("repos branch create ann/c dev")
    hf("repos branch delete ann/c dev")
    found = json.loads(hf("repos ls --format json"))
    assert [(one["id"], one["visibility"]) for one in found] == [("ann/c", "private")]
    assert json.loads(hf("models info ann/c"))["card_data"] == {"license": "mit"}
    found = json.loads(hf("models ls --author ann --search c --sort downloads --format json"))
    assert [one["id"] for one in found] == ["ann/c"]
    assert "weights.bin" in hf("models ls ann/c")
    assert "license: mit" in hf("models card ann/c")
    hf("repos settings ann/c --public")
    assert "gate and approval" in hf("repos settings ann/c --gated manual", code=1)
    hf("repos move ann/c ann/d")
    hf("repos delete-files ann/d b.txt")
    hf("repos duplicate ann/d ann/e")
    hf("repos cp hf://ann/d/weights.bin hf://ann/e/more.bin")
    assert "more.bin" in hf("models ls ann/e")
    hf("repos delete ann/d -y")
    assert "not found" in hf("download ann/d", code=1)
    assert "not found" in hf("download bert-base-uncased", code=1)
    assert "does not belong to 'ben'" in hf("upload ben/x folder", code=1)
    assert "no spaces" in hf("spaces ls", code=1)


@pytest.mark.slow
def test_a_token_that_is_kept_in_a_file_is_enough(told: Told, ann: Person, place: Path) -> None:
    hf = Hf("own", told(None), place)
    assert "Not logged in" in hf("auth whoami", code=1)
    assert "Invalid user token" in hf("auth login --token hf_none", code=1)
    hf(f"auth login --token {ann.token}")
    assert "user: ann" in hf("auth whoami")
    (place / "token").write_text(ann.token)
    other = Hf("own", {**told(None), "HF_HOME": str(place / "new"),
                       "HF_TOKEN_PATH": str(place / "token")}, place)  # fmt: skip
    assert "user: ann" in other("auth whoami")
    hf("auth logout")
    hf("auth whoami", code=1)


@pytest.mark.slow
def test_the_command_of_1_10_does_the_same(told: Told, ann: Person, place: Path) -> None:
    hf = Hf("1.10.0", told(ann), place)
    assert "ann" in hf("auth whoami")
    hf("repos create ann/c")
    hf("upload ann/c folder .")
    hf("download ann/c --quiet")
    hf("cache verify ann/c")
    hf("repos tag create ann/c v1")
    hf("repos branch create ann/c dev")
    assert "ann/c" in hf("models ls --author ann")
    assert json.loads(hf("models info ann/c"))["id"] == "ann/c"
    hf("upload-large-folder ann/e folder --repo-type model --num-workers 1")
    hf("repos settings ann/c --public")
    hf("repos move ann/c ann/d")
    hf("repos delete-files ann/d a.txt")
    hf("repos duplicate ann/d ann/f")
    hf("repos delete ann/d")
    assert "ann/d" in hf("download ann/d", code=1)


@pytest.mark.slow
def test_the_commands_of_0_36_do_the_same(told: Told, ann: Person, place: Path) -> None:
    hf = Hf("0.36.0", told(ann), place)
    assert "ann" in hf("auth whoami")
    hf("repo create ann/c")
    hf("upload ann/c folder .")
    hf("download ann/c --quiet")
    hf("repo tag create ann/c v1")
    hf("repo-files delete ann/c a.txt")
    hf("upload-large-folder ann/e folder --repo-type model --num-workers 1")
    assert "ann" in hf("whoami", program="huggingface-cli")
    hf("upload ann/c folder/a.txt b.txt", program="huggingface-cli")
    hf("download ann/c b.txt --local-dir out", program="huggingface-cli")
    assert (place / "out/b.txt").read_text() == "1"
    assert "ann/d" in hf("download ann/d", code=1)
