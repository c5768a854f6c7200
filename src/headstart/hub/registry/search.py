"""Lists of repos: what an asker may see, filtered, sorted, page by page."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, false, func, or_, select, true

from headstart.hub.errors import BadRequestError
from headstart.hub.registry import refs
from headstart.hub.registry.model import Kind, Repo, State
from headstart.hub.registry.names import key_of
from headstart.hub.registry.narrowing import (
    Narrow,
    each_tag,
    few_owned,
    with_state,
    with_tags,
    with_words,
)
from headstart.hub.registry.repos import repo_of
from headstart.hub.registry.tables import RefTable, RepoTable, RepoTagTable, RevisionTable

SORTS: dict[str, Any] = {
    "lastModified": RepoTable.changed,
    "last_modified": RepoTable.changed,
    "trendingScore": RepoTable.changed,
    "trending_score": RepoTable.changed,
    "likes": RepoTable.changed,
    "createdAt": RepoTable.created,
    "created_at": RepoTable.created,
    "downloads": RepoTable.downloads,
    "size": RepoTable.size,
}
MOST = 1000
_LARGEST = 2**63


@dataclass(frozen=True)
class Sight:
    """What of the private and the unpublished somebody sees.

    Attributes:
        owners: Namespaces whose private repos are seen; None: all.
        drafts: Namespaces whose unpublished repos are seen, too; None: all.
        mirrors: Whether what is mirrored is seen.
    """

    owners: frozenset[str] | None = frozenset()
    drafts: frozenset[str] | None = frozenset()
    mirrors: bool = False


@dataclass(frozen=True)
class Wish:
    """What is searched for; all of it must hold. Of several ``tasks``, one must be the repo's."""

    kind: Kind
    words: str = ""
    owner: str | None = None
    tags: tuple[str, ...] = ()
    largest: int | None = None
    sort: str = "lastModified"
    limit: int = 30
    cursor: str | None = None
    state: State | None = None
    least_parameters: int | None = None
    most_parameters: int | None = None
    tasks: tuple[str, ...] = ()


def search(connection: Connection, wish: Wish, sight: Sight) -> tuple[list[Repo], str | None]:
    """Return a page of repos, newest or largest first, and where the next page begins.

    Raises:
        BadRequestError: An unknown order, or a cursor that is none.
    """
    if wish.sort not in SORTS:
        raise BadRequestError(f"cannot sort by {wish.sort[:50]!r}: one of {', '.join(SORTS)}")
    limit = max(1, min(wish.limit, MOST))
    query, order = _narrowed(connection, wish, sight)
    query = _after(query, order, wish)
    query = query.order_by(*(one.desc() for one in order)).limit(limit + 1)
    rows = connection.execute(query).all()
    page = rows[:limit]
    tags = _tags(connection, [row.id for row in page])
    found = [repo_of(row, tags.get(row.id, ())) for row in page]
    return found, cursor_after(wish, found[-1]) if len(rows) > limit else None


def _narrowed(
    connection: Connection, wish: Wish, sight: Sight
) -> tuple[Select[Any], tuple[Any, Any]]:
    """Return the query for what is wished for, and by what it is to be ordered."""
    order: tuple[Any, Any] = SORTS[wish.sort], RepoTable.id
    narrows = [with_words(connection, wish.words.lower().split())]
    if wish.state is not None:
        narrows.append(_standing(connection, wish.state, sight))
    by_tag = bool(wish.tags) and wish.owner is None and order[0] is RepoTable.changed
    if any(one.few for one in narrows) or wish.owner is not None:
        narrows.append(Narrow(each_tag(wish.tags)))
    elif wish.tags and not (by_tag and len(wish.tags) == 1):
        narrows.append(with_tags(connection, wish.tags))
    query = select(RepoTable.__table__).where(
        *_conditions(wish, sight), *(one for narrow in narrows for one in narrow.conditions)
    )
    if any(one.few for one in narrows):
        return query, (func.coalesce(order[0], order[0]), order[1])  # no index is in this order
    if by_tag:
        query = query.join(RepoTagTable, RepoTagTable.repo == RepoTable.id)
        query = query.where(RepoTagTable.tag == wish.tags[0])
        order = RepoTagTable.changed, RepoTagTable.repo
    return query, order


def cursor_after(wish: Wish, repo: Repo) -> str:
    """Return where the page begins that follows on a repo."""
    value = getattr(repo, SORTS[wish.sort].name)
    plain = value.isoformat() if isinstance(value, datetime) else value
    return base64.urlsafe_b64encode(json.dumps([plain, repo.id]).encode()).decode("ascii")


def seen(sight: Sight) -> list[ColumnElement[bool]]:
    """Return what must hold of a repo for this sight to show it."""
    return [
        RepoTable.gone.is_(None),
        or_(
            RepoTable.private.is_(False),
            owned(sight.owners),
            RepoTable.mirror.is_not(None) if sight.mirrors else false(),
        ),
        or_(RepoTable.published.is_(True), owned(sight.drafts)),
    ]


def _conditions(wish: Wish, sight: Sight) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [
        RepoTable.kind == wish.kind,
        *seen(sight),
    ]
    if wish.owner is not None:
        found.append(RepoTable.owner == key_of(wish.owner))
    if wish.largest is not None:
        found.append(RepoTable.size <= wish.largest)
    if wish.least_parameters is not None:
        found.append(RepoTable.parameters >= wish.least_parameters)
    if wish.most_parameters is not None:
        found.append(RepoTable.parameters <= wish.most_parameters)
    if wish.tasks:
        found.append(RepoTable.pipeline.in_(wish.tasks))
    return found


def _standing(connection: Connection, state: State, sight: Sight) -> Narrow:
    """Return what must hold of a model in a state; only who sees drafts finds by their states."""
    if state is State.APPROVED:
        return Narrow((RepoTable.published.is_(True),))
    if sight.drafts is not None and not sight.drafts:
        return Narrow((false(),), few=True)
    own = owned(sight.drafts)
    if state is State.CANDIDATE:
        few = sight.drafts is not None and few_owned(connection, sight.drafts)
        return Narrow((own, ~_judged_at_head().exists()), few)
    over = and_(RevisionTable.state == State.APPROVED, RevisionTable.expires <= datetime.now(UTC))
    held = over if state is State.EXPIRED else RevisionTable.state == state
    found = with_state(connection, held, sight.drafts)
    return Narrow((own, *found.conditions), found.few)


def _judged_at_head() -> Select[Any]:
    at_head = and_(
        RefTable.repo == RevisionTable.repo, RefTable.head == RevisionTable.commit,
        RefTable.kind == refs.BRANCH, RefTable.name == refs.MAIN,
    )  # fmt: skip
    judged = select(RevisionTable.repo).join(RefTable, at_head)
    return judged.where(RevisionTable.repo == RepoTable.id).correlate(RepoTable)


def owned(owners: frozenset[str] | None) -> ColumnElement[bool]:
    """Return what must hold of a repo in these namespaces; None: all."""
    if owners is None:
        return true()
    return RepoTable.owner.in_(sorted(owners)) if owners else false()


def _after(query: Select[Any], order: tuple[Any, Any], wish: Wish) -> Select[Any]:
    if not wish.cursor:
        return query
    column, identity = order
    try:
        value, repo = json.loads(base64.urlsafe_b64decode(wish.cursor.encode("ascii")))
        if SORTS[wish.sort].name in ("changed", "created"):
            value = datetime.fromisoformat(value)
            value = value.astimezone(UTC)
        elif type(value) is not int or abs(value) >= _LARGEST:
            raise ValueError
        if not isinstance(repo, str) or not repo.isascii():
            raise ValueError
    except (ValueError, TypeError, OverflowError, RecursionError):
        raise BadRequestError("the cursor is none of this hub's") from None
    return query.where(or_(column < value, and_(column == value, identity < repo)))


def _tags(connection: Connection, repos: Sequence[str]) -> dict[str, tuple[str, ...]]:
    rows = connection.execute(
        select(RepoTagTable.repo, RepoTagTable.tag)
        .where(RepoTagTable.repo.in_(repos))
        .order_by(RepoTagTable.tag)
    ).all()
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row.repo, []).append(row.tag)
    return {repo: tuple(tags) for repo, tags in found.items()}
