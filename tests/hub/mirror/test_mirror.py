"""What is not here is fetched from another hub once, kept as it is there, and served without it."""

from __future__ import annotations

from pathlib import Path
from threading import Event
from typing import Any

import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from headstart.hub.access import tokens
from headstart.hub.actions import approving, enforcing, keeping
from headstart.hub.errors import WithheldError
from headstart.hub.hub import Hub
from headstart.hub.mirror.mirror import open_mirror
from headstart.hub.mirror.wire import Wire
from headstart.hub.registry import repos, states
from headstart.hub.registry.model import Kind, State
from headstart.hub.serve.app import create_app
from tests.hub.conftest import Join, Person, served
from tests.hub.mirror.conftest import Here, Other, api

FILES = {
    "README.md": b"---\nlicense: mit\n---\n# birds\n",
    "config.json": b"{}",
    "deep er/100%.txt": b"x",
}
WEIGHTS = bytes(range(256)) * 8192


@pytest.fixture
def pushed(other: Other, far: str) -> str:
    """Return the commit of a model on the other hub, with a large file among its own."""
    other.push("birds/m", FILES)
    theirs = HfApi(far, token=other.person.token)
    made = theirs.upload_file(path_or_fileobj=WEIGHTS, path_in_repo="w.safetensors",
                              repo_id="birds/m")  # fmt: skip
    return str(made.oid)


def files_in(place: str | Path) -> dict[str, bytes]:
    found = {
        str(path.relative_to(place)): path.read_bytes()
        for path in Path(place).rglob("*")
        if path.is_file() and ".cache" not in path.parts
    }
    found.pop(".gitattributes", None)
    return found


def test_what_was_fetched_is_the_same_and_stays_when_the_other_hub_is_gone(
    other: Other, here: Here, pushed: str, hub: Hub, ben: Person, join: Join, tmp_path: Path,
    far: str,
) -> None:  # fmt: skip
    with here(far, other.person.token) as address:
        first = api(address, ben).snapshot_download("birds/m", local_dir=tmp_path / "a")
        info = api(address, ben).model_info("birds/m")
        tree = {one.path: one.blob_id for one in api(address, ben).list_repo_tree("birds/m")
                if hasattr(one, "blob_id")}  # fmt: skip
        theirs = {one.path: one.blob_id for one in
                  HfApi(far, token=other.person.token).list_repo_tree("birds/m")
                  if hasattr(one, "blob_id")}  # fmt: skip
    assert files_in(first) == {**FILES, "w.safetensors": WEIGHTS}
    assert info.sha == pushed
    assert info.mirrored
    assert tree == theirs
    with here("http://127.0.0.1:9", "x") as address:  # nobody is there
        dora = api(address, join("dora", "read"))
        again = dora.snapshot_download("birds/m", local_dir=tmp_path / "b")
        assert files_in(again) == files_in(first)
        assert dora.model_info("birds/m", revision=pushed).sha == pushed
    with served(create_app(hub)) as address:  # and without a mirror at all
        assert api(address, ben).model_info("birds/m").sha == pushed


def test_the_branch_moves_when_it_moved_there(
    other: Other, here: Here, pushed: str, far: str, ben: Person
) -> None:
    with here(far, other.person.token) as address:
        assert api(address, ben).model_info("birds/m").sha == pushed
        newer = other.push("birds/m", {"config.json": b'{"a": 1}'})
        assert api(address, ben).model_info("birds/m").sha == newer
        assert api(address, ben).model_info("birds/m", revision=pushed).sha == pushed
        assert api(address, ben).model_info("birds/m", revision=pushed[:10]).sha == pushed


def test_a_branch_is_asked_for_once_in_a_while_only(
    other: Other, here: Here, pushed: str, far: str, ben: Person
) -> None:
    with here(far, other.person.token, minutes=60) as address:
        assert api(address, ben).model_info("birds/m").sha == pushed
        other.push("birds/m", {"config.json": b'{"a": 1}'})
        assert api(address, ben).model_info("birds/m").sha == pushed


def test_tags_and_data_sets_are_mirrored_too(
    other: Other, here: Here, pushed: str, far: str, ben: Person
) -> None:
    theirs = HfApi(far, token=other.person.token)
    theirs.create_tag("birds/m", tag="v1")
    newer = other.push("birds/m", {"config.json": b'{"a": 1}'})
    other.push("birds/d", {"data.csv": b"a,b\n"}, Kind.DATASET)
    with here(far, other.person.token) as address:
        ours = api(address, ben)
        assert ours.model_info("birds/m", revision="v1").sha == pushed
        assert ours.model_info("birds/m").sha == newer
        assert [one.name for one in ours.list_repo_refs("birds/m").tags] == ["v1"]
        with pytest.raises(RevisionNotFoundError):
            ours.model_info("birds/m", revision="v2")
        got = ours.hf_hub_download("birds/d", "data.csv", repo_type="dataset")
        assert Path(got).read_bytes() == b"a,b\n"


def test_a_file_may_be_the_first_that_is_asked_for(
    other: Other, here: Here, pushed: str, far: str, ben: Person
) -> None:
    with here(far, other.person.token) as address:
        got = api(address, ben).hf_hub_download("birds/m", "config.json")
        assert Path(got).read_bytes() == b"{}"


def test_strangers_and_tokens_for_something_else_cause_nothing_and_learn_nothing(
    other: Other, here: Here, pushed: str, far: str, hub: Hub, ben: Person, join: Join
) -> None:
    narrow = join("ben", "read", scope=("ben",))
    with here(far, other.person.token) as address:
        for person in (None, narrow):
            with pytest.raises(RepositoryNotFoundError):
                api(address, person).model_info("birds/m")
        assert hub.database.read(lambda c: repos.find(c, Kind.MODEL, "birds/m")) is None
        api(address, ben).model_info("birds/m")
        for person in (None, narrow):
            with pytest.raises(RepositoryNotFoundError) as there:
                api(address, person).model_info("birds/m")
            with pytest.raises(RepositoryNotFoundError) as nowhere:
                api(address, person).model_info("birds/n")
            said, other_said = there.value.server_message, nowhere.value.server_message
            assert said == str(other_said).replace("birds/n", "birds/m")
            assert list(api(address, person).list_models()) == []
        assert [one.id for one in api(address, ben).list_models()] == ["birds/m"]


def test_what_the_other_hub_does_not_give_is_told_like_what_is_not_there(
    other: Other, here: Here, pushed: str, far: str, ben: Person
) -> None:
    with here(far) as address:  # without the token, their model is private
        messages = []
        for name in ("birds/m", "birds/n"):
            with pytest.raises(RepositoryNotFoundError) as told:
                api(address, ben).model_info(name)
            messages.append(str(told.value.server_message).replace(name, "X"))
    assert messages[0] == messages[1]


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of repos that anybody looks for on the other hub, from now on."""
    found: list[str] = []

    def noting(real: Any) -> Any:
        def look(connection: Any, kind: Kind, name: str) -> Any:
            if str(connection.engine.url).endswith("other/registry.sqlite3"):
                found.append(name)
            return real(connection, kind, name)

        return look

    for way in ("find", "place_of"):
        monkeypatch.setattr(repos, way, noting(getattr(repos, way)))
    return found


def test_names_of_this_hub_are_never_asked_for_there(
    other: Other, here: Here, far: str, hub: Hub, ann: Person, ben: Person, looked: list[str]
) -> None:
    for name in ("ann/m", "flock/m", "flock/secret", "gone/m"):
        other.push(name, FILES)
    keeping.create(hub, ann.asker, Kind.MODEL, "flock", "m", private=True)
    keeping.create(hub, ann.asker, Kind.MODEL, "gone", "m", private=True)
    asker = hub.database.read(lambda c: tokens.recognise(c, ann.token))  # now of these teams
    keeping.delete(hub, asker, Kind.MODEL, "gone/m")
    looked.clear()
    with here(far, other.person.token) as address:
        for name in ("ann/m", "flock/m", "flock/secret", "gone/m", "ANN/m", "Flock/other"):
            with pytest.raises(RepositoryNotFoundError):
                api(address, ben).model_info(name)
        assert looked == []
        with pytest.raises(RepositoryNotFoundError):
            api(address, ben).model_info("nobody/m")
        assert set(looked) == {"nobody/m"}


def test_only_the_namespaces_that_were_named_are_mirrored_and_kept_for_it(
    other: Other, here: Here, pushed: str, far: str, hub: Hub, ann: Person, ben: Person
) -> None:
    other.push("fish/m", FILES)
    with here(far, other.person.token, only=("birds",)) as address:
        with pytest.raises(RepositoryNotFoundError):
            api(address, ben).model_info("fish/m")
        assert api(address, ben).model_info("birds/m").sha == pushed
        with pytest.raises(HfHubHTTPError, match="mirrored from another hub"):
            api(address, ann).create_repo("birds/mine")


def test_nobody_writes_to_what_is_mirrored_and_its_namespace_is_nobodys(
    other: Other, here: Here, pushed: str, far: str, hub: Hub, ben: Person, join: Join
) -> None:
    root = join("root", "admin")
    with here(far, other.person.token) as address:
        assert api(address, ben).model_info("birds/m").sha == pushed
        ours = api(address, root)
        for work in (
            lambda: ours.create_repo("birds/new"),
            lambda: ours.upload_file(
                path_or_fileobj=b"x", path_in_repo="x", repo_id="birds/m"),
            lambda: ours.create_tag("birds/m", tag="v9"),
            lambda: ours.move_repo("birds/m", "root/m"),
        ):  # fmt: skip
            with pytest.raises(HfHubHTTPError, match="mirrored"):
                work()
        with pytest.raises(Exception, match="mirrored from another hub"):
            join("birds")
        ours.delete_repo("birds/m")
        with pytest.raises(RepositoryNotFoundError):
            api(address, ben).model_info("birds/m")  # for good


def test_where_approval_is_enforced_what_is_mirrored_is_a_draft_until_then(
    other: Other, here: Here, pushed: str, far: str, hub: Hub, ben: Person, cara: Person
) -> None:
    enforcing.enforce(hub, True)
    with here(far, other.person.token) as address:
        with pytest.raises(GatedRepoError, match="no approved revision"):
            api(address, ben).model_info("birds/m")
        assert api(address, cara).model_info("birds/m").sha == pushed
        repo = hub.database.read(lambda c: repos.find(c, Kind.MODEL, "birds/m"))
        assert repo is not None
        commit = hub.database.read(lambda c: states_of(c, repo, pushed))
        hub.database.write(lambda c: states.put(c, repo, commit, State.GATED, "-"))
        approving.approve(hub, cara.asker, "birds/m", pushed)
        assert api(address, ben).model_info("birds/m").sha == pushed
        newer = other.push("birds/m", {"config.json": b'{"a": 1}'})
        assert api(address, ben).model_info("birds/m").sha == pushed
        assert api(address, cara).model_info("birds/m").sha == newer


def states_of(connection: Any, repo: Any, commit: str) -> Any:
    from headstart.hub.registry import commits

    return commits.by_id(connection, repo, commit)


def test_so_much_is_fetched_at_once_and_no_more(
    other: Other, hub: Hub, far: str, ben: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    release, begun = Event(), Event()

    def slow(*_: object) -> None:
        begun.set()
        release.wait()

    monkeypatch.setattr("headstart.hub.mirror.mirror.bring", slow)
    monkeypatch.setattr("headstart.hub.mirror.mirror.JOBS", 1)
    mirror = open_mirror(hub, Wire(far))
    with pytest.raises(WithheldError, match="is being fetched"):
        mirror.look(ben.asker, Kind.MODEL, "birds/m", "main", 0)
    assert begun.wait(10)
    with pytest.raises(WithheldError, match="too much is being fetched"):
        mirror.look(ben.asker, Kind.MODEL, "birds/n", "main", 10)
    release.set()
