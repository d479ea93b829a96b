"""Real tokens predicted a second on this machine, beside ``Trainer.predict`` with its defaults.

    python benchmarks/evaluation.py [--precision auto|float32|bfloat16] [--rounds 2]

Both sides tag the same sentences with the same encoder under a fresh head, tokenised beforehand. The peer is one
``Trainer`` with as many threads as there are cores, the default batch of 8 padded to its longest sentence. Ours is what
a study runs: one-thread workers, each with a cell that trains nothing and predicts everything. The head is untrained on
both sides, so only the rates are compared, not the tags. Rounds alternate (A/B/A/B).
"""

import os
import tempfile
import time
from pathlib import Path
from typing import Any

from workload import Workload, compare, specs_for


def peer(work: Workload, chosen: Any) -> dict[str, float]:
    """Predict with ``Trainer`` in this process."""
    import torch
    from transformers import (
        AutoModelForTokenClassification,
        AutoTokenizer,
        DataCollatorForTokenClassification,
        Trainer,
        TrainingArguments,
    )

    from workload import PeerRows
    from xstilts.tasks import TASKS

    torch.set_num_threads(len(os.sched_getaffinity(0)))
    tokenizer = AutoTokenizer.from_pretrained(work.encoder)
    rows = PeerRows(work, tokenizer, work.train)
    model = AutoModelForTokenClassification.from_pretrained(
        work.encoder, num_labels=len(TASKS["udpos"].labels), dtype=torch.float32
    )
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(folder, report_to="none", disable_tqdm=True, use_cpu=True)
        trainer = Trainer(model, arguments, data_collator=DataCollatorForTokenClassification(tokenizer))
        began = time.perf_counter()
        trainer.predict(rows)  # type: ignore[arg-type]
        wall = time.perf_counter() - began
    return {"tokens_per_s": sum(len(row["input_ids"]) for row in rows.rows) / wall, "wall_s": wall}


def ours(work: Workload, chosen: Any) -> dict[str, float]:
    """Predict with one cell a core; the rate is all tokens over the longest prediction."""
    from xstilts.cells.executor import LocalExecutor
    from xstilts.files import read_json

    workers = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder, LocalExecutor(Path(folder) / "cells", workers) as executor:
        warm, timed = (
            specs_for(work, 0, 16, chosen.precision, seeds, predicts=True)
            for seeds in (range(workers), range(workers, 2 * workers))
        )
        failed = [outcome.error for specs in (warm, timed) for outcome in executor.run(specs) if outcome.error]
        if failed:
            raise SystemExit(failed[0])
        records = [read_json(executor.store / spec.key / "record.json") for spec in timed]
    wall = max(record["predict_s"] for record in records)
    return {"tokens_per_s": sum(record["predicted_tokens"] for record in records) / wall, "wall_s": wall}


if __name__ == "__main__":
    compare(__doc__ or "", __file__, {"peer": peer, "ours": ours}, {})
