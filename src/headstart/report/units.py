"""Numbers as a person reads them: scores with intervals, times, compute, counts."""

from __future__ import annotations

import math

from headstart.measure.score import METRICS
from headstart.study.record import ScoreRecord
from headstart.study.words import bytes_text as bytes_text
from headstart.study.words import duration as duration
from headstart.study.words import flop_text as flop_text
from headstart.study.words import unbounded


def is_percentage(metric: str) -> bool:
    """Return whether ``metric`` is a fraction of right answers, shown as a percentage."""
    return not unbounded(metric)


def lower_is_better(metric: str) -> bool:
    """Return whether a smaller value of ``metric`` is the better one."""
    return metric in METRICS and not METRICS.get(metric).higher_is_better


def scaled(value: float, metric: str) -> float:
    """Return ``value`` in the unit it is shown in: percent for fractions, else as it is."""
    return value * 100 if is_percentage(metric) else value


def plain(value: float) -> str:
    """Return a number in three to four significant digits with thousands separators."""
    if not math.isfinite(value):
        return "not a number"
    size = abs(value)
    if size >= 1000:
        return f"{value:,.0f}"
    decimals = 1 if size >= 100 else 2 if size >= 10 else 3
    return f"{value:.4g}" if 0 < size < 0.001 else f"{value:.{decimals}f}"


def bare_score(value: float, metric: str) -> str:
    """Return a score without its interval, e.g. ``93.1%`` or ``0.482``."""
    return f"{value * 100:.1f}%" if is_percentage(metric) else plain(value)


def interval(score: ScoreRecord, metric: str) -> str:
    """Return the 95% interval alone, e.g. ``[92.0, 94.2]``."""
    if is_percentage(metric):
        return f"[{score.low * 100:.1f}, {score.high * 100:.1f}]"
    return f"[{plain(score.low)}, {plain(score.high)}]"


def score_text(score: ScoreRecord | None, metric: str) -> str:
    """Return a score with its 95% interval, e.g. ``93.1% [92.0, 94.2]``; a dash if unknown."""
    if score is None:
        return "–"
    return f"{bare_score(score.value, metric)} {interval(score, metric)}"


def difference_text(score: ScoreRecord, metric: str) -> str:
    """Return a difference with its interval, signed, in points where scores are percentages."""
    if is_percentage(metric):
        low, high = f"{score.low * 100:+.1f}", f"{score.high * 100:+.1f}"
        return _minus(f"{score.value * 100:+.1f} points [{low}, {high}]")
    value, low, high = (_signed(part) for part in (score.value, score.low, score.high))
    return _minus(f"{value} [{low}, {high}]")


def p_text(value: float) -> str:
    """Return a p-value in two significant digits; below 0.001 only that it is."""
    return "< 0.001" if value < 0.001 else f"{value:.2g}"


def parameters_text(count: int) -> str:
    """Return a number of weights: ``22.7 M`` from a hundred thousand on, else in full."""
    if count >= 999_950_000:
        return f"{count / 1e9:,.1f} B"
    return f"{count / 1e6:,.1f} M" if count >= 100_000 else f"{count:,}"


def rate_text(rate: float) -> str:
    """Return a learning rate in two significant digits, e.g. ``3e-5`` or ``0.01``."""
    mantissa, _, power = f"{rate:.1e}".partition("e")
    if rate == 0 or 0.001 <= rate < 1000:
        return f"{rate:.2g}"
    return f"{mantissa.removesuffix('.0')}e{int(power)}"


def value_text(value: object) -> str:
    """Return any JSON value (a hyperparameter, a fact about the machine) as short text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "none"
    if isinstance(value, float):
        return rate_text(value) if 0 < abs(value) < 0.001 else f"{value:,.6g}"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    if isinstance(value, (list, tuple)):
        return ", ".join(value_text(part) for part in value)
    if isinstance(value, dict):
        return ", ".join(f"{key} {value_text(part)}" for key, part in value.items())
    return str(value)


def _signed(value: float) -> str:
    return plain(value) if value < 0 else f"+{plain(value)}"


def _minus(text: str) -> str:
    return text.replace("-", "−")
