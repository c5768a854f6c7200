"""Approval by pages: who may, what it does, what the gate found; files and history."""

from __future__ import annotations

from sqlalchemy import Connection
from starlette.testclient import TestClient

from headstart.hub.registry import repos, states
from headstart.hub.registry.model import State
from tests.hub.conftest import Join, Person
from tests.web.pages.conftest import EVIDENCE, Shop, Signed, ticket


def decide(client: TestClient, commit: str, state: str, **more: str) -> object:
    page = f"/ann/birds/commit/{commit}"
    form = {"ticket": ticket(client, page), "commit": commit, "state": state, **more}
    return client.post("/ann/birds/state", data=form)


def test_approval_publishes_and_leads_back_to_the_revision(
    shop: Shop, signed: Signed, stranger: TestClient, cara: Person
) -> None:
    commit = shop.push(state=State.GATED)
    assert "nothing approved" in stranger.get("/ann/birds").text
    assert stranger.get(f"/ann/birds/commit/{commit.id}").status_code == 403
    client = signed(cara)
    page = client.get(f"/ann/birds/commit/{commit.id}").text
    for words in ("2 of 2 checks passed", "The licence mit is allowed.", "0.812 [0.762, 0.859]"):
        assert words in page
    answer = decide(client, commit.id, "approved")
    assert answer.status_code == 303  # type: ignore[attr-defined]
    after = client.get(answer.headers["location"]).text  # type: ignore[attr-defined]
    assert "this revision is approved now" in after
    assert "Tells birds from" in stranger.get("/ann/birds").text


def test_retiring_says_why_in_the_log_and_readers_have_it_no_more(
    shop: Shop, signed: Signed, stranger: TestClient, cara: Person, join: object
) -> None:
    commit = shop.push(state=State.GATED)
    client = signed(cara)
    decide(client, commit.id, "approved")
    decide(client, commit.id, "retired", why="there is a better one")
    assert "nothing approved" in stranger.get("/ann/birds").text
    boss = signed(join("boss", "admin"))  # type: ignore[operator]
    assert "there is a better one" in boss.get("/audit").text


def test_who_may_not_approve_gets_no_button_and_no_way(
    shop: Shop, signed: Signed, ann: Person, cara: Person
) -> None:
    commit = shop.push(state=State.GATED)
    client = signed(ann)
    assert 'action="/ann/birds/state"' not in client.get(f"/ann/birds/commit/{commit.id}").text
    assert decide(client, commit.id, "approved").status_code == 403  # type: ignore[attr-defined]
    assert "gated" in signed(cara).get(f"/ann/birds/commit/{commit.id}").text


def test_a_revision_that_never_passed_cannot_be_approved(
    shop: Shop, signed: Signed, cara: Person
) -> None:
    commit = shop.push()
    client = signed(cara)
    assert "headstart hub gate ann/birds" in client.get(f"/ann/birds/commit/{commit.id}").text
    assert decide(client, commit.id, "approved").status_code == 400  # type: ignore[attr-defined]
    for state in ("gated", "expired", "nonsense", ""):
        assert decide(client, commit.id, state).status_code == 400  # type: ignore[attr-defined]


def test_readers_learn_nothing_of_drafts_from_history_files_or_changes(
    shop: Shop, signed: Signed, stranger: TestClient, cara: Person
) -> None:
    draft = shop.push(files={"secret.txt": "x"})
    good = shop.push(state=State.GATED)
    decide(signed(cara), good.id, "approved")
    later = shop.push(files={"later.txt": "x"})
    history = stranger.get("/ann/birds/commits/main").text
    assert good.id in history
    assert draft.id not in history
    assert later.id not in history
    assert "later.txt" not in stranger.get("/ann/birds/tree/main").text
    assert stranger.get(f"/ann/birds/blob/{later.id}/later.txt").status_code == 403
    # The draft before it is not shown, so all of its files count as new.
    page = stranger.get(f"/ann/birds/commit/{good.id}").text
    assert page.count(">added</span>") == 4


def test_files_are_shown_as_text_or_pictures_and_never_run(
    shop: Shop, signed: Signed, ann: Person
) -> None:
    script = "<script>alert(1)</script>"
    shop.push(files={"a/b/page.html": script, "p.png": b"\x89PNG", "w.bin": b"\0\1"})
    client = signed(ann)
    assert "a/</a>" in client.get("/ann/birds/tree/main").text.replace("</bdi>", "")
    assert "page.html" in client.get("/ann/birds/tree/main/a/b").text
    page = client.get("/ann/birds/blob/main/a/b/page.html").text
    assert script not in page
    assert "&lt;script&gt;" in page
    raw = client.get("/ann/birds/raw/main/a/b/page.html")
    assert raw.headers["content-type"] == "application/octet-stream"
    assert raw.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert client.get("/ann/birds/raw/main/p.png").headers["content-type"] == "image/png"
    assert "no text" in client.get("/ann/birds/blob/main/w.bin").text
    for path in ("none", "a%2f..%2fb", "..%2f..%2fregistry.sqlite3", "..%5cx", "%ff"):
        assert client.get(f"/ann/birds/blob/main/{path}").status_code in (400, 404)


def test_a_renamed_model_is_found_under_its_old_address(
    shop: Shop, signed: Signed, ann: Person
) -> None:
    from headstart.hub.actions import keeping
    from headstart.hub.registry.model import Kind

    shop.push()
    keeping.rename(shop.hub, ann.asker, Kind.MODEL, "ann/birds", "ann", "fowl")
    answer = signed(ann).get("/ann/birds/tree/main")
    assert (answer.status_code, answer.headers["location"]) == (302, "/ann/fowl/tree/main")


def test_lineage_shows_bases_and_children_that_the_reader_may_know(
    shop: Shop, signed: Signed, stranger: TestClient, ann: Person, cara: Person
) -> None:
    commit = shop.push(state=State.GATED)
    decide(signed(cara), commit.id, "approved")
    child = "---\nbase_model: ann/birds\n---\n"
    shop.push("ann/hidden-child", {"README.md": child}, private=True)
    shop.push("ann/base", {"README.md": "---\nbase_model: hidden/root\n---\n"}, private=True)
    page = stranger.get("/ann/birds/lineage").text
    assert "ann/base" in page  # the card says so
    assert "hidden/root" not in page
    assert "hidden-child" not in page
    assert "not on this hub" in page
    full = signed(ann).get("/ann/birds/lineage").text
    assert "hidden/root" in full
    assert "hidden-child" in full


def test_each_step_of_a_lineage_tells_data_study_cost_and_forgetting(
    shop: Shop, signed: Signed, ann: Person
) -> None:
    own = (
        "headstart: {base: 'hub:ann/base@approved', method: lora, trial: abc, seed: 1, "
        "data: {name: songs}, cost: {seconds: 120, flop: 2.0e12}, "
        "score: {metric: accuracy, value: 0.8, low: 0.75, high: 0.85}, "
        "forgotten: [{suite: sts, metric: m, value: 0.01, low: 0, high: 0.02}]}"
    )
    shop.push(files={"README.md": f"---\nbase_model: ann/base\n{own}\n---\n# x\n"})
    shop.push("ann/base")
    for page in ("/ann/birds/lineage", "/ann/birds"):
        text = signed(ann).get(page).text
        for told in (
            "lora",
            "songs",
            "trial abc, seed 1",
            "2 min, 2.0e+12 FLOP",
            "accuracy 0.8 [0.75, 0.85]",
            "sts: 1 [0, 2] %",
            'href="/ann/base',
        ):
            assert told in text, (page, told)


def test_where_two_must_approve_the_first_is_told_so(
    shop: Shop, signed: Signed, cara: Person
) -> None:
    commit = shop.push()
    evidence = {**EVIDENCE, "approval": {"least": 2}}

    def work(connection: Connection) -> None:
        repo = repos.by_id(connection, commit.repo)
        states.put(connection, repo, commit, State.GATED, "-", evidence=evidence)

    shop.hub.database.write(work)
    client = signed(cara)
    answer = decide(client, commit.id, "approved")
    after = client.get(answer.headers["location"]).text  # type: ignore[attr-defined]
    assert "1 of 2 have approved so far" in after
    assert "approved by cara (1 of 2)" in after


def test_nobody_is_offered_to_approve_their_own_and_learns_why(
    shop: Shop, signed: Signed, join: Join
) -> None:
    boss = join("boss", "admin")
    commit = Shop(shop.hub, boss).push(state=State.GATED)
    client = signed(boss)
    page = client.get(f"/ann/birds/commit/{commit.id}").text
    assert "Nobody approves their own work" in page
    assert 'value="approved"' not in page
    answer = decide(client, commit.id, "approved")
    assert answer.status_code == 403  # type: ignore[attr-defined]
    assert 'role="alert"' in answer.text  # type: ignore[attr-defined]


def test_the_audit_log_is_read_by_person_and_by_thing(
    shop: Shop, signed: Signed, join: Join
) -> None:
    shop.push()
    shop.push("ann/fish")
    boss = signed(join("boss", "admin"))
    assert "ann/fish" in boss.get("/audit?who=ann").text
    assert "ann/fish" not in boss.get("/audit?target=ann/birds").text
    assert "pushed to" in boss.get("/audit?target=ann/birds").text
    assert "Nothing here fits" in boss.get("/audit?who=nobody").text
