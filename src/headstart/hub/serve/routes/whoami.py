"""Who is asking: ``hf auth whoami`` and every login."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from headstart.hub.access.model import Role
from headstart.hub.errors import BadTokenError
from headstart.hub.serve.context import AnAsker
from headstart.hub.serve.objects import time_text

router = APIRouter()


@router.get("/api/whoami-v2")
def whoami(asker: AnAsker) -> dict[str, Any]:
    """Return the user that the token belongs to."""
    if asker.token is None:
        raise BadTokenError
    token = asker.token
    teams = [
        {
            "type": "org",
            "name": name,
            "fullname": name,
            "roleInOrg": str(role),
            "isEnterprise": False,
        }
        for name, role in asker.teams.items()
    ]
    return {
        "type": "user", "id": token.user, "name": token.user, "fullname": token.user, "email": None,
        "isPro": False, "orgs": teams,
        "auth": {
            "type": "access_token",
            "accessToken": {
                "displayName": token.name,
                "role": "write" if token.role >= Role.WRITE else "read",
                "createdAt": time_text(token.created),
            },
        },
    }  # fmt: skip
