"""A skill profile: roles, levels, what is expected of each, and what would show it.

A profile is a data file (see ``profiles/transfer-learning.yaml``); nothing here knows a skill.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from functools import cached_property
from typing import Annotated, Literal, Protocol, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from headstart.errors import RequestError, nearest
from headstart.org.kinds import check_filters

Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Text(_Part):
    """The same in English and German."""

    en: Words
    de: Words

    def __getitem__(self, language: str) -> str:
        return self.de if language == "de" else self.en


class Named(_Part):
    """A role, level or strand: a stable id, and a name for people."""

    id: Id
    name: Text
    about: Text | None = None


class Point(_Part):
    """One thing of an expectation, and the strand of the skill that it takes further."""

    strand: Id
    text: Text


class Command(_Part):
    """A command that carries an expectation out; ``run`` begins with ``headstart``."""

    run: Annotated[Words, StringConstraints(pattern=r"^headstart( |$)")]
    does: Text


class Requirement(_Part):
    """Evidence that would show it: at least so many finds of a kind that fit all filters.

    Attributes:
        text: What is looked for, for people.
        kind, filters: As in :mod:`headstart.org.kinds`; of a filter's values one must fit.
        least: Fewer do not show it.
    """

    text: Text
    kind: Id
    filters: dict[str, tuple[Words, ...]] = {}
    least: Annotated[int, Field(ge=1, le=100)] = 1

    @field_validator("filters", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        if not isinstance(value, Mapping):
            return value
        return {k: [v] if isinstance(v, str) else v for k, v in value.items()}

    @model_validator(mode="after")
    def _known(self) -> Requirement:
        check_filters(self.kind, self.filters)
        return self


class Expectation(_Part):
    """What a role is expected to do at a level."""

    id: Id
    role: Id
    level: Id
    mandatory: bool = False
    text: Text
    points: Annotated[tuple[Point, ...], Field(min_length=1)]
    commands: tuple[Command, ...] = ()
    evidence: tuple[Requirement, ...] = ()


class Totals(_Part):
    """How much a profile holds."""

    roles: int
    levels: int
    expectations: int
    optional: int
    mandatory: int
    as_of: date


class Profile(_Part):
    """A whole profile; ``levels`` go from the first to the last, each builds on those before."""

    version: Literal["1"]
    id: Id
    as_of: date
    domain: Text
    area: Text
    skill: Text
    roles: Annotated[tuple[Named, ...], Field(min_length=1, max_length=50)]
    levels: Annotated[tuple[Named, ...], Field(min_length=1, max_length=20)]
    strands: Annotated[tuple[Named, ...], Field(min_length=1, max_length=50)]
    expectations: Annotated[tuple[Expectation, ...], Field(min_length=1, max_length=1000)]

    @model_validator(mode="after")
    def _whole(self) -> Profile:
        for part in (self.roles, self.levels, self.strands, self.expectations):
            _no_twins(one.id for one in part)
        _no_twins(f"{one.role} at {one.level}" for one in self.expectations)
        roles, levels, strands = (
            {one.id for one in part} for part in (self.roles, self.levels, self.strands)
        )
        for one in self.expectations:
            _declared(one, "role", one.role, roles)
            _declared(one, "level", one.level, levels)
            for point in one.points:
                _declared(one, "strand", point.strand, strands)
        return self

    @cached_property
    def totals(self) -> Totals:
        """How many roles, levels and expectations there are, and how many of those must be met."""
        mandatory = sum(one.mandatory for one in self.expectations)
        return Totals(
            roles=len(self.roles),
            levels=len(self.levels),
            expectations=len(self.expectations),
            optional=len(self.expectations) - mandatory,
            mandatory=mandatory,
            as_of=self.as_of,
        )

    def role(self, name: str) -> Named:
        """Return a role by its id, or its name in either language.

        Raises:
            RequestError: There is none; the nearest is named.
        """
        return _one("role", name, self.roles)

    def level(self, name: str) -> Named:
        """Return a level by its id, or its name in either language.

        Raises:
            RequestError: There is none; the nearest is named.
        """
        return _one("level", name, self.levels)

    def rank(self, level: str) -> int:
        """Return a level's place, 0 for the first."""
        return [one.id for one in self.levels].index(level)

    def following(self, level: str) -> Named | None:
        """Return the level after this one, or None after the last."""
        after = self.levels[self.rank(level) + 1 :]
        return after[0] if after else None

    def expected(self, role: str, level: str) -> Expectation | None:
        """Return what is expected of a role at a level; None where the profile says nothing."""
        found = (one for one in self.expectations if (one.role, one.level) == (role, level))
        return next(found, None)


def _no_twins(ids: Iterable[str]) -> None:
    seen: set[str] = set()
    for one in ids:
        if one in seen:
            raise ValueError(f"'{one}' is there twice")
        seen.add(one)


def _declared(one: Expectation, what: str, name: str, known: set[str]) -> None:
    if name not in known:
        raise ValueError(f"expectation '{one.id}' has no {what} '{name}': {nearest(name, known)}")


class _HasName(Protocol):
    @property
    def id(self) -> str: ...

    @property
    def name(self) -> Text: ...


Some = TypeVar("Some", bound=_HasName)


def _one(what: str, name: str, known: tuple[Some, ...]) -> Some:
    wanted = name.strip().casefold()
    for one in known:
        if wanted in {one.id, one.name.en.casefold(), one.name.de.casefold()}:
            return one
    raise RequestError(
        f"this profile has no {what} '{name[:60]}'", mend=nearest(name, (one.id for one in known))
    )
