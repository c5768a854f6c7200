"""``HfFileSystem``: a hub as if it were a folder."""

from __future__ import annotations

import os

from book import FILES, call, pushed, refused
from huggingface_hub import HfApi, HfFileSystem


@call("HfFileSystem: ls, find, glob, info, exists, cat, walk, du")
def read(api: HfApi, repo: str) -> None:
    pushed(api, repo)
    files = HfFileSystem()
    assert f"{repo}/deep er" in files.ls(repo, detail=False)
    assert {one.removeprefix(repo + "/") for one in files.find(repo)} == {
        *FILES, ".gitattributes"
    }  # fmt: skip
    assert files.glob(f"{repo}/**/*.json") == [f"{repo}/deep er/100%.json"]
    assert files.info(f"{repo}/weights.safetensors")["size"] == len(FILES["weights.safetensors"])
    assert files.isdir(f"{repo}/deep er")
    assert not files.exists(f"{repo}/none")
    assert files.cat_file(f"{repo}/README.md") == FILES["README.md"]
    assert sum(len(names) for _, _, names in files.walk(repo)) == len(FILES) + 1
    assert files.du(repo) >= sum(map(len, FILES.values()))
    refused("FileNotFound", files.ls, f"{repo}/none")
    refused("FileNotFound", files.ls, f"{repo}-none")


@call("HfFileSystem: parts of a file, at a revision")
def parts(api: HfApi, repo: str) -> None:
    pushed(api, repo)
    api.create_tag(repo, tag="v1")
    api.delete_file("weights.safetensors", repo)
    whole = FILES["weights.safetensors"]
    files = HfFileSystem()
    with files.open(f"{repo}@v1/weights.safetensors", "rb", block_size=65536) as file:
        file.seek(1_000_000)
        assert file.read(1000) == whole[1_000_000:1_001_000]
        file.seek(-10, os.SEEK_END)
        assert file.read() == whole[-10:]
    with files.open(f"{repo}@v1/weights.safetensors", "rb", block_size=0) as file:
        assert file.read(100) == whole[:100]
    assert files.cat_file(f"{repo}@v1/weights.safetensors", start=5, end=50) == whole[5:50]


@call("HfFileSystem: write, copy, move, remove")
def written(api: HfApi, repo: str) -> None:
    pushed(api, repo)
    files = HfFileSystem()
    with files.open(f"{repo}/note.txt", "w") as note:
        note.write("hello")
    assert files.read_text(f"{repo}/note.txt") == "hello"
    with files.open(f"{repo}/big.bin", "wb") as big:
        big.write(bytes(6_000_000))
    assert files.info(f"{repo}/big.bin")["size"] == 6_000_000
    files.cp_file(f"{repo}/note.txt", f"{repo}/b/note.txt")
    files.mv(f"{repo}/note.txt", f"{repo}/c.txt")
    files.invalidate_cache()
    assert files.exists(f"{repo}/c.txt")
    assert not files.exists(f"{repo}/note.txt")
    files.rm(f"{repo}/b", recursive=True)
    files.invalidate_cache()
    assert not files.exists(f"{repo}/b/note.txt")
