"""A study.json of made-up numbers, and a small profile."""

from __future__ import annotations

from typing import Any

from headstart.org.profile import Profile
from headstart.study.record import StudyRecord

NUMBER = {"value": 0.8, "low": 0.7, "high": 0.9}
COST = {
    "seconds": 1.0, "cpu_seconds": 1.0, "flop": 1e9, "peak_bytes": 1, "energy_joule": None,
    "trainable_parameters": 10,
}  # fmt: skip
LOSS = {
    "suite": "wiki", "fingerprint": "f", "metric": "perplexity", "part": "test", "items": 5,
    "before": NUMBER, "after": NUMBER, "forgotten": NUMBER,
}  # fmt: skip


def trial(method: str, base: str | None = "bundled:minilm-l6", **more: Any) -> dict[str, Any]:
    whole = {
        "key": f"{method}-{more.get('seed', 0)}", "base": base, "base_revision": "r",
        "method": method, "hyperparameters": {}, "seed": 0, "status": "finalist",
        "scores": {}, "cost": COST,
    }  # fmt: skip
    return {**whole, **more}


def study(
    *trials: dict[str, Any], name: str = "reviews", kind: str = "classification",
    modality: str = "text", settings: dict[str, Any] | None = None, **more: Any,
) -> dict[str, Any]:  # fmt: skip
    """Return a record that the study's own model takes."""
    record = {
        "task": {
            "name": name, "kind": kind, "objective": "single-label", "modality": modality,
            "input": ["text"], "target": "label", "classes": ["a", "b"], "rows": {"train": 10},
            "split": "70/15/15", "fingerprint": f"fp-{name}", "metric": "accuracy",
            "detected": [], "warnings": [],
        },
        "budget": {}, "baselines": [trial("majority", None), trial("scratch")],
        "trials": list(trials), "arms": [], "comparisons": [], "learning_curve": [],
        "decision": {
            "key": "k", "arm": "a", "headline": "h", "why": "w", "reasons": [], "ties": [],
            "alternatives": {"cheapest_tie": "k", "smallest_tie": "k"}, "advice": [],
        },
        "reproduce": {"settings": settings or {}},
        **more,
    }  # fmt: skip
    return StudyRecord.model_validate(record).model_dump(mode="json")


def both(text: str) -> dict[str, str]:
    return {"en": text, "de": f"{text} (de)"}


def profile(steps: dict[tuple[str, str], list[str]], **more: Any) -> Profile:
    """Return a profile from (role, level) → the strands of its points, in order of mention."""
    named = [
        [{"id": one, "name": both(one.title())} for one in dict.fromkeys(ids)]
        for ids in (
            [role for role, _ in steps],
            [level for _, level in steps],
            [strand for strands in steps.values() for strand in strands],
        )
    ]
    expectations = [
        {
            "id": f"{role}-{level}", "role": role, "level": level, "text": both("text"),
            "points": [
                {"strand": strand, "text": both(f"{role} {level} {strand}")} for strand in strands
            ],
        }
        for (role, level), strands in steps.items()
    ]  # fmt: skip
    whole = {
        "version": "1", "id": "small", "as_of": "2026-01-31", "domain": both("domain"),
        "area": both("area"), "skill": both("skill"), "roles": named[0], "levels": named[1],
        "strands": named[2], "expectations": expectations,
    }  # fmt: skip
    return Profile.model_validate({**whole, **more})
