"""Whether ``bases rank`` is right: every bundled base ranked, and fine-tuned, on every task.

    python -m bench.grid.bases WORK [TASK ...]     records; half an hour

The benchmark is what :func:`run` tells of the records: Kendall's rank correlation of each score
with the test accuracy of the fine-tuned bases.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from bench.grid.record import by_score, precision
from bench.grid.table import FOLDER
from bench.grid.tasks import PHOTOS, TASKS, task
from headstart.base.reference import cards_at_hand
from headstart.method.model import METHODS
from headstart.progress import Silent
from headstart.study.arm import Arm
from headstart.study.ranking import rank_bases
from headstart.study.store import Store
from headstart.study.trial import Context, run_trial
from headstart.train.cache import FeatureCache
from headstart.train.workbench import Workbench

STEPS = 32
RATE = 1  # of the method's own: the middle one
RECORDS = FOLDER / "bases"


def record(name: str, work: Path) -> None:
    """Rank the bases for a task, fine-tune each, and write both down."""
    found, progress = task(name), Silent()
    cards = [card for card in cards_at_hand() if card.reference.startswith("bundled:")]
    bases = [card.reference for card in cards if card.modality is found.modality]
    store = Store(work / name)
    store.trials.mkdir(parents=True, exist_ok=True)
    context = Context(found, "accuracy", 1, store, progress)
    ranking = by_score(rank_bases(found, bases, progress).ranking)
    finetuned: dict[str, float] = {}
    for base in bases:
        bench = Workbench(found, base, FeatureCache(), work / name, progress)
        method = METHODS.get("finetune")()
        values = method.search(found, bench, "accuracy")[RATE]
        values |= {"precision": precision(), "schedule": "cosine", "steps": STEPS}
        trial = run_trial(context, Arm(method, bench).trial(values, 0), final=True)
        if trial.status != "finalist":
            raise SystemExit(f"{base} failed on {name}: {trial.error}")
        store.drop_model(trial.key)
        finetuned[base] = trial.scores["test"]["accuracy"].value
        print(name, base, finetuned[base], flush=True)
    RECORDS.mkdir(parents=True, exist_ok=True)
    told = {"name": name, "steps": STEPS, "ranking": ranking, "finetuned": finetuned}
    (RECORDS / f"{name}.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def run() -> list[dict[str, Any]]:
    """Return each score's mean rank correlation, and the accuracy its first choice gives up."""
    records = [json.loads(path.read_text()) for path in sorted(RECORDS.glob("*.json"))]
    return [
        _told(score, records) for score in dict.fromkeys(s for r in records for s in r["ranking"])
    ]


def _told(score: str, records: list[dict[str, Any]]) -> dict[str, Any]:
    taus, given_up = [], []
    for record in records:
        values, reached = record["ranking"].get(score, {}), record["finetuned"]
        if len(values) < len(reached):
            continue  # a base that the score says nothing of
        bases = list(reached)
        tau = stats.kendalltau([values[b] for b in bases], [reached[b] for b in bases])
        taus.append(float(np.nan_to_num(tau.statistic)))  # all alike: nothing to order
        given_up.append(max(reached.values()) - reached[max(bases, key=values.__getitem__)])
    return {
        "what": f"{score} against fine-tuned accuracy",
        "correlation": float(np.mean(taus)),
        "given_up": float(np.mean(given_up)),
        "tasks": len(taus),
    }


if __name__ == "__main__":
    for chosen in sys.argv[2:] or (*TASKS, *PHOTOS):
        record(chosen, Path(sys.argv[1]))
