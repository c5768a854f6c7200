"""The page says what the study found, escapes what the data holds, and needs nothing else."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType

import pytest

from headstart.errors import RequestError
from headstart.report.figures import cost, curves
from headstart.report.figures.style import mark
from headstart.report.page import render, write_report
from headstart.study.evidence import Evidence
from headstart.study.record import CurvePoint, RetentionRecord, ScoreRecord


class Reader(HTMLParser):
    """What a browser would find: visible words, plots, ids, addresses and handlers."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.plots: list[dict[str, object]] = []
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.handlers: list[str] = []
        self.headings: list[str] = []
        self.scripts = 0
        self._in: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.handlers += [name for name in values if name.startswith("on")]
        self.addresses += [v for k, v in attrs if k in ("src", "href") and v]
        self.ids += [v for k, v in attrs if k == "id" and v]
        if tag == "script":
            self.scripts += values.get("type") != "application/json"
        if tag in ("script", "style", "h1", "h2"):
            self._in.append((tag, values))

    def handle_endtag(self, tag: str) -> None:
        if self._in and self._in[-1][0] == tag:
            self._in.pop()

    def handle_data(self, data: str) -> None:
        tag, values = self._in[-1] if self._in else ("", {})
        if tag == "script" and values.get("type") == "application/json":
            self.plots.append(json.loads(data))
        elif tag not in ("script", "style"):
            self.words.append(data)
            if tag in ("h1", "h2"):
                self.headings.append(data.strip())

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))


@pytest.fixture
def whole(factory: ModuleType) -> Reader:
    record = factory.study()
    return Reader(render(record, factory.evidence(record)))


def test_the_verdict_comes_first_and_the_way_to_reproduce_last(whole: Reader) -> None:
    assert whole.headings[0] == "Frozen features are enough: use the probe on minilm-l6"
    assert whole.headings[-1] == "To do it again"


def test_every_part_of_the_evidence_has_its_section(whole: Reader) -> None:
    assert whole.headings[1:] == [
        "What a better score costs",
        "Is the difference real?",
        "How the score grows with labels",
        "How training went",
        "What is taken for what",
        "The most confident mistakes",
        "Class by class",
        "Can its confidence be believed?",
        "Every trial",
        "The data, and what the audit found",
        "What to try next",
        "To do it again",
    ]


def test_scores_costs_and_reasons_are_shown(whole: Reader) -> None:
    for words in (
        "78.3% [76.2, 80.4]",
        "810 GFLOP",
        "1 min 37 s",
        "Transfer helps: it beats the same architecture from scratch by 27.1 points.",
        "loss became NaN",
        "budget spent",
        "12 rows of the test part are nearly the same as a training row",
        "emojis.csv row 17: 'flag: Chad'",
        "You would need about 900 more labels to gain a point.",
        "headstart demo text --seeds 3",
        "2.13.0",
    ):
        assert words in whole.text, words


def test_the_delivered_arm_and_the_ties_are_marked(whole: Reader) -> None:
    assert whole.text.count("✔ delivered") == 1
    assert whole.text.count("≈ tie") == 2


def test_plots_carry_the_numbers_of_the_study(whole: Reader) -> None:
    seconds = whole.plots[0]["data"]
    assert [trace["y"][0] for trace in seconds] == pytest.approx(
        [79.2, 78.9, 78.3, 51.2, 48.6, 21.1]
    )
    assert [trace["x"][0] for trace in seconds] == [97.0, 120.0, 4.4, 101.0, 0.6, 0.01]


def test_arms_differ_in_shape_and_not_in_colour_alone(whole: Reader) -> None:
    markers = [trace["marker"]["symbol"] for trace in whole.plots[0]["data"]]
    assert len(set(markers)) == len(markers)


def test_ids_are_unique_so_that_labels_point_at_one_thing(whole: Reader) -> None:
    assert len(whole.ids) == len(set(whole.ids))


def test_what_was_forgotten_has_a_table_and_a_plot_of_its_own(factory: ModuleType) -> None:
    record = factory.study()
    for at, trial in enumerate(record.trials):
        share = at / 100
        found = ScoreRecord(value=share, low=share - 0.01, high=share + 0.01)
        trial.retention = [
            RetentionRecord(
                suite="wiki", fingerprint="f", metric="perplexity", part=part, items=30,
                before=ScoreRecord(value=30.0, low=29.0, high=31.0),
                after=ScoreRecord(value=30 + at, low=29.0, high=61.0), forgotten=found,
            )
            for part in ("validation", "test")
        ]  # fmt: skip
    page = Reader(render(record, factory.evidence(record)))
    assert "What was forgotten" in page.headings
    assert "wiki" in page.text
    titles = [plot["layout"]["xaxis"]["title"]["text"] for plot in page.plots]
    assert "forgotten, percent of the retained score" in titles
    assert len(page.ids) == len(set(page.ids))


def test_a_curve_shows_the_metric_and_not_how_good_it_is(factory: ModuleType) -> None:
    record = factory.study()
    look = mark(0)
    [trial] = [one for one in record.trials if one.key == "finetune-0"]
    trial.curve = [CurvePoint(step=1, epoch=1, learning_rate=1e-3, loss=2.0, validation=-1.5)]
    plot = json.loads(curves.validation_by_step(look, [trial], "bits_per_byte") or "")
    assert plot["data"][0]["y"] == [1.5]


def test_only_the_two_own_scripts_run_and_no_address_is_named(whole: Reader) -> None:
    assert whole.scripts == 2
    assert all(address.startswith("data:") for address in whole.addresses)


def test_hostile_texts_stay_texts(factory: ModuleType) -> None:
    page = Reader(render(*factory.hostile()))
    assert page.scripts == 2
    assert page.handlers == []
    assert all(address.startswith("data:") for address in page.addresses)
    assert factory.HOSTILE in "".join(page.words)
    assert factory.RIGHT_TO_LEFT in page.text
    assert "{{ 7 * 7 }}" in page.text


def test_a_name_of_ten_thousand_letters_is_shown_whole_and_only_in_texts_and_titles(
    factory: ModuleType,
) -> None:
    name = "<b>" + "x" * 10_000
    record = factory.study(classes=(name, "flags"))
    html = render(record, factory.evidence(record))
    assert name in Reader(html).words
    assert "<b>x" not in html


def test_the_style_fetches_nothing(factory: ModuleType) -> None:
    record = factory.study()
    style = re.findall(r"<style>(.*?)</style>", render(record, Evidence()), flags=re.DOTALL)
    assert len(style) == 1
    assert "url(" not in style[0]
    assert "@import" not in style[0]


def test_a_picture_from_elsewhere_is_not_shown(factory: ModuleType) -> None:
    assert "evil.example" not in render(*factory.hostile())


def test_a_picture_inside_the_page_is_shown_with_words_for_who_cannot_see_it(
    factory: ModuleType,
) -> None:
    record = factory.study()
    seen = factory.evidence(record)
    picture = seen.mistakes[0].model_copy(update={"picture": factory.PIXEL, "text": None})
    html = render(record, seen.model_copy(update={"mistakes": [picture]}))
    assert f'<img src="{factory.PIXEL}" alt="emojis.csv row 0, labelled' in html


def test_many_classes_get_the_confused_pairs_instead_of_a_matrix(factory: ModuleType) -> None:
    record = factory.study(tuple(f"intent {number}" for number in range(77)))
    page = Reader(render(record, factory.evidence(record)))
    assert "The pairs of classes confused most often on the test rows (77 classes" in page.text
    assert "The other 67 classes" in page.text
    assert "truth ↓" not in page.text


def test_several_labels_a_row_have_classes_but_no_matrix(factory: ModuleType) -> None:
    record = factory.study()
    task = record.task.model_copy(update={"objective": "multi-label"})
    seen = factory.evidence(record).model_copy(update={"confusion": []})
    page = Reader(render(record.model_copy(update={"task": task}), seen))
    assert "Class by class" in page.headings
    assert "What is taken for what" not in page.headings


def test_a_study_without_a_learning_curve_has_no_section_for_it(factory: ModuleType) -> None:
    record = factory.study().model_copy(update={"learning_curve": []})
    assert "How the score grows with labels" not in Reader(render(record, Evidence())).headings


def test_a_study_in_which_all_trials_but_one_failed_tells_each_reason(factory: ModuleType) -> None:
    record = factory.study()
    kept = [trial for trial in record.trials if trial.key == record.decision.key]
    failed = [
        factory.trial("lora", seed, key=f"f{seed}", status="failed", scores={}, error=f"why {seed}")
        for seed in range(3)
    ]
    arms = [arm for arm in record.arms if arm.name == record.decision.arm]
    update = {
        "baselines": [],
        "trials": [*failed, *kept],
        "arms": arms,
        "comparisons": [],
        "learning_curve": [],
    }
    page = Reader(render(record.model_copy(update=update), Evidence()))
    assert "4 trials, of which 3 failed and 0 were skipped." in page.text
    assert all(f"why {seed}" in page.text for seed in range(3))


def test_training_of_a_control_is_shown_and_the_rate_that_was_used_is_marked(
    factory: ModuleType,
) -> None:
    record = factory.study()
    controls = [trial for trial in record.trials if trial.method == "scratch"]
    others = [trial for trial in record.trials if trial.method != "scratch"]
    moved = record.model_copy(
        update={"baselines": [*record.baselines, *controls], "trials": others}
    )
    page = Reader(render(moved, Evidence()))
    steps = [plot for plot in page.plots if "step" in str(plot["layout"]["xaxis"]["title"])]
    tests = [plot for plot in page.plots if "learning rate" in str(plot["layout"]["xaxis"])]
    assert len(steps) == len(tests) == 3
    rates = {shape["x0"] for plot in tests for shape in plot["layout"]["shapes"]}
    assert rates == {3e-4}


def test_a_regression_has_residuals_and_the_smallest_error_on_top(factory: ModuleType) -> None:
    page = Reader(render(*factory.regression()))
    assert "How far off the predictions are" in page.headings
    assert "What is taken for what" not in page.headings
    errors = [trace["y"][0] for trace in page.plots[0]["data"]]
    assert errors == sorted(errors)


def test_a_study_of_baselines_alone_has_no_empty_boxes(factory: ModuleType) -> None:
    page = Reader(render(factory.only_baselines(), Evidence()))
    assert page.headings[1:] == [
        "What a better score costs",
        "Every trial",
        "The data, and what the audit found",
        "To do it again",
    ]


def test_a_study_in_which_nothing_finished_says_so(factory: ModuleType) -> None:
    record = factory.only_baselines().model_copy(update={"arms": [], "baselines": []})
    page = Reader(render(record, Evidence()))
    assert "No trial reached the test rows" in page.text
    assert page.plots == []


def test_the_same_study_gives_the_same_page(factory: ModuleType) -> None:
    record = factory.study()
    seen = factory.evidence(record)
    assert render(record, seen) == render(record, seen)


def test_the_report_is_written_beside_the_study(factory: ModuleType, tmp_path: Path) -> None:
    record = factory.study()
    (tmp_path / "study.json").write_text(record.model_dump_json(), encoding="utf-8")
    path = write_report(tmp_path)
    assert path == tmp_path / "report.html"
    assert path.read_text(encoding="utf-8") == render(record, Evidence())


def test_a_folder_without_a_study_is_a_wrong_request(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"there is no study\.json here"):
        write_report(tmp_path)


@pytest.mark.parametrize("broken", ["", "{", '{"version": 2}', "[]"])
def test_a_broken_study_is_a_wrong_request_and_writes_nothing(tmp_path: Path, broken: str) -> None:
    (tmp_path / "study.json").write_text(broken, encoding="utf-8")
    with pytest.raises(RequestError, match=r"study\.json cannot be read"):
        write_report(tmp_path)
    assert not (tmp_path / "report.html").exists()


def test_a_page_from_before_stays_whole_where_the_study_or_its_evidence_is_broken(
    factory: ModuleType, tmp_path: Path
) -> None:
    study = tmp_path / "study.json"
    study.write_text(factory.study().model_dump_json(), encoding="utf-8")
    before = write_report(tmp_path).read_bytes()
    (tmp_path / "evidence.json").write_text('{"confusion": "none"}', encoding="utf-8")
    with pytest.raises(RequestError, match=r"evidence\.json cannot be read: confusion"):
        write_report(tmp_path)
    study.write_bytes(study.read_bytes()[:500])
    with pytest.raises(RequestError, match=r"study\.json cannot be read"):
        write_report(tmp_path)
    assert (tmp_path / "report.html").read_bytes() == before
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"study.json", "evidence.json", "report.html"}


def test_numbers_of_neighbouring_points_stand_on_different_sides() -> None:
    places = cost._places([(28.1, 83.4), (27.2, 82.7), (13.4, 81.2), (0.5, 58.1)])
    assert places == ["middle right", "bottom right", "middle left", "middle right"]
