"""What this hub has none of, answered in words: names without an owner, and discussions."""

from __future__ import annotations

from fastapi import APIRouter

from headstart.hub.actions import finding
from headstart.hub.errors import BadRequestError, NoRepoError
from headstart.hub.serve.context import AHub, AnAsker, kind_of, name_of
from headstart.hub.serve.objects import Json

router = APIRouter()


@router.get("/api/{kinds}/{owner}/{name}/discussions")
def discussions(kinds: str, owner: str, name: str, hub: AHub, asker: AnAsker) -> Json:
    """List no discussions; transformers looks for one before it reads older formats."""
    full = name_of(owner, name)
    hub.database.read(lambda c: finding.repo_for(c, asker, kind_of(kinds), full))
    return {"discussions": [], "count": 0, "start": 0}


@router.post("/api/{kinds}/{owner}/{name}/discussions")
def discuss(kinds: str, owner: str, name: str, hub: AHub, asker: AnAsker) -> None:
    """Refuse discussions and pull requests."""
    full = name_of(owner, name)
    hub.database.read(lambda c: finding.repo_for(c, asker, kind_of(kinds), full))
    raise BadRequestError(
        "this hub has no discussions or pull requests",
        mend="push to a branch: what is pushed is a draft until it is approved",
    )


@router.get("/api/{kinds}/{name}")
@router.get("/api/{kinds}/{name}/revision/{revision}")
@router.get("/api/{kinds}/{name}/tree/{revision}")
@router.get("/api/{kinds}/{name}/tree/{revision}/{path:path}")
@router.get("/api/{kinds}/{name}/refs")
@router.post("/api/{kinds}/{name}/paths-info/{revision}")
def bare(kinds: str, name: str) -> None:
    """Tell that names have owners here."""
    kind_of(kinds)
    raise _no_owner(name)


@router.api_route("/{name}/resolve/{revision}/{path:path}", methods=["GET", "HEAD"])
def bare_file(name: str) -> None:
    """Tell that names have owners here, too."""
    raise _no_owner(name)


def _no_owner(name: str) -> NoRepoError:
    return NoRepoError(
        f"Repository not found: names have an owner here, as in 'team/{name[:100]}'",
        mend="headstart hub list shows those that you may see",
    )
