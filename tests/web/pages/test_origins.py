"""What came through the mirror, or was imported, is marked; what was pushed says so in vain."""

from __future__ import annotations

from sqlalchemy import update

from headstart.hub.actions.admitting import KEEPER
from headstart.hub.actions.origins import Origin, origin_of
from headstart.hub.registry import commits, repos
from headstart.hub.registry.model import Change, Commit
from headstart.hub.registry.tables import RepoTable
from tests.hub.conftest import Person
from tests.web.pages.conftest import CARD, Shop, Signed

CLAIM = CARD.replace("---\n#", "headstart: {source: 'hf:org/x', revision: abc}\n---\n#")


def imported(shop: Shop, first: Commit) -> Commit:
    """Let the keeper have brought a model's newest revision in."""
    return shop.hub.database.write(
        lambda c: commits.commit(
            c, repos.by_id(c, first.repo), "main", Change({}, frozenset({"config.json"})),
            title="import hf:org/x", message="", author=KEEPER, parent=None,
        )
    )  # fmt: skip


def test_lists_and_pages_mark_what_came_from_elsewhere(
    shop: Shop, signed: Signed, ann: Person
) -> None:
    shop.push("ann/own", {"README.md": CLAIM})
    base = imported(shop, shop.push("ann/base"))
    away = shop.push("ann/away")
    shop.hub.database.write(
        lambda c: c.execute(
            update(RepoTable).where(RepoTable.id == away.repo).values(mirror="https://example.org")
        )
    )
    client = signed(ann)
    words = {
        "en": {"ann/base": "imported base", "ann/away": "mirrored from another hub"},
        "de": {"ann/base": "importierte Basis", "ann/away": "von einem anderen Hub gespiegelt"},
    }
    for language, told in words.items():
        page = client.get(f"/models?lang={language}").text
        assert page.count('class="tag origin"') == 2
        for name, badge in told.items():
            line = next(one for one in page.split("<li>") if f">{name}<" in one)
            assert badge in line
            assert badge in client.get(f"/{name}?lang={language}").text
        assert 'class="tag origin"' not in client.get(f"/ann/own?lang={language}").text
    assert "imported base" in client.get(f"/ann/base/commit/{base.id}?lang=en").text


def test_a_push_upon_an_import_is_no_import(shop: Shop, signed: Signed, ann: Person) -> None:
    imported(shop, shop.push("ann/base"))
    pushed = shop.push("ann/base", {"README.md": "# changed"})
    repo = shop.hub.database.read(lambda c: repos.by_id(c, pushed.repo))
    assert origin_of(repo, pushed) is None
    assert 'class="tag origin"' not in signed(ann).get("/models").text
    assert Origin.IMPORTED == "imported"
