"""Real training tokens a second on this machine, beside Hugging Face ``Trainer`` with its defaults.

    python benchmarks/training.py [--precision auto|float32|bfloat16] [--batch-size 16] [--steps 60] [--rounds 2]

Both sides train the same encoder on the same tagged sentences, with the same batch size, learning rate and number of
steps, and pad each batch to its longest sentence. The peer is one ``Trainer`` process with as many threads as there
are cores, as it comes. Ours is what a study runs: the executor's workers, one thread each, one cell each. Rounds
alternate (A/B/A/B), the ratio is that of the medians. Start-up is outside of both clocks; each side's score on held-out
sentences is printed, so that speed is not bought with learning.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.workload import Workload, prepare, specs_for

COLUMNS = "{:<34}{:>8}{:>10}{:>14}{:>12}"


def peer(work: Workload, steps: int, batch_size: int) -> dict[str, float]:
    """Train with ``Trainer`` defaults in this process; call it in a process of its own."""
    import numpy as np
    import torch
    from torch.utils.data import Dataset
    from transformers import (
        AutoModelForTokenClassification,
        AutoTokenizer,
        DataCollatorForTokenClassification,
        Trainer,
        TrainerCallback,
        TrainingArguments,
    )

    from xstilts.families import family_of
    from xstilts.tables import read_rows
    from xstilts.tasks import TASKS

    torch.set_num_threads(len(os.sched_getaffinity(0)))
    task = TASKS["udpos"]
    tokenizer = AutoTokenizer.from_pretrained(work.encoder)
    family = family_of(task)

    class Rows(Dataset):  # type: ignore[type-arg]
        def __init__(self, path: Path) -> None:
            self.examples = family.encode(read_rows(path), tokenizer, task, work.max_length)

        def __len__(self) -> int:
            return len(self.examples)

        def __getitem__(self, index: int) -> dict[str, Any]:
            example = self.examples[index]
            return {"input_ids": example.input_ids.tolist(), "attention_mask": [1] * len(example.input_ids),
                    "labels": example.targets.tolist()}  # fmt: skip

    train, dev = Rows(work.train), Rows(work.dev)
    model = AutoModelForTokenClassification.from_pretrained(work.encoder, num_labels=len(task.labels))
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
            folder, max_steps=steps, per_device_train_batch_size=batch_size, learning_rate=work.learning_rate,
            report_to="none", save_strategy="no", disable_tqdm=True, use_cpu=True, logging_steps=10**6,
        )  # fmt: skip
        trainer = Trainer(model, arguments, train_dataset=train, data_collator=collate, callbacks=[Clock()])
        trainer.train()
        wall = clock[-1] - clock[0]
        output = trainer.predict(dev)  # type: ignore[arg-type]
    labelled = output.label_ids != -100
    right = (np.argmax(output.predictions, -1) == output.label_ids)[labelled]
    tokens = sum(seen[:steps])
    return {"tokens_per_s": tokens / wall, "wall_s": wall, "dev": 100 * float(right.mean())}


def ours(work: Workload, steps: int, batch_size: int, precision: str) -> dict[str, float]:
    """Train one cell a core with the executor; its rate is all cells' tokens over the longest training."""
    from xstilts.cells.executor import LocalExecutor
    from xstilts.files import read_json

    workers = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder)
        warm, timed = (specs_for(work, count, batch_size, precision, range(workers)) for count in (2, steps))
        with LocalExecutor(store, workers) as executor:
            outcomes = [*executor.run(warm), *executor.run(timed)]
        failed = [outcome.error for outcome in outcomes if outcome.error]
        if failed:
            raise SystemExit(failed[0])
        records = [read_json(store / spec.key / "record.json") for spec in timed]
        results = [read_json(store / spec.key / "result.json") for spec in timed]
    tokens = sum(result["train_tokens"] for result in results)
    wall = max(record["loop_s"] for record in records)
    return {
        "tokens_per_s": tokens / wall,
        "wall_s": wall,
        "dev": statistics.fmean(result["dev"]["score"] for result in results),
        "peak_rss_mb": max(record["peak_rss_mb"] for record in records),
    }


def main() -> None:
    """Measure, print a table, a JSON line, and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--precision", choices=("auto", "float32", "bfloat16"), default="auto")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--steps", type=int, default=60, help="optimizer steps of each training")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--side", choices=("peer", "ours"), help=argparse.SUPPRESS)
    parser.add_argument("--work", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.side:
        from xstilts.quiet import quiet

        quiet()
        work = Workload.read(Path(chosen.work))
        run = peer if chosen.side == "peer" else ours
        extra = () if chosen.side == "peer" else (chosen.precision,)
        print(json.dumps(run(work, chosen.steps, chosen.batch_size, *extra)))
        return
    from xstilts.cells.grid import resolved_precision

    precision = resolved_precision(chosen.precision)
    with tempfile.TemporaryDirectory() as folder:
        work = prepare(Path(folder))
        found: dict[str, list[dict[str, float]]] = {"peer": [], "ours": []}
        for number in range(chosen.rounds):
            for side in ("peer", "ours"):
                command = [
                    sys.executable, "-m", "benchmarks.training", "--side", side, "--work", folder,
                    "--precision", precision, "--steps", str(chosen.steps), "--batch-size", str(chosen.batch_size),
                ]  # fmt: skip
                done = subprocess.run(command, capture_output=True, text=True, check=False)
                if done.returncode:
                    raise SystemExit(done.stderr[-3000:])
                found[side].append(json.loads(done.stdout.strip().splitlines()[-1]))
                print(f"round {number + 1}, {side}: {found[side][-1]['tokens_per_s']:.0f} tokens/s", file=sys.stderr)
    rates = {side: statistics.median(row["tokens_per_s"] for row in rows) for side, rows in found.items()}
    spread = {side: (max(row["tokens_per_s"] for row in rows) / min(row["tokens_per_s"] for row in rows) - 1)
              for side, rows in found.items()}  # fmt: skip
    cores = len(os.sched_getaffinity(0))
    shapes = {"peer": ("Hugging Face Trainer, defaults", 1, cores), "ours": (f"xstilts, {precision}", cores, 1)}
    print(COLUMNS.format("side", "workers", "threads", "tokens/s", "dev %"))
    for side, (name, workers, threads) in shapes.items():
        dev = statistics.fmean(row["dev"] for row in found[side])
        print(COLUMNS.format(name, workers, threads, f"{rates[side]:.0f}", f"{dev:.1f}"))
    facts = {"precision": precision, "batch_size": chosen.batch_size, "steps": chosen.steps, "rounds": chosen.rounds}
    ratio = rates["ours"] / rates["peer"]
    print(json.dumps({"machine": machine(), **facts, "tokens_per_s": rates, "spread": spread, "ratio": ratio}))
    print(f"ratio {ratio:.2f}")


def machine() -> dict[str, Any]:
    """What a reader needs to know of the machine."""
    import torch

    model = next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.processor())  # fmt: skip
    return {
        "processor": model,
        "cores": len(os.sched_getaffinity(0)),
        "amx": torch.cpu._is_amx_tile_supported(),
        "avx512_bf16": torch.cpu._is_avx512_bf16_supported(),
        "torch": torch.__version__,
    }


if __name__ == "__main__":
    main()
