"""What makes searches quick: few repos are looked up, of many the newest are looked through.

A database that first collects all repos with a common tag, and only then takes the newest hundred,
is slow; one that goes from the newest on to find a rare word is slower. So it is counted first
which of both it is, up to :data:`FEW`. Where the newest of one tag are wanted nothing is counted:
an index has them in this order.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    CompoundSelect,
    Connection,
    Select,
    String,
    any_,
    column,
    func,
    literal,
    select,
    text,
)
from sqlalchemy.orm import aliased

from headstart.hub.registry.model import Kind
from headstart.hub.registry.tables import RepoTable, RepoTagTable, RevisionTable

FEW, MANY = 1000, 5000
INDEX = "hub_words"
"""SQLite's index of all runs of three signs in repos' words; the third migration makes it."""
_RUN = 3


@dataclass(frozen=True)
class Narrow:
    """What must hold of the repos that are looked for.

    Attributes:
        conditions: All of it.
        few: Whether it holds of few repos: then all of them are looked at, in no index's order. A
            database thinks it finds enough of them among the newest, and looks through all others.
    """

    conditions: tuple[ColumnElement[bool], ...] = ()
    few: bool = False


def with_words(connection: Connection, words: Sequence[str]) -> Narrow:
    """Return what must hold of repos that have all of these texts in their words, lower case."""
    found = tuple(RepoTable.words.contains(word, autoescape=True) for word in words)
    runs = [word for word in words if len(word) >= _RUN and word.isprintable()]
    if runs and connection.dialect.name == "sqlite":  # PostgreSQL's index does it unasked
        match = " AND ".join('"' + run.replace('"', '""') + '"' for run in runs)
        query = text(
            f"SELECT repo FROM {INDEX}_repos WHERE number IN "
            f"(SELECT rowid FROM {INDEX} WHERE {INDEX} MATCH :match LIMIT :most)"
        )
        hits = query.bindparams(match=match, most=FEW + 1).columns(column("repo", String))
        few = _few(connection, select(hits.subquery().c.repo))
        return Narrow((*found, *few.conditions), few.few)
    return Narrow(found)


def with_tags(connection: Connection, tags: Sequence[str]) -> Narrow:
    """Return what must hold of repos that have all of these tags."""
    few = _few(connection, _tagged(connection, tags))
    return few if few.few else Narrow(each_tag(tags))


def each_tag(tags: Sequence[str], repo: Any = RepoTable.id) -> tuple[ColumnElement[bool], ...]:
    """Return what must hold of repos, by their ids, that have each of these tags."""
    return tuple(_has(tag, repo).exists() for tag in tags)


def with_state(
    connection: Connection, held: ColumnElement[bool], owners: frozenset[str] | None
) -> Narrow:
    """Return what must hold of repos of which a revision is as ``held`` says.

    Args:
        connection: A transaction.
        held: What must hold of the revision.
        owners: Of whose repos, which is another condition; None: of all.
    """
    judged = select(RevisionTable.repo).where(held)
    some = judged.where(RevisionTable.repo == RepoTable.id).correlate(RepoTable).exists()
    if owners is not None:
        return Narrow((some,), few_owned(connection, owners))
    few = _few(connection, judged)
    return few if few.few else Narrow((some,))


def few_owned(connection: Connection, owners: frozenset[str]) -> bool:
    """Whether these namespaces have few models."""
    some = select(RepoTable.id).where(
        RepoTable.kind == Kind.MODEL, RepoTable.owner.in_(sorted(owners))
    )
    counted = select(func.count()).select_from(some.limit(MANY).subquery())
    return int(connection.execute(counted).scalar_one()) < MANY


def _few(connection: Connection, repos: Select[Any] | CompoundSelect[Any]) -> Narrow:
    """Return what must hold of repos that are so few; nothing where they are many.

    The ids travel as one value: written one by one into the query that follows, its text would
    tell how many there are, private ones with them.
    """
    ids = list(connection.execute(repos.limit(FEW + 1)).scalars())
    if len(ids) > FEW:
        return Narrow()
    if connection.dialect.name == "sqlite":
        each = func.json_each(json.dumps(ids)).table_valued("value")
        return Narrow((RepoTable.id.in_(select(each.c.value)),), few=True)
    return Narrow((RepoTable.id == any_(literal(ids, ARRAY(String))),), few=True)


def _tagged(connection: Connection, tags: Sequence[str]) -> Select[Any] | CompoundSelect[Any]:
    """Return the repos that have all tags.

    SQLite goes through the index of each at once where it is asked for what they share, in order;
    PostgreSQL does so by itself.
    """
    first, *others = [select(RepoTagTable.repo).where(RepoTagTable.tag == tag) for tag in tags]
    if others and connection.dialect.name == "sqlite":
        return first.intersect(*others).order_by("repo")
    return first.where(*each_tag(tags[1:], RepoTagTable.repo))


def _has(tag: str, repo: Any) -> Select[Any]:
    other = aliased(RepoTagTable)
    return select(other.repo).where(other.repo == repo, other.tag == tag).correlate(repo.class_)
