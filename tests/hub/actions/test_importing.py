"""A base from outside comes in as a draft, without what runs code, and tells where it is from."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the hub's packages are not installed")

from headstart.errors import HeadstartError, RequestError, WorkError
from headstart.hub.access import owners
from headstart.hub.actions import approving, finding, importing
from headstart.hub.actions.importing import Imported
from headstart.hub.errors import WithheldError
from headstart.hub.hub import Hub
from headstart.hub.outside.hub import Elsewhere
from headstart.hub.registry import audit, cards, repos, trees
from headstart.hub.registry.model import Kind
from headstart.hub.serve.app import create_app
from headstart.progress import Silent
from tests.hub.conftest import Join, Person, served
from tests.hub.mirror.conftest import Other, other  # noqa: F401

HEADER = b'{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
WEIGHTS = len(HEADER).to_bytes(8, "little") + HEADER + b"\0\0\0\0"
CARD = b"---\nlicense: mit\npipeline_tag: text-classification\n---\n# birds\n"
FILES = {
    "README.md": CARD,
    "config.json": b"{}",
    "model.safetensors": WEIGHTS,
    "pytorch_model.bin": pickle.dumps([1]),
    "pytorch_model.bin.index.json": b"{}",
    "modeling.py": b"import os\n",
    "deep/er/tokenizer.json": b"{}",
}
LEFT_OUT = ("modeling.py", "pytorch_model.bin", "pytorch_model.bin.index.json")
IN = FILES.keys() - set(LEFT_OUT)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "outside" / "birds"
    for path, content in FILES.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_bytes(content)
    return place


@pytest.fixture
def standard(tmp_path: Path) -> Path:
    """A standard of few checks: the others have tests of their own."""
    place = tmp_path / "rules.yaml"
    place.write_text(
        "version: 1\nname: few\nchecks: [size]\nsize: {file_bytes: 5000}\nlicences: [mit]\n"
        "formats: [safetensors, json, text, card, tokenizer]\n",
        "utf-8",
    )
    return place


def brought(hub: Hub, reference: str, standard: Path, name: str | None = "ann/birds") -> Imported:
    return importing.import_base(hub, reference, name, standard, Silent())


def held(hub: Hub, found: Imported) -> dict[str, bytes]:
    entries = hub.database.read(lambda c: trees.entries(c, found.commit.tree))
    files = {path: b"".join(hub.store.read(one.sha256)) for path, one in entries.items()}
    files.pop(".gitattributes", None)
    return files


def nothing_is_here(hub: Hub, name: str = "ann/birds") -> bool:
    return hub.database.read(lambda c: repos.find(c, Kind.MODEL, name)) is None


def test_a_folder_comes_in_as_a_draft_without_what_runs_code(
    hub: Hub, folder: Path, standard: Path, ann: Person, cara: Person, join: Join
) -> None:
    found = brought(hub, f"local:{folder}", standard)
    files = held(hub, found)
    assert found.left_out == LEFT_OUT
    assert files.keys() == IN
    assert {path: files[path] for path in IN - {"README.md"}} == {
        path: FILES[path] for path in IN - {"README.md"}
    }
    assert found.evidence.passed
    reader = join("dora", "read", teams=("flock",)).asker
    with pytest.raises(HeadstartError, match="not found"):  # ann's alone
        hub.database.read(lambda c: finding.repo_for(c, reader, Kind.MODEL, "ann/birds"))
    with pytest.raises(WithheldError):
        hub.database.read(
            lambda c: finding.revision_for(c, ann.asker, Kind.MODEL, "ann/birds", "approved")
        )
    approving.approve(hub, cara.asker, "ann/birds", "main")
    got = hub.database.read(
        lambda c: finding.revision_for(c, ann.asker, Kind.MODEL, "ann/birds", "approved")
    )
    assert got.commit.id == found.commit.id


def test_its_lineage_is_what_the_log_says(hub: Hub, folder: Path, standard: Path) -> None:
    standard.write_text(standard.read_text().replace("[size]", "[lineage]"))
    done = importing.import_base(hub, f"local:{folder}", "team/birds", standard, Silent())
    [found] = done.evidence.findings
    assert found.passed
    assert done.revision in found.words


def test_the_card_and_the_log_tell_where_it_is_from(hub: Hub, folder: Path, standard: Path) -> None:
    found = brought(hub, f"local:{folder}", standard)
    readme = held(hub, found)["README.md"].decode()
    told = cards.parse(readme)
    assert told["license"] == "mit"
    assert told["headstart"] == {
        "source": "local:birds", "revision": found.revision, "left_out": list(LEFT_OUT)
    }  # fmt: skip
    assert readme.endswith("# birds\n")
    event = next(one for one in hub.database.read(audit.events) if one.what == "import")
    assert event.target == "ann/birds"
    assert event.details["revision"] == found.revision


def test_the_same_once_more_changes_nothing_and_another_replaces_it(
    hub: Hub, folder: Path, standard: Path
) -> None:
    first = brought(hub, f"local:{folder}", standard)
    assert brought(hub, f"local:{folder}", standard).commit == first.commit
    (folder / "deep/er/tokenizer.json").unlink()
    second = brought(hub, f"local:{folder}", standard)
    assert second.commit.parent == first.commit.id
    assert held(hub, second).keys() == IN - {"deep/er/tokenizer.json"}


@pytest.mark.parametrize("name", ["config.json", "extra.json", "linked"])
def test_a_link_that_leads_out_of_the_folder_is_refused(
    name: str, hub: Hub, folder: Path, standard: Path, tmp_path: Path
) -> None:
    (tmp_path / "secret.json").write_bytes(b"{}")
    (folder / name).unlink(missing_ok=True)
    target = tmp_path if name == "linked" else tmp_path / "secret.json"
    (folder / name).symlink_to(target)
    with pytest.raises(RequestError, match="leads out of the folder"):
        brought(hub, f"local:{folder}", standard)
    assert nothing_is_here(hub)


def test_a_link_within_the_folder_is_followed_and_pipes_are_left_out(
    hub: Hub, folder: Path, standard: Path
) -> None:
    (folder / "again.json").symlink_to(folder / "config.json")
    os.mkfifo(folder / "pipe.json")
    (folder / ".git").mkdir()
    (folder / ".git/config").write_bytes(b"x")
    found = brought(hub, f"local:{folder}", standard)
    assert held(hub, found)["again.json"] == b"{}"
    assert {"pipe.json/", ".git/"} <= set(found.left_out)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda place: (place / "model.safetensors").unlink(), "no weights that load"),
        (lambda place: (place / "model.safetensors").write_bytes(b"x" * 6000), "more than the"),
        (lambda place: (place / "CONFIG.json").write_bytes(b"{}"), "would be the same file"),
    ],
    ids=["pickles only", "too large", "names that meet"],
)
def test_what_cannot_come_in_leaves_nothing(
    change: object, words: str, hub: Hub, folder: Path, standard: Path
) -> None:
    change(folder)  # type: ignore[operator]
    with pytest.raises(HeadstartError, match=words):
        brought(hub, f"local:{folder}", standard)
    assert nothing_is_here(hub)


@pytest.mark.parametrize(
    ("reference", "name", "words"),
    [
        ("local:nowhere/at/all", "ann/birds", "no such folder"),
        ("ftp:x", "ann/birds", "nothing that can be imported"),
        ("hf:birds", "ann/birds", "no name on a hub"),
        ("local:{folder}", None, "what the base is to be called"),
        ("local:{folder}", "birds", "no name on a hub"),
        ("local:{folder}", "far/birds", "mirrored from another hub"),
    ],
)
def test_bad_requests_are_told(
    reference: str, name: str | None, words: str, hub: Hub, folder: Path, standard: Path
) -> None:
    hub.database.write(lambda c: owners.set_aside(c, "far"))
    with pytest.raises(HeadstartError, match=words):
        brought(hub, reference.format(folder=folder), standard, name)


@pytest.fixture
def elsewhere(other: Other, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:  # noqa: F811
    """Have the base on another hub that the client is set to; its commit there."""
    commit = other.push("birds/small", FILES)
    with served(create_app(other.hub)) as address:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", address)  # as at its import
        monkeypatch.setattr(
            "huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE",
            address + "/{repo_id}/resolve/{revision}/{filename}",
        )
        monkeypatch.setenv("HF_TOKEN", other.person.token)
        yield commit


def test_a_base_of_another_hub_comes_in_at_its_commit(
    elsewhere: str, hub: Hub, standard: Path
) -> None:
    found = brought(hub, "hf:birds/small", standard, None)
    assert (found.name, found.revision, found.left_out) == ("birds/small", elsewhere, LEFT_OUT)
    files = held(hub, found)
    assert files["model.safetensors"] == WEIGHTS
    assert cards.parse(files["README.md"].decode())["headstart"]["source"] == "hf:birds/small"
    assert list(hub.root.glob("import-*")) == []
    again = brought(hub, f"hf:birds/small@{elsewhere}", standard, "ann/copy")
    assert held(hub, again) == files


def test_what_the_other_hub_does_not_have_or_withholds_is_told(
    elsewhere: str, hub: Hub, standard: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for reference in ("hf:birds/none", "hf:birds/small@none"):
        with pytest.raises(RequestError, match="no such base or revision"):
            brought(hub, reference, standard)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(WorkError, match="cannot be reached"):
        brought(hub, "hf:birds/small", standard)
    assert nothing_is_here(hub)


def test_bytes_that_broke_on_their_way_are_not_kept(
    elsewhere: str, hub: Hub, standard: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Elsewhere.read

    def flipped(self: Elsewhere, file: object) -> Iterator[bytes]:
        for part in real(self, file):  # type: ignore[arg-type]
            yield part[:-1] + bytes([part[-1] ^ 1])

    monkeypatch.setattr(Elsewhere, "read", flipped)
    with pytest.raises(WorkError, match="not what its place says"):
        brought(hub, "hf:birds/small", standard)
    assert nothing_is_here(hub, "birds/small")


@pytest.mark.slow
def test_timms_weights_come_in_from_their_hub(
    elsewhere: str,
    other: Other,  # noqa: F811
    hub: Hub,
    standard: Path,
) -> None:
    config = json.dumps({"architecture": "resnet18"}).encode()
    commit = other.push(
        "timm/resnet18.a1_in1k", {"model.safetensors": WEIGHTS, "config.json": config}
    )
    found = brought(hub, "timm:resnet18.a1_in1k", standard, None)
    assert (found.name, found.revision) == ("timm/resnet18.a1_in1k", commit)
    told = cards.parse(held(hub, found)["README.md"].decode())
    assert told["license"] == "apache-2.0"
    with pytest.raises(RequestError, match=r"no weights 'resnet18\.none'"):
        brought(hub, "timm:resnet18.none", standard, None)
