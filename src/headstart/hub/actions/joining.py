"""Large files in parts: one after the other they come, and the whole is proved, or is not there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from headstart.hub.access import tokens
from headstart.hub.actions import finding
from headstart.hub.errors import BadRequestError, ConflictError
from headstart.hub.hub import Hub
from headstart.hub.registry import commits, repos
from headstart.hub.registry.model import Repo
from headstart.hub.store.model import Missing
from headstart.hub.store.parts import Part, Parts, PartWriter


@dataclass(frozen=True)
class Upload:
    """A file that comes in parts.

    Attributes:
        id: The upload's own name: the same file may come by another one at once.
        repo: The id of the repo that it is for.
        user: Who brings it.
        token: The id of the token that let them.
        sha256: Of the whole.
        size: Bytes of the whole.
        count: How many parts it has.
    """

    id: str
    repo: str
    user: str
    token: str
    sha256: str
    size: int
    count: int


def part_writer(hub: Hub, upload: Upload, number: int, size: int) -> PartWriter:
    """Return what takes a part.

    Raises:
        ConflictError: The whole was put together already.
    """
    parts = Parts(hub.store.depot, upload.id)
    if parts.is_done():
        raise ConflictError("this upload is complete: its parts are not taken any more")
    return parts.writer(number, size)


def join(hub: Hub, upload: Upload, etags: Mapping[int, str]) -> None:
    """Make a file of its parts; once that is done, asking again changes nothing.

    Args:
        hub: The hub.
        upload: The file.
        etags: What the client was told of each part, by number.

    Raises:
        BadTokenError: Who brings it may not any more; likewise NoRepoError, ForbiddenError.
        BadRequestError: A part is missing, is another one, or there are too many.
        Mismatch: Together they are not what was announced.
        ConflictError: A part came again meanwhile.
    """
    parts = Parts(hub.store.depot, upload.id)
    repo = hub.database.read(lambda c: _repo(c, upload))
    if parts.is_done():
        return
    found = _checked(parts, upload, etags)
    try:
        with hub.store.writer(sha256=upload.sha256, size=upload.size) as writer:
            for part in found:
                for chunk in parts.read(part):
                    writer.write(chunk)
            writer.close()
    except Missing as error:
        if parts.is_done():  # another completion was quicker
            return
        raise ConflictError(error.what, mend="complete the upload again") from error

    def keep(connection: Connection) -> None:
        commits.remember_upload(connection, repo, upload.sha256, upload.size, upload.user)

    hub.database.write(keep)
    parts.finish(upload.count)


def _repo(connection: Connection, upload: Upload) -> Repo:
    asker = tokens.holder(connection, upload.token)
    repo = repos.by_id(connection, upload.repo)
    return finding.writable(connection, asker, repo.kind, repo.name)


def _checked(parts: Parts, upload: Upload, etags: Mapping[int, str]) -> list[Part]:
    beyond = etags.keys() - set(range(1, upload.count + 1))
    if beyond:
        raise BadRequestError(f"the file has {upload.count} parts, none is number {min(beyond)}")
    found = []
    for number in range(1, upload.count + 1):
        part, etag = parts.part(number), etags.get(number)
        if part is None:
            raise BadRequestError(f"part {number} has not come whole", mend="send it, then ask")
        if etag is None:
            raise BadRequestError(f"part {number} is not named", mend="name all parts, by ETag")
        if etag.strip('"') != part.etag:
            raise BadRequestError(
                f"part {number} is another one than the ETag says", mend="send it again, then ask"
            )
        found.append(part)
    return found
