"""Check what `headstart demo` left: the record, the verdict, the report, and the model at work.

python scripts/check_demo.py FOLDER SECONDS
"""

from __future__ import annotations

import html
import json
import subprocess
import sys
from pathlib import Path

from headstart.study.record import ArmRecord, StudyRecord

LIMIT_SECONDS = 360.0
LEAST_ACCURACY = 0.77
TEXTS = ("grinning cat", "flag of Norway", "hot beverage", "steam locomotive")
_OPPOSITE = {"better": "worse", "worse": "better", "tie": "tie"}


def problems(folder: Path, seconds: float) -> list[str]:
    """Return what is wrong with the demo's folder, one sentence each; empty if all is well."""
    record = StudyRecord.model_validate_json((folder / "study.json").read_text(encoding="utf-8"))
    found = [f"it took {seconds:.0f} s, more than {LIMIT_SECONDS:.0f}"][: seconds > LIMIT_SECONDS]
    return [
        *found,
        *_verdict(record),
        *_curve(record),
        *_report(folder, record),
        *_model(folder, record),
    ]


def _verdict(record: StudyRecord) -> list[str]:
    arms = {arm.name: arm for arm in record.arms}
    chosen = arms[record.decision.arm]
    found = []
    if chosen.baseline or chosen.base is None or chosen.method == "scratch":
        found.append(f"the delivered arm '{chosen.name}' is no transfer")
    accuracy = chosen.scores["test"]["accuracy"].value
    if accuracy < LEAST_ACCURACY:
        found.append(f"accuracy {accuracy:.3f} is below {LEAST_ACCURACY}")
    for control in ("tfidf", "scratch"):
        rivals = [arm for arm in record.arms if arm.method == control]
        if not rivals:
            found.append(f"the control '{control}' did not run")
        found += [
            f"'{chosen.name}' is not significantly better than '{rival.name}'"
            for rival in rivals
            if _test_verdict(record, chosen, rival) != "better"
        ]
    ran = {arm.method for arm in record.arms}
    wanted = {"majority", "tfidf", "probe", "lora", "finetune", "scratch"}
    found += [f"no arm for '{method}'" for method in sorted(wanted - ran)]
    return found


def _test_verdict(record: StudyRecord, chosen: ArmRecord, rival: ArmRecord) -> str:
    for pair in record.comparisons:
        if pair.part == "test" and (pair.first, pair.second) == (chosen.name, rival.name):
            return pair.verdict
        if pair.part == "test" and (pair.first, pair.second) == (rival.name, chosen.name):
            return _OPPOSITE[pair.verdict]
    return "not compared"


def _curve(record: StudyRecord) -> list[str]:
    sizes = {point.labels for point in record.learning_curve}
    return [] if len(sizes) >= 2 else ["there is no learning curve"]


def _report(folder: Path, record: StudyRecord) -> list[str]:
    page = folder / "report.html"
    if not page.is_file():
        return ["there is no report.html"]
    text = html.unescape(page.read_text(encoding="utf-8"))
    return [] if record.decision.headline in text else ["the headline is not in the report"]


def _model(folder: Path, record: StudyRecord) -> list[str]:
    # In a process of its own, as a user would: nothing of the study is in memory.
    command = [sys.executable, "-m", "headstart.cli.main", "predict", str(folder), "-", "--json"]
    done = subprocess.run(
        command, input="\n".join(TEXTS), capture_output=True, text=True, check=False, timeout=120
    )
    if done.returncode:
        return [f"best/ does not predict: {done.stderr.strip()}"]
    predicted = [row["prediction"] for row in json.loads(done.stdout)]
    if len(predicted) != len(TEXTS) or not set(predicted) <= set(record.task.classes):
        return [f"best/ predicts {predicted}, which are not the classes"]
    if len(set(predicted)) == 1:
        return [f"best/ predicts {predicted[0]} of everything"]
    return []


def main() -> int:
    """Print what is wrong; return the exit code."""
    found = problems(Path(sys.argv[1]), float(sys.argv[2]))
    for line in found:
        print(f"demo: {line}", file=sys.stderr)
    if not found:
        print(f"demo: all well after {float(sys.argv[2]):.0f} s")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
