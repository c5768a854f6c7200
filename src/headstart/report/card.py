"""The model card: a README.md in the Hub's form, from what the study measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from headstart.files import write_text
from headstart.method.model import METHODS
from headstart.report.licence import UNKNOWN, UNNAMED, licensed
from headstart.report.loading import how_to_load
from headstart.study.record import ArmRecord, ScoreRecord, StudyRecord, TrialRecord
from headstart.study.words import listed, metric_name, with_interval

_TASKS = {
    ("text", "classification"): "text-classification",
    ("text", "text-pair"): "text-classification",
    ("text", "regression"): "text-classification",
    ("text", "token-classification"): "token-classification",
    ("text", "language-modeling"): "text-generation",
    ("text", "instruction"): "text-generation",
    ("image", "classification"): "image-classification",
    ("image", "regression"): "image-classification",
}
_METRICS = {"ece": "expected calibration error"}  # what a reader of the table may not know
_SHOWN = 20  # classes named in the card
_OF_BASE = "`license` is the base's; the licence of the training data was not checked."


def model_card(record: StudyRecord, *, trial_key: str, loading: str) -> str:
    """Return the card of a delivered model, YAML front matter first.

    Follows the Hub's model card format (https://huggingface.co/docs/hub/model-cards).

    Args:
        record: The study.
        trial_key: Key of the trial whose model it is.
        loading: Markdown, see :func:`headstart.report.loading.how_to_load`.
    """
    trial = next(t for t in [*record.baselines, *record.trials] if t.key == trial_key)
    arm = next(arm for arm in record.arms if trial_key in arm.keys)
    sections = [
        _front(record, trial),
        f"# {_plain(record.task.name)}: {_plain(arm.name)}",
        _inert(record.decision.headline),
        "## Use\n\n" + _use(record) + "\n\n" + loading.strip(),
        "## Scores\n\n" + _scores(record, trial, arm),
        "## Data\n\n" + _data(record),
        "## How it was chosen\n\n"
        + _listing([_inert(reason) for reason in record.decision.reasons]),
        "## Limits\n\n" + _limits(record, trial),
        "## Made by\n\n" + _origin(record, trial),
    ]
    return "\n\n".join(sections) + "\n"


def write_card(best: Path, record: StudyRecord, licence: str | None = None) -> None:
    """Put the card beside a delivered model.

    Args:
        best: The model's folder.
        record: The study that delivered it.
        licence: Of a model that was trained from nothing; a base's holds, whatever is named.
    """
    key = record.decision.key
    card = model_card(record, trial_key=key, loading=how_to_load(best))
    trial = next(one for one in [*record.baselines, *record.trials] if one.key == key)
    if licence is not None and trial.base is None:
        card = licensed(card, licence)
    write_text(best / "README.md", card)


def _front(record: StudyRecord, trial: TrialRecord) -> str:
    task = record.task
    fields: dict[str, Any] = {
        "license": _licence(record, trial),
        "pipeline_tag": _TASKS.get((task.modality, task.kind), "other"),
        "tags": ["headstart", trial.method],
        "metrics": [task.metric],
    }
    source, _, base = (trial.base or "").partition(":")
    if source in ("hf", "hub"):  # no other bases have a page
        fields["base_model"] = base.partition("@")[0]
    fields["headstart"] = lineage(record, trial)
    lines = [f"{name}: {_quoted(value)}" for name, value in fields.items()]
    return "\n".join(["---", *lines, "---"])


def _quoted(value: Any) -> str:
    """Return a value as JSON, which is YAML, safe for any name that the data may hold.

    Signs that mean something in Markdown or HTML are escaped: some viewers do not know that a
    block of YAML is none.
    """
    if isinstance(value, str):
        text = json.dumps(value, ensure_ascii=False)
        return "".join(f"\\u{ord(sign):04x}" if sign in "<>[]|`" else sign for sign in text)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_quoted(k)}: {_quoted(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_quoted, value)) + "]"
    return json.dumps(value)


def lineage(record: StudyRecord, trial: TrialRecord) -> dict[str, Any]:
    """Return where a model comes from: base, data, what it cost, learnt and forgot."""
    test = trial.scores.get("test", {}).get(record.task.metric)
    return {
        "base": trial.base,
        "base_revision": trial.base_revision,
        "method": trial.method,
        "trial": trial.key,
        "seed": trial.seed,
        "seeds": _seeds(record, trial),
        "data": {"name": record.task.name, "fingerprint": record.task.fingerprint},
        "cost": {"seconds": round(trial.cost.seconds, 1), "flop": trial.cost.flop},
        "score": {"metric": record.task.metric, **_three(test)} if test else None,
        "forgotten": [
            {"suite": one.suite, "metric": one.metric, **_three(one.forgotten)}
            for one in trial.retention
            if one.part == "test"
        ],
    }


def _seeds(record: StudyRecord, trial: TrialRecord) -> int | None:
    """Return how many seeds are behind the scores; None where nothing is drawn at random."""
    if trial.method in METHODS and not METHODS.get(trial.method).trains_steps:
        return None
    return len(next(arm.keys for arm in record.arms if trial.key in arm.keys))


def _three(score: ScoreRecord) -> dict[str, float]:
    return {"value": score.value, "low": score.low, "high": score.high}


def _licence(record: StudyRecord, trial: TrialRecord) -> str:
    """Return the base's licence: what is made from it carries that on."""
    known = record.reproduce.get("licences", {}).get(str(trial.base))
    return str(known).lower() if known else UNKNOWN


def _use(record: StudyRecord) -> str:
    task = record.task
    columns = listed([f"`{_plain(name)}`" for name in task.input])
    if task.kind == "language-modeling":
        return f"It goes on with text ({columns})."
    if task.kind == "instruction":
        return f"From a prompt ({columns}) it writes an answer (`{_plain(task.target)}`)."
    what = {
        "single-label": "one class",
        "multi-label": "any number of classes",
        "real": "a number",
        "tags": "a tag a word",
    }[task.objective]
    words = f"From {task.modality} ({columns}) it predicts {what} (`{_plain(task.target)}`)"
    if not task.classes:
        return words + "."
    names = ", ".join(_plain(name) for name in task.classes[:_SHOWN])
    more = len(task.classes) - _SHOWN
    return f"{words}: {names}{f' and {more} more' if more > 0 else ''}."


def _scores(record: StudyRecord, trial: TrialRecord, arm: ArmRecord) -> str:
    rows = ["| metric | test, this model | test, mean of the arm's seeds |", "|---|---|---|"]
    for name, score in trial.scores.get("test", {}).items():
        mean = arm.scores["test"][name]
        rows.append(
            f"| {_METRICS.get(name) or _plain(metric_name(name))} "
            f"| {with_interval(name, score)} | {with_interval(name, mean)} |"
        )
    counted = f"{record.task.rows['test']:,} test rows, read once; brackets are 95% intervals."
    return "\n".join(rows) + f"\n\n{counted}"


def _data(record: StudyRecord) -> str:
    task = record.task
    rows = ", ".join(f"{count:,} {name}" for name, count in task.rows.items())
    facts = [f"Rows: {rows} ({_plain(task.split)}).", f"Fingerprint: `{task.fingerprint}`."]
    return _listing([*facts, *(_plain(w.message) for w in task.warnings)])


def _limits(record: StudyRecord, trial: TrialRecord) -> str:
    limits = [
        "The scores hold for rows drawn like the test rows; on other data they may be lower.",
        _OF_BASE if trial.base is not None else UNNAMED,
    ]
    if trial.base is not None:
        limits.append(
            f"Whatever {_plain(trial.base)} learnt in pre-training may show, biases included."
        )
    return _listing(limits)


def _origin(record: StudyRecord, trial: TrialRecord) -> str:
    made = f"Trial `{trial.key}`: {trial.method}, seed {trial.seed}"
    settings = json.dumps(trial.hyperparameters, sort_keys=True).replace("`", "'")
    facts = [f"{made}, `{settings}`."]
    if trial.base_revision is not None:
        licences = record.reproduce.get("licences", {})
        licence = _plain(str(licences.get(str(trial.base), "unknown")))
        facts.append(
            f"Base {_plain(str(trial.base))}, revision `{trial.base_revision}`, licence {licence}."
        )
    versions = record.reproduce.get("versions", {})
    facts.append("Versions: " + ", ".join(_plain(f"{k} {v}") for k, v in versions.items()) + ".")
    return _listing(facts)


def _listing(lines: list[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _plain(text: str) -> str:
    """Return text that Markdown leaves alone: one line, no markup of its own."""
    line = _inert(text).replace("`", "'").replace("|", "/")
    return line.replace("[", "(").replace("]", ")")


def _inert(text: str) -> str:
    """Return our own sentence, intervals kept, in which a quoted name opens no tag or link."""
    return " ".join(text.split()).replace("<", "&lt;").replace("](", "] (")
