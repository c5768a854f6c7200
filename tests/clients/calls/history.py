"""Branches, tags, commits, and large files of all times."""

from __future__ import annotations

import os
from pathlib import Path

from book import FILES, call, held, pushed, refused
from huggingface_hub import HfApi, hf_hub_download, snapshot_download


@call("create_branch, delete_branch, list_repo_refs")
def branches(api: HfApi, repo: str) -> None:
    pushed(api, repo)
    first = api.model_info(repo).sha
    api.upload_file(path_or_fileobj=b"1", path_in_repo="new", repo_id=repo)
    api.create_branch(repo, branch="old", revision=first)
    api.create_branch(repo, branch="dev/x")
    api.create_branch(repo, branch="dev/x", exist_ok=True)
    refused("already exists", api.create_branch, repo, branch="dev/x")
    refused("RevisionNotFound|no branch", api.create_branch, repo, branch="y", revision="none")
    refs = api.list_repo_refs(repo)
    assert {one.name for one in refs.branches} == {"main", "dev/x", "old"}
    assert next(one for one in refs.branches if one.name == "old").target_commit == first
    assert api.list_repo_refs(repo, include_pull_requests=True).pull_requests == []
    api.delete_branch(repo, branch="dev/x")
    refused("", api.delete_branch, repo, branch="dev/x")
    refused("main", api.delete_branch, repo, branch="main")


@call("create_tag, delete_tag")
def tags(api: HfApi, repo: str) -> None:
    pushed(api, repo)
    api.create_tag(repo, tag="v1.0", tag_message="first")
    api.create_tag(repo, tag="v1.0", exist_ok=True)
    refused("already exists", api.create_tag, repo, tag="v1.0")
    api.delete_file("empty", repo)
    assert [one.name for one in api.list_repo_refs(repo).tags] == ["v1.0"]
    assert held(snapshot_download(repo, revision="v1.0")) == FILES
    api.delete_tag(repo, tag="v1.0")
    refused("RevisionNotFound", api.model_info, repo, revision="v1.0")
    refused("approved", api.create_tag, repo, tag="approved")


@call("list_repo_commits")
def commits(api: HfApi, repo: str) -> None:
    pushed(api, repo)
    api.delete_file("empty", repo, commit_message="less")
    found = api.list_repo_commits(repo, formatted=True)
    assert [one.title for one in found] == [
        "less", "Upload folder using huggingface_hub", "initial commit"
    ]  # fmt: skip
    assert found[0].authors == [repo.partition("/")[0]]
    refused("RevisionNotFound", api.list_repo_commits, repo, revision="none")


@call("super_squash_history")
def squashed(api: HfApi, repo: str) -> None:
    pushed(api, repo)
    old = api.model_info(repo).sha
    api.delete_file("empty", repo)
    api.super_squash_history(repo, commit_message="one")
    assert [one.title for one in api.list_repo_commits(repo)] == ["one"]
    rest = {path: content for path, content in FILES.items() if path != "empty"}
    assert held(snapshot_download(repo)) == rest
    assert api.model_info(repo).sha != old
    refused("RevisionNotFound|branch", api.super_squash_history, repo, branch="none")


@call("list_lfs_files", needs="list_lfs_files")
def heavy(api: HfApi, repo: str) -> None:
    pushed(api, repo)
    api.upload_file(path_or_fileobj=os.urandom(2_000_000), path_in_repo="b.bin", repo_id=repo)
    found = {one.filename: one.size for one in api.list_lfs_files(repo)}
    assert found == {"weights.safetensors": len(FILES["weights.safetensors"]), "b.bin": 2_000_000}


@call("a branch's file is read at the branch")
def at(api: HfApi, repo: str) -> None:
    pushed(api, repo)
    api.create_branch(repo, branch="dev/x")
    api.upload_file(path_or_fileobj=b"1", path_in_repo="new", repo_id=repo, revision="dev/x")
    assert Path(hf_hub_download(repo, "new", revision="dev/x")).read_bytes() == b"1"
    refused("EntryNotFound", hf_hub_download, repo, "new")
