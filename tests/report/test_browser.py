"""The page as a browser shows it: nothing complains, nothing is fetched, nothing sticks out."""

from __future__ import annotations

import base64
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from headstart.report.page import render
from headstart.study.evidence import Evidence

KINDS = ("whole", "hostile", "regression", "baselines", "many classes")


@pytest.fixture(scope="module")
def pages(factory: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    record = factory.study()
    many = factory.study(tuple(f"intent_{number}_of_a_bank" for number in range(77)))
    made = {
        "whole": (record, factory.evidence(record)),
        "hostile": factory.hostile(),
        "regression": factory.regression(),
        "baselines": (factory.only_baselines(), Evidence()),
        "many classes": (many, factory.evidence(many)),
    }
    folder = tmp_path_factory.mktemp("pages")
    for name, (study, seen) in made.items():
        (folder / f"{name}.html").write_text(render(study, seen), encoding="utf-8")
    return {name: folder / f"{name}.html" for name in made}


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_opens_from_a_file_without_complaints_or_requests(
    browser: Any, pages: dict[str, Path], kind: str
) -> None:
    seen = browser.open(pages[kind].as_uri(), 1280, 900)
    assert seen.complaints == []
    asked = [address for address in seen.requests if not address.startswith("data:")]
    assert asked == [pages[kind].as_uri()]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("width", [375, 1280])
def test_the_page_is_no_wider_than_its_screen(
    browser: Any, pages: dict[str, Path], kind: str, width: int
) -> None:
    browser.open(pages[kind].as_uri(), width, 844)
    assert browser.evaluate("document.documentElement.scrollWidth") == width


def test_every_plot_is_drawn(browser: Any, pages: dict[str, Path]) -> None:
    browser.open(pages["whole"].as_uri(), 1280, 900)
    places = browser.evaluate("document.querySelectorAll('.plot').length")
    drawn = browser.evaluate("document.querySelectorAll('.plot svg.main-svg:first-child').length")
    assert drawn == places > 8


def test_a_script_from_the_data_does_not_run(browser: Any, pages: dict[str, Path]) -> None:
    browser.open(pages["hostile"].as_uri(), 1280, 900)
    assert browser.evaluate("document.title") != "owned"
    assert browser.evaluate("document.querySelectorAll('img[onerror]').length") == 0


def test_a_click_on_a_heading_sorts_the_trials(browser: Any, pages: dict[str, Path]) -> None:
    browser.open(pages["whole"].as_uri(), 1280, 900)
    cells = (
        "Array.from(document.querySelectorAll('table.sortable tbody tr'))"
        ".map(row => Number(row.cells[6].dataset.value))"
    )
    before = browser.evaluate(cells)
    browser.evaluate("document.querySelectorAll('table.sortable th button')[6].click()")
    assert browser.evaluate(cells) == sorted(before) != before


def test_dark_pages_have_light_ink(browser: Any, pages: dict[str, Path]) -> None:
    ink = "getComputedStyle(document.querySelector('.plot svg text')).fill"
    browser.media("", "dark")
    browser.open(pages["whole"].as_uri(), 1280, 900)
    dark = browser.evaluate(ink)
    browser.media("", "light")
    assert (dark, browser.evaluate(ink)) == ("rgb(232, 235, 238)", "rgb(27, 31, 36)")


def test_printing_opens_what_is_folded_and_fits_plots_to_the_sheet(
    browser: Any, pages: dict[str, Path]
) -> None:
    browser.open(pages["many classes"].as_uri(), 1280, 900)
    browser.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    closed = browser.evaluate("document.querySelectorAll('details:not([open])').length")
    widest = browser.evaluate(
        "Math.max(...Array.from(document.querySelectorAll('.main-svg'))"
        ".map(plot => Number(plot.getAttribute('width'))))"
    )
    browser.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert (closed, widest) == (0, 640)
    assert browser.evaluate("document.querySelectorAll('details[open]').length") == 0


def test_the_page_prints_to_pdf(browser: Any, pages: dict[str, Path]) -> None:
    browser.open(pages["whole"].as_uri(), 1280, 900)
    printed = base64.b64decode(browser.call("Page.printToPDF", printBackground=False)["data"])
    assert printed.startswith(b"%PDF-")
    assert printed.count(b"/Type /Page\n") > 2
