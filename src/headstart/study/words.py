"""Numbers and names in plain words, for verdicts."""

from __future__ import annotations

from collections.abc import Sequence

from headstart.measure.interval import Interval
from headstart.study.record import ComparisonRecord, ScoreRecord

_UNBOUNDED = (
    "r2",
    "spearman",
    "mae",
    "rmse",
    "log_loss",
    "bits_per_byte",
    "perplexity",
)  # not shares: no per cent
_PREFIXES = ((1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_NAMES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro F1",
    "micro_f1": "micro F1",
    "span_f1": "span F1",
    "subset_accuracy": "exact-match accuracy",
    "token_f1": "token F1",
    "rouge_l": "ROUGE-L",
    "r2": "R²",
    "spearman": "rank correlation",
}


def metric_name(metric: str) -> str:
    """Return the metric as people write it."""
    return _NAMES.get(metric, metric.replace("_", " "))


def unbounded(metric: str) -> bool:
    """Whether the metric is no share, so that "points" would mean nothing."""
    return metric in _UNBOUNDED


def amount(metric: str, value: float) -> str:
    """Return "93.1%", or "0.931" for a metric that is no share."""
    return f"{value:.3f}" if metric in _UNBOUNDED else f"{100 * value:.1f}%"


def with_interval(metric: str, score: ScoreRecord | Interval) -> str:
    """Return "93.1% [92.0, 94.2]"."""
    if metric in _UNBOUNDED:
        return f"{score.value:.3f} [{score.low:.3f}, {score.high:.3f}]"
    return f"{100 * score.value:.1f}% [{100 * score.low:.1f}, {100 * score.high:.1f}]"


def gap(metric: str, comparison: ComparisonRecord) -> str:
    """Return "2.1 points [0.4, 3.9]" without its sign."""
    d = comparison.difference
    low, high = sorted((abs(d.low), abs(d.high))) if d.low * d.high > 0 else (d.low, d.high)
    if metric in _UNBOUNDED:
        return f"{abs(d.value):.3f} [{low:.3f}, {high:.3f}]"
    return f"{100 * abs(d.value):.1f} points [{100 * low:.1f}, {100 * high:.1f}]"


def gap_words(metric: str, difference: float) -> str:
    """Return e.g. "1.2 points better" or "0.03 worse"."""
    size = f"{abs(difference):.3f}" if unbounded(metric) else f"{100 * abs(difference):.1f} points"
    return f"{size} {'better' if difference >= 0 else 'worse'}"


def signed(metric: str, comparison: ComparisonRecord) -> str:
    """Return "+0.3 points [-0.9, 1.4]", or "+0.012 [-0.003, 0.027]" for a metric of no share."""
    d = comparison.difference
    if metric in _UNBOUNDED:
        return f"{d.value:+.3f} [{d.low:.3f}, {d.high:.3f}]"
    return f"{100 * d.value:+.1f} points [{100 * d.low:.1f}, {100 * d.high:.1f}]"


def chance(p_value: float) -> str:
    """Return "p < 0.001" or "p = 0.034"."""
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"


def listed(names: Sequence[str]) -> str:
    """Return "a", "a and b", or "a, b and c"."""
    names = list(names)
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def plural(count: int, noun: str) -> str:
    """Return "1 row" or "2 rows"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def percent(share: float) -> str:
    """Return e.g. "2%" or "-0.4%"."""
    return f"{100 * share:.3g}%"


def duration(seconds: float) -> str:
    """Return a time as people say it: ``0.4 s``, ``3 min 12 s``, ``2 h 5 min``."""
    if seconds < 0.05:
        return "0 s" if seconds <= 0 else "under 0.1 s"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours:,} h {minutes} min" if minutes else f"{hours:,} h"


def flop_text(flop: float) -> str:
    """Return floating-point operations with an SI prefix: 1.2e12 is ``1.2 TFLOP``.

    Zero, which means that nobody counted, is a dash.
    """
    return f"{_si(flop)}FLOP" if flop > 0 else "–"


def bytes_text(count: float) -> str:
    """Return a size in memory: ``1.5 GB`` (powers of ten); a dash where it was not measured."""
    return f"{_si(count)}B" if count > 0 else "–"


def _si(value: float) -> str:
    # The prefix is chosen after rounding, so that 999.96e9 is 1.0 T and not 1,000.0 G.
    for size, prefix in _PREFIXES:
        if value >= size * 0.99995:
            rounded = value / size
            return f"{rounded:.0f} {prefix}" if rounded >= 99.95 else f"{rounded:.1f} {prefix}"
    return f"{value:.0f} "
