"""The protocol as huggingface_hub's own client speaks it; other versions: ``tests/clients``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationCopy, HfApi, HfFileSystem
from huggingface_hub.errors import (
    BadRequestError,
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from tests.hub.conftest import Person

Client = Callable[[Person | None], HfApi]
FILES = {
    "README.md": b"---\nlicense: mit\ntags: [birds]\n---\n# hi\n",
    "config.json": b'{"model_type": "bert"}',
    "empty": b"",
    "deep er/100%.txt": "Grüße".encode(),
    "weights.safetensors": bytes(range(256)) * 8192,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for path, content in FILES.items():
        place = tmp_path / "folder" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    return tmp_path / "folder"


@pytest.fixture
def pushed(client: Client, ann: Person, folder: Path) -> HfApi:
    """Return ann's client, her model ``ann/birds`` pushed."""
    api = client(ann)
    api.create_repo("ann/birds")
    api.upload_folder(repo_id="ann/birds", folder_path=folder)
    return api


def test_whoami_tells_the_user(client: Client, ann: Person) -> None:
    assert client(ann).whoami()["name"] == "ann"


def test_a_bad_token_is_told(address: str) -> None:
    with pytest.raises(HfHubHTTPError, match="Invalid"):
        HfApi(address, token="hf_none").whoami()


def test_what_was_pushed_comes_back(pushed: HfApi, tmp_path: Path) -> None:
    place = Path(pushed.snapshot_download("ann/birds", local_dir=tmp_path / "back"))
    found = {
        str(path.relative_to(place)): path.read_bytes()
        for path in place.rglob("*")
        if path.is_file() and ".cache" not in path.parts and path.name != ".gitattributes"
    }
    assert found == FILES


def test_infos_trees_and_paths_agree(pushed: HfApi) -> None:
    info = pushed.model_info("ann/birds", files_metadata=True)
    sizes = {one.rfilename: one.size for one in info.siblings or ()}
    tree = {one.path: one for one in pushed.list_repo_tree("ann/birds", recursive=True)}
    assert {path: len(content) for path, content in FILES.items()}.items() <= sizes.items()
    assert sizes.keys() == tree.keys() - {"deep er"}
    asked = pushed.get_paths_info("ann/birds", ["deep er", "config.json", "nothing"])
    assert [one.path for one in asked] == ["deep er", "config.json"]
    assert info.card_data is not None
    assert info.card_data.license == "mit"


def test_the_last_change_of_each_file_is_told(pushed: HfApi) -> None:
    pushed.upload_file(path_or_fileobj=b"{}", path_in_repo="config.json", repo_id="ann/birds",
                       commit_message="new config")  # fmt: skip
    tree = pushed.list_repo_tree("ann/birds", expand=True)
    titles = {one.path: one.last_commit.title for one in tree if one.last_commit}
    assert titles["config.json"] == "new config"
    assert titles["empty"] != "new config"


def test_branches_and_tags_name_commits(pushed: HfApi, tmp_path: Path) -> None:
    first = pushed.model_info("ann/birds").sha
    pushed.create_tag("ann/birds", tag="v1")
    pushed.create_branch("ann/birds", branch="dev/x")
    pushed.upload_file(path_or_fileobj=b"1", path_in_repo="new", repo_id="ann/birds",
                       revision="dev/x")  # fmt: skip
    refs = pushed.list_repo_refs("ann/birds")
    assert {one.name for one in refs.branches} == {"main", "dev/x"}
    assert [(one.name, one.target_commit) for one in refs.tags] == [("v1", first)]
    got = pushed.hf_hub_download("ann/birds", "new", revision="dev/x", local_dir=tmp_path / "a")
    assert Path(got).read_bytes() == b"1"
    with pytest.raises(EntryNotFoundError):
        pushed.hf_hub_download("ann/birds", "new", revision="v1", local_dir=tmp_path / "b")
    pushed.delete_branch("ann/birds", branch="dev/x")
    pushed.delete_tag("ann/birds", tag="v1")
    with pytest.raises(RevisionNotFoundError):
        pushed.model_info("ann/birds", revision="v1")


def test_a_short_commit_id_is_enough(pushed: HfApi) -> None:
    sha = pushed.model_info("ann/birds").sha
    assert sha
    assert pushed.model_info("ann/birds", revision=sha[:8]).sha == sha


def test_history_is_newest_first(pushed: HfApi) -> None:
    pushed.delete_file("empty", "ann/birds", commit_message="less")
    titles = [one.title for one in pushed.list_repo_commits("ann/birds")]
    assert titles == ["less", "Upload folder using huggingface_hub", "initial commit"]


def test_a_commit_that_changes_nothing_is_none(pushed: HfApi, folder: Path) -> None:
    before = pushed.model_info("ann/birds").sha
    pushed.upload_folder(repo_id="ann/birds", folder_path=folder)
    assert pushed.model_info("ann/birds").sha == before


def test_files_are_copied_and_deleted(pushed: HfApi) -> None:
    pushed.create_commit(
        "ann/birds",
        [CommitOperationCopy("weights.safetensors", "copy.safetensors"),
         CommitOperationCopy("config.json", "copy.json")],
        commit_message="copies",
    )  # fmt: skip
    pushed.delete_folder("deep er", "ann/birds")
    files = set(pushed.list_repo_files("ann/birds"))
    assert {"copy.safetensors", "copy.json"} <= files
    assert "deep er/100%.txt" not in files


def test_a_stale_parent_is_refused(pushed: HfApi) -> None:
    old = pushed.model_info("ann/birds").sha
    pushed.delete_file("empty", "ann/birds")
    with pytest.raises(HfHubHTTPError, match="by now"):
        pushed.create_commit(
            "ann/birds", [CommitOperationAdd("x", b"x")], commit_message="x", parent_commit=old
        )


def test_files_that_cannot_lie_together_are_refused(pushed: HfApi) -> None:
    for path in ("CONFIG.json", "config.json/x", "a/../b", ".git/config", "a\\b", "nul\x7f"):
        with pytest.raises((HfHubHTTPError, ValueError)):
            pushed.upload_file(path_or_fileobj=b"1", path_in_repo=path, repo_id="ann/birds")
    assert len(pushed.list_repo_files("ann/birds")) == len(FILES) + 1


def test_a_card_that_cannot_be_read_is_refused(pushed: HfApi) -> None:
    with pytest.raises((BadRequestError, ValueError), match="YAML"):
        pushed.upload_file(
            path_or_fileobj=b"---\na: [\n---\n", path_in_repo="README.md", repo_id="ann/birds"
        )


def test_others_learn_nothing_of_a_private_repo(pushed: HfApi, client: Client, ben: Person) -> None:
    for other in (client(ben), client(None)):
        with pytest.raises(RepositoryNotFoundError):
            other.model_info("ann/birds")
        with pytest.raises(RepositoryNotFoundError):
            other.hf_hub_download("ann/birds", "config.json")
        assert list(other.list_models()) == []


def test_a_missing_repo_and_one_of_others_are_told_alike(
    pushed: HfApi, client: Client, ben: Person
) -> None:
    said = []
    for name in ("ann/birds", "ann/words"):
        with pytest.raises(RepositoryNotFoundError) as caught:
            client(ben).model_info(name)
        said.append(str(caught.value.server_message).replace("birds", "words"))
    assert said[0] == said[1]


def test_readers_of_a_draft_are_told_why_not(pushed: HfApi, client: Client, ben: Person) -> None:
    pushed.update_repo_settings("ann/birds", private=False)
    with pytest.raises(GatedRepoError, match="no approved revision"):
        client(ben).hf_hub_download("ann/birds", "config.json")
    assert list(client(ben).list_models()) == []


def test_only_its_own_people_write(pushed: HfApi, client: Client, ben: Person) -> None:
    pushed.update_repo_settings("ann/birds", private=False)
    with pytest.raises(HfHubHTTPError, match="may not write"):
        client(ben).upload_file(path_or_fileobj=b"1", path_in_repo="x", repo_id="ann/birds")
    with pytest.raises(HfHubHTTPError, match="does not belong"):
        client(ben).create_repo("ann/mine")


def test_data_sets_are_published_at_once(client: Client, ann: Person, ben: Person) -> None:
    api = client(ann)
    api.create_repo("ann/rows", repo_type="dataset", private=False)
    api.upload_file(path_or_fileobj=b"a\n1\n", path_in_repo="rows.csv", repo_id="ann/rows",
                    repo_type="dataset")  # fmt: skip
    got = client(ben).hf_hub_download("ann/rows", "rows.csv", repo_type="dataset")
    assert Path(got).read_bytes() == b"a\n1\n"
    assert [one.id for one in client(ben).list_datasets()] == ["ann/rows"]


def test_old_names_lead_to_the_new_and_come_back_for_nobody_else(
    pushed: HfApi, client: Client, ben: Person
) -> None:
    pushed.move_repo("ann/birds", "flock/birds")
    assert pushed.model_info("ann/birds").id == "flock/birds"
    got = pushed.hf_hub_download("ann/birds", "config.json", force_download=True)
    assert Path(got).read_bytes() == FILES["config.json"]
    with pytest.raises(HfHubHTTPError, match="another's before"):
        pushed.create_repo("ann/birds")


def test_a_deleted_repo_is_gone(pushed: HfApi) -> None:
    pushed.delete_repo("ann/birds")
    with pytest.raises(RepositoryNotFoundError):
        pushed.model_info("ann/birds")
    assert list(pushed.list_models()) == []


def test_lists_are_filtered_and_paged(client: Client, ann: Person) -> None:
    api = client(ann)
    for number in range(7):
        api.create_repo(f"ann/m{number}")
    assert len(list(api.list_models())) == 7
    assert [one.id for one in api.list_models(search="M3")] == ["ann/m3"]
    assert list(api.list_models(search="m_")) == []  # no pattern, just a text
    response = api.list_models(limit=3)
    assert [one.id for one in response] == ["ann/m6", "ann/m5", "ann/m4"]


def test_the_file_system_reads_and_writes(pushed: HfApi) -> None:
    files = HfFileSystem(endpoint=pushed.endpoint, token=str(pushed.token))
    assert "ann/birds/config.json" in files.ls("ann/birds", detail=False)
    with files.open("ann/birds/note.txt", "w") as note:
        note.write("hello")
    files.invalidate_cache()
    assert files.read_text("ann/birds/note.txt") == "hello"
    assert files.glob("ann/birds/*.txt") == ["ann/birds/note.txt"]
