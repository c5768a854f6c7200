"""Every plot of the page, with the words that stand for it where it cannot be seen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from headstart.report import units
from headstart.report.arms import ArmView, ComparisonView
from headstart.report.figures import cost, curves, fit
from headstart.report.figures.comparison import forest
from headstart.report.figures.style import Mark, mark
from headstart.study.evidence import Evidence
from headstart.study.record import StudyRecord, TrialRecord

_MOST_PANELS = 12


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot to draw.

    Attributes:
        json: Plotly's data and layout, safe inside a script element.
        alternative: What it shows, for a screen reader.
        title: Heading of a small multiple, else empty.
    """

    json: str
    alternative: str
    title: str = ""


def cost_plots(arms: list[ArmView], metric: str) -> list[Plot]:
    """Return score against seconds and score against FLOP, where there is something to show."""
    pairs = [(view.look, view.arm) for view in arms]
    found = []
    for kind, words in (("seconds", "time"), ("flop", "compute")):
        shape = cost.score_against_cost(pairs, metric, kind)  # type: ignore[arg-type]
        if shape:
            said = f"Test {metric} of each arm with its interval against {words}; "
            found.append(Plot(shape, said + "the table above has the same numbers.", words))
    return found


def forest_plot(views: list[ComparisonView], metric: str) -> Plot | None:
    """Return the differences to the delivered arm as a forest plot."""
    shape = forest([view.difference for view in views], metric)
    said = "Differences to the delivered model with their intervals; the table has the numbers."
    return Plot(shape, said) if shape else None


def training_plots(record: StudyRecord, arms: list[ArmView]) -> list[Plot]:
    """Return one small validation curve an arm, for arms that were trained step by step."""
    metric = record.task.metric
    panels = []
    for look, name, trials in _by_arm(record, arms):
        shape = curves.validation_by_step(look, trials, metric)
        if shape:
            panels.append(Plot(shape, f"Validation {metric} by training step of {name}.", name))
    return panels[:_MOST_PANELS]


def rate_plots(record: StudyRecord, arms: list[ArmView]) -> list[Plot]:
    """Return one small range test an arm, for arms that have one."""
    panels = []
    for look, name, trials in _by_arm(record, arms):
        tested = [trial for trial in trials if trial.rate_finder]
        used = next((t for t in trials if t.status == "finalist"), None)
        rate = used.hyperparameters.get("rate") if used else None
        shape = curves.loss_by_rate(look, tested[0].rate_finder, rate) if tested else None
        if shape:
            panels.append(Plot(shape, f"Loss by learning rate of {name}.", name))
    return panels[:_MOST_PANELS]


def label_plot(record: StudyRecord, arms: list[ArmView]) -> tuple[Plot | None, dict[str, Mark]]:
    """Return score against number of labels, and the looks of its lines by name."""
    looks = {view.arm.name: view.look for view in arms}
    for point in record.learning_curve:
        looks.setdefault(point.arm, mark(len(looks)))
    names = dict.fromkeys(point.arm for point in record.learning_curve)
    shape = curves.score_by_labels(record.learning_curve, looks, record.task.metric)
    if not shape:
        return None, {}
    told = "; ".join(f"{name} {_ends(record, name)}" for name in names)
    said = f"{record.task.metric} by number of training rows: {told}."
    return Plot(shape, said), {name: looks[name] for name in names}


def fit_plots(evidence: Evidence) -> tuple[Plot | None, list[Plot]]:
    """Return the reliability diagram, and the residual plots of a regression."""
    shape = fit.reliability(evidence.calibration) if evidence.calibration else None
    said = "Accuracy against mean confidence in bins; the diagonal is perfect calibration."
    reliability = Plot(shape, said) if shape else None
    pairs = evidence.residuals
    shapes = (
        (fit.predicted_against_truth(pairs), "Predictions against the truth."),
        (fit.residual_against_predicted(pairs), "Residuals against predictions."),
    )
    return reliability, [Plot(shape, words) for shape, words in shapes if shape]


def _by_arm(
    record: StudyRecord, arms: list[ArmView]
) -> Iterable[tuple[Mark, str, list[TrialRecord]]]:
    """Give the trials of each base x method: those with an arm first, under the arm's look."""
    groups: dict[tuple[str | None, str], list[TrialRecord]] = {}
    for trial in [*record.baselines, *record.trials]:
        groups.setdefault((trial.base, trial.method), []).append(trial)
    for view in arms:
        trials = groups.pop((view.arm.base, view.arm.method), None)
        if trials:
            yield view.look, f"{view.look.number} {view.arm.name}", trials
    for extra, ((base, method), trials) in enumerate(groups.items()):
        name = f"{method}, {base}" if base else method
        yield mark(len(arms) + extra), name, trials


def _ends(record: StudyRecord, arm: str) -> str:
    own = sorted(
        (point for point in record.learning_curve if point.arm == arm), key=lambda p: p.labels
    )
    first, last = own[0], own[-1]
    metric = record.task.metric
    return (
        f"from {units.score_text(first.score, metric)} with {first.labels:,} rows "
        f"to {units.score_text(last.score, metric)} with {last.labels:,}"
    )
