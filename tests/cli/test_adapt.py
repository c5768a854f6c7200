"""The commands that make studies: what they pass on, what they print, how they end."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from typer.testing import Result

from headstart.errors import RequestError, WorkError
from headstart.study.bill import Price
from headstart.study.fit import Fit, Memory
from headstart.study.plan import Plan, Step
from headstart.study.record import StudyRecord

Run = Callable[..., Result]


@pytest.fixture
def asked(api: ModuleType, make_study: Callable[[Path], Any], tmp_path: Path) -> dict[str, Any]:
    """What the command line asked the api for."""
    asked: dict[str, Any] = {}

    def adapt(data: Any, **options: Any) -> Any:
        asked.update(options, data=data)
        print("a library prints this to stdout")
        options["progress"].say("reading")
        return make_study(tmp_path)

    def demo(which: str, **options: Any) -> Any:
        asked.update(options, which=which)
        return make_study(tmp_path)

    api.adapt, api.demo = adapt, demo  # type: ignore[attr-defined]
    return asked


def test_adapt_without_options_leaves_every_choice_to_the_api(
    headstart_cli: Run, asked: dict[str, Any]
) -> None:
    result = headstart_cli("adapt", "reviews.csv")
    assert result.exit_code == 0, result.output
    del asked["progress"]
    assert asked == {
        "data": "reviews.csv",
        "input": None,
        "target": None,
        "task": None,
        "base": None,
        "method": None,
        "budget": None,
        "seeds": 3,
        "learning_curve": False,
        "metric": None,
        "schedule": "cosine",
        "labels_per_class": None,
        "retain": None,
        "forget_at_most": None,
        "ledger": None,
        "audit": False,
        "licence": None,
        "out": None,
        "resume": False,
        "command": "headstart adapt reviews.csv",
    }


def test_adapt_passes_every_option_on(
    headstart_cli: Run, asked: dict[str, Any], tmp_path: Path
) -> None:
    line = (
        "adapt x.csv --input a --input b --target y --task text-pair --base local:one --base two "
        "--method probe --method lora --budget 10min --seeds 5 --learning-curve --metric f1 "
        f"--labels-per-class 16 --ledger none --out {tmp_path} --resume"
    )
    assert headstart_cli(*line.split()).exit_code == 0
    assert asked["input"] == ["a", "b"]
    assert asked["target"] == "y"
    assert asked["task"] == "text-pair"
    assert asked["base"] == ["local:one", "two"]
    assert asked["method"] == ["probe", "lora"]
    assert (asked["budget"], asked["seeds"], asked["metric"]) == ("10min", 5, "f1")
    assert (asked["learning_curve"], asked["labels_per_class"]) == (True, 16)
    assert (asked["ledger"], asked["out"], asked["resume"]) == ("none", tmp_path, True)


@pytest.fixture
def planned(api: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the API plan two steps, the time of one not known, and refuse to adapt."""
    steps = [Step("features · one", Price(12.0, 3e12, 4e6)), Step("probe", Price(None))]
    found = Plan(steps, {"lora": "training it takes 99.0 GB"}, ["At most."])
    monkeypatch.setattr(api, "plan", lambda data, **_: found, raising=False)
    monkeypatch.delattr(api, "adapt", raising=False)


@pytest.mark.usefixtures("planned")
def test_a_plan_is_shown_and_nothing_is_run(headstart_cli: Run) -> None:
    result = headstart_cli("adapt", "x.csv", "--plan")
    assert result.exit_code == 0, result.output
    for shown in ("features · one", "12 s", "3.0 TFLOP", "4.0 MB", "at most", "–", "99.0 GB"):
        assert shown in result.stdout


@pytest.mark.usefixtures("planned")
def test_a_plan_as_json_has_null_for_what_is_not_known(headstart_cli: Run) -> None:
    answer = json.loads(headstart_cli("adapt", "x.csv", "--plan", "--json").stdout)
    assert [step["seconds"] for step in answer["steps"]] == [12.0, None]
    assert (answer["seconds"], answer["flop"], answer["need"]) == (12.0, 3e12, 4e6)
    assert answer["left_out"] == {"lora": "training it takes 99.0 GB"}


def test_a_person_gets_verdict_arms_places_and_the_next_command(
    headstart_cli: Run, asked: dict[str, Any], tmp_path: Path
) -> None:
    result = headstart_cli("adapt", "reviews.csv")
    shown = result.stdout
    assert "Frozen features are enough." in shown
    assert "80.0% [78.0, 82.0]" in shown
    assert "1 min 15 s" in shown
    assert "70 train, 15 validation, 15 test rows; 1 note on the data" in shown
    assert "the loss was NaN" in shown
    assert str(tmp_path / "report.html") in shown
    assert f"headstart predict {tmp_path / 'best'}" in shown
    assert "a library prints" not in shown


@pytest.mark.parametrize("command", [("adapt", "x.csv"), ("demo",)])
def test_json_is_the_only_thing_on_stdout(
    headstart_cli: Run, asked: dict[str, Any], record: StudyRecord, command: tuple[str, ...]
) -> None:
    result = headstart_cli(*command, "--json")
    answer = json.loads(result.stdout)
    assert StudyRecord.model_validate(answer["study"]) == record
    assert answer["model"].endswith("best")


def test_json_still_tells_what_is_said_on_stderr(headstart_cli: Run, asked: dict[str, Any]) -> None:
    assert "reading" in headstart_cli("adapt", "x.csv", "--json").stderr


def test_demo_is_about_text_unless_told_otherwise(
    headstart_cli: Run, asked: dict[str, Any]
) -> None:
    assert headstart_cli("demo").exit_code == 0
    assert asked["which"] == "text"
    assert headstart_cli("demo", "image").exit_code == 0
    assert asked["which"] == "image"


def test_an_unknown_demo_is_a_wrong_request(headstart_cli: Run, asked: dict[str, Any]) -> None:
    assert headstart_cli("demo", "sound").exit_code == 2
    assert not asked


def test_report_prints_where_the_page_is(headstart_cli: Run, api: ModuleType) -> None:
    api.rebuild_report = lambda folder: Path(folder) / "report.html"  # type: ignore[attr-defined]
    assert headstart_cli("report", "runs").stdout == "runs/report.html\n"
    answer = json.loads(headstart_cli("report", "runs", "--json").stdout)
    assert answer == {"report": "runs/report.html"}


def failing(api: ModuleType, error: BaseException) -> None:
    def adapt(*_: Any, **__: Any) -> None:
        raise error

    api.adapt = api.plan = adapt  # type: ignore[attr-defined]


@pytest.mark.parametrize(("kind", "code"), [(RequestError, 2), (WorkError, 1)])
def test_an_error_names_thing_place_and_mend(
    headstart_cli: Run, api: ModuleType, kind: type[RequestError], code: int
) -> None:
    failing(api, kind("row [17] has no label", where="x.csv row 17", mend="fill it in"))
    result = headstart_cli("adapt", "x.csv")
    assert result.exit_code == code
    assert result.stdout == ""
    for part in ("row [17] has no label", "x.csv row 17", "fill it in"):
        assert part in result.stderr
    assert "Traceback" not in result.stderr


def test_ctrl_c_ends_with_130_and_the_command_that_goes_on(
    headstart_cli: Run, api: ModuleType
) -> None:
    failing(api, KeyboardInterrupt())
    result = headstart_cli("adapt", "my reviews.csv")
    assert result.exit_code == 130
    assert "headstart adapt 'my reviews.csv' --resume" in result.stderr


def test_ctrl_c_on_a_resumed_study_does_not_say_resume_twice(
    headstart_cli: Run, api: ModuleType
) -> None:
    failing(api, KeyboardInterrupt())
    assert headstart_cli("adapt", "x.csv", "--resume").stderr.count("--resume") == 1


def test_ctrl_c_on_a_plan_has_nothing_to_resume(headstart_cli: Run, api: ModuleType) -> None:
    failing(api, KeyboardInterrupt())
    result = headstart_cli("adapt", "x.csv", "--plan")
    assert result.exit_code == 130
    assert "--resume" not in result.stderr


def test_an_unforeseen_failure_is_one_line_and_its_traceback_goes_to_log_txt(
    headstart_cli: Run, api: ModuleType, tmp_path: Path
) -> None:
    (tmp_path / "log.txt").write_text("before\n")
    failing(api, ZeroDivisionError("division by\nzero"))
    result = headstart_cli("adapt", "x.csv", "--out", str(tmp_path))
    assert result.exit_code == 1
    assert "ZeroDivisionError (division by)" in result.stderr
    assert str(tmp_path / "log.txt") in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    log = (tmp_path / "log.txt").read_text()
    assert log.startswith("before\n")
    assert "Traceback" in log


def test_an_unforeseen_failure_makes_no_out_folder(
    headstart_cli: Run, api: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    failing(api, ZeroDivisionError())
    out = tmp_path / "new"
    result = headstart_cli("adapt", "x.csv", "--out", str(out))
    assert not out.exists()
    (log,) = tmp_path.glob("headstart-*.log")
    assert str(log) in result.stderr
    assert "ZeroDivisionError" in log.read_text()


@pytest.mark.parametrize(
    "line", ["adapt", "adapt x.csv --seeds 0", "adapt x.csv --seeds many", "adapt x.csv --bases y"]
)
def test_a_line_that_cannot_be_parsed_is_a_wrong_request(
    headstart_cli: Run, asked: dict[str, Any], line: str
) -> None:
    result = headstart_cli(*line.split())
    assert result.exit_code == 2
    assert not asked
    assert sys.argv[1] == "adapt"


@pytest.fixture
def fitted(api: ModuleType, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Let the API say that one method fits a GPU, and one does not."""
    asked: dict[str, Any] = {}
    memory = Memory(base=1e9, weights=1e9, state=2e9, step=0.0, token=1e6, again=1e5)

    def plan(data: str, **options: Any) -> Plan:
        asked.update(options)
        found = [
            Fit("one", name, 512, memory, 1e10, texts, texts > 0) for name, texts in FITS.items()
        ]
        return Plan([], {}, ["T4 has 17.2 GB."], found)

    monkeypatch.setattr(api, "plan", plan, raising=False)
    return asked


FITS = {"lora": 9, "finetune": 0}


def test_what_fits_a_gpu_is_shown(headstart_cli: Run, fitted: dict[str, Any]) -> None:
    result = headstart_cli("adapt", "x.txt", "--plan", "--gpu", "T4", "--context", "512")
    assert result.exit_code == 0, result.output
    assert (fitted["gpu"], fitted["context"]) == ("T4", 512)
    for shown in ("lora", "4.5 GB", "fits, 9 at once", "does not fit", "T4 has 17.2 GB"):
        assert shown in result.stdout


def test_what_fits_a_gpu_as_json(headstart_cli: Run, fitted: dict[str, Any]) -> None:
    answer = json.loads(headstart_cli("adapt", "x.txt", "--plan", "--gpu", "T4", "--json").stdout)
    assert [one["fits"] for one in answer["fits"]] == [True, False]
    assert answer["fits"][0]["memory"]["base"] == 1e9
    assert answer["fits"][0]["need"] == pytest.approx(4e9 + 512e6)


def test_a_gpu_without_a_plan_is_refused(headstart_cli: Run, asked: dict[str, Any]) -> None:
    result = headstart_cli("adapt", "x.txt", "--gpu", "T4")
    assert result.exit_code == 2
    assert "--plan" in result.output
    assert not asked
