"""Imports: a base from outside becomes a draft here, and goes through the gate like any other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from headstart.errors import RequestError, WorkError
from headstart.hub.access import owners
from headstart.hub.actions import gating
from headstart.hub.actions.admitting import KEEPER
from headstart.hub.actions.describing import blank, describe
from headstart.hub.errors import ConflictError
from headstart.hub.gate.gate import Evidence
from headstart.hub.gate.standard import default_standard, read_standard
from headstart.hub.hub import Hub
from headstart.hub.outside.find import find
from headstart.hub.outside.model import Choice, Outside, OutsideFile, choose
from headstart.hub.outside.telling import CARD, told
from headstart.hub.registry import audit, commits, refs, repos, revisions, trees
from headstart.hub.registry.git import blob_oid, pointer_oid
from headstart.hub.registry.model import Change, Commit, Entry, Kind, Repo
from headstart.hub.registry.names import check_together, repo_name
from headstart.hub.store.model import Mismatch
from headstart.progress import Advance, Progress

_SMALL = 1024 * 1024
_WEIGHTS = (".safetensors", ".gguf")


@dataclass(frozen=True)
class Imported:
    """What became of an import.

    Attributes:
        name: What it is called here.
        commit: Its commit.
        source: Where it comes from.
        revision: Of what it is there: a commit, or the name of the folder's content.
        left_out: Files that stayed where they are.
        evidence: What the gate found.
    """

    name: str
    commit: Commit
    source: str
    revision: str
    left_out: tuple[str, ...]
    evidence: Evidence


def import_base(
    hub: Hub, reference: str, name: str | None, standard: Path | None, progress: Progress
) -> Imported:
    """Fetch a base without running anything of it, keep it as a draft, and let the gate judge it.

    Args:
        hub: The hub.
        reference: As :func:`~headstart.hub.outside.find.find`.
        name: What it is called here; None: as it is called there.
        standard: A file; the packaged standard if None.
        progress: Is told of what comes, and of each check.

    Raises:
        RequestError: No such base, nothing in it may come in, or the name is not free for it.
        WorkError: Its place is out of reach, or sent what it did not announce.
    """
    rules = default_standard() if standard is None else read_standard(standard)
    outside = find(reference, hub.root)
    full = _full(outside, name)
    choice = choose(outside, rules)
    entries = _brought(hub, outside, choice, progress)
    revision = outside.revision or trees.name_of(entries)
    entries = _with_card(hub, outside, revision, choice, entries)
    check_together([one.path for one in entries])
    commit = hub.database.write(lambda c: _keep(hub, c, full, outside, revision, choice, entries))
    _, evidence = gating.judge_by_name(hub, full, commit.id, standard, progress)
    return Imported(full, commit, outside.source, revision, choice.left_out, evidence)


def _full(outside: Outside, name: str | None) -> str:
    wanted = name or outside.name
    if wanted is None or wanted.count("/") != 1:
        raise RequestError(
            "say what the base is to be called here" if wanted is None
            else f"'{wanted}' is no name on a hub",
            mend="--as team/name",
        )  # fmt: skip
    owner, _, short = wanted.partition("/")
    return repo_name(owner, short)


def _brought(hub: Hub, outside: Outside, choice: Choice, progress: Progress) -> list[Entry]:
    total = sum(one.size for one in choice.files)
    with progress.bar(f"import {outside.source}", max(total, 1)) as advance:
        return [_entry(hub, outside, one, advance) for one in choice.files]


def _entry(hub: Hub, outside: Outside, file: OutsideFile, advance: Advance) -> Entry:
    try:
        content = hub.store.add(
            _counted(outside.read(file), advance), sha256=file.sha256, size=file.size
        )
    except Mismatch as error:
        raise WorkError(
            f"{file.path!r} is not what its place says it is: {error.what}", where=outside.source
        ) from error
    if file.oid is not None and content.oid is not None and content.oid != file.oid:
        raise WorkError(f"{file.path!r} is not what its place says it is", where=outside.source)
    large = content.oid is None or file.size > _SMALL or file.path.endswith(_WEIGHTS)
    if large or content.oid is None:
        oid = pointer_oid(content.sha256, content.size)
        return Entry(file.path, oid, content.sha256, content.size, large=True)
    return Entry(file.path, content.oid, content.sha256, content.size, large=False)


def _counted(content: Iterator[bytes], advance: Advance) -> Iterator[bytes]:
    for part in content:
        advance(len(part))
        yield part


def _with_card(
    hub: Hub, outside: Outside, revision: str, choice: Choice, entries: list[Entry]
) -> list[Entry]:
    """Return the entries with a card that tells where they come from."""
    old = next((one for one in entries if one.path == CARD), None)
    readme = ""
    if old is not None:
        if old.size > _SMALL:
            return entries
        readme = b"".join(hub.store.read(old.sha256)).decode("utf-8", "replace")
    data = told(readme, outside.source, revision, choice.left_out, outside.licence).encode()
    kept = hub.store.add([data])
    card = Entry(CARD, blob_oid(data), kept.sha256, kept.size, large=False)
    return [*(one for one in entries if one is not old), card]


def _keep(
    hub: Hub, connection: Connection, full: str, outside: Outside, revision: str, choice: Choice,
    entries: list[Entry],
) -> Commit:  # fmt: skip
    repo = _repo(hub, connection, full)
    head = revisions.resolve(connection, repo, refs.MAIN, drafts=True)
    put = {one.path: one for one in entries}
    gone = trees.entries(connection, head.tree).keys() - put.keys() - {".gitattributes"}
    left_out = ", ".join(choice.left_out) or "nothing"
    made = commits.commit(
        connection, repo, refs.MAIN, Change(put, frozenset(gone)),
        title=f"import {outside.source}"[:500],
        message=f"revision {revision}; left out: {left_out}"[:20_000],
        author=KEEPER, parent=None,
    )  # fmt: skip
    for one in entries:
        commits.remember_upload(connection, repo, one.sha256, one.size, KEEPER)
    if not repo.published:
        describe(hub, connection, repo, made, published=False)
    audit.note(
        connection, KEEPER, "import", repo.name, source=outside.source, revision=revision,
        commit=made.id,
    )  # fmt: skip
    return made


def _repo(hub: Hub, connection: Connection, full: str) -> Repo:
    """Return the repo for an import; its team is made where its namespace is nobody's."""
    owner = full.partition("/")[0]
    repo = repos.find(connection, Kind.MODEL, full)
    if repo is not None and repo.mirror is None:
        return repo
    kind = owners.kind_of(connection, owner)
    if repo is not None or kind == owners.MIRROR:
        raise ConflictError(f"'{owner}' is mirrored from another hub", mend="--as team/name")
    if kind is None:
        owners.found_team(connection, owner, None)
    repo = repos.create(connection, Kind.MODEL, owner, full, private=True)
    commits.begin(connection, repo, KEEPER, [blank(hub)])
    return repo
