"""Schemathesis asks what the API's own schema allows, and what it does not: nothing breaks.

``HEADSTART_SCHEMA_EXAMPLES`` asks more (200 takes some ten minutes).
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from starlette.testclient import TestClient

from headstart.hub.access import tokens
from headstart.hub.actions import admitting
from headstart.hub.hub import Hub, open_hub
from headstart.hub.serve.app import create_app
from headstart.hub.signing import after, ticket
from tests.hub.conftest import Person
from tests.hub.serve.talk import Talk

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")

EXAMPLES = int(os.environ.get("HEADSTART_SCHEMA_EXAMPLES", "2"))
ROLES = {"rita": "read", "ann": "write", "cara": "approve", "boss": "admin"}
KNOWN = {"owner": "ann", "name": "m", "revision": "main", "path": "README.md", "kinds": "models"}
Answers = dict[tuple[str, int], str]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    found = open_hub(Path(tmp_path_factory.mktemp("schema")) / "hub")
    yield found
    found.database.close()


@pytest.fixture(scope="module")
def people(served: Hub) -> dict[str, str]:
    """Return a token of each role, and none; ann has a model and a data set."""
    texts = {name: admitting.token(served, name, role)[0] for name, role in ROLES.items()}
    asker = served.database.read(lambda c: tokens.recognise(c, texts["ann"]))
    talk, ann = Talk(TestClient(create_app(served))), Person("ann", texts["ann"], asker)
    for kind in ("model", "dataset"):
        talk.create(ann, "m", private=False, kind=kind)
        assert talk.push(ann, "ann/m", kind, README__md="---\nlicense: mit\n---\n# Hi").is_success
    return {"": "", **texts}


@pytest.fixture(scope="module")
def schema(served: Hub) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one function answers GET and HEAD
        return schemathesis.openapi.from_asgi("/openapi.json", create_app(served))


def known(hub: Hub, case: Any) -> dict[str, Any]:
    """Return a case's parameters with those that lead to something that is there."""
    told = {"repo": "x", "user": "ann", "sha256": "0" * 64, "size": 1, "xorb": "x", "first": 0,
            "last": 9}  # fmt: skip
    purpose = "xet-data" if "/cas/data" in case.path else "lfs"
    leads = {**KNOWN, "link": ticket(hub.secret, purpose, told, after(99))}
    given = case.path_parameters or {}
    return {**given, **{key: value for key, value in leads.items() if key in given}}


def asked(hub: Hub, operation: Any, people: dict[str, str]) -> Answers:
    """Ask one operation in many ways, as everybody; return an answer of each status."""
    found: Answers = {}

    def ask(case: Any) -> None:
        for parameters in (case.path_parameters, known(hub, case)):
            case.path_parameters = parameters
            for name, text in people.items():
                headers = {"Authorization": f"Bearer {text}"} if text else {}
                answer = case.call(headers=headers)
                found.setdefault((name, answer.status_code), answer.text)

    way: Callable[..., Any] = settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, database=None,
        suppress_health_check=list(HealthCheck), phases=[Phase.generate],
    )  # fmt: skip
    way(given(case=operation.as_strategy())(ask))()
    return found


@pytest.mark.slow
def test_nothing_that_the_schema_allows_breaks_the_server(
    served: Hub, schema: Any, people: dict[str, str]
) -> None:
    answers = {
        operation.label: asked(served, operation, people)
        for operation in (result.ok() for result in schema.get_all_operations())
    }
    assert len(answers) > 35
    broken = [
        (label, status, text[:200])
        for label, found in answers.items()
        for (_, status), text in found.items()
        if status >= 500
    ]
    assert broken == []
    worked = {label for label, found in answers.items() if any(s < 300 for _, s in found)}
    assert len(worked) > 15  # it got past the door


def test_a_server_that_breaks_is_found(served: Hub, people: dict[str, str]) -> None:
    app = create_app(served)

    @app.get("/broken")
    def broken(number: int) -> float:
        return number / 0

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = schemathesis.openapi.from_asgi("/openapi.json", app)
    operation = found["/broken"]["GET"]
    with pytest.raises(ZeroDivisionError):
        asked(served, operation, people)
