"""What a database is for: its name in messages, its tables and their migrations."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import MetaData


@dataclass(frozen=True)
class Purpose:
    """One kind of database that headstart keeps.

    Attributes:
        what: Its name in messages: "ledger".
        elsewhere: How a user names another place, as the end of a sentence.
        metadata: Its tables.
        root: What its entries belong to, with its article.
        migrations: Alembic's folder of scripts, ``package:folder``.
        head: The newest revision there (a test holds the two together).
        version_table: Where its revision is kept. Not Alembic's usual name: on a shared server
            others keep their versions, too.
    """

    what: str
    elsewhere: str
    migrations: str
    head: str
    version_table: str
    metadata: MetaData = field(repr=False)
    root: str = "something"
