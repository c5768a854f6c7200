"""Ways out: infos, trees, files, parts of files, folders."""

from __future__ import annotations

import json
import struct
from pathlib import Path

from book import FILES, call, folder, held, pushed, refused
from huggingface_hub import (
    HfApi,
    ModelCard,
    get_hf_file_metadata,
    get_safetensors_metadata,
    get_token,
    hf_hub_download,
    hf_hub_url,
    snapshot_download,
    try_to_load_from_cache,
)
from huggingface_hub.utils import get_session


def tensors() -> bytes:
    """Return a safetensors file of two tensors."""
    header = {
        "a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
        "b": {"dtype": "I64", "shape": [], "data_offsets": [24, 32]},
    }
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(32)


@call("hf_hub_download; the cache is used; what is missing is remembered")
def downloaded(api: HfApi, repo: str) -> None:
    pushed(api, repo)
    for path, content in FILES.items():
        assert Path(hf_hub_download(repo, path)).read_bytes() == content
        assert Path(hf_hub_download(repo, path, local_files_only=True)).read_bytes() == content
    refused("EntryNotFound", hf_hub_download, repo, "none.json")
    assert not isinstance(try_to_load_from_cache(repo, "none.json"), str | None)
    refused("RevisionNotFound", hf_hub_download, repo, "empty", revision="v9")
    refused("RepositoryNotFound", hf_hub_download, repo + "-9", "empty")


@call("hf_hub_download by subfolder, local_dir, revision and commit")
def placed(api: HfApi, repo: str) -> None:
    pushed(api, repo)
    sha = api.model_info(repo).sha
    api.create_tag(repo, tag="v1")
    api.delete_file("empty", repo)
    found = hf_hub_download(repo, "100%.json", subfolder="deep er", local_dir=folder({}))
    assert Path(found).read_bytes() == b"{}"
    for revision in ("v1", sha, str(sha)[:8], "refs/heads/main"):
        path = "empty" if revision != "refs/heads/main" else "README.md"
        assert Path(hf_hub_download(repo, path, revision=revision)).read_bytes() == FILES[path]
    refused("EntryNotFound", hf_hub_download, repo, "empty", force_download=True)


@call("snapshot_download with patterns, local_dir, revision")
def snapped(api: HfApi, repo: str) -> None:
    pushed(api, repo)
    api.create_tag(repo, tag="v1")
    some = snapshot_download(repo, allow_patterns=["*.json", "*.md"], ignore_patterns="*.md")
    assert held(some) == {"deep er/100%.json": b"{}"}
    place = folder({})
    snapshot_download(repo, local_dir=place, revision="v1")
    assert held(place) == FILES
    whole = snapshot_download(repo)
    assert snapshot_download(repo, local_files_only=True) == whole


@call("get_hf_file_metadata")
def metadata(api: HfApi, repo: str) -> None:
    pushed(api, repo)
    for path, content in FILES.items():
        found = get_hf_file_metadata(hf_hub_url(repo, path))
        assert found.size == len(content), path
        assert found.commit_hash == api.model_info(repo).sha


@call("a range of a file; If-None-Match")
def ranged(api: HfApi, repo: str) -> None:
    pushed(api, repo)
    whole = FILES["weights.safetensors"]
    url = hf_hub_url(repo, "weights.safetensors")
    headers = {"Authorization": f"Bearer {get_token()}"}
    for text, (start, stop) in {
        "bytes=0-99": (0, 100), "bytes=3000000-": (3_000_000, None), "bytes=-7": (-7, None),
    }.items():  # fmt: skip
        answer = get_session().get(url, headers={**headers, "Range": text})
        assert (answer.status_code, answer.content) == (206, whole[start:stop]), text
    past = get_session().get(url, headers={**headers, "Range": f"bytes={len(whole)}-"})
    assert past.status_code == 416
    tag = get_session().head(url, headers=headers).headers["etag"]
    same = get_session().get(url, headers={**headers, "If-None-Match": tag})
    assert same.status_code == 304


@call("get_safetensors_metadata")
def header(api: HfApi, repo: str) -> None:
    pushed(api, repo, {"model.safetensors": tensors()})
    found = get_safetensors_metadata(repo)
    assert found.parameter_count == {"F32": 6, "I64": 1}
    assert not found.sharded
    refused("NotASafetensors|not a safetensors", get_safetensors_metadata, _without(api, repo))


def _without(api: HfApi, repo: str) -> str:
    pushed(api, repo + "-2", {"a.txt": b"a"})
    return repo + "-2"


@call("get_safetensors_metadata of shards")
def shards(api: HfApi, repo: str) -> None:
    names = [f"model-0000{number}-of-00002.safetensors" for number in (1, 2)]
    index = {"metadata": {}, "weight_map": {"a": names[0], "b": names[1]}}
    files = dict.fromkeys(names, tensors())
    pushed(api, repo, {**files, "model.safetensors.index.json": json.dumps(index).encode()})
    found = get_safetensors_metadata(repo)
    assert found.sharded
    assert set(found.files_metadata) == set(names)


@call("model_info with files_metadata, securityStatus, expand")
def info(api: HfApi, repo: str) -> None:
    pushed(api, repo, {**FILES, "config.json": b'{"model_type": "bert"}',
                       "model.safetensors": tensors()})  # fmt: skip
    found = api.model_info(repo, files_metadata=True, securityStatus=True)
    assert found.card_data is not None
    assert found.card_data.license == "mit"
    assert found.library_name == "timm"
    assert found.config == {"model_type": "bert"}
    assert found.safetensors is not None
    assert dict(found.safetensors.parameters) == {"F32": 6, "I64": 1}
    assert found.safetensors.total == 7
    by_path = {one.rfilename: one for one in found.siblings or ()}
    for path, content in FILES.items():
        assert by_path[path].size == len(content)
    large = by_path["weights.safetensors"].lfs
    assert large is not None
    assert large["size"] == len(FILES["weights.safetensors"])
    for name in ("sha", "tags", "siblings", "lastModified", "createdAt", "downloads", "author",
                 "private", "gated", "cardData", "config", "usedStorage", "pipeline_tag",
                 "library_name", "safetensors", "likes", "disabled"):  # fmt: skip
        got = api.model_info(repo, expand=[name])
        assert got.id == repo
    some = api.model_info(repo, expand=["sha", "usedStorage"])
    assert some.sha == found.sha
    assert some.siblings is None
    assert api.repo_info(repo).sha == found.sha


@call("list_repo_tree, get_paths_info, list_repo_files")
def tree(api: HfApi, repo: str) -> None:
    pushed(api, repo)
    paths = [one.path for one in api.list_repo_tree(repo, recursive=True, expand=True)]
    assert {"deep er", *FILES} <= set(paths)
    assert [one.path for one in api.list_repo_tree(repo, "deep er")] == ["deep er/100%.json"]
    asked = api.get_paths_info(repo, ["empty", "none", "deep er"], expand=True)
    assert {one.path for one in asked} == {"empty", "deep er"}
    assert asked[0].last_commit is not None
    refused("EntryNotFound", lambda: list(api.list_repo_tree(repo, "none")))
    assert set(FILES) < set(api.list_repo_files(repo))


@call("verify_repo_checksums", needs="verify_repo_checksums")
def verified(api: HfApi, repo: str) -> None:
    pushed(api, repo)
    snapshot_download(repo)
    found = api.verify_repo_checksums(repo)
    assert not found.mismatches
    assert found.checked_count == len(FILES) + 1


@call("ModelCard.push_to_hub and load", needs=">=2")  # older ones ask huggingface.co itself
def carded(api: HfApi, repo: str) -> None:
    api.create_repo(repo)
    ModelCard("---\nlicense: mit\n---\n# hi\n").push_to_hub(repo)
    assert ModelCard.load(repo).data.license == "mit"
