"""Ways in: files of all sizes, folders, operations of one commit."""

from __future__ import annotations

import io
import os
from pathlib import Path

from book import FILES, call, folder, held, pushed, refused
from huggingface_hub import (
    CommitOperationAdd,
    CommitOperationCopy,
    CommitOperationDelete,
    HfApi,
    constants,
    snapshot_download,
)

LARGE = 12 * 1024 * 1024


@call("upload_folder; snapshot_download gives it back")
def returned(api: HfApi, repo: str) -> None:
    pushed(api, repo)
    assert held(snapshot_download(repo)) == FILES


@call("upload_folder again changes nothing")
def again(api: HfApi, repo: str) -> None:
    pushed(api, repo)
    before = api.model_info(repo).sha
    api.upload_folder(repo_id=repo, folder_path=folder())
    assert api.model_info(repo).sha == before


@call("upload_folder with allow_, ignore_ and delete_patterns, path_in_repo")
def patterns(api: HfApi, repo: str) -> None:
    pushed(api, repo)
    api.upload_folder(repo_id=repo, folder_path=folder({"a.txt": b"a", "b.log": b"b", "c": b"c"}),
                      path_in_repo="deep er", allow_patterns=["*.txt", "*.log"],
                      ignore_patterns="*.log", delete_patterns="*.json")  # fmt: skip
    found = [path for path in api.list_repo_files(repo) if path.startswith("deep er/")]
    assert found == ["deep er/a.txt"]


@call("upload_folder of 80 files")
def many(api: HfApi, repo: str) -> None:
    files = {f"{number % 7}/{number}.txt": b"%d" % number for number in range(80)}
    pushed(api, repo, files)
    assert held(snapshot_download(repo, max_workers=16)) == files


@call("upload_file of bytes, paths and file objects, 12 MB each")
def large(api: HfApi, repo: str) -> None:
    api.create_repo(repo)
    files = {f"{name}.bin": os.urandom(LARGE) for name in ("bytes", "path", "object")}
    place = folder(files)
    api.upload_file(path_or_fileobj=files["bytes.bin"], path_in_repo="bytes.bin", repo_id=repo)
    api.upload_file(path_or_fileobj=place / "path.bin", path_in_repo="path.bin", repo_id=repo)
    with (place / "object.bin").open("rb") as file:
        api.upload_file(path_or_fileobj=file, path_in_repo="object.bin", repo_id=repo)
    assert held(snapshot_download(repo)) == files


@call("upload_file to a branch, with words")
def branched(api: HfApi, repo: str) -> None:
    pushed(api, repo)
    api.create_branch(repo, branch="dev/x")
    made = api.upload_file(
        path_or_fileobj=io.BytesIO(b"1"), path_in_repo="new", repo_id=repo, revision="dev/x",
        commit_message="one", commit_description="more",
    )  # fmt: skip
    first = api.list_repo_commits(repo, revision="dev/x")[0]
    assert (first.commit_id, first.title, first.message) == (made.oid, "one", "more")
    assert api.file_exists(repo, "new", revision="dev/x")
    assert not api.file_exists(repo, "new")


@call("upload_large_folder", needs="upload_large_folder")
def heap(api: HfApi, repo: str) -> None:
    place = folder({**FILES, "big.bin": os.urandom(LARGE)})
    files = held(place)
    api.upload_large_folder(repo_id=repo, folder_path=place, repo_type="model",
                            print_report=False, num_workers=1)  # fmt: skip
    assert held(snapshot_download(repo)) == files
    api.upload_large_folder(repo_id=repo, folder_path=place, repo_type="model",
                            print_report=False, num_workers=1)  # fmt: skip


@call("create_commit: add, copy, delete at once; a stale parent is refused")
def operations(api: HfApi, repo: str) -> None:
    pushed(api, repo)
    first = api.model_info(repo).sha
    api.create_commit(
        repo,
        [CommitOperationCopy("weights.safetensors", "copy.safetensors"),
         CommitOperationCopy("README.md", "copy.md"),
         CommitOperationAdd("more.txt", b"more"),
         CommitOperationDelete("empty"),
         CommitOperationDelete("deep er/")],
        commit_message="all", parent_commit=first,
    )  # fmt: skip
    assert set(api.list_repo_files(repo)) == {
        ".gitattributes", "README.md", "Gr\u00fc\u00dfe.txt", "weights.safetensors", "copy.md",
        "copy.safetensors", "more.txt",
    }  # fmt: skip
    refused("by now", api.create_commit, repo, [CommitOperationAdd("x", b"x")],
            commit_message="x", parent_commit=first)  # fmt: skip


@call("preupload_lfs_files, then create_commit")
def before(api: HfApi, repo: str) -> None:
    api.create_repo(repo)
    content = os.urandom(2_000_000)
    operation = CommitOperationAdd("a.bin", content)
    api.preupload_lfs_files(repo, [operation])
    api.create_commit(repo, [operation], commit_message="a")
    assert Path(api.hf_hub_download(repo, "a.bin")).read_bytes() == content


@call("CommitOperationCopy from another repo and kind", needs=">=2")
def across(api: HfApi, repo: str) -> None:
    pushed(api, repo)
    target = repo + "-2"
    api.create_repo(target)
    paths = ("weights.safetensors", "README.md")
    copies = [
        CommitOperationCopy(path, path, src_repo_id=repo, src_repo_type="model") for path in paths
    ]
    if not constants.HF_HUB_DISABLE_XET:
        api.create_commit(target, copies, commit_message="copied")
        assert held(snapshot_download(target)) == {path: FILES[path] for path in paths}
    else:  # what came by LFS has no Xet hash here, without which this client copies nothing
        refused("no xet hash", api.create_commit, target, copies, commit_message="copied")


@call("delete_file, delete_files, delete_folder")
def removed(api: HfApi, repo: str) -> None:
    pushed(api, repo)
    api.delete_file("empty", repo)
    api.delete_folder("deep er", repo)
    api.delete_files(repo, ["*.txt"])
    refused("EntryNotFound|no file", api.delete_file, "empty", repo)
    assert set(api.list_repo_files(repo)) == {".gitattributes", "README.md", "weights.safetensors"}


@call("a card that cannot be read is refused in words")
def card(api: HfApi, repo: str) -> None:
    pushed(api, repo)
    refused("YAML", api.upload_file, path_or_fileobj=b"---\na: [\n---\n", path_in_repo="README.md",
            repo_id=repo)  # fmt: skip
