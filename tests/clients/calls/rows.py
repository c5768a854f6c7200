"""Data sets, as files."""

from __future__ import annotations

from book import FILES, call, folder, held
from huggingface_hub import HfApi, HfFileSystem, snapshot_download


@call("data sets: create, upload_folder, snapshot, branches, move, delete")
def rows(api: HfApi, repo: str) -> None:
    kind = {"repo_type": "dataset"}
    url = api.create_repo(repo, **kind)
    assert (url.repo_type, url.repo_id) == ("dataset", repo)
    api.upload_folder(repo_id=repo, folder_path=folder(), **kind)
    assert held(snapshot_download(repo, **kind)) == FILES
    api.create_branch(repo, branch="b", **kind)
    api.create_tag(repo, tag="t", **kind)
    assert [one.name for one in api.list_repo_refs(repo, **kind).tags] == ["t"]
    files = HfFileSystem()
    assert files.cat_file(f"datasets/{repo}/README.md") == FILES["README.md"]
    api.auth_check(repo, **kind)
    api.move_repo(repo, repo + "-2", **kind)
    assert api.file_exists(repo + "-2", "empty", **kind)
    api.delete_repo(repo + "-2", **kind)
    assert not api.repo_exists(repo + "-2", **kind)
