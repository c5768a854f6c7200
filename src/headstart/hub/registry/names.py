"""Which names repos, refs and files may have.

Repo names: each part 1 to 96 of ``[A-Za-z0-9._-]``, as huggingface_hub's own validation has it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from headstart.hub.errors import BadRequestError
from headstart.hub.registry.tables import PATH

_PART = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?|_[A-Za-z0-9._-]{0,95}")
_REF = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._/+-]{0,127}")
_COMMIT = re.compile(r"[0-9a-f]{40}")
SEGMENT = 255
RESERVED = frozenset(
    {"api", "datasets", "spaces", "models", "static", "login", "logout", "settings", "lfs", "cas",
     "v1", "v2", "admin", "audit", "profile", "studies", "tokens", "teams", "docs", "health"}
)  # fmt: skip
APPROVED = "approved"


def owner_name(name: str) -> str:
    """Return ``name`` if a user or team may be called so.

    Raises:
        BadRequestError: It may not.
    """
    _check_part(name)
    if name.lower() in RESERVED:
        raise BadRequestError(f"the name '{name}' is taken by the hub itself")
    return name


def repo_name(owner: str, name: str) -> str:
    """Return ``owner/name`` if a repo may be called so.

    Raises:
        BadRequestError: It may not.
    """
    owner_name(owner)
    _check_part(name)
    return f"{owner}/{name}"


def key_of(name: str) -> str:
    """Return what two names that must not stand side by side have in common."""
    return name.lower()


def branch_name(name: str) -> str:
    """Return ``name`` if a branch or tag may be called so.

    Raises:
        BadRequestError: It may not, or would be taken for a commit.
    """
    bad = (
        not _REF.fullmatch(name)
        or ".." in name
        or "//" in name
        or name.endswith(("/", ".", ".lock"))
        or name.startswith("refs/")
    )
    if bad or _COMMIT.fullmatch(name):
        raise BadRequestError(f"a branch or tag cannot be called {name!r}")
    if name == APPROVED:
        raise BadRequestError(f"'{APPROVED}' is moved by approval only")
    return name


def file_path(path: str) -> str:
    """Return ``path`` if a file may lie there.

    Raises:
        BadRequestError: It could lead out of the folder, or not be written on every system.
    """
    if not path or len(path.encode("utf-8", "surrogatepass")) > PATH:
        raise BadRequestError(f"a path must have 1 to {PATH} bytes; this begins {path[:60]!r}")
    for part in path.split("/"):
        _check_segment(part, path)
    return path


def check_together(paths: Iterable[str]) -> None:
    """Refuse files that cannot lie beside each other on every system.

    Raises:
        BadRequestError: Two differ in case or Unicode form only, or one is another's folder.
    """
    seen: dict[str, str] = {}
    folders: dict[str, str] = {}
    for path in paths:
        parts = path.split("/")
        for depth in range(1, len(parts)):
            folder = "/".join(parts[:depth])
            if folders.setdefault(_folded(folder), folder) != folder:
                raise _meet(folder, folders[_folded(folder)])
        if seen.setdefault(_folded(path), path) != path:
            raise _meet(path, seen[_folded(path)])
    for folded in folders.keys() & seen.keys():
        raise BadRequestError(f"{seen[folded]!r} would be a file and a folder at once")


def _meet(one: str, other: str) -> BadRequestError:
    return BadRequestError(
        f"{one!r} and {other!r} would be the same file where case or accents do not count"
    )


def _folded(path: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", path).casefold())


def _check_part(name: str) -> None:
    bad = not _PART.fullmatch(name) or "--" in name or ".." in name
    if bad or name.lower().endswith((".git", ".lock")):
        raise BadRequestError(
            f"{name[:100]!r} is no good name: 1 to 96 letters, digits, '.', '_' or '-', "
            "no '--' or '..', no '-' or '.' at either end, no '.git' at the end"
        )


def _check_segment(part: str, path: str) -> None:
    bad = (
        part in ("", ".", "..")
        or len(part.encode("utf-8", "surrogatepass")) > SEGMENT
        or part.endswith((" ", "."))
        or part.startswith(" ")
        or "\\" in part
        or _folded(part).rstrip(". ") in (".git", "git~1")
        or any(unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp") for sign in part)
        or any(sign in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\ufeff"
               for sign in part)
    )  # fmt: skip
    if bad:
        raise BadRequestError(f"a file cannot lie at {path[:200]!r}")
