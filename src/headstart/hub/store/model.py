"""What the store speaks of: contents and pieces, and what can be wrong with them."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from headstart.errors import HeadstartError, NoRoomError, RequestError, UnwritableError, WorkError

GRACE_SECONDS = 28 * 86400.0  # clients remember for 21 days what they uploaded


@dataclass(frozen=True)
class Content:
    """A file's bytes, as they are known once kept.

    Args:
        sha256: 64 hex digits; the name of the content.
        size: Bytes.
        oid: Git's name of a blob with this content, 40 hex digits; None above 16 MiB, where git
            would hold a pointer instead.
    """

    sha256: str
    size: int
    oid: str | None


@dataclass(frozen=True)
class Piece:
    """A run of a file's bytes that is kept, and verified, as one.

    Args:
        name: BLAKE3 of the content, 64 hex digits, however the content is encoded.
        size: Bytes of content, 1 to 4 MiB.
    """

    name: str
    size: int


class Damaged(WorkError):  # noqa: N818 - the hub's word, as in the protocol's documents
    """Stored bytes are not what their name says. None of them are given out.

    Args:
        key: The object, as the depot names it.
        why: What is wrong with it.
    """

    def __init__(self, key: str, why: str) -> None:
        self.key, self.why = key, why
        super().__init__(
            f"a stored object is damaged: {why}",
            where=key,
            mend="push the file again, which repairs it, or restore it from a backup; "
            "`headstart hub fsck` names what else is hurt",
        )


class Mismatch(RequestError):  # noqa: N818
    """What came is not what was announced: another sha256 or another size."""


class Missing(WorkError):  # noqa: N818
    """Nothing is kept under this name."""


class Full(NoRoomError):  # noqa: N818
    """There is no room left where the store lies. What was there is untouched."""


@contextmanager
def writing(where: str) -> Iterator[None]:
    """Turn a failed write into the error for users.

    Raises:
        Full: The disk or the quota is full.
        UnwritableError: Any other reason.
    """
    try:
        yield
    except OSError as error:
        raise _unwritable(where, error) from error


def _unwritable(where: str, error: OSError) -> HeadstartError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return Full(
            f"the store is full: {error.strerror}",
            where=where,
            mend="free space there; what was being written is refused, what is kept is untouched",
        )
    return UnwritableError(
        f"the store cannot be written to: {error.strerror or error}",
        where=where,
        mend="look at the disk and its permissions",
    )
