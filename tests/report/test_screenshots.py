"""The script that takes the README's pictures."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from headstart.report.page import render


def test_pictures_have_the_width_of_their_screens_and_are_small(
    browser: Any, screenshots: ModuleType, factory: ModuleType, tmp_path: Path
) -> None:
    record = factory.study()
    report = tmp_path / "report.html"
    report.write_text(render(record, factory.evidence(record)), encoding="utf-8")

    desktop, phone = screenshots.take(report, tmp_path / "pictures")

    # A PNG's width stands in bytes 16 to 20 (https://www.w3.org/TR/png-3/#11IHDR).
    widths = [int.from_bytes(path.read_bytes()[16:20], "big") for path in (desktop, phone)]
    assert widths == [1280, 390]
    assert max(path.stat().st_size for path in (desktop, phone)) < 300_000


def test_without_chromium_the_error_says_what_was_looked_for(
    screenshots: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    report = tmp_path / "report.html"
    report.write_text("<p>", encoding="utf-8")
    assert screenshots.main([str(report), str(tmp_path)]) == 1
    assert "no Chromium on the PATH" in capsys.readouterr().err


def test_a_missing_report_is_a_wrong_request(
    screenshots: ModuleType, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert screenshots.main([str(tmp_path / "none.html")]) == 2
    assert "there is no report at" in capsys.readouterr().err
