"""A model's page, or a data set's: its card, and what is known of it at a glance."""

from __future__ import annotations

from fastapi import APIRouter, Response
from sqlalchemy import Connection

from headstart.hub.actions.describing import card_of, text_of
from headstart.hub.registry import trees
from headstart.hub.registry.cards import tags as tags_in
from headstart.hub.registry.modality import modality_of
from headstart.hub.registry.model import Entry, Kind
from headstart.web.faults import PageRoute
from headstart.web.lineage import bases_in, listed
from headstart.web.markdown import card_html
from headstart.web.pages.shelf import Shelf, place_seen, shelf
from headstart.web.rendering import segment
from headstart.web.steps import facts_in
from headstart.web.visit import AVisit, Visit

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/datasets/{owner}/{name}")
def dataset(owner: str, name: str, visit: AVisit) -> Response:
    """Show a data set."""
    return _show(visit, Kind.DATASET, owner, name)


@router.get("/{owner}/{name}")
def model(owner: str, name: str, visit: AVisit) -> Response:
    """Show a model."""
    return _show(visit, Kind.MODEL, owner, name)


def _show(visit: Visit, kind: Kind, owner: str, name: str) -> Response:
    def look(connection: Connection) -> tuple[Shelf, dict[str, Entry]]:
        found = shelf(connection, visit, kind, owner, name)
        tree = found.commit.tree if found.commit else trees.EMPTY
        return found, trees.entries(connection, tree)

    found, files = visit.read(look)
    readme = text_of(visit.hub, files.get("README.md"))
    card = card_of(visit.hub, files)
    at = f"{found.place}/%s/{segment(found.commit.id)}/" if found.commit else ""
    return visit.show(
        "model.html", shelf=found, tab="card", card=card, tags=tags_in(card),
        size_of_all=sum(one.size for one in files.values()), number=len(files),
        bases=visit.read(lambda c: [(one, place_seen(c, visit, one)) for one in bases_in(card)]),
        steps=facts_in(card, visit.words), modality=modality_of(found.repo.pipeline),
        licence=listed(card.get("license")),
        languages_of=listed(card.get("language")),
        html=card_html(readme, at % "blob", at % "raw") if at and readme else "",
    )  # fmt: skip
