"""The hub as evidence: what was gated and approved, for who may know."""

from __future__ import annotations

from headstart.hub.access.model import Asker
from headstart.hub.actions import approving
from headstart.hub.registry.model import State
from headstart.org.hubs import HubEvidence
from tests.hub.conftest import Person
from tests.web.pages.conftest import CARD, Shop


def test_models_gates_and_standards_are_found_by_what_they_are(
    shop: Shop, cara: Person, ann: Person
) -> None:
    base = {"README.md": CARD.replace("ann/base", "out/side").replace("text-", "image-")}
    good = shop.push("ann/base", base, state=State.GATED)
    approving.approve(shop.hub, cara.asker, "ann/base", good.id)
    shop.push("ann/birds", state=State.REFUSED)
    found = HubEvidence(shop.hub.database, ann.asker).find
    (proof,) = found("model", {"state": ["approved"], "modality": ["image"]})
    assert proof.title == "ann/base: approved"
    assert proof.link == f"/ann/base/commit/{good.id}"
    assert [one.title for one in found("model", {"lineage": ["adapted-again"]})] == [
        "ann/birds: refused"
    ]
    assert len(found("model", {"lineage": ["adapted"], "origin": ["pushed"]})) == 2
    assert len(found("gate", {"check": ["licence"]})) == 2
    assert found("gate", {"check": ["pickle"]}) == []
    assert [one.key for one in found("standard", {"rules": ["licences"]})] == ["standard house"]
    assert found("standard", {"rules": ["latency"]}) == []
    assert found("study", {}) == []


def test_what_somebody_may_not_see_is_no_evidence(shop: Shop, cara: Person, ben: Person) -> None:
    private = shop.push("ann/secret", private=True, state=State.GATED)
    approving.approve(shop.hub, cara.asker, "ann/secret", private.id)
    shop.push("ann/draft", state=State.GATED)
    for asker in (Asker(), ben.asker):
        found = HubEvidence(shop.hub.database, asker).find
        assert found("model", {}) == found("gate", {}) == found("standard", {}) == []
    assert len(HubEvidence(shop.hub.database, cara.asker).find("model", {})) == 2
