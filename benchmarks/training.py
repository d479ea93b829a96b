"""Real training tokens a second on this machine, beside Hugging Face ``Trainer`` with its defaults.

    python benchmarks/training.py [--precision auto|float32|bfloat16] [--batch-size 16] [--steps 60] [--rounds 2]

Both sides train the same encoder on the same tagged sentences, with the same batch size, learning rate and number of
steps, and pad each batch to its longest sentence. The peer is one ``Trainer`` process with as many threads as there
are cores, as it comes. Ours is what a study runs: the executor's workers, one thread each, one cell each. Rounds
alternate (A/B/A/B), the ratio is that of the medians. Start-up is outside of both clocks; each side's score on held-out
sentences is printed, so that speed is not bought with learning.
"""

import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from workload import Workload, compare, specs_for


def peer(work: Workload, chosen: Any) -> dict[str, float]:
    """Train with ``Trainer`` defaults in this process."""
    import numpy as np
    import torch
    from transformers import (
        AutoModelForTokenClassification,
        AutoTokenizer,
        DataCollatorForTokenClassification,
        Trainer,
        TrainerCallback,
        TrainingArguments,
    )

    from workload import PeerRows
    from xstilts.tasks import TASKS

    torch.set_num_threads(len(os.sched_getaffinity(0)))
    tokenizer = AutoTokenizer.from_pretrained(work.encoder)
    train, dev = (PeerRows(work, tokenizer, path) for path in (work.train, work.dev))
    model = AutoModelForTokenClassification.from_pretrained(
        work.encoder, num_labels=len(TASKS["udpos"].labels), dtype=torch.float32
    )
    seen: list[int] = []
    clock: list[float] = []

    class Clock(TrainerCallback):
        def on_step_begin(self, *args: Any, **kwargs: Any) -> None:
            clock.append(time.perf_counter())

        def on_step_end(self, *args: Any, **kwargs: Any) -> None:
            clock.append(time.perf_counter())

    pad = DataCollatorForTokenClassification(tokenizer)

    def collate(examples: list[dict[str, Any]]) -> Any:
        seen.append(sum(len(example["input_ids"]) for example in examples))
        return pad(examples)

    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            folder, max_steps=chosen.steps, per_device_train_batch_size=chosen.batch_size, report_to="none",
            learning_rate=work.learning_rate, save_strategy="no", disable_tqdm=True, use_cpu=True,
        )  # fmt: skip
        trainer = Trainer(model, arguments, train_dataset=train, data_collator=collate, callbacks=[Clock()])
        trainer.train()
        tokens, wall = sum(seen[: chosen.steps]), clock[-1] - clock[0]
        output = trainer.predict(dev)  # type: ignore[arg-type]
    labelled = output.label_ids != -100
    right = (np.argmax(output.predictions, -1) == output.label_ids)[labelled]
    return {"tokens_per_s": tokens / wall, "wall_s": wall, "dev": 100 * float(right.mean())}


def ours(work: Workload, chosen: Any) -> dict[str, float]:
    """Train one cell a core with the executor; its rate is all cells' tokens over the longest training."""
    from xstilts.cells.executor import LocalExecutor
    from xstilts.files import read_json

    workers = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder, LocalExecutor(Path(folder) / "cells", workers) as executor:
        warm, timed = (
            specs_for(work, steps, chosen.batch_size, chosen.precision, range(workers)) for steps in (2, chosen.steps)
        )
        failed = [outcome.error for specs in (warm, timed) for outcome in executor.run(specs) if outcome.error]
        if failed:
            raise SystemExit(failed[0])
        records = [read_json(executor.store / spec.key / "record.json") for spec in timed]
        results = [read_json(executor.store / spec.key / "result.json") for spec in timed]
    wall = max(record["loop_s"] for record in records)
    return {
        "tokens_per_s": sum(result["train_tokens"] for result in results) / wall,
        "wall_s": wall,
        "dev": statistics.fmean(result["dev"]["score"] for result in results),
        "peak_rss_mb": max(record["peak_rss_mb"] for record in records),
    }


if __name__ == "__main__":
    options = {"--batch-size": (16, "sequences of an optimizer step"), "--steps": (60, "optimizer steps")}
    compare(__doc__ or "", __file__, {"peer": peer, "ours": ours}, options)
