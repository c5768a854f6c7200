"""Tokens, teams, the audit log and studies: for those who are known, and as far as they may."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from headstart.hub.access import owners, tokens
from headstart.hub.access.model import Role
from headstart.hub.errors import BadTokenError
from headstart.hub.hub import Hub
from tests.hub.conftest import Join, Person
from tests.web.pages.conftest import Signed, ticket

DAY = 24 * 3600


def made(client: TestClient, **form: str) -> str | None:
    """Make a token by the page; return its text, or None if that was refused."""
    answer = client.post("/tokens", data={"ticket": ticket(client, "/tokens"), **form})
    found = re.search(r"<code>(hf_\w+)</code>", answer.text)
    assert (found is None) == (answer.status_code != 200)
    return found[1] if found else None


def test_a_token_is_shown_once_and_opens_what_was_asked_for(
    hub: Hub, signed: Signed, ann: Person
) -> None:
    client = signed(ann)
    text = made(client, role="read", days="7", scope="ann/birds, ann/fish", name="ci")
    assert text is not None
    asker = hub.database.read(lambda c: tokens.recognise(c, text))
    assert (asker.name, asker.role, asker.scope) == ("ann", Role.READ, ("ann/birds", "ann/fish"))
    assert asker.token is not None
    assert asker.token.expires is not None
    page = client.get("/tokens").text
    assert text not in page
    assert "ci" in page


@pytest.mark.parametrize(
    "form",
    [
        {"role": "approve", "days": "7"},
        {"role": "admin", "days": ""},
        {"role": "read", "days": "100000"},
        {"role": "nonsense", "days": "7"},
        {"role": "read", "days": "7", "scope": "../x"},
    ],
)
def test_nobody_makes_a_token_that_opens_more_than_their_own(
    signed: Signed, ann: Person, form: dict[str, str]
) -> None:
    assert made(signed(ann), **form) is None


def test_a_tokens_children_stay_within_its_scope_and_time(
    hub: Hub, signed: Signed, join: Join
) -> None:
    client = signed(join("ann", "write", days=3, scope=("ann/birds",)))
    assert made(client, role="read", days="7", scope="ann/fish") is None
    assert made(client, role="read", days="7", scope="ann") is None
    text = made(client, role="read", days="")
    child = hub.database.read(lambda c: tokens.recognise(c, str(text)))
    assert child.scope == ("ann/birds",)
    assert child.token is not None
    assert child.token.expires is not None
    assert (child.token.expires - child.token.created).days < 3


def test_only_own_tokens_can_be_revoked(hub: Hub, signed: Signed, ann: Person, ben: Person) -> None:
    client = signed(ann)
    text = str(made(client, role="read", days="7"))
    child = hub.database.read(lambda c: tokens.recognise(c, text)).token
    assert child is not None

    def revoke(who: TestClient) -> int:
        form = {"ticket": ticket(who, "/tokens"), "id": child.id}
        return who.post("/tokens/revoke", data=form).status_code

    assert revoke(signed(ben)) == 400
    assert revoke(client) == 303
    with pytest.raises(BadTokenError):
        hub.database.read(lambda c: tokens.recognise(c, text))


def test_a_teams_admins_say_who_belongs_and_others_do_not_learn_of_it(
    hub: Hub, signed: Signed, ann: Person, ben: Person, cara: Person
) -> None:
    client = signed(ann)
    form = {"ticket": ticket(client, "/teams"), "name": "vision"}
    assert client.post("/teams", data=form).headers["location"] == "/teams/vision?done=founded"
    assert client.post("/teams", data=form).status_code == 409

    def put(who: TestClient, user: str, role: str) -> int:
        form = {"ticket": ticket(who, "/tokens"), "user": user, "role": role}
        return who.post("/teams/vision", data=form).status_code

    assert signed(ben).get("/teams/vision").status_code == 404
    assert put(signed(ben), "ben", "admin") == 404
    assert put(client, "ben", "write") == 303
    assert put(signed(ben), "ben", "admin") == 403
    assert put(client, "nobody", "write") == 400
    assert put(client, "ann", "none") == 400  # it would have no admin
    assert hub.database.read(lambda c: owners.members_of(c, "vision")) == {
        "ann": Role.ADMIN, "ben": Role.WRITE,
    }  # fmt: skip
    assert signed(cara).get("/teams/vision").status_code == 404


def test_the_audit_log_is_for_admins_and_goes_on_by_links(
    hub: Hub, signed: Signed, ann: Person, join: Join
) -> None:
    for number in range(60):
        join(f"user{number}", "read")
    client = signed(join("boss", "admin"))
    first = client.get("/audit").text
    assert ">user59<" in first
    link = re.search(r'rel="next" href="([^"]+)"', first)
    assert link is not None
    assert ">user0<" in client.get(link[1]).text
    assert signed(ann).get("/audit").status_code == 404
    assert signed(join("part", "admin", scope=("part",))).get("/audit").status_code == 404


def study(folder: Path, name: str, **files: str) -> Path:
    place = folder / name
    (place / "trials").mkdir(parents=True)
    for file, text in files.items():
        (place / file.replace("_", ".")).write_text(text, encoding="utf-8")
    return place


def test_studies_show_decisions_and_how_far_running_ones_are(
    studies: Path, signed: Signed, ann: Person
) -> None:
    record = {"task": {"name": "birds & co"}, "decision": {"headline": "Frozen is enough"}}
    study(studies, "done", study_json=json.dumps(record), report_html="<script>1</script>")
    live = study(studies, "live", log_txt="2026-01-01T00:00:00Z begin probe\n",
                 request_json='{"budget": {"seconds": 600}}')  # fmt: skip
    (live / "trials" / "a.json").write_text("{}")
    old = study(studies, "old", log_txt="not a log at all")
    os.utime(old / "log.txt", (DAY, DAY))
    study(studies, "odd", study_json="[" * 100_000)
    (studies / "no-study").mkdir()
    client = signed(ann)
    page = client.get("/studies").text
    assert "birds &amp; co" in page
    assert "no-study" not in page
    assert "Frozen is enough" in client.get("/studies/done").text
    running = client.get("/studies/live")
    assert "1 trial finished" in running.text
    assert "Now: probe" in running.text
    assert "script-src 'self'" in running.headers["content-security-policy"]
    assert "silent" in client.get("/studies/old").text
    assert client.get("/studies/odd").status_code == 200


def test_a_report_runs_cut_off_from_the_hub(studies: Path, signed: Signed, ann: Person) -> None:
    study(studies, "done", study_json="{}", report_html="<script>1</script>")
    answer = signed(ann).get("/studies/done/report")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-scripts")
    assert "allow-same-origin" not in policy
    assert answer.text == "<script>1</script>"


def test_no_address_leads_out_of_the_folder_of_studies(
    studies: Path, signed: Signed, ann: Person, join: Join, tmp_path: Path
) -> None:
    outside = study(tmp_path, "outside", study_json="{}", report_html="secret")
    (studies / "link").symlink_to(outside)
    inside = study(studies, "inside", study_json="{}")
    (inside / "report.html").symlink_to(outside / "report.html")
    client = signed(ann)
    for name in ("..%2foutside", "link", "..", ".", "%2e%2e", "inside"):
        assert "secret" not in client.get(f"/studies/{name}/report").text
    part = signed(join("part", "read", scope=("part/x",)))
    assert part.get("/studies").status_code == 404


def test_the_profile_shows_evidence_to_who_may_know_of_it(
    studies: Path, signed: Signed, stranger: TestClient, ann: Person
) -> None:
    trial = {"base": "x:y", "method": "probe", "seed": 0, "status": "done"}
    record = {"task": {"name": "hidden-birds", "kind": "classification", "modality": "text"},
              "trials": [trial]}  # fmt: skip
    study(studies, "one", study_json=json.dumps(record))
    address = "/profile?role=data-scientist&level=junior"
    assert "hidden-birds" in signed(ann).get(address).text
    assert "hidden-birds" not in stranger.get(address).text
    assert stranger.get("/profile?role=nobody").status_code == 400
