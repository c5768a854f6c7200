"""The peer of bench/language.py in a process of its own: transformers' Trainer, peft for LoRA.

It reads the same tokens and labels, and pads them, as its users do.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from typing import Any

from headstart.base.compat import prepare_torchvision

WARM = 2  # steps that are not timed
RANK, SCALE = 8, 16


def timed(mode: str, batch: int, steps: int, half: bool) -> dict[str, Any]:
    """Return seconds, useful tokens and the losses of ``steps`` steps."""
    prepare_torchvision()
    import torch
    from transformers import Trainer, TrainerCallback, TrainingArguments, set_seed

    from bench.data import decoder, instructions

    found = decoder()
    rows = found.encode(instructions().train.inputs)
    pad = found.end_id
    tokens: list[int] = []
    at: list[float] = []

    class Clock(TrainerCallback):
        def on_step_end(self, *args: Any, **kwargs: Any) -> None:
            at.append(time.perf_counter())

    def collate(picked: list[Any]) -> dict[str, Any]:
        longest = max(len(row["input_ids"]) for row in picked) + 1
        tokens.append(sum(len(row["input_ids"]) for row in picked))
        ids = torch.full((len(picked), longest), pad)
        labels = torch.full((len(picked), longest), -100)
        mask = torch.zeros((len(picked), longest), dtype=torch.int64)
        for place, row in enumerate(picked):
            size = len(row["input_ids"])
            ids[place, :size] = row["input_ids"]
            labels[place, 1 : size + 1] = row["labels"]  # the model shifts them back
            said = row["labels"] != -100
            ids[place, 1 : size + 1][said] = row["labels"][said]
            mask[place, : size + 1] = 1
        return {"input_ids": ids, "labels": labels, "attention_mask": mask}

    set_seed(0)
    model: Any = found.causal
    model.set_attn_implementation("sdpa")  # for good: peft's wrapping stays on the model
    if mode == "lora":
        from peft import LoraConfig, get_peft_model

        config = LoraConfig(
            r=RANK, lora_alpha=SCALE, task_type="CAUSAL_LM", target_modules="all-linear"
        )
        model = get_peft_model(model, config)
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            folder, per_device_train_batch_size=batch, learning_rate=1e-5, bf16=half,
            use_cpu=True, report_to=[], logging_strategy="no", disable_tqdm=True,
            save_strategy="no", max_steps=WARM + steps,
        )  # fmt: skip
        Trainer(
            model=model, args=arguments, train_dataset=rows, data_collator=collate,
            callbacks=[Clock()],
        ).train()  # fmt: skip
    done = len(at)
    return {"seconds": at[-1] - at[WARM - 1], "tokens": sum(tokens[WARM:done])}


if __name__ == "__main__":
    mode, batch, half, steps = sys.argv[1:]
    print(json.dumps(timed(mode, int(batch), int(steps), half == "half")))
