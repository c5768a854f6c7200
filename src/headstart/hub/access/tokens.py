"""Tokens: made, recognised, revoked. Only their hashes are kept."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, insert, select, update

from headstart.hub.access.model import Asker, Role, Token
from headstart.hub.access.owners import teams_of
from headstart.hub.errors import BadTokenError
from headstart.hub.registry.tables import TokenTable

PREFIX = "hf_"  # clients and secret scanners know tokens by it
_BYTES = 32


def create(
    connection: Connection,
    user: str,
    role: Role,
    *,
    name: str = "token",
    expires: datetime | None = None,
    scope: tuple[str, ...] | None = None,
) -> tuple[str, Token]:
    """Make a token for a user who is known; return its text, told this once, and what is kept."""
    text = PREFIX + secrets.token_urlsafe(_BYTES).replace("-", "x").replace("_", "y")
    token = Token(secrets.token_hex(8), user, name, role, scope, datetime.now(UTC), expires, None)
    connection.execute(
        insert(TokenTable).values(
            digest=_digest(text), id=token.id, user=user, name=name, role=str(role),
            scope=None if scope is None else list(scope), created=token.created, expires=expires,
        )
    )  # fmt: skip
    return text, token


def recognise(connection: Connection, text: str) -> Asker:
    """Return who holds this token.

    Raises:
        BadTokenError: Nobody: unknown, expired or revoked.
    """
    return _asker(connection, TokenTable.digest == _digest(text))


def holder(connection: Connection, token: str) -> Asker:
    """Return who holds the token of this id: for who showed it before, and has a ticket for that.

    Raises:
        BadTokenError: Nobody: unknown, expired or revoked.
    """
    return _asker(connection, TokenTable.id == token)


def _asker(connection: Connection, which: ColumnElement[bool]) -> Asker:
    row = connection.execute(select(TokenTable.__table__).where(which)).first()
    token = None if row is None else _token(row)
    if token is None or token.revoked or (token.expires and token.expires <= datetime.now(UTC)):
        raise BadTokenError
    return Asker(token.user, token.role, teams_of(connection, token.user), token.scope, token)


def of_user(connection: Connection, user: str | None = None) -> list[Token]:
    """Return the tokens of a user, or of all, newest first."""
    query = select(TokenTable.__table__).order_by(TokenTable.created.desc())
    if user is not None:
        query = query.where(TokenTable.user == user)
    return [_token(row) for row in connection.execute(query)]


def revoke(connection: Connection, token: str) -> bool:
    """Revoke a token by its id; return whether there was one to revoke."""
    done = connection.execute(
        update(TokenTable)
        .where(TokenTable.id == token, TokenTable.revoked.is_(None))
        .values(revoked=datetime.now(UTC))
    )
    return bool(done.rowcount)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _token(row: Row[Any]) -> Token:
    return Token(
        row.id, row.user, row.name, Role.of(row.role),
        None if row.scope is None else tuple(row.scope), row.created, row.expires, row.revoked,
    )  # fmt: skip
