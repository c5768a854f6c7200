"""Lists and searches, page by page."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from sqlalchemy import Connection

from headstart.hub.actions import finding
from headstart.hub.registry.model import Kind, Repo
from headstart.hub.registry.search import Wish, search
from headstart.hub.serve.context import ABase, AHub, AnAsker, kind_of
from headstart.hub.serve.objects import Json, repo_object

router = APIRouter()
_LIGHT = ("_id", "id", "modelId", "author", "private", "gated", "disabled", "downloads", "likes",
          "tags", "library_name", "pipeline_tag", "createdAt", "lastModified")  # fmt: skip
Texts = Annotated[list[str] | None, Query()]


@router.get("/api/settings/repositories")
def mine(hub: AHub, asker: AnAsker) -> list[Json]:
    """List the asker's own repos."""

    def look(connection: Connection) -> list[Repo]:
        found: list[Repo] = []
        for kind in Kind:
            wish = Wish(kind, owner=asker.name or "-", limit=1000)
            found += search(connection, wish, finding.sight_of(connection, asker))[0]
        return found

    return [{**repo_object(one), "type": one.kind} for one in hub.database.read(look)]


@router.get("/api/{kinds}")
def repos(
    kinds: str, request: Request, hub: AHub, asker: AnAsker, base: ABase, search_: Annotated[
        str, Query(alias="search", max_length=200)] = "", author: str | None = None,
    filter_: Annotated[list[str] | None, Query(alias="filter")] = None,
    pipeline_tag: str | None = None, sort: str = "lastModified", limit: int = 100,
    cursor: str | None = None, full: bool = False, cardData: bool = False,  # noqa: N803
    expand: Texts = None,
) -> JSONResponse:  # fmt: skip
    """List repos that the asker may see."""
    tags = [tag for text in filter_ or () for tag in text.split(",") if tag]
    wish = Wish(
        kind_of(kinds), search_, author or None, (*tags, *([pipeline_tag] if pipeline_tag else ())),
        None, sort or "lastModified", limit, cursor,
    )  # fmt: skip
    found, after = hub.database.read(lambda c: search(c, wish, finding.sight_of(c, asker)))
    headers = {}
    if after is not None:
        url = request.url.include_query_params(cursor=after)
        headers["Link"] = f'<{base}{url.path}?{url.query}>; rel="next"'
    fields = {*_LIGHT, *(("cardData", "usedStorage") if full or cardData else ())}
    if expand:
        fields = {"_id", "id", *expand}
    shown = [{k: v for k, v in repo_object(one).items() if k in fields} for one in found]
    return JSONResponse(shown, headers=headers)
