"""Prediction: sorted by length, under a token budget, keeping nothing but the argmax."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from xstilts.families.base import Example
from xstilts.families.sentence_retrieval import nearest_candidates
from xstilts.tasks import Task
from xstilts.training.batches import Collator, prediction_batches
from xstilts.training.model import TaskModel


@torch.inference_mode()
def predict(
    model: TaskModel,
    examples: Sequence[Example],
    rows: int,
    task: Task,
    collate: Collator,
    *,
    token_budget: int,
    precision: torch.dtype,
) -> list[Any]:
    """Predict for each row.

    Args:
        model: on its device; left in evaluation mode.
        examples: encoded rows.
        rows: how many rows they came from.
        task: for the labels.
        collate: pads with the model's vocabulary.
        token_budget: padded subwords in a batch at most.
        precision: as in training.

    Returns:
        One prediction for each row, in order: tags, a label, or a candidate's index.
    """
    model.eval()
    outputs: dict[int, Any] = {}
    for indices in prediction_batches([len(example.input_ids) for example in examples], token_budget):
        batch = collate([examples[index] for index in indices])
        with torch.autocast(collate.device.type, dtype=torch.bfloat16, enabled=precision is torch.bfloat16):
            logits = model(batch)
        if not model.family.trained:
            outputs.update(zip(indices, logits.float().cpu().numpy(), strict=True))
            continue
        best = logits.argmax(-1).cpu().numpy()
        for index, row, offset in zip(indices, best, batch.offsets, strict=True):
            length = len(examples[index].input_ids)
            outputs[index] = model.family.decode(
                row[offset : offset + length] if row.ndim else row, examples[index], task
            )
    if not model.family.trained:
        embeddings = np.stack([outputs[index] for index in range(len(examples))])
        return [int(index) for index in nearest_candidates(embeddings)]
    parts: list[list[Any]] = [[] for _ in range(rows)]
    for index, example in enumerate(examples):
        parts[example.row].append(outputs[index])
    return [model.family.join(part) for part in parts]
