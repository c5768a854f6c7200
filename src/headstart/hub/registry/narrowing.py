"""What makes searches quick: few repos are looked up, of many the newest are looked through.

A database that first collects all repos with a common tag, and only then takes the newest hundred,
is slow; one that goes from the newest on to find a rare word is slower. So it is counted first
which of both it is, up to :data:`FEW`. Where the newest of a tag are wanted nothing is counted: an
index has them in this order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, String, column, func, select, text
from sqlalchemy.orm import aliased

from headstart.hub.registry.tables import RepoTable, RepoTagTable, RevisionTable

FEW, MANY = 1000, 5000
INDEX = "hub_words"
"""SQLite's index of all runs of three signs in repos' words; the third migration makes it."""
_RUN = 3


def with_words(connection: Connection, words: Sequence[str]) -> list[ColumnElement[bool]]:
    """Return what must hold of repos that have all of these texts in their words, lower case."""
    found = [RepoTable.words.contains(word, autoescape=True) for word in words]
    runs = [word for word in words if len(word) >= _RUN and word.isprintable()]
    if runs and connection.dialect.name == "sqlite":  # PostgreSQL's index does it unasked
        match = " AND ".join('"' + run.replace('"', '""') + '"' for run in runs)
        query = text(
            f"SELECT repo FROM {INDEX}_repos WHERE number IN "
            f"(SELECT rowid FROM {INDEX} WHERE {INDEX} MATCH :match LIMIT :most)"
        )
        hits = query.bindparams(match=match, most=FEW + 1).columns(column("repo", String))
        found += _few(connection, select(hits.subquery().c.repo))
    return found


def with_tags(connection: Connection, tags: Sequence[str]) -> list[ColumnElement[bool]]:
    """Return what must hold of repos that have all of these tags."""
    if not tags:
        return []
    some = _few(connection, _tagged(tags).limit(FEW + 1))
    return some or each_tag(tags)


def each_tag(tags: Sequence[str], repo: Any = RepoTable.id) -> list[ColumnElement[bool]]:
    """Return what must hold of repos, by their ids, that have each of these tags."""
    return [_has(tag, repo).exists() for tag in tags]


def rarest_first(connection: Connection, tags: Sequence[str]) -> list[str]:
    """Return tags, one with few repos first; as they come where all have many."""
    if len(tags) == 1:
        return list(tags)
    ordered = {tag: _count(connection, tag) for tag in tags}
    return sorted(ordered, key=lambda tag: ordered[tag])


def with_state(
    connection: Connection, held: ColumnElement[bool], whole: bool
) -> ColumnElement[bool]:
    """Return what must hold of repos of which a revision is as ``held`` says.

    Args:
        connection: A transaction.
        held: What must hold of the revision.
        whole: Whether all repos are asked for: then it is counted which way is the quicker.
    """
    judged = select(RevisionTable.repo).where(held)
    if whole and (few := _few(connection, judged.limit(FEW + 1))):
        return few[0]
    return judged.where(RevisionTable.repo == RepoTable.id).correlate(RepoTable).exists()


def _count(connection: Connection, tag: str) -> int:
    some = select(RepoTagTable.repo).where(RepoTagTable.tag == tag).limit(MANY)
    return int(connection.execute(select(func.count()).select_from(some.subquery())).scalar_one())


def _few(connection: Connection, repos: Select[Any]) -> list[ColumnElement[bool]]:
    """Return what must hold of repos that are so few; nothing where they are many.

    The ids are not written into the query that follows: its text, and so its time, would tell how
    many there are, private ones with them.
    """
    many = len(connection.execute(repos).all()) > FEW
    return [] if many else [RepoTable.id.in_(repos)]


def _tagged(tags: Sequence[str]) -> Select[Any]:
    """Return the repos that have all tags: quick where the first is the rarest."""
    found = select(RepoTagTable.repo).where(RepoTagTable.tag == tags[0])
    return found.where(*each_tag(tags[1:], RepoTagTable.repo))


def _has(tag: str, repo: Any) -> Select[Any]:
    other = aliased(RepoTagTable)
    return select(other.repo).where(other.repo == repo, other.tag == tag).correlate(repo.class_)
