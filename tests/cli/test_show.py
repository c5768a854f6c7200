"""The end of a study on the terminal agrees with the record."""

from __future__ import annotations

from pathlib import Path

import pytest

from headstart.cli import show
from headstart.study.record import StudyRecord


def printed(record: StudyRecord, capsys: pytest.CaptureFixture[str]) -> list[str]:
    show.study(record, Path("run"))
    return capsys.readouterr().out.splitlines()


def test_arms_come_best_first_with_their_standing(
    record: StudyRecord, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [line.split() for line in printed(record, capsys)]
    standing = {row[0]: row[-1] for row in rows if row and row[0] in ("probe", "lora")}
    assert list(standing) == ["probe", "lora"]
    assert standing == {"probe": "delivered", "lora": "tie"}
    (tfidf,) = [row for row in rows if row and row[0] == "tfidf"]
    assert tfidf[-2:] == ["worse,", "baseline"]


def test_an_arm_without_a_test_score_is_shown_without_one(
    record: StudyRecord, capsys: pytest.CaptureFixture[str]
) -> None:
    record.arms[0].scores = {}
    rows = [line.split() for line in printed(record, capsys)]
    (tfidf,) = [row for row in rows if row and row[0] == "tfidf"]
    assert tfidf[1] == "–"


def test_brackets_in_the_users_words_are_shown_as_they_are(
    record: StudyRecord, capsys: pytest.CaptureFixture[str]
) -> None:
    record.decision.headline = "The column [label] was [bold]learnt[/bold]"
    record.arms[1].name = "lora [r=8]"
    shown = "\n".join(printed(record, capsys))
    assert "The column [label] was [bold]learnt[/bold]" in shown
    assert "lora [r=8]" in shown


def test_images_suggest_a_folder_of_photos(
    record: StudyRecord, capsys: pytest.CaptureFixture[str]
) -> None:
    record.task.modality = "image"
    assert "headstart predict run/best photos/" in "\n".join(printed(record, capsys))
