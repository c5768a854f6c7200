"""What clients do all day, by huggingface_hub's public functions; run by any of its versions.

A script of its own: ``python calls.py OWNER``, with ``HF_ENDPOINT``, ``HF_TOKEN`` and a fresh
``HF_HOME`` set, and nothing else. It ends with an error where an answer is not what it should be.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from huggingface_hub import (
    CommitOperationAdd,
    CommitOperationCopy,
    HfApi,
    HfFileSystem,
    hf_hub_download,
    snapshot_download,
)
from huggingface_hub.utils import (
    EntryNotFoundError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

FILES = {
    "README.md": b"---\nlicense: mit\ntags: [birds]\n---\nhi\n",
    "empty": b"",
    "deep er/100%.json": b"{}",
    "Grüße.txt": "Grüße".encode(),
    "weights.safetensors": bytes(range(256)) * 12_000,
}
api = HfApi()


def refused(kind: type[Exception], work: object, *given: object, **named: object) -> None:
    try:
        work(*given, **named)  # type: ignore[operator]
    except kind:
        return
    raise AssertionError(f"{work} was not refused by {kind}")


def folder() -> Path:
    place = Path(tempfile.mkdtemp())
    for path, content in FILES.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_bytes(content)
    return place


def back(repo: str, **named: str) -> dict[str, bytes]:
    place = Path(snapshot_download(repo, **named))
    found = {p.relative_to(place).as_posix(): p.read_bytes() for p in place.rglob("*")
             if p.is_file()}  # fmt: skip
    return {path: content for path, content in found.items() if path != ".gitattributes"}


def models(owner: str) -> None:
    repo = f"{owner}/birds"
    api.create_repo(repo)
    api.create_repo(repo, exist_ok=True)
    refused(HfHubHTTPError, api.create_repo, repo)
    api.upload_folder(repo_id=repo, folder_path=folder())
    assert back(repo) == FILES
    first = api.model_info(repo, files_metadata=True)
    assert first.card_data is not None
    assert first.card_data.license == "mit"
    sizes = {one.rfilename: one.size for one in first.siblings or ()}
    assert all(sizes[path] == len(content) for path, content in FILES.items())
    paths = [one.path for one in api.list_repo_tree(repo, recursive=True, expand=True)]
    assert {"deep er", *FILES} <= set(paths)
    assert [one.path for one in api.get_paths_info(repo, ["empty", "none"])] == ["empty"]
    assert [one.id for one in api.list_models(author=owner)] == [repo]
    assert [one.id for one in api.list_models(search="birds", filter="birds", author=owner)] == [
        repo
    ]
    api.create_tag(repo, tag="v1")
    api.create_branch(repo, branch="dev/x")
    api.upload_file(path_or_fileobj=b"1", path_in_repo="new", repo_id=repo, revision="dev/x")
    with Path(hf_hub_download(repo, "new", revision="dev/x")).open("rb") as file:
        assert file.read() == b"1"
    refused(EntryNotFoundError, hf_hub_download, repo, "new", revision="v1")
    refused(RevisionNotFoundError, api.model_info, repo, revision="v9")
    assert {one.name for one in api.list_repo_refs(repo).branches} == {"main", "dev/x"}
    api.delete_branch(repo, branch="dev/x")
    api.create_commit(
        repo,
        [CommitOperationCopy("weights.safetensors", "copy.safetensors"),
         CommitOperationAdd("more.txt", b"more")],
        commit_message="more",
    )  # fmt: skip
    refused(
        HfHubHTTPError, api.create_commit, repo, [CommitOperationAdd("x", b"x")],
        commit_message="x", parent_commit=first.sha,
    )  # fmt: skip
    api.delete_file("empty", repo)
    api.delete_folder("deep er", repo)
    assert set(api.list_repo_files(repo)) == {
        ".gitattributes", "README.md", "Grüße.txt", "weights.safetensors", "copy.safetensors",
        "more.txt",
    }  # fmt: skip
    assert len(api.list_repo_commits(repo)) == 5
    assert back(repo, revision="v1") == FILES
    files = HfFileSystem()
    with files.open(f"{repo}/note.txt", "w") as note:
        note.write("hello")
    files.invalidate_cache()
    assert files.read_text(f"{repo}/note.txt") == "hello"
    api.move_repo(repo, f"{owner}/flock")
    assert api.model_info(repo).id == f"{owner}/flock"
    api.delete_repo(f"{owner}/flock")
    refused(RepositoryNotFoundError, api.model_info, repo)


def data_sets(owner: str) -> None:
    repo = f"{owner}/rows"
    api.create_repo(repo, repo_type="dataset")
    api.upload_file(path_or_fileobj=b"a\n1\n", path_in_repo="rows.csv", repo_id=repo,
                    repo_type="dataset")  # fmt: skip
    assert back(repo, repo_type="dataset") == {"rows.csv": b"a\n1\n"}
    assert [one.id for one in api.list_datasets(author=owner)] == [repo]
    api.delete_repo(repo, repo_type="dataset")


if __name__ == "__main__":
    [_, owner] = sys.argv
    assert api.whoami()["name"] == owner
    models(owner)
    data_sets(owner)
    print("all well")
