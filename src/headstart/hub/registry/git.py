"""Git's names for files: those of blobs, and of the pointers that LFS keeps in their place."""

from __future__ import annotations

import hashlib

_POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize {}\n"


def blob_oid(data: bytes) -> str:
    """Return Git's blob id of these bytes."""
    head = f"blob {len(data)}\0".encode()
    return hashlib.sha1(head + data, usedforsecurity=False).hexdigest()


def pointer_oid(sha256: str, size: int) -> str:
    """Return Git's blob id of a large file: that of its LFS pointer."""
    return blob_oid(_pointer(sha256, size))


def pointer_size(sha256: str, size: int) -> int:
    """Return how long a large file's LFS pointer is, bytes."""
    return len(_pointer(sha256, size))


def _pointer(sha256: str, size: int) -> bytes:
    return _POINTER.format(sha256, size).encode()
