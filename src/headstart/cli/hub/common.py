"""What the hub's commands have in common: their options, and the way to the hub's folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headstart.errors import RequestError, nearest

if TYPE_CHECKING:
    from headstart.hub.hub import Hub

Root = Annotated[
    Path, typer.Option("--root", metavar="DIR", help="The hub's folder.", show_default=False)
]
Database = Annotated[
    str | None,
    typer.Option(
        "--database", metavar="URL", help="Its registry: postgresql://… \\[SQLite in DIR]"
    ),
]
Blobs = Annotated[
    str | None,
    typer.Option(
        "--blobs", metavar="PLACE", help="Its bytes: a folder, or s3://… and the like. \\[in DIR]"
    ),
]
Revision = Annotated[str, typer.Option("--revision", help="Branch, tag or commit.")]
Name = Annotated[str, typer.Argument(metavar="OWNER/NAME", help="The model.")]
ROLES = ("read", "write", "approve", "admin")


def open_at(root: Path, database: str | None = None, blobs: str | None = None) -> Hub:
    """Return the hub in a folder.

    Raises:
        RequestError: As :func:`~headstart.hub.hub.open_hub`.
        UnwritableError: Likewise.
    """
    from headstart.hub.hub import open_hub

    return open_hub(root, database, blobs)


def check_role(role: str) -> None:
    """See that a role is one.

    Raises:
        RequestError: It is none.
    """
    if role not in ROLES:
        raise RequestError(f"unknown role '{role}'", mend=nearest(role, ROLES))


def need_packages() -> None:
    """See that the hub's packages are installed.

    Raises:
        RequestError: One is not.
    """
    from importlib.util import find_spec

    for package in ("fastapi", "uvicorn", "blake3", "zstandard", "lz4"):
        if find_spec(package) is None:
            raise RequestError(
                f"the hub needs the package {package}", mend="pip install 'headstart[hub]'"
            )
