"""Lists of models and of data sets: search, filters, page by page."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import APIRouter, Query, Response
from sqlalchemy import Connection

from headstart.hub.actions import finding
from headstart.hub.actions.origins import Origin, origins
from headstart.hub.errors import BadRequestError
from headstart.hub.registry import states
from headstart.hub.registry.modality import MODALITIES
from headstart.hub.registry.model import Kind, Repo, State
from headstart.hub.registry.search import Wish, search
from headstart.hub.registry.states import Place
from headstart.web.faults import PageRoute
from headstart.web.pages.shelf import place_of
from headstart.web.visit import AVisit, Visit

router = APIRouter(route_class=PageRoute, include_in_schema=False)
PAGE, FEW = 25, 6
SORTS = ("lastModified", "downloads", "size")
SIZES = {"100MB": 10**8, "1GB": 10**9, "10GB": 10**10, "100GB": 10**11}
# What a card usually says: suggestions only. What others' cards really say is theirs to tell.
KNOWN = {
    "task": ("text-classification", "token-classification", "text-generation",
             "feature-extraction", "sentence-similarity", "question-answering", "translation",
             "summarization", "image-classification", "object-detection", "image-segmentation",
             "automatic-speech-recognition"),
    "library": ("transformers", "timm", "peft", "sentence-transformers", "diffusers", "gguf",
                "headstart"),
    "licence": ("apache-2.0", "mit", "bsd-3-clause", "cc-by-4.0", "cc-by-sa-4.0", "cc0-1.0",
                "openrail", "other"),
    "language": ("en", "de", "fr", "es", "it", "nl", "pl", "pt", "zh", "ja", "ar", "hi", "sw"),
}  # fmt: skip


@dataclass(frozen=True)
class Line:
    """A repo in a list.

    Attributes:
        repo: The repo.
        place: Its page.
        state: Of what readers get, else of its newest revision; None for data sets.
        newer: Of a newer revision than readers get, for those who may know.
        origin: How it came from elsewhere, if it did.
    """

    repo: Repo
    place: str
    state: State | None
    newer: State | None
    origin: Origin | None = None


Word = Annotated[str, Query(max_length=200)]


@router.get("/")
def start(visit: AVisit) -> Response:
    """Say what this is and how it is used, and show the newest models."""
    found, _ = _found(visit, Wish(Kind.MODEL, limit=FEW))
    return visit.show("start.html", found=found)


@router.get("/models")
def models(
    visit: AVisit, q: Word = "", owner: Word = "", task: Word = "", library: Word = "",
    licence: Word = "", language: Word = "", tag: Word = "", state: Word = "", size: Word = "",
    sort: Word = "", cursor: Word = "", modality: Word = "",
) -> Response:  # fmt: skip
    """List models."""
    if modality and modality not in MODALITIES:
        raise BadRequestError("no such modality", mend="choose one of the list")
    tags = (tag, task, library, language, licence and f"license:{licence}")
    chosen = {
        "q": q,
        "owner": owner,
        "task": task,
        "modality": modality,
        "library": library,
        "licence": licence,
        "language": language,
        "tag": tag,
        "state": state,
        "size": size,
    }
    wish = _wish(Kind.MODEL, q, owner, tags, state, size, sort, cursor)
    wish = replace(wish, tasks=MODALITIES.get(modality, ()))
    return _list(visit, wish, chosen)


@router.get("/datasets")
def datasets(
    visit: AVisit, q: Word = "", owner: Word = "", licence: Word = "", language: Word = "",
    tag: Word = "", size: Word = "", sort: Word = "", cursor: Word = "",
) -> Response:  # fmt: skip
    """List data sets."""
    tags = (tag, language, licence and f"license:{licence}")
    chosen = {"q": q, "owner": owner, "licence": licence, "language": language, "tag": tag,
              "size": size}  # fmt: skip
    return _list(visit, _wish(Kind.DATASET, q, owner, tags, "", size, sort, cursor), chosen)


def _wish(
    kind: Kind, words: str, owner: str, tags: tuple[str, ...], state: str, size: str, sort: str,
    cursor: str,
) -> Wish:  # fmt: skip
    if (size and size not in SIZES) or (state and state not in list(State)):
        raise BadRequestError("no such filter", mend="choose one of the list")
    return Wish(
        kind, words, owner.strip() or None, tuple(one.strip() for one in tags if one.strip()),
        SIZES.get(size), sort or SORTS[0], PAGE, cursor or None, State(state) if state else None,
    )  # fmt: skip


def _found(visit: Visit, wish: Wish) -> tuple[list[Line], str | None]:
    def look(connection: Connection) -> tuple[list[Line], str | None]:
        found, after = search(connection, wish, finding.sight_of(connection, visit.asker))
        places = states.of_heads(connection, [one.id for one in found])
        foreign = origins(connection, found)
        lines = [
            replace(_line(visit, one, places.get(one.id)), origin=foreign.get(one.id))
            for one in found
        ]
        return lines, after

    return visit.read(look)


def _line(visit: Visit, repo: Repo, place: Place | None) -> Line:
    if repo.kind is Kind.DATASET or place is None:
        return Line(repo, place_of(repo), None, None)
    newest = place.newest if visit.asker.may_see_drafts(repo) else None
    shown = place.readers or newest
    return Line(repo, place_of(repo), shown, newest if place.readers and newest != shown else None)


def _list(visit: Visit, wish: Wish, chosen: dict[str, str]) -> Response:
    found, after = _found(visit, wish)
    return visit.show(
        "models.html", kind=wish.kind, found=found, after=after, chosen=chosen, sort=wish.sort,
        first=wish.cursor is None, sorts=SORTS, sizes=SIZES, known=KNOWN,
        modalities=list(MODALITIES),
        filtered=sum(1 for name, value in chosen.items() if value and name != "q"),
        states=list(State) if visit.asker.name else [State.APPROVED],
    )  # fmt: skip
