"""Where a model comes from, and what came of it, as far as the visitor may know."""

from __future__ import annotations

from fastapi import APIRouter, Response
from sqlalchemy import Connection

from headstart.hub.actions import finding
from headstart.hub.registry.model import Kind, Repo
from headstart.hub.registry.search import Wish, search
from headstart.web.faults import PageRoute
from headstart.web.lineage import Node, bases_in, drawing
from headstart.web.pages.shelf import Shelf, place_of, seen, shelf
from headstart.web.steps import facts_in
from headstart.web.visit import AVisit, Visit

router = APIRouter(route_class=PageRoute, include_in_schema=False)
HIGHEST, MOST, CHILDREN = 8, 60, 40


@router.get("/{owner}/{name}/lineage")
def lineage(owner: str, name: str, visit: AVisit) -> Response:
    """Show a model's bases, their bases, and what was made of it."""

    def look(connection: Connection) -> tuple[Shelf, list[Node]]:
        found = shelf(connection, visit, Kind.MODEL, owner, name)
        if found.commit is None:
            return found, [Node(found.repo.name, found.place)]
        return found, [*_above(connection, visit, found.repo), *_below(connection, visit, found)]

    found, nodes = visit.read(look)
    return visit.show(
        "lineage.html", shelf=found, tab="lineage", drawing=drawing(nodes), nodes=nodes
    )


def _above(connection: Connection, visit: Visit, repo: Repo) -> list[Node]:
    """Return the model and what it was made from, step by step."""
    found: dict[str, Node] = {}
    waiting: list[tuple[str, Repo | None, int]] = [(repo.name, repo, 0)]
    while waiting and len(found) < MOST:
        name, known, height = waiting.pop(0)
        if name in found:
            continue
        bases = bases_in(known.card) if known and height < HIGHEST else ()
        found[name] = _node(visit, name, known, bases)
        waiting += [(one, seen(connection, visit, one), height + 1) for one in bases]
    return list(found.values())


def _below(connection: Connection, visit: Visit, found: Shelf) -> list[Node]:
    """Return what names the model as its base."""
    wish = Wish(Kind.MODEL, tags=(f"base_model:{found.repo.name}",), limit=CHILDREN)
    made, _ = search(connection, wish, finding.sight_of(connection, visit.asker))
    return [
        _node(visit, one.name, one, (found.repo.name,)) for one in made if one.id != found.repo.id
    ]


def _node(visit: Visit, name: str, repo: Repo | None, bases: tuple[str, ...]) -> Node:
    if repo is None:
        return Node(name, "", bases)
    facts = facts_in(repo.card, visit.words)
    if repo.pipeline:
        facts = {"task": repo.pipeline, **facts}
    return Node(name, place_of(repo), bases, facts)
