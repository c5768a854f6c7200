"""Pages of lists: repos that the asker may see, and what each holds for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from headstart.hub.access.model import Asker
from headstart.hub.actions import finding
from headstart.hub.registry import mains, settings, trees
from headstart.hub.registry.mains import Main
from headstart.hub.registry.model import Entry, Repo
from headstart.hub.registry.search import Wish, cursor_after, search

MOST_FILES = 10_000
"""On a page; one that would have more is shorter."""


@dataclass(frozen=True)
class Line:
    """A repo in a list.

    Attributes:
        repo: The repo.
        main: What the asker gets of it; None where that was not asked for, or is nothing.
        files: What that holds, by path.
    """

    repo: Repo
    main: Main | None = None
    files: Mapping[str, Entry] = field(default_factory=dict)


def page(connection: Connection, asker: Asker, wish: Wish) -> tuple[list[Line], str | None]:
    """Return a page of repos, and where the next begins; raises as :func:`search` does."""
    found, after = search(connection, wish, finding.sight_of(connection, asker))
    return [Line(repo) for repo in found], after


def deep_page(connection: Connection, asker: Asker, wish: Wish) -> tuple[list[Line], str | None]:
    """Return as :func:`page` does, with what each repo holds: few queries, however many repos."""
    found, after = search(connection, wish, finding.sight_of(connection, asker))
    drafts = {repo.id for repo in found if asker.may_see_drafts(repo)}
    held = mains.of(connection, found, drafts, enforced=settings.enforced(connection))
    fitting = _fitting(connection, found, held)
    if fitting < len(found):
        found, after = found[:fitting], cursor_after(wish, found[fitting - 1])
    wanted = sorted({held[repo.id].commit.tree for repo in found if repo.id in held})
    files = trees.entries_of(connection, wanted)
    lines = []
    for repo in found:
        main = held.get(repo.id)
        lines.append(Line(repo, main, files[main.commit.tree]) if main else Line(repo))
    return lines, after


def _fitting(connection: Connection, found: Sequence[Repo], held: Mapping[str, Main]) -> int:
    """Return how many of the repos make a page; one does, however many files it has."""
    counts = trees.counts(connection, sorted({one.commit.tree for one in held.values()}))
    files = 0
    for number, repo in enumerate(found):
        files += counts.get(held[repo.id].commit.tree, 0) if repo.id in held else 0
        if number and files > MOST_FILES:
            return number
    return len(found)
