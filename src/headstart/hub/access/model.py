"""Who asks, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum

from headstart.hub.registry.model import Place, Repo
from headstart.hub.registry.names import key_of


class Role(IntEnum):
    """What somebody may do; each may do what the ones before may."""

    READ = 1
    WRITE = 2
    APPROVE = 3
    ADMIN = 4

    @classmethod
    def of(cls, name: str) -> Role:
        """Return the role called ``name``.

        Raises:
            KeyError: There is none.
        """
        return cls[name.upper()]

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(frozen=True)
class Token:
    """What is known of a token; its text is not."""

    id: str
    user: str
    name: str
    role: Role
    scope: tuple[str, ...] | None
    created: datetime
    expires: datetime | None
    revoked: datetime | None


@dataclass(frozen=True)
class Asker:
    """Who asks. Nobody in particular: ``Asker()``.

    Attributes:
        name: The user's name; None for strangers.
        role: The most that the token allows.
        teams: Teams that the user belongs to, by their keys, and as what.
        scope: Namespaces and repos that the token is for; None: all of the user's.
        token: The token.
    """

    name: str | None = None
    role: Role = Role.READ
    teams: dict[str, Role] = field(default_factory=dict)
    scope: tuple[str, ...] | None = None
    token: Token | None = None

    def may_read(self, repo: Repo | Place) -> bool:
        """Whether the asker may know of the repo, and have what of it is published."""
        if not repo.private:
            return True
        if repo.mirror is not None:
            return self.may_mirror(repo.name)
        return self.within(repo.name) and (
            self._belongs(repo.owner) is not None or self.role >= Role.APPROVE
        )

    def may_mirror(self, name: str) -> bool:
        """Whether the asker may have what is fetched from another hub: whoever has a token."""
        return self.name is not None and self.within(name)

    def may_write(self, repo: Repo) -> bool:
        """Whether the asker may push to the repo, and see its drafts as its writers do."""
        return self.within(repo.name) and self.may_create(repo.owner)

    def may_create(self, owner: str) -> bool:
        """Whether the asker may make repos in this namespace."""
        if self.role < Role.WRITE or not self.within(owner, whole=False):
            return False
        belongs = self._belongs(owner)
        return self.role >= Role.ADMIN or (belongs is not None and belongs >= Role.WRITE)

    def may_see_drafts(self, repo: Repo) -> bool:
        """Whether the asker sees what is not approved: writers, and who approves."""
        return self.may_write(repo) or (self.may_read(repo) and self.may_approve(repo))

    def may_approve(self, repo: Repo) -> bool:
        """Whether the asker may say that a revision is good."""
        return self.name is not None and self.role >= Role.APPROVE and self.within(repo.name)

    def may_administer(self, repo: Repo) -> bool:
        """Whether the asker may delete, rename or show the repo to others."""
        return self.may_write(repo)

    def _belongs(self, owner: str) -> Role | None:
        if self.name is None:
            return None
        if key_of(owner) == key_of(self.name):
            return Role.ADMIN
        return self.teams.get(key_of(owner))

    def within(self, name: str, *, whole: bool = True) -> bool:
        """Whether the token is for this repo (or namespace)."""
        if self.scope is None:
            return True
        key = key_of(name)
        return any(
            key == one or key.startswith(one + "/") or (not whole and one.startswith(key + "/"))
            for one in map(key_of, self.scope)
        )
