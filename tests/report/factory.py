"""Synthetic studies for the tests of the report; the numbers are made up, the shapes are not."""

from __future__ import annotations

import math
import random

from headstart.study.evidence import (
    Calibration,
    ClassScore,
    Evidence,
    Mistake,
    ReliabilityBin,
)
from headstart.study.record import (
    Alternatives,
    ArmRecord,
    ComparisonRecord,
    CostRecord,
    CurvePoint,
    DecisionRecord,
    LearningCurvePoint,
    RatePoint,
    ScoreRecord,
    StudyRecord,
    TaskRecord,
    TrialRecord,
    WarningRecord,
)

HOSTILE = "</script><script>document.title='owned'</script><img src=x onerror=alert(1)>"
RIGHT_TO_LEFT = "מכתב חדש – رسالة جديدة"
LONG = "a-very-long-name-without-any-space-" * 6
BASE = "bundled:minilm-l6"
PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ"
    "AAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)

ARMS = (  # name, method, base, test score, seconds, flop, parameters
    ("finetune · minilm-l6", "finetune", BASE, 0.792, 97.0, 4.1e13, 22_713_216),
    ("lora · minilm-l6", "lora", BASE, 0.789, 120.0, 4.3e13, 75_000),
    ("probe · minilm-l6", "probe", BASE, 0.783, 4.4, 8.1e11, 3_465),
    ("scratch · minilm-l6", "scratch", BASE, 0.512, 101.0, 4.1e13, 22_713_216),
    ("TF-IDF + logistic regression", "tfidf", None, 0.486, 0.6, 2.2e8, 38_000),
    ("majority class", "majority", None, 0.211, 0.01, 0.0, 0),
)


def score(value: float, half: float = 0.021) -> ScoreRecord:
    return ScoreRecord(value=value, low=value - half, high=value + half)


def trial(method: str, seed: int = 0, **changes: object) -> TrialRecord:
    """Return a finalist of ``method``; ``changes`` replace its fields."""
    name, _, base, value, seconds, flop, parameters = next(arm for arm in ARMS if arm[1] == method)
    stepwise = method in ("finetune", "lora", "scratch")
    whole = TrialRecord(
        key=f"{method}-{seed}",
        base=base,
        base_revision="9f3c" if base else None,
        method=method,
        hyperparameters={"rate": 3e-4, "epochs": 4, "name": name} if stepwise else {},
        seed=seed,
        status="finalist",
        scores={
            "validation": {"accuracy": score(value + 0.01)},
            "test": {"accuracy": score(value), "macro-f1": score(value - 0.04)},
        },
        cost=CostRecord(
            seconds=seconds,
            cpu_seconds=seconds * 1.8,
            flop=flop,
            peak_bytes=640_000_000,
            energy_joule=None,
            trainable_parameters=parameters,
        ),
        curve=_curve(value, seed) if stepwise else [],
        rate_finder=_range_test() if stepwise and seed == 0 else [],
    )
    return whole.model_copy(update=changes)


def study(classes: tuple[str, ...] = ("activities", "flags", "food", "objects")) -> StudyRecord:
    """Return a text classification with six arms, three seeds, ties, failures and warnings."""
    search = [
        trial("finetune", seed, key=f"search-{seed}", status="done", scores={}) for seed in range(2)
    ]
    failed = trial("lora", 9, key="failed", status="failed", scores={}, error="loss became NaN")
    skipped = trial("probe", 9, key="skipped", status="skipped", scores={}, error="budget spent")
    return StudyRecord(
        task=TaskRecord(
            name="emojis",
            kind="classification",
            objective="single-label",
            modality="text",
            input=["name"],
            target="group",
            classes=list(classes),
            rows={"train": 1294, "validation": 277, "test": 278},
            split="70/15/15 by content",
            fingerprint="0f" * 16,
            metric="accuracy",
            detected=["target 'group': few distinct texts", "input 'name': the only other text"],
            warnings=[
                WarningRecord(
                    code="near-duplicates",
                    message="12 rows of the test part are nearly the same as a training row",
                    count=12,
                    examples=["emojis.csv row 17: 'flag: Chad'", "emojis.csv row 18"],
                )
            ],
        ),
        budget={"kind": "time", "seconds": 300, "flop": 1.2e14},
        baselines=[trial("majority"), trial("tfidf")],
        trials=[
            *(
                trial(method, seed)
                for method in ("probe", "finetune", "lora", "scratch")
                for seed in range(3)
            ),
            *search,
            failed,
            skipped,
        ],
        arms=[_arm(*arm) for arm in ARMS],
        comparisons=[
            _comparison(name, value) for name, _, _, value, *_ in ARMS if name != DELIVERED
        ],
        learning_curve=_labels(),
        decision=DecisionRecord(
            key="probe-0",
            arm=DELIVERED,
            headline="Frozen features are enough: use the probe on minilm-l6",
            why="It scores 78.3% [76.2, 80.4] on the test rows, as good as fine-tuning within the "
            "interval, at a twentieth of the cost.",
            reasons=[
                "Fine-tuning and LoRA are ties: their differences to the probe cross zero.",
                "Transfer helps: it beats the same architecture from scratch by 27.1 points.",
                "It beats TF-IDF + logistic regression by 29.7 points.",
            ],
            ties=["probe-0", "finetune-0", "lora-0"],
            alternatives=Alternatives(cheapest_tie="probe-0", smallest_tie="lora-0"),
            advice=["You would need about 900 more labels to gain a point."],
        ),
        reproduce={
            "command": "headstart demo text --seeds 3",
            "versions": {"headstart": "0.1.0", "torch": "2.13.0"},
            "machine": {"cpu": "2 cores", "memory": "24 GiB"},
            "seeds": [0, 1, 2],
        },
    )


DELIVERED = "probe · minilm-l6"


def evidence(record: StudyRecord) -> Evidence:
    """Return what a model on ``record``'s classes could have left, mistakes included."""
    names = record.task.classes
    chance = random.Random(7)
    confusion = [
        [chance.randint(20, 60) if a == b else chance.choice((0, 0, 1, 3)) for b in names]
        for a in names
    ]
    per_class = [
        ClassScore(name=name, precision=0.9, recall=0.6 + at / 1000, f1=0.7 + at / 1000, support=40)
        for at, name in enumerate(names)
    ]
    bins = [
        ReliabilityBin(
            low=at / 10,
            high=(at + 1) / 10,
            confidence=at / 10 + 0.05,
            accuracy=at / 11,
            count=at * 9,
        )
        for at in range(10)
    ]
    mistakes = [
        Mistake(
            origin=f"emojis.csv row {row}",
            text=f"woman lifting weights: medium skin tone {row}",
            picture=None,
            truth=names[0],
            predicted=names[-1],
            confidence=0.98 - row / 100,
        )
        for row in range(6)
    ]
    return Evidence(
        confusion=confusion,
        per_class=per_class,
        mistakes=mistakes,
        calibration=Calibration(expected_error=0.042, bins=bins),
    )


def hostile() -> tuple[StudyRecord, Evidence]:
    """Return a study in which every text that comes from data tries to break out of the page."""
    record = study(classes=(HOSTILE, RIGHT_TO_LEFT, LONG, "{{ 7 * 7 }}"))
    task = record.task.model_copy(
        update={"name": HOSTILE, "target": HOSTILE, "detected": [HOSTILE], "split": HOSTILE}
    )
    arms = [
        arm.model_copy(update={"name": f"{HOSTILE} {arm.name} {LONG}"})
        if not arm.baseline and arm.name != DELIVERED
        else arm
        for arm in record.arms
    ]
    renamed = {arm.keys[0]: arm.name for arm in arms}
    names = {old.name: renamed[old.keys[0]] for old in record.arms}
    changed = record.model_copy(
        update={
            "task": task,
            "arms": arms,
            "comparisons": [
                c.model_copy(update={"first": names[c.first]}) for c in record.comparisons
            ],
            "learning_curve": [
                p.model_copy(update={"arm": names[p.arm]}) for p in record.learning_curve
            ],
            "reproduce": {"command": HOSTILE, "versions": {HOSTILE: HOSTILE}},
        }
    )
    found = evidence(changed)
    mistakes = [
        Mistake(
            origin=HOSTILE,
            text=HOSTILE,
            picture=None,
            truth=LONG,
            predicted=RIGHT_TO_LEFT,
            confidence=1,
        ),
        Mistake(
            origin=HOSTILE,
            text=None,
            picture="https://evil.example/pixel.png",
            truth=HOSTILE,
            predicted=HOSTILE,
            confidence=0.9,
        ),
    ]
    return changed, found.model_copy(update={"mistakes": mistakes})


def regression() -> tuple[StudyRecord, Evidence]:
    """Return a regression scored by mean absolute error, of which a smaller value is better."""
    record = study(classes=())
    trials = [_with_error(t) for t in record.trials]
    arms = [arm.model_copy(update={"scores": _errors(arm.scores)}) for arm in record.arms]
    changed = record.model_copy(
        update={
            "task": record.task.model_copy(
                update={"kind": "regression", "objective": "real", "metric": "mae"}
            ),
            "trials": trials,
            "baselines": [_with_error(t) for t in record.baselines],
            "arms": arms,
            "learning_curve": [],
        }
    )
    chance = random.Random(3)
    truth = [chance.uniform(-2, 5) for _ in range(200)]
    return changed, Evidence(residuals=[(x, x + chance.gauss(0, 0.5)) for x in truth])


def only_baselines() -> StudyRecord:
    """Return a study whose every trial was skipped; a baseline is delivered."""
    record = study()
    arms = [arm for arm in record.arms if arm.baseline]
    decision = record.decision.model_copy(
        update={
            "key": "tfidf-0",
            "arm": "TF-IDF + logistic regression",
            "headline": "Use TF-IDF + logistic regression: nothing else fitted the budget",
            "ties": ["tfidf-0"],
            "alternatives": Alternatives(cheapest_tie="tfidf-0", smallest_tie="tfidf-0"),
            "advice": [],
        }
    )
    return record.model_copy(
        update={
            "trials": [],
            "arms": arms,
            "comparisons": [],
            "learning_curve": [],
            "decision": decision,
        }
    )


def _arm(
    name: str,
    method: str,
    base: str | None,
    value: float,
    seconds: float,
    flop: float,
    parameters: int,
) -> ArmRecord:
    seeds = 3 if base else 1
    return ArmRecord(
        name=name,
        base=base,
        method=method,
        keys=[f"{method}-{seed}" for seed in range(seeds)],
        scores={
            "validation": {"accuracy": score(value + 0.01)},
            "test": {"accuracy": score(value), "macro-f1": score(value - 0.04)},
        },
        seconds=seconds,
        flop=flop,
        parameters=parameters,
        baseline=base is None,
    )


def _comparison(name: str, value: float) -> ComparisonRecord:
    gap = value - 0.783
    tie = abs(gap) < 0.02
    return ComparisonRecord(
        first=name,
        second=DELIVERED,
        part="test",
        difference=score(gap, 0.018),
        p_value=0.41 if tie else 0.0001,
        verdict="tie" if tie else "worse",
    )


def _curve(best: float, seed: int) -> list[CurvePoint]:
    return [
        CurvePoint(
            step=20 * at,
            epoch=at / 2,
            learning_rate=3e-4,
            loss=2.0 * math.exp(-at / 3),
            validation=best * (1 - math.exp(-at / 2)) + 0.004 * math.sin(at + seed),
        )
        for at in range(1, 9)
    ]


def _range_test() -> list[RatePoint]:
    rates = [10 ** (-6 + at / 10) for at in range(50)]
    return [
        RatePoint(learning_rate=rate, loss=2.2 / (1 + 400 * rate) + 6 * rate * rate + 0.1)
        for rate in rates
    ]


def _labels() -> list[LearningCurvePoint]:
    return [
        LearningCurvePoint(
            arm=name, labels=rows, score=score(top * (1 - slow / (slow + rows / 40)), 0.03)
        )
        for name, top, slow in ((ARMS[2][0], 0.80, 1.0), (ARMS[3][0], 0.62, 8.0))
        for rows in (40, 80, 160, 320, 640, 1294)
    ]


def _errors(scores: dict[str, dict[str, ScoreRecord]]) -> dict[str, dict[str, ScoreRecord]]:
    return {part: {"mae": score(1 - own["accuracy"].value)} for part, own in scores.items()}


def _with_error(whole: TrialRecord) -> TrialRecord:
    return whole.model_copy(update={"scores": _errors(whole.scores)}) if whole.scores else whole
