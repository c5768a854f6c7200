"""A revision of the other hub becomes ordinary content of this one, under its own commit id."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlalchemy import Connection

from headstart.hub.access import owners
from headstart.hub.actions.admitting import KEEPER
from headstart.hub.actions.describing import describe
from headstart.hub.errors import ConflictError
from headstart.hub.hub import Hub
from headstart.hub.mirror.errors import UpstreamError
from headstart.hub.mirror.upstream import File, Told, Upstream
from headstart.hub.registry import audit, commits, refs, repos
from headstart.hub.registry.git import pointer_oid
from headstart.hub.registry.model import Entry, Kind, Repo

Count = Callable[[int], None]


@dataclass(frozen=True)
class Wanted:
    """What somebody asked for.

    Attributes:
        kind: What the repo holds.
        name: ``owner/name``.
        revision: A branch, tag or commit of it.
        asker: Who asked.
    """

    kind: Kind
    name: str
    revision: str
    asker: str


def bring(hub: Hub, upstream: Upstream, wanted: Wanted, count: Count) -> None:
    """Fetch a revision, unless its commit is here, and let its name mean that commit.

    Args:
        hub: Where it is kept.
        upstream: Where it comes from.
        wanted: The revision.
        count: Is told how many bytes came.

    Raises:
        NotThereError: The other hub has no such revision.
        UpstreamError: It is out of reach, or what came is not what it said.
        ConflictError: The name, or the commit's id, is this hub's own.
    """
    told = upstream.revision(wanted.kind, wanted.name, wanted.revision)
    if commits.is_id(wanted.revision) and not told.sha.startswith(wanted.revision):
        raise UpstreamError("the hub that is mirrored has another commit under this id")
    repo = hub.database.read(lambda c: repos.find(c, wanted.kind, wanted.name))
    entries: list[Entry] | None = None
    if repo is None or not hub.database.read(lambda c: commits.has(c, repo, told.sha)):
        listed = upstream.files(wanted.kind, wanted.name, told.sha)
        entries = [_entry(hub, upstream, wanted, told, repo, one, count) for one in listed]
    hub.database.write(lambda c: _keep(hub, c, upstream, wanted, told, entries))


def _entry(
    hub: Hub, upstream: Upstream, wanted: Wanted, told: Told, repo: Repo | None, file: File,
    count: Count,
) -> Entry:  # fmt: skip
    """Fetch a file, unless this very repo has it; what others brought is none of its business."""
    if file.lfs is not None:
        sha256, size = file.lfs.oid, file.lfs.size
        known = repo is not None and hub.database.read(lambda c: commits.uploaded(c, repo, sha256))
        if not (known and hub.store.renew(sha256)):
            content = _counted(upstream.content(wanted.kind, wanted.name, told.sha, file), count)
            hub.store.add(content, sha256=sha256, size=size)
        return Entry(file.path, pointer_oid(sha256, size), sha256, size, large=True)
    content = _counted(upstream.content(wanted.kind, wanted.name, told.sha, file), count)
    kept = hub.store.add(content, size=file.size)
    return Entry(file.path, file.oid, kept.sha256, kept.size, large=False)


def _counted(content: Iterator[bytes], count: Count) -> Iterator[bytes]:
    for part in content:
        count(len(part))
        yield part


def _keep(
    hub: Hub, connection: Connection, upstream: Upstream, wanted: Wanted, told: Told,
    entries: list[Entry] | None,
) -> None:  # fmt: skip
    repo = _repo(connection, upstream, wanted, told)
    known = commits.has(connection, repo, told.sha)
    if not known:
        title = f"mirrored at {wanted.revision}"
        commits.adopt(
            connection, repo, told.sha, entries or (), title=title, author=KEEPER
        )  # fmt: skip
        for one in entries or ():
            commits.remember_upload(connection, repo, one.sha256, one.size, KEEPER)
        audit.note(
            connection, wanted.asker, "mirror", repo.name, commit=told.sha, revision=wanted.revision
        )
    if commits.is_id(wanted.revision):
        return
    is_main = wanted.revision == refs.MAIN
    kind = refs.BRANCH if is_main else refs.TAG
    refs.point(connection, repo, kind, wanted.revision, told.sha)
    if is_main and (repo.kind is Kind.DATASET or not repo.published):
        commit = commits.by_id(connection, repo, told.sha)
        describe(hub, connection, repo, commit, published=repo.kind is Kind.DATASET)


def _repo(connection: Connection, upstream: Upstream, wanted: Wanted, told: Told) -> Repo:
    """Return the repo; make it, and set its namespace aside, where the name is nobody's here."""
    repo = repos.find(connection, wanted.kind, wanted.name)
    if repo is None:
        same = told.id.lower() == wanted.name.lower()
        name = told.id if same else wanted.name  # as its own hub writes it
        owner = owners.set_aside(connection, name.partition("/")[0])
        return repos.create(
            connection, wanted.kind, owner, name, private=True, mirror=upstream.address
        )  # fmt: skip
    if repo.mirror != upstream.address:
        raise ConflictError(f"{repo.name} is this hub's own")
    return repo
