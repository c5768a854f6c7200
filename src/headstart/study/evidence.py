"""``evidence.json``: what the report shows beyond ``study.json`` (items, pictures, bins)."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from headstart.study.bill import Bill
from headstart.study.record import ScoreRecord, SweepPoint


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Mistake(_Record):
    """A test item that the delivered model got wrong with high confidence.

    ``picture`` is a small ``data:image/jpeg;base64,…`` URI for an image, else None.
    """

    origin: str
    text: str | None
    picture: str | None
    truth: str
    predicted: str
    confidence: float


class ClassScore(_Record):
    """Test scores of one class; ``support`` is its number of test rows."""

    name: str
    precision: float
    recall: float
    f1: float
    support: int


class ReliabilityBin(_Record):
    """Test items whose confidence lies in one bin."""

    low: float
    high: float
    confidence: float
    accuracy: float
    count: int


class Calibration(_Record):
    """How far confidence can be believed: expected calibration error and its bins."""

    expected_error: float
    bins: list[ReliabilityBin]


class Reused(_Record):
    """Trials that the ledger knew, and what they once cost; ``sentence`` says it in words."""

    trials: int
    seconds: float
    flop: float
    sentence: str


class PriceRecord(_Record):
    """A step of the study: what it was predicted to take, and what it took.

    Seconds and bytes are null where nothing of the kind had been measured on this machine.
    """

    kind: str
    name: str
    predicted_seconds: float | None
    seconds: float
    predicted_bytes: int | None
    bytes: int | None


class HindsightRun(_Record):
    """Something the planner left out: the score it left it out at, and what it came to."""

    name: str
    early: float | None
    validation: float
    test: float


class HindsightRecord(_Record):
    """What leaving things out cost (``--audit``); ``correlation`` is Kendall's tau, or null."""

    runs: list[HindsightRun]
    regret: float
    correlation: float | None
    seconds: float
    flop: float
    sentence: str


class WrittenRecord(_Record):
    """A test row's prompt, its reference, and what was written; null where that is the same."""

    origin: str
    prompt: str
    reference: str
    delivered: str
    untouched: str | None


class AnswerScore(_Record):
    """A metric of written answers; ``difference`` is delivered minus untouched, paired by row.

    What concerns the base is null where the base itself is delivered.
    """

    metric: str
    delivered: ScoreRecord
    untouched: ScoreRecord | None
    difference: ScoreRecord | None
    p_value: float | None
    verdict: Literal["better", "worse", "tie"] | None


class AnswersRecord(_Record):
    """Answers that the delivered model and the untouched base wrote to a few test prompts.

    ``delivered``: name of the arm. ``max_tokens``: an answer was cut there.
    ``ended``: how many answers a model ended itself.
    """

    delivered: str
    max_tokens: int
    ended: int
    untouched_ended: int | None
    scores: list[AnswerScore]
    rows: list[WrittenRecord]


class Evidence(_Record):
    """Read off the delivered model on the test rows.

    ``confusion``: C x C counts, rows are the truth (empty unless single-label).
    ``residuals``: (truth, predicted) pairs for a regression, at most 2,000.
    ``reused``: What the ledger saved this study; here and not in ``study.json``, which is the same
    whoever paid.
    ``hindsight``: What ``--audit`` found.
    ``sweep``: Adapted weights on their way back to the base's, under a limit on what is forgotten.
    ``answers``: What was written to prompts of the test rows; null where there are none.
    ``prices``: The steps of this run, in order; those of a run before a kill are not among them.
    """

    confusion: list[list[int]] = []
    per_class: list[ClassScore] = []
    mistakes: list[Mistake] = []
    calibration: Calibration | None = None
    residuals: list[tuple[float, float]] = []
    reused: Reused | None = None
    prices: list[PriceRecord] = []
    hindsight: HindsightRecord | None = None
    sweep: list[SweepPoint] = []
    answers: AnswersRecord | None = None


def price_records(bill: Bill) -> list[PriceRecord]:
    """Return the charges of a bill as ``evidence.json`` has them."""
    return [
        PriceRecord(
            kind=charge.kind,
            name=charge.name,
            predicted_seconds=charge.price.seconds,
            seconds=charge.seconds,
            predicted_bytes=charge.predicted_bytes,
            bytes=charge.bytes,
        )
        for charge in bill.charges
    ]
