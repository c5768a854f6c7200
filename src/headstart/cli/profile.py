"""``headstart profile``: what is expected of whom, and what shows that it was done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headstart.cli import profile_tables, show
from headstart.cli.adapt import Json
from headstart.cli.faults import remember

if TYPE_CHECKING:
    from headstart.org.proof import EvidenceSource

RUNS = Path("headstart-runs")


def profile(
    context: typer.Context,
    role: Annotated[
        str | None, typer.Option("--role", "-r", metavar="ROLE", help="Whose. \\[all]")
    ] = None,
    level: Annotated[
        str | None, typer.Option("--level", "-l", metavar="LEVEL", help="Where you are. \\[all]")
    ] = None,
    compare: Annotated[
        str | None,
        typer.Option("--compare", "-c", metavar="LEVEL", help="What changes from there to here."),
    ] = None,
    other: Annotated[
        str | None,
        typer.Option("--as", metavar="ROLE", help="With --compare: in this role. \\[the same]"),
    ] = None,
    name: Annotated[
        str, typer.Option("--profile", metavar="NAME", help="Which profile.")
    ] = "transfer-learning",
    language: Annotated[
        str, typer.Option("--language", metavar="[en|de]", help="Of texts.")
    ] = "en",
    studies: Annotated[
        list[Path] | None,
        typer.Option(
            "--studies",
            metavar="DIR",
            help="Where studies lie that may be evidence; repeat. \\[headstart-runs]",
            show_default=False,
        ),
    ] = None,
    ledger: Annotated[
        str | None,
        typer.Option(
            "--ledger",
            metavar="FILE|URL|none",
            help="The ledger that may be evidence. \\[$HEADSTART_LEDGER, else a file of yours]",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Show what a role is expected to do with transfer learning, and the evidence of it here.

    More profiles: a folder of YAML files named by HEADSTART_PROFILES.

    [bold]Examples[/bold]

      headstart profile

      headstart profile --role data-scientist --level middle

      headstart profile --role llm-engineer --level middle --compare senior --language de
    """
    remember(context, None)
    if compare and not level:
        raise typer.BadParameter("--compare needs the level you are at: give --level, too")
    if other and not compare:
        raise typer.BadParameter("--as says in which role to compare: give --compare, too")
    from headstart.org.library import Library, chosen_folder
    from headstart.org.view import chosen, view
    from headstart.web.words import words_in

    words = words_in(language)
    library = Library(chosen_folder())
    found = library.get(name)
    choice = chosen(found, role, level, compare, other)
    with _sources(studies, ledger, bool(level)) as (sources, unread):
        shown = view(found, choice, sources)
    if json:
        show.as_json({**profile_tables.as_dict(shown, words), "not_read": unread})
        return
    profile_tables.tell(shown, words)
    for what in unread:
        profile_tables.line(words("profile.not-read", what=what))
    others = [one for one in library if one != name]
    if others:
        profile_tables.line(f"{words('profile.others')}: {', '.join(others)}")


@contextmanager
def _sources(
    studies: list[Path] | None, ledger: str | None, wanted: bool
) -> Iterator[tuple[list[EvidenceSource], list[str]]]:
    """Open what may hold evidence; give also what could not be read, where nobody named it."""
    from headstart.errors import HeadstartError
    from headstart.ledger.place import OFF, default_url
    from headstart.org.folders import FolderEvidence

    sources: list[EvidenceSource] = []
    unread: list[str] = []
    if not wanted:
        yield sources, unread
        return
    sources.append(FolderEvidence(studies or [RUNS]))
    url = default_url() if ledger is None else None if ledger.lower() == OFF else ledger
    try:
        opened = _ledger(url)
    except HeadstartError as error:
        if ledger is not None:
            raise
        unread.append(f"{error.what} ({error.where})" if error.where else error.what)
        opened = None
    if opened is None:
        yield sources, unread
        return
    from headstart.org.ledgers import LedgerEvidence

    with opened:
        yield [*sources, LedgerEvidence(opened)], unread


def _ledger(url: str | None) -> Any:
    from headstart.org.ledgers import has_ledger

    if url is None or not has_ledger(url):
        return None
    from headstart.ledger.ledger import Ledger  # a quarter of a second to import

    return Ledger.open(url)
