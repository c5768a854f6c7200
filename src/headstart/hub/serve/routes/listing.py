"""Lists and searches, page by page."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse
from sqlalchemy import Connection

from headstart.hub.access.model import Asker
from headstart.hub.actions import finding, paging
from headstart.hub.actions.describing import card_of
from headstart.hub.actions.paging import Line
from headstart.hub.errors import BadRequestError
from headstart.hub.hub import Hub
from headstart.hub.registry.model import Kind, Repo
from headstart.hub.registry.search import Wish, search
from headstart.hub.serve.context import ABase, AHub, AnAsker, kind_of
from headstart.hub.serve.objects import Json, repo_object, time_text
from headstart.hub.serve.routes.files import whole_info

router = APIRouter()
_LIGHT = ("_id", "id", "modelId", "author", "private", "gated", "disabled", "downloads", "likes",
          "tags", "library_name", "pipeline_tag", "createdAt", "lastModified")  # fmt: skip
_DEEP = {"sha", "siblings", "config", "safetensors"}  # what only a look into the repo tells
_OPENED = {"config", "safetensors"}  # what only a look into its files tells
_DEEP_PAGE, _OPENED_PAGE = 100, 25  # the largest; clients follow the pages
_MOST_TAGS = 20
_COUNT = re.compile(r"(\d+(?:\.\d+)?)([KMBT]?)", re.IGNORECASE)
_TIMES = {"": 1, "K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}
Texts = Annotated[list[str] | None, Query()]


@router.get("/api/settings/repositories")
def mine(hub: AHub, asker: AnAsker) -> list[Json]:
    """List the asker's own repos, and what they hold."""
    return _owned(hub, asker, asker.name or "-")


@router.get("/api/organizations/{owner}/settings/repositories")
def of_team(owner: str, hub: AHub, asker: AnAsker) -> list[Json]:
    """List a namespace's repos that the asker may see, and what they hold."""
    return _owned(hub, asker, owner)


def _owned(hub: Hub, asker: Asker, owner: str) -> list[Json]:

    def look(connection: Connection) -> list[Repo]:
        found: list[Repo] = []
        for kind in Kind:
            wish = Wish(kind, owner=owner, limit=1000)
            found += search(connection, wish, finding.sight_of(connection, asker))[0]
        return found

    repos = hub.database.read(look)
    whole = sum(one.size for one in repos) or 1
    return [
        {"id": one.name, "type": one.kind, "updatedAt": time_text(one.changed),
         "visibility": "private" if one.private else "public", "storage": one.size,
         "storagePercent": round(100 * one.size / whole, 2)}
        for one in repos
    ]  # fmt: skip


async def fields_wanted(
    full: bool = False, config: bool = False, cardData: bool = False,  # noqa: N803
    expand: Texts = None,
) -> set[str]:  # fmt: skip
    """Return what the client wants told of each repo."""
    if expand:
        return {"_id", "id", *expand}
    found = set(_LIGHT)
    if full:
        found |= {"cardData", "usedStorage", "sha", "siblings"}
    if config:
        found.add("config")
    if cardData:
        found |= {"cardData", "usedStorage"}
    return found


async def wish_of(
    kinds: str, search_: Annotated[list[str] | None, Query(alias="search", max_length=20)] = None,
    author: str | None = None,
    filter_: Annotated[list[str] | None, Query(alias="filter")] = None,
    pipeline_tag: str | None = None, num_parameters: str = "", sort: str = "lastModified",
    limit: int = 100, cursor: str | None = None,
) -> Wish:  # fmt: skip
    """Return what is searched for."""
    tags = [tag for text in filter_ or () for tag in text.split(",") if tag]
    if pipeline_tag:
        tags.append(pipeline_tag)
    tags = list(dict.fromkeys(tags))
    if len(tags) > _MOST_TAGS:
        raise BadRequestError(f"at most {_MOST_TAGS} tags can be asked for at once")
    words = " ".join(search_ or ())[:200]
    least, most = _between(num_parameters)
    return Wish(
        kind_of(kinds), words, author or None, tuple(tags), None, sort or "lastModified", limit,
        cursor, least_parameters=least, most_parameters=most,
    )  # fmt: skip


@router.get("/api/{kinds}")
def repos(
    request: Request, hub: AHub, asker: AnAsker, base: ABase,
    wish: Annotated[Wish, Depends(wish_of)], fields: Annotated[set[str], Depends(fields_wanted)],
    gated: bool = False, apps: Texts = None, inference: str = "", inference_provider: Texts = None,
) -> JSONResponse:  # fmt: skip
    """List repos that the asker may see."""
    if gated or apps or inference or inference_provider:
        return JSONResponse([])  # here nothing is gated by requests, and nothing is run
    opened = bool(fields & _OPENED)
    if fields & _DEEP:
        wish = replace(wish, limit=min(wish.limit, _OPENED_PAGE if opened else _DEEP_PAGE))
    page = paging.deep_page if fields & _DEEP else paging.page
    found, after = hub.database.read(lambda c: page(c, asker, wish))
    headers = {}
    if after is not None:
        url = request.url.include_query_params(cursor=after)
        headers["Link"] = f'<{base}{url.path}?{url.query}>; rel="next"'
    told = [_told(hub, one, opened) for one in found]
    shown = [{key: value for key, value in one.items() if key in fields} for one in told]
    return JSONResponse(shown, headers=headers)


def _told(hub: Hub, line: Line, opened: bool) -> Json:
    if line.main is None:  # it is not looked into, or nothing of it is to be had
        return repo_object(line.repo)
    card = line.repo.card if line.main.described else card_of(hub, line.files)
    return whole_info(hub, line.repo, line.main.commit, line.files, card=card, opened=opened)


def _between(text: str) -> tuple[int | None, int | None]:
    """Return the ends of ``min:6B,max:128B``."""
    found: dict[str, int] = {}
    for part in text.split(",") if text else ():
        end, _, amount = part.partition(":")
        match = _COUNT.fullmatch(amount)
        if end not in ("min", "max") or match is None:
            raise BadRequestError(f"num_parameters is like min:6B,max:128B, not {text[:40]!r}")
        found[end] = int(float(match[1]) * _TIMES[match[2].upper()])
    return found.get("min"), found.get("max")
