"""The three commands from nothing to a team's hub, and what everybody types then: as written."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench.hub_server import answered, free_port
from headstart.base.compat import prepare_torchvision

DOCS = Path(__file__).resolve().parents[2] / "docs/hub.md"
USUAL = "127.0.0.1:7860"
# Where torchvision is built for another torch, transformers alone cannot be imported.
PREPARED = "from headstart.base.compat import prepare_torchvision as p; p(); "
pytestmark = pytest.mark.slow


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a fresh folder with a model in ``best``, as the docs speak of it."""
    prepare_torchvision()
    from transformers import BertConfig, BertModel

    config = BertConfig(vocab_size=40, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
                        intermediate_size=16)  # fmt: skip
    BertModel(config).save_pretrained(tmp_path / "best")
    return tmp_path


def written() -> tuple[list[str], str]:
    """Return the keeper's commands, one a line, and everybody's."""
    section = DOCS.read_text(encoding="utf-8").partition("## From nothing")[2].partition("\n## ")[0]
    first, second = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    return first.strip().splitlines(), second


def shell(lines: str, place: Path) -> str:
    here = Path(sys.executable).parent
    environment = os.environ | {
        "HOME": str(place), "HF_HOME": str(place / "hf"), "PATH": f"{here}:{os.environ['PATH']}",
    }  # fmt: skip
    done = subprocess.run(
        ["bash", "-euc", lines], cwd=place, env=environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@contextmanager
def running(command: str, port: int, place: Path) -> Iterator[None]:
    words = [sys.executable, "-m", "headstart.cli.main", *command.split()[1:]]
    with (place / "log").open("wb") as log:
        process = subprocess.Popen([*words, "--port", str(port)], cwd=place, stderr=log)
    try:
        answered(f"http://127.0.0.1:{port}/api/models", process)
        yield
    finally:
        process.terminate()
        process.wait(20)


def test_three_commands_make_a_hub_that_a_team_uses(place: Path) -> None:
    (install, make_token, serve), everybody = written()
    assert install == "pip install 'headstart[hub]'"
    assert USUAL in everybody
    token = re.search(r"hf_\w+", shell(make_token, place))
    assert token is not None
    port = free_port()
    with running(serve, port, place):
        typed = everybody.replace(USUAL, f"127.0.0.1:{port}").replace("hf_…", token[0])
        shell(typed.replace('python -c "', f'python -c "{PREPARED}'), place)
    downloaded = list((place / "hf").rglob("snapshots/*/model.safetensors"))
    assert len(downloaded) == 1
    assert downloaded[0].read_bytes() == (place / "best/model.safetensors").read_bytes()
