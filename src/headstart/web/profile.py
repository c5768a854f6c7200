"""The skill profile as a fragment of a page: what lies between ``<main>`` and ``</main>``.

It works with links and one form (GET), without a script; looks are left to the page's stylesheet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from markupsafe import Markup

from headstart.org.profile import Profile
from headstart.org.view import Choice, View, chosen
from headstart.web.rendering import environment
from headstart.web.words import Words

PROOFS = 3
"""Finds that are named for a piece of evidence; more are counted."""


def choice_from(profile: Profile, query: Mapping[str, str]) -> Choice:
    """Return what a reader chose by a page's query: role, level, compare, other.

    Whoever chose a level and said nothing of a comparison gets the next level's.

    Raises:
        RequestError: A name that the profile does not have.
    """
    choice = chosen(profile, *(query.get(name) for name in ("role", "level", "compare", "other")))
    if choice.level is None or "compare" in query:
        return choice
    after = profile.following(choice.level.id)
    return Choice(choice.role, choice.level, after, choice.other)


def render(
    view: View,
    words: Words,
    *,
    path: str = "",
    keep: Mapping[str, str] | None = None,
    profiles: Sequence[tuple[str, str]] = (),
    not_read: Sequence[str] = (),
) -> Markup:
    """Return the fragment as HTML; all texts are escaped.

    Args:
        view: What is shown.
        words: In which language.
        path: The page's own address, for links and the form.
        keep: Of the page's query what links and form must carry on (``lang``).
        profiles: Id and name of every profile there is to choose; one alone is no choice.
        not_read: Where evidence was not looked for, and why.
    """
    carried = dict(keep or {})
    if profiles:
        carried["profile"] = view.profile.id

    def address(**chosen: str | None) -> str:
        query = {**carried, **{name: value for name, value in chosen.items() if value}}
        return f"{path}?{urlencode(query)}"

    template = environment().get_template("profile.html")
    most = max(step.total for steps in view.growth.values() for step in steps)
    return Markup(
        template.render(
            view=view,
            profile=view.profile,
            choice=view.choice,
            w=words,
            lang=words.language,
            address=address,
            path=path,
            carried={name: value for name, value in carried.items() if name != "profile"},
            profiles=profiles,
            not_read=not_read,
            most=len(view.profile.levels),
            most_total=most,
            shown=PROOFS,
        )
    )
