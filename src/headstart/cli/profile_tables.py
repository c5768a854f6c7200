"""What ``headstart profile`` shows a person, and a machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table
from rich.text import Text

from headstart.cli import show

if TYPE_CHECKING:
    from headstart.org.depth import Comparison, Place
    from headstart.org.profile import Profile
    from headstart.org.proof import Shown
    from headstart.org.view import Expected, View
    from headstart.web.words import Words

PROOFS = 3


def tell(shown: View, words: Words) -> None:
    """Show a view to a person."""
    found, totals, language = shown.profile, shown.profile.totals, words.language
    crumbs = " › ".join(part[language] for part in (found.domain, found.area, found.skill))
    show.console().print(Text(crumbs, style="bold"))
    line(
        " · ".join(
            (
                words.count("profile.roles", totals.roles),
                words.count("profile.levels", totals.levels),
                words.count("profile.expectations", totals.expectations),
                words("profile.optional", number=totals.optional),
                words("profile.mandatory", number=totals.mandatory),
                words("profile.as-of", day=words.day(totals.as_of)),
            )
        )
    )
    for one in shown.expected:
        _tell_expected(one, words)
    for comparison in shown.comparisons:
        _tell_comparison(found, comparison, words)
    if not shown.expected:
        _tell_all(shown, words)


def _tell_all(shown: View, words: Words) -> None:
    """One table: a row a level, with each role's depth and expectation."""
    language, profile = words.language, shown.profile
    most = max(step.total for steps in shown.growth.values() for step in steps)
    for role in shown.roles:
        table = _table()
        for title in ("", words("profile.total"), role.name[language]):
            table.add_column(title, overflow="fold")
        for step in shown.growth[role.id]:
            text = step.expectation.text[language] if step.expectation else "–"
            depth = f"{_bar(step.total, most)} {step.total}"
            table.add_row(Text(step.level.name[language], style="bold"), depth, Text(text))
        show.console().print(table)
    first = shown.roles[0].id, profile.levels[0].id
    line(f"{words('profile.next'):7} headstart profile --role {first[0]} --level {first[1]}")


def _tell_expected(one: Expected, words: Words) -> None:
    console, language = show.console(), words.language
    place = words(
        "profile.expected-at", role=one.role.name[language], level=one.level.name[language]
    )
    console.print()
    console.print(Text(place, style="bold underline"))
    if one.expectation is None:
        console.print(Text(words("profile.nothing-expected")))
        return
    console.print(Text(one.expectation.text[language]))
    console.print(Text(f"\n{words('profile.commands')}", style="bold"))
    for command in one.expectation.commands:
        console.print(Text(f"  {command.run}", style="cyan"), soft_wrap=True)
        console.print(Text(f"      {command.does[language]}"))
    console.print(Text(f"\n{words('profile.evidence')}", style="bold"))
    for piece in one.evidence:
        _tell_evidence(piece, words)


def _tell_evidence(piece: Shown, words: Words) -> None:
    console = show.console()
    mark, style = ("✓", "green") if piece.met else ("·", "dim")
    said = words("profile.met" if piece.met else "profile.unmet")
    line = Text(f"  {mark} ", style=style)
    line.append(piece.requirement.text[words.language], style="default")
    line.append(f" ({said})")
    console.print(line)
    for proof in piece.proofs[:PROOFS]:
        when = f", {words.day(proof.when)}" if proof.when else ""
        console.print(Text(f"      {proof.title} ({proof.where}{when})", style="dim"))
    more = len(piece.proofs) - PROOFS
    if more > 0:
        console.print(Text(f"      {words.count('profile.more', more)}", style="dim"))


def _tell_comparison(profile: Profile, comparison: Comparison, words: Words) -> None:
    language, most = words.language, len(profile.levels)
    before, after = (_place(profile, one, words) for one in (comparison.before, comparison.after))
    console = show.console()
    console.print()
    title = words("profile.comparison", before=before, after=after)
    console.print(Text(title, style="bold underline"))
    table = _table()
    for heading in ("strand", "before", "after", "change", "beyond"):
        table.add_column(words(f"profile.{heading}"), overflow="fold")
    for one in comparison.differences:
        points = "\n".join(point.text[language] for point in one.points)
        table.add_row(
            Text(one.strand.name[language]),
            _bar(one.before, most),
            _bar(one.after, most),
            words(f"profile.change.{one.change}"),
            Text(points),
        )
    console.print(table)


def _place(profile: Profile, place: Place, words: Words) -> str:
    role, level = profile.role(place.role), profile.level(place.level)
    return words(
        "profile.expected-at", role=role.name[words.language], level=level.name[words.language]
    )


def _table() -> Table:
    return Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)


def _bar(depth: int, most: int) -> str:
    return "■" * depth + "·" * (most - depth)


def line(text: str) -> None:
    """Show what stands beside the result."""
    show.console().print(text, markup=False, style="dim", soft_wrap=True)


def as_dict(shown: View, words: Words) -> dict[str, Any]:
    """Return what ``headstart profile --json`` prints, texts in the language of ``words``."""
    profile, language = shown.profile, words.language
    return {
        "profile": profile.id,
        "domain": profile.domain[language],
        "area": profile.area[language],
        "skill": profile.skill[language],
        "totals": profile.totals.model_dump(mode="json"),
        "roles": {role.id: role.name[language] for role in profile.roles},
        "levels": {level.id: level.name[language] for level in profile.levels},
        "strands": {strand.id: strand.name[language] for strand in profile.strands},
        "expectations": [
            {"id": one.id, "role": one.role, "level": one.level, "mandatory": one.mandatory,
             "text": one.text[language]}
            for one in profile.expectations
        ],
        "growth": {
            role.id: [
                {"level": step.level.id, "total": step.total, "depths": step.depths}
                for step in shown.growth[role.id]
            ]
            for role in shown.roles
        },
        "expected": [_expected_as_dict(one, language) for one in shown.expected],
        "comparisons": [_comparison_as_dict(one, language) for one in shown.comparisons],
    }  # fmt: skip


def _expected_as_dict(one: Expected, language: str) -> dict[str, Any]:
    found = one.expectation
    return {
        "role": one.role.id,
        "level": one.level.id,
        "id": found.id if found else None,
        "text": found.text[language] if found else None,
        "points": [
            {"strand": point.strand, "text": point.text[language]}
            for point in (found.points if found else ())
        ],
        "commands": [
            {"run": command.run, "does": command.does[language]}
            for command in (found.commands if found else ())
        ],
        "evidence": [
            {
                "text": piece.requirement.text[language],
                "kind": piece.requirement.kind,
                "filters": piece.requirement.filters,
                "least": piece.requirement.least,
                "met": piece.met,
                "proofs": [
                    {"title": proof.title, "where": proof.where,
                     "when": proof.when.isoformat() if proof.when else None}
                    for proof in piece.proofs
                ],
            }
            for piece in one.evidence
        ],
    }  # fmt: skip


def _comparison_as_dict(one: Comparison, language: str) -> dict[str, Any]:
    return {
        "before": {"role": one.before.role, "level": one.before.level},
        "after": {"role": one.after.role, "level": one.after.level},
        "strands": [
            {"strand": found.strand.id, "before": found.before, "after": found.after,
             "change": str(found.change), "points": [p.text[language] for p in found.points]}
            for found in one.differences
        ],
    }  # fmt: skip
