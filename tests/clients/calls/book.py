"""The calls that clients make, each by its name, with what it must answer; and how they are made.

Run by any version of huggingface_hub, so nothing here comes from headstart. A call that this
version of the client does not have is left out, and said so.
"""

from __future__ import annotations

import re
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path

import huggingface_hub
from huggingface_hub import HfApi

CALLS: list[tuple[str, Callable[[HfApi, str], None], str | None]] = []
Work = Callable[[HfApi, str], None]
FILES = {
    "README.md": b"---\nlicense: mit\nlanguage: en\ntags: [birds]\nlibrary_name: timm\n---\nhi\n",
    "empty": b"",
    "deep er/100%.json": b"{}",
    "Gr\u00fc\u00dfe.txt": "Gr\u00fc\u00dfe".encode(),
    "weights.safetensors": bytes(range(256)) * 12_000,
}


def call(name: str, *, needs: str | None = None) -> Callable[[Work], Work]:
    """Write a call into the book; ``needs`` names what a client must have for it."""

    def written(work: Work) -> Work:
        CALLS.append((name, work, needs))
        return work

    return written


def made(owner: str) -> bool:
    """Make every call, each in a repo of its own, printing a line; return if all went well."""
    well = True
    for name, work, needs in CALLS:
        repo = f"{owner}/{work.__name__}"
        if needs is not None and not known(needs):
            print(f"absent {name}", flush=True)
            continue
        try:
            work(HfApi(), repo)
        except Exception:
            well = False
            print(f"FAILED {name}\n{traceback.format_exc()}", flush=True)
        else:
            print(f"ok     {name}", flush=True)
    return well


def known(needs: str) -> bool:
    """Whether this client has a function, or is of a version (``>=2``, ``<2``)."""
    if match := re.fullmatch(r"(>=|<)(\d+)", needs):
        major = int(huggingface_hub.__version__.split(".")[0])
        return (major >= int(match[2])) == (match[1] == ">=")
    return hasattr(HfApi, needs) or hasattr(huggingface_hub, needs)


def refused(words: str, work: Callable[..., object], *given: object, **named: object) -> None:
    """See that a call is refused, by an error of a kind or with words that match."""
    try:
        work(*given, **named)
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        assert re.search(words, said, re.DOTALL), f"refused otherwise: {said}"
        return
    raise AssertionError(f"{getattr(work, '__name__', work)} was not refused")


def folder(files: dict[str, bytes] | None = None) -> Path:
    """Return a folder of files, :data:`FILES` if none are given."""
    place = Path(tempfile.mkdtemp())
    for path, content in (FILES if files is None else files).items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_bytes(content)
    return place


def held(place: str | Path) -> dict[str, bytes]:
    """Return what a folder holds, without what clients and hubs add."""
    root = Path(place)
    found = {p.relative_to(root).as_posix(): p for p in root.rglob("*") if p.is_file()}
    return {path: file.read_bytes() for path, file in found.items()
            if path != ".gitattributes" and not path.startswith(".cache/")}  # fmt: skip


def pushed(api: HfApi, repo: str, files: dict[str, bytes] | None = None) -> None:
    """Make a model and fill it."""
    api.create_repo(repo)
    api.upload_folder(repo_id=repo, folder_path=folder(files))
