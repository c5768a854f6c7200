"""A repo's history, one revision with what the gate found, and what somebody makes of it."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import APIRouter, Query, Response
from sqlalchemy import Connection

from headstart.hub.actions import approving, gating
from headstart.hub.errors import BadRequestError, ForbiddenError, HubError, NoRevisionError
from headstart.hub.registry import commits, states, trees
from headstart.hub.registry.model import Commit, Entry, Kind, State
from headstart.hub.registry.states import Standing
from headstart.hub.serve.context import name_of
from headstart.hub.serve.gatekeeper import Gatekeeper
from headstart.web.evidence import agreed, read
from headstart.web.faults import PageRoute
from headstart.web.pages.shelf import Shelf, held, shelf
from headstart.web.visit import AForm, AVisit, Visit

router = APIRouter(route_class=PageRoute, include_in_schema=False)
PAGE, CHANGES = 25, 100
Changes = list[tuple[str, str]]


@router.get("/datasets/{owner}/{name}/commits/{revision}")
def dataset_history(
    owner: str, name: str, revision: str, visit: AVisit, p: Annotated[int, Query(ge=0)] = 0
) -> Response:
    """List a data set's revisions."""
    return _history(visit, Kind.DATASET, owner, name, revision, p)


@router.get("/{owner}/{name}/commits/{revision}")
def model_history(
    owner: str, name: str, revision: str, visit: AVisit, p: Annotated[int, Query(ge=0)] = 0
) -> Response:
    """List a model's revisions, with their states."""
    return _history(visit, Kind.MODEL, owner, name, revision, p)


@router.get("/datasets/{owner}/{name}/commit/{revision}")
def dataset_commit(owner: str, name: str, revision: str, visit: AVisit) -> Response:
    """Show one revision of a data set."""
    return show_commit(visit, Kind.DATASET, owner, name, revision)


@router.get("/{owner}/{name}/commit/{revision}")
def model_commit(owner: str, name: str, revision: str, visit: AVisit) -> Response:
    """Show one revision of a model: its state, the gate's evidence, and what may be made of it."""
    return show_commit(visit, Kind.MODEL, owner, name, revision)


@router.post("/{owner}/{name}/state")
def decide(owner: str, name: str, visit: AVisit, form: AForm) -> Response:
    """Approve, retire, revoke or refuse a revision."""
    full, commit = name_of(owner, name), form.get("commit", "")
    if form.get("state") not in list(State):
        raise BadRequestError("no such state")
    state = State(form["state"])
    try:
        if state is State.APPROVED:
            done = approving.approve(visit.hub, visit.asker, full, commit)
        elif state in (State.RETIRED, State.REVOKED, State.REFUSED):
            why = form.get("why", "")
            done = approving.withdraw(visit.hub, visit.asker, full, commit, state, why)
        else:
            raise BadRequestError("only the gate says so")
    except (BadRequestError, ForbiddenError) as refused:
        return show_commit(visit, Kind.MODEL, owner, name, commit, refused)
    return visit.go(f"/{full}/commit/{done.id}?done={state}")


def _history(visit: Visit, kind: Kind, owner: str, name: str, revision: str, p: int) -> Response:
    def look(connection: Connection) -> tuple[Shelf, list[Commit], dict[str, Standing]]:
        found = shelf(connection, visit, kind, owner, name, revision)
        line = commits.history(connection, found.repo, held(found))
        judged = {one.commit: one for one in states.all_of(connection, found.repo)}
        if kind is Kind.MODEL and not found.drafts:
            good = states.approved_ids(connection, found.repo)
            line = [one for one in line if one.id in good]
        return found, line, judged

    found, line, judged = visit.read(look)
    return visit.show(
        "revisions.html", shelf=found, tab="revisions", line=line[p * PAGE : (p + 1) * PAGE],
        judged=judged, p=p, more=len(line) > (p + 1) * PAGE, candidate=State.CANDIDATE,
    )  # fmt: skip


def show_commit(
    visit: Visit, kind: Kind, owner: str, name: str, revision: str,
    refused: HubError | None = None,
) -> Response:  # fmt: skip
    """Show a revision, and, of a form that was refused, why."""

    def look(connection: Connection) -> tuple[Shelf, Changes, HubError | None]:
        found = shelf(connection, visit, kind, owner, name, revision)
        commit, objection = held(found), None
        if found.approves:
            objection = approving.objection(connection, found.repo, commit, visit.asker)
        return found, _changes(connection, found, commit), objection

    found, changes, objection = visit.read(look)
    state = found.standing.state if found.standing else None
    evidence = found.standing.evidence if found.standing else None
    keeper = cast(Gatekeeper, visit.request.app.state.gatekeeper)
    step = keeper.step(held(found)) if found.drafts else None
    live = step is not None and refused is None  # a page that answers a form is not asked again
    return visit.show(
        "commit.html", status=refused.status if refused else 200, shelf=found, tab="gate",
        commit=held(found), problem=visit.problem(refused) if refused else "",
        objection=visit.problem(objection) if objection else "", agreed=agreed(evidence),
        current=found.readers == held(found).id,
        changes=changes[:CHANGES], more=max(0, len(changes) - CHANGES),
        evidence=read(evidence, visit.words),
        ways=approving.ways(state) if state and found.approves else [],
        done=_done(visit.query.get("done", ""), state), step=step, live=live, scripts=live,
        fault=keeper.fault(held(found)) if found.drafts else None, standard=keeper.standard.name,
        judges=keeper.is_chosen and _is_open(found) and visit.asker.may_see_drafts(found.repo),
    )  # fmt: skip


def _is_open(found: Shelf) -> bool:
    return found.standing is not None and gating.is_open(found.standing)


def _done(told: str, state: State | None) -> str:
    """Return what became of a form, if it is so: "agreed" where others must approve, too."""
    if told == State.APPROVED and state is State.GATED:
        return "agreed"
    return told if told == state else ""


def _changes(connection: Connection, found: Shelf, commit: Commit) -> Changes:
    """Return how each file differs from the revision before; all is new where that is no reader's.

    The kinds are "added", "changed" and "removed".
    """
    before: dict[str, Entry] = {}
    if commit.parent is not None:
        try:
            parent = commits.by_id(connection, found.repo, commit.parent)
        except NoRevisionError:
            parent = None
        if parent is not None and _sees(connection, found, parent):
            before = trees.entries(connection, parent.tree)
    after = trees.entries(connection, commit.tree)
    kinds = dict.fromkeys(after.keys() - before.keys(), "added")
    kinds |= dict.fromkeys(before.keys() - after.keys(), "removed")
    kinds |= {path: "changed" for path in after.keys() & before.keys()
              if after[path] != before[path]}  # fmt: skip
    return [(path, kinds[path]) for path in sorted(kinds)]


def _sees(connection: Connection, found: Shelf, commit: Commit) -> bool:
    return found.drafts or commit.id in states.approved_ids(connection, found.repo)
