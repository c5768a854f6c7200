"""The built-in metrics: which function serves which objective, direction and bounds."""

from __future__ import annotations

from math import inf

from headstart.measure import (
    exact_match,
    multi_label,
    real,
    rouge_l,
    single_label,
    tags,
    text,
    token_f1,
)
from headstart.measure.metric import Metric
from headstart.task.model import Objective

_SINGLE, _MULTI = Objective.SINGLE_LABEL, Objective.MULTI_LABEL
_REAL, _TAGS, _TEXT = Objective.REAL, Objective.TAGS, Objective.TEXT

ACCURACY = Metric(
    "accuracy",
    {_SINGLE: single_label.accuracy, _TAGS: tags.word_accuracy},
    hits={_SINGLE: single_label.hits},
)
MACRO_F1 = Metric(
    "macro_f1", {_SINGLE: single_label.macro, _MULTI: multi_label.macro, _TAGS: tags.macro}
)
MICRO_F1 = Metric("micro_f1", {_MULTI: multi_label.micro})
BALANCED_ACCURACY = Metric("balanced_accuracy", {_SINGLE: single_label.balanced})
SUBSET_ACCURACY = Metric(
    "subset_accuracy", {_MULTI: multi_label.subset_accuracy}, hits={_MULTI: multi_label.hits}
)
LOG_LOSS = Metric(
    "log_loss",
    {_SINGLE: single_label.log_loss, _MULTI: multi_label.log_loss},
    higher_is_better=False,
    high=inf,
)
ECE = Metric(
    "ece",
    {_SINGLE: single_label.calibration, _MULTI: multi_label.calibration},
    higher_is_better=False,
)
R2 = Metric("r2", {_REAL: real.r2}, low=-inf)
MAE = Metric("mae", {_REAL: real.mae}, higher_is_better=False, high=inf)
RMSE = Metric("rmse", {_REAL: real.rmse}, higher_is_better=False, high=inf)
SPEARMAN = Metric("spearman", {_REAL: real.spearman}, low=-1.0)
BITS_PER_BYTE = Metric(
    "bits_per_byte", {_TEXT: text.bits_per_byte}, higher_is_better=False, high=inf
)
PERPLEXITY = Metric(
    "perplexity", {_TEXT: text.perplexity}, higher_is_better=False, low=1.0, high=inf
)
SPAN_F1 = Metric("span_f1", {_TAGS: tags.span_f1})
# Of written answers: targets and predictions are N texts each.
EXACT_MATCH = Metric(
    "exact_match", {_TEXT: exact_match.exact_match}, hits={_TEXT: exact_match.hits}
)
TOKEN_F1 = Metric("token_f1", {_TEXT: token_f1.token_f1})
ROUGE_L = Metric("rouge_l", {_TEXT: rouge_l.rouge_l})
