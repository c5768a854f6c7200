"""The skill profile, with the evidence that this installation has for it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from fastapi import APIRouter, Request, Response

from headstart.errors import HeadstartError
from headstart.ledger.place import default_url
from headstart.org.folders import FolderEvidence
from headstart.org.hubs import HubEvidence
from headstart.org.ledgers import LedgerEvidence, has_ledger
from headstart.org.library import DEFAULT, Library, chosen_folder
from headstart.org.proof import EvidenceSource, Filters, Proof
from headstart.org.view import view
from headstart.web.faults import PageRoute
from headstart.web.pages.signed import sees_all
from headstart.web.profile import choice_from, render
from headstart.web.rendering import segment
from headstart.web.visit import AVisit, Visit
from headstart.web.words import Words

router = APIRouter(route_class=PageRoute, include_in_schema=False)


class Shelves:
    """The profiles, and where evidence is looked for; opened at first use, one reader at a time.

    Args:
        studies: A folder of studies, or None.
        ledger: The ledger's address, or None for none.
    """

    def __init__(self, studies: Path | None, ledger: str | None) -> None:
        self.library = Library(chosen_folder())
        self._folders: EvidenceSource | None = (
            _Linked(FolderEvidence([studies]), studies) if studies else None
        )
        self._ledger_url = ledger
        self._ledger: LedgerEvidence | None = None
        self._lock = threading.Lock()

    def sources(self) -> list[EvidenceSource]:
        """Return what knows of studies and trials: for those who may know of them."""
        with self._lock:
            found: Iterator[EvidenceSource | None] = iter((self._folders, self._opened()))
            return [_Alone(one, self._lock) for one in found if one is not None]

    def _opened(self) -> LedgerEvidence | None:
        if self._ledger is None and self._ledger_url and has_ledger(self._ledger_url):
            from headstart.ledger.ledger import Ledger  # a quarter of a second to import

            with suppress(HeadstartError):  # a page of expectations is worth having without it
                self._ledger = LedgerEvidence(Ledger.open(self._ledger_url))
        return self._ledger


class _Linked:
    """Studies of a folder that the hub's pages show: each by its page, not by its path."""

    def __init__(self, source: EvidenceSource, folder: Path) -> None:
        self._source, self._folder = source, folder

    def find(self, kind: str, filters: Filters) -> list[Proof]:
        return [self._linked(one) for one in self._source.find(kind, filters)]

    def _linked(self, proof: Proof) -> Proof:
        place = Path(proof.where)
        if place.parent != self._folder:
            return proof
        return replace(proof, where=place.name, link=f"/studies/{segment(place.name)}")


class _Told:
    """What the hub shows, in the reader's language."""

    def __init__(self, source: EvidenceSource, words: Words) -> None:
        self._source, self._words = source, words

    def find(self, kind: str, filters: Filters) -> list[Proof]:
        return [self._told(one) for one in self._source.find(kind, filters)]

    def _told(self, proof: Proof) -> Proof:
        words = self._words
        name, _, state = proof.title.rpartition(": ")
        title = f"{name}: {words.known(f'state.{state}', state)}" if name else proof.title
        commit = proof.link.rpartition("/")[2][:7]
        return replace(proof, title=title, where=words("profile.revision", commit=commit))


class _Alone:
    def __init__(self, source: EvidenceSource, lock: threading.Lock) -> None:
        self._source, self._lock = source, lock

    def find(self, kind: str, filters: Filters) -> list[Proof]:
        with self._lock:
            return self._source.find(kind, filters)


def shelves(studies: Path | None) -> Shelves:
    """Return the profiles and the evidence of this machine's ledger and a folder of studies."""
    return Shelves(studies, default_url())


@router.get("/profile")
def profile(request: Request, visit: AVisit) -> Response:
    """Show what is expected of whom, how it grows, and what shows that it was done here."""
    held: Shelves = request.app.state.shelves
    names = held.library.names()
    found = held.library.get(visit.query.get("profile") or DEFAULT)
    named = [(one, _title(held.library, one, visit)) for one in names]
    shown = view(found, choice_from(found, visit.query), _sources(held, visit))
    fragment = render(
        shown, visit.words, path="/profile", profiles=named if len(named) > 1 else (),
        keep={"lang": visit.query["lang"]} if "lang" in visit.query else {},
    )  # fmt: skip
    return visit.show("skills.html", fragment=fragment, title=found.skill[visit.words.language])


def _sources(held: Shelves, visit: Visit) -> Sequence[EvidenceSource]:
    hub = _Told(HubEvidence(visit.hub.database, visit.asker), visit.words)
    return [hub, *held.sources()] if sees_all(visit) else [hub]


def _title(library: Library, name: str, visit: Visit) -> str:
    with suppress(HeadstartError):
        return library.get(name).skill[visit.words.language]
    return name
