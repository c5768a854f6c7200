"""What a gate found, for people: reasons by file, figures with intervals; anybody's checks."""

from __future__ import annotations

from headstart.web.evidence import Detail, Table, agreed, read
from headstart.web.words import words_in

ENGLISH = words_in("en")


def details(**told: object) -> tuple[Detail, ...]:
    shown = read({"findings": [{"check": "x", "passed": True, "details": told}]}, ENGLISH)
    assert shown is not None
    return shown.findings[0].details


def test_what_did_not_pass_comes_first_with_its_reasons_by_file() -> None:
    reasons = [{"file": "a.bin", "reason": "it is a pickle"}, {"file": "", "reason": "too many"}]
    shown = read(
        {
            "findings": [
                {"check": "size", "passed": True, "words": "small"},
                {"check": "pickle", "passed": False, "words": "no",
                 "details": {"reasons": reasons, "count": 7, "files": 2}},
            ],
            "standard": {"name": "house"},
            "seconds": 1.25,
        },
        ENGLISH,
    )  # fmt: skip
    assert shown is not None
    assert [one.check for one in shown.findings] == ["pickle", "size"]
    assert shown.findings[0].reasons == (("a.bin", "it is a pickle"), ("", "too many"))
    assert shown.findings[0].details == (Detail("files", "2"), Detail("reasons in all", "7"))
    assert (shown.passed, shown.standard, shown.facts) == (1, "house", (("seconds", "1.25"),))


def test_figures_that_belong_together_are_a_table_with_their_intervals() -> None:
    lost = {"value": 0.061, "low": 0.04, "high": 0.08}
    (found,) = details(suites=[{"suite": "sts", "forgotten": lost}, {"suite": "other", "n": 1200}])
    assert found.table == Table(
        ("suite", "forgotten", "n"), (("sts", "0.061 [0.04, 0.08]", ""), ("other", "", "1,200"))
    )
    (found,) = details(tasks={"emoji": {"score": lost}, "news": {"score": lost}})
    assert found.table is not None
    assert found.table.rows[1] == ("news", "0.061 [0.04, 0.08]")
    (found,) = details(by={"a": lost, "b": 3})
    assert found.table == Table((), (("a", "0.061 [0.04, 0.08]"), ("b", "3")))


def test_anything_else_is_shown_as_it_is_and_nothing_breaks() -> None:
    shown = details(a=None, b=True, c=10**400, d=float("inf"), e=["x", [1]], f={}, g="y" * 900)
    assert [one.text for one in shown[:2]] == ["–", "yes"]
    assert [one.text for one in shown[3:6]] == ["inf", "x, 1", ""]
    assert all(len(one.text) <= 400 for one in shown)
    assert read({"findings": "no", "standard": 3}, ENGLISH) is not None
    assert read(None, ENGLISH) is None


def test_who_has_approved_is_told_beside_how_many_must() -> None:
    found = agreed({"approved_by": ["ann"], "approval": {"least": 2}})
    assert (found.by, found.least) == (("ann",), 2)
    assert agreed(None).least == agreed({"approval": "no"}).least == 1
