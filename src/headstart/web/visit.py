"""One look at a page: who looks, in which language, and how it is answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qs, urlencode

from fastapi import Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy import Connection

from headstart.hub.access.model import Asker
from headstart.hub.errors import BadRequestError, HubError
from headstart.hub.hub import Hub
from headstart.hub.serve.context import base_of, hub_of
from headstart.web import session
from headstart.web.rendering import environment
from headstart.web.words import LANGUAGES, Words, language_for, words_in

T = TypeVar("T")
_UNITS = ("B", "kB", "MB", "GB", "TB")
_LANGUAGE = "headstart-language"
_LONGEST = 64 * 1024
_YEAR = 365 * 24 * 3600
POLICY = "Content-Security-Policy"
HEADERS = {
    POLICY: "default-src 'none'; style-src 'self'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "private, no-store",
    "Vary": "Cookie, Accept-Language",
}
"""Of every page: no script runs, nothing comes from elsewhere, none is kept or framed."""


@dataclass
class Visit:
    """What a page needs to know of the request.

    Attributes:
        request: The request.
        hub: The hub.
        asker: Who looks, by their cookie; a stranger without.
        words: In their language.
    """

    request: Request
    hub: Hub
    asker: Asker
    words: Words

    def read(self, work: Callable[[Connection], T]) -> T:
        """Return what ``work`` finds in the registry."""
        return self.hub.database.read(work)

    @property
    def base(self) -> str:
        """The hub's own address, as the visitor reaches it."""
        return base_of(self.request)

    @property
    def path(self) -> str:
        """The page's own address, as it was sent."""
        raw = self.request.scope.get("raw_path") or self.request.url.path.encode()
        return "/" + bytes(raw).decode("ascii", "replace").partition("?")[0].lstrip("/")

    @property
    def query(self) -> Mapping[str, str]:
        """What the address asks for, each name once."""
        return dict(self.request.query_params)

    def address(self, **changed: str | None) -> str:
        """Return the page's address with a changed query; None leaves a name out."""
        kept = {key: value for key, value in {**self.query, **changed}.items() if value}
        return f"{self.path}?{urlencode(kept)}" if kept else self.path

    @cached_property
    def ticket(self) -> str:
        """What every form on the page must carry."""
        return session.form_ticket(self.hub, self.asker)

    def show(
        self, template: str, *, status: int = 200, scripts: bool = False, **values: Any
    ) -> Response:
        """Answer with a page; one with ``scripts`` may run those that are the hub's own files."""
        html = environment().get_template(template).render(
            visit=self, w=self.words, lang=self.words.language, asker=self.asker,
            languages=LANGUAGES, size=self.size, moment=self.moment, **values,
        )  # fmt: skip
        response = HTMLResponse(html, status, HEADERS)
        if scripts:
            policy = f"{HEADERS[POLICY]}; script-src 'self'; connect-src 'self'"
            response.headers[POLICY] = policy
        if self.request.query_params.get("lang") in LANGUAGES:
            response.set_cookie(
                _LANGUAGE, self.words.language, max_age=_YEAR, path="/", httponly=True,
                samesite="lax",
            )  # fmt: skip
        return response

    def refusal(self, reason: str | None) -> str:
        """Return the pages' own words for why the hub did not do something; "" without such."""
        return self.words.known(f"refusal.{reason}", "")

    def problem(self, error: HubError) -> str:
        """Return what a form that was refused says about it."""
        return self.refusal(error.reason) or error.what

    def go(self, address: str) -> Response:
        """Answer a form that was done: the browser gets the page at ``address``."""
        return RedirectResponse(address, 303, {"Cache-Control": "no-store"})

    def size(self, number: float) -> str:
        """Return a number of bytes for people."""
        power = 0
        while number >= 999.5 and power < len(_UNITS) - 1:
            number, power = number / 1000, power + 1
        text = f"{number:.0f}" if not power or number >= 99.95 else f"{number:.1f}"
        return f"{text.replace('.', self.words('decimal'))} {_UNITS[power]}"

    def moment(self, when: datetime) -> str:
        """Return a time for people, to the minute, in UTC."""
        known = when.astimezone(UTC)
        return f"{self.words.day(known)} {known:%H:%M} UTC"


def visit_of(request: Request) -> Visit:
    """Return what is known of who looks."""
    hub = hub_of(request)
    wanted = request.query_params.get("lang") or request.cookies.get(_LANGUAGE)
    language = language_for(wanted, request.headers.get("accept-language", ""))
    return Visit(request, hub, session.visitor(request, hub), words_in(language))


async def form_of(request: Request) -> dict[str, str]:
    """Return a form's fields, each name once.

    Raises:
        BadRequestError: It is none, or too long.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LONGEST:
            raise BadRequestError("the form is too long")
    try:
        found = parse_qs(body.decode("utf-8"), keep_blank_values=True, max_num_fields=100)
    except ValueError:
        raise BadRequestError("the form cannot be read") from None
    return {name: values[-1].strip() for name, values in found.items()}


def checked_form(
    request: Request, form: Annotated[dict[str, str], Depends(form_of)],
    visit: Annotated[Visit, Depends(visit_of)],
) -> dict[str, str]:  # fmt: skip
    """Return the fields of a form that is ours.

    Raises:
        ForbiddenError: Another site sent it.
    """
    session.check_form(request, visit.hub, visit.asker, form.get("ticket", ""))
    return form


AVisit = Annotated[Visit, Depends(visit_of)]
AForm = Annotated[dict[str, str], Depends(checked_form)]
