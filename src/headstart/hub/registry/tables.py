"""The registry's tables; the migrations make the same ones."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, Index, Integer, MetaData, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from headstart.database.columns import Utc

NAME, WORD, PATH = 200, 200, 1024


class Table(DeclarativeBase):
    """Base of all tables."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class OwnerTable(Table):
    """Namespaces: users, teams, mirrored ones. ``key`` is the name without regard to case."""

    __tablename__ = "hub_owners"

    key: Mapped[str] = mapped_column(String(NAME), primary_key=True)
    name: Mapped[str] = mapped_column(String(NAME))
    kind: Mapped[str] = mapped_column(String(16))  # user, team, mirror
    created: Mapped[datetime] = mapped_column(Utc)


class MemberTable(Table):
    """Who belongs to a team, and as what."""

    __tablename__ = "hub_members"
    __table_args__ = (Index("ix_hub_members_user", "user"),)

    team: Mapped[str] = mapped_column(String(NAME), primary_key=True)
    user: Mapped[str] = mapped_column(String(NAME), primary_key=True)
    role: Mapped[str] = mapped_column(String(16))


class TokenTable(Table):
    """Tokens, by the hash of what the user holds; the token itself is never kept."""

    __tablename__ = "hub_tokens"
    __table_args__ = (Index("ix_hub_tokens_user", "user"),)

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    id: Mapped[str] = mapped_column(String(32), unique=True)
    user: Mapped[str] = mapped_column(String(NAME))
    name: Mapped[str] = mapped_column(String(WORD))
    role: Mapped[str] = mapped_column(String(16))
    scope: Mapped[list[str] | None] = mapped_column(JSON)
    created: Mapped[datetime] = mapped_column(Utc)
    expires: Mapped[datetime | None] = mapped_column(Utc)
    revoked: Mapped[datetime | None] = mapped_column(Utc)


class RepoTable(Table):
    """Repos. What lists are filtered and sorted by is drawn from the newest card."""

    __tablename__ = "hub_repos"
    __table_args__ = (
        Index("ix_hub_repos_changed", "kind", "changed", "id"),
        Index("ix_hub_repos_created", "kind", "created", "id"),
        Index("ix_hub_repos_downloads", "kind", "downloads", "id"),
        Index("ix_hub_repos_owner", "kind", "owner"),
        Index("ix_hub_repos_size", "kind", "size", "id"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))  # model, dataset
    name: Mapped[str] = mapped_column(String(NAME))
    owner: Mapped[str] = mapped_column(String(NAME))
    private: Mapped[bool] = mapped_column(Boolean)
    created: Mapped[datetime] = mapped_column(Utc)
    changed: Mapped[datetime] = mapped_column(Utc)
    gone: Mapped[datetime | None] = mapped_column(Utc)
    published: Mapped[bool] = mapped_column(Boolean)
    downloads: Mapped[int] = mapped_column(BigInteger)
    library: Mapped[str | None] = mapped_column(String(WORD))
    pipeline: Mapped[str | None] = mapped_column(String(WORD))
    size: Mapped[int] = mapped_column(BigInteger)
    parameters: Mapped[int | None] = mapped_column(BigInteger)
    card: Mapped[dict[str, Any]] = mapped_column(JSON)
    mirror: Mapped[str | None] = mapped_column(Text)  # the hub that it comes from
    words: Mapped[str] = mapped_column(Text)  # what a search looks through, lower case


class NameTable(Table):
    """Every name that a repo ever had: it never comes back for another."""

    __tablename__ = "hub_names"

    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    key: Mapped[str] = mapped_column(String(2 * NAME), primary_key=True)
    repo: Mapped[str] = mapped_column(String(32))


class RepoTagTable(Table):
    """The tags of repos, for filters; ``changed`` is the repo's, for the newest of a tag."""

    __tablename__ = "hub_repo_tags"
    __table_args__ = (
        Index("ix_hub_repo_tags_repo", "repo", "tag"),
        Index("ix_hub_repo_tags_changed", "tag", "changed", "repo"),
    )

    tag: Mapped[str] = mapped_column(String(WORD), primary_key=True)
    repo: Mapped[str] = mapped_column(String(32), primary_key=True)
    changed: Mapped[datetime] = mapped_column(Utc)


class CommitTable(Table):
    """Commits. ``serial`` orders those of one repo: clocks do not."""

    __tablename__ = "hub_commits"
    __table_args__ = (Index("ix_hub_commits_repo", "repo", "serial", unique=True),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    repo: Mapped[str] = mapped_column(String(32))
    serial: Mapped[int] = mapped_column(Integer)
    parent: Mapped[str | None] = mapped_column(String(40))
    tree: Mapped[str] = mapped_column(String(40))
    title: Mapped[str] = mapped_column(Text)
    message: Mapped[str] = mapped_column(Text)
    author: Mapped[str] = mapped_column(String(NAME))
    created: Mapped[datetime] = mapped_column(Utc)


class EntryTable(Table):
    """The files of trees; a tree is named by its content and never changes."""

    __tablename__ = "hub_entries"
    __table_args__ = (Index("ix_hub_entries_sha256", "sha256"),)

    tree: Mapped[str] = mapped_column(String(40), primary_key=True)
    path: Mapped[str] = mapped_column(String(PATH), primary_key=True)
    oid: Mapped[str] = mapped_column(String(40))
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int] = mapped_column(BigInteger)
    large: Mapped[bool] = mapped_column(Boolean)


class RefTable(Table):
    """Branches and tags. Writers of a model see ``head``, readers ``published``."""

    __tablename__ = "hub_refs"

    repo: Mapped[str] = mapped_column(String(32), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)  # branch, tag
    name: Mapped[str] = mapped_column(String(WORD), primary_key=True)
    head: Mapped[str] = mapped_column(String(40))
    published: Mapped[str | None] = mapped_column(String(40))


class UploadTable(Table):
    """Bytes that a repo's own writers really brought: only these may be committed there."""

    __tablename__ = "hub_uploads"

    repo: Mapped[str] = mapped_column(String(32), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger)
    user: Mapped[str] = mapped_column(String(NAME))
    created: Mapped[datetime] = mapped_column(Utc)


class RevisionTable(Table):
    """What became of a commit at the gate, with the evidence; bound to the tree's content."""

    __tablename__ = "hub_revisions"
    __table_args__ = (Index("ix_hub_revisions_state", "state", "expires", "repo"),)

    repo: Mapped[str] = mapped_column(String(32), primary_key=True)
    commit: Mapped[str] = mapped_column(String(40), primary_key=True)
    tree: Mapped[str] = mapped_column(String(40))
    state: Mapped[str] = mapped_column(String(16))
    evidence: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    by: Mapped[str] = mapped_column(String(NAME))
    changed: Mapped[datetime] = mapped_column(Utc)
    expires: Mapped[datetime | None] = mapped_column(Utc)


class EventTable(Table):
    """The audit log: rows are added, never changed; each holds the digest of the one before."""

    __tablename__ = "hub_events"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    at: Mapped[datetime] = mapped_column(Utc)
    who: Mapped[str] = mapped_column(String(NAME))
    what: Mapped[str] = mapped_column(String(64))
    target: Mapped[str] = mapped_column(Text)
    details: Mapped[dict[str, Any]] = mapped_column(JSON)
    digest: Mapped[str] = mapped_column(String(64))


class SettingTable(Table):
    """Settings of the installation, its signing secret among them."""

    __tablename__ = "hub_settings"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[Any] = mapped_column(JSON)
