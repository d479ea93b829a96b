"""Prediction: everything in one pass, in batches of equal length, keeping nothing but the argmax."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from xstilts.families.base import Example
from xstilts.families.sentence_retrieval import nearest_candidates
from xstilts.tasks import Task
from xstilts.training.batches import Collator, equal_length_batches
from xstilts.training.model import TaskModel
from xstilts.training.products import products

TOKEN_BUDGET = 2048
"""Subwords in a batch of prediction."""


@torch.inference_mode()
def predict(
    model: TaskModel, groups: Mapping[str, Sequence[Example]], rows: Mapping[str, int], task: Task, collate: Collator
) -> dict[str, list[Any]]:
    """Predict for each row of each group (a language, or dev).

    Args:
        model: on its device, in the precision to predict in (see ``TaskModel.for_prediction``).
        groups: encoded rows, in the rows' order.
        rows: how many rows each group was encoded from.
        task: for the labels.
        collate: pads with the model's vocabulary.

    Returns:
        For each group one prediction for each row, in order: tags, a label, or a candidate's index.
    """
    model.eval()
    faster = products(collate.device, next(model.encoder.parameters()).dtype)
    examples = [example for group in groups.values() for example in group]
    outputs: list[Any] = [None] * len(examples)
    for indices in equal_length_batches([len(example.input_ids) for example in examples], TOKEN_BUDGET):
        batch = collate([examples[index] for index in indices])
        with faster:
            logits = model(batch)
        if not model.family.trained:
            for index, embedding in zip(indices, logits.cpu().numpy(), strict=True):
                outputs[index] = embedding
            continue
        best = logits.argmax(-1).cpu().numpy()
        for index, row, offset in zip(indices, best, batch.offsets, strict=True):
            length = len(examples[index].input_ids)
            outputs[index] = model.family.decode(
                row[offset : offset + length] if row.ndim else row, examples[index], task
            )
    found, at = {}, 0
    for name, group in groups.items():
        found[name] = _joined(model, group, outputs[at : at + len(group)], rows[name])
        at += len(group)
    return found


def _joined(model: TaskModel, group: Sequence[Example], outputs: Sequence[Any], rows: int) -> list[Any]:
    if not model.family.trained:
        return [int(index) for index in nearest_candidates(np.stack(outputs))] if outputs else []
    parts: list[list[Any]] = [[] for _ in range(rows)]
    for example, output in zip(group, outputs, strict=True):
        parts[example.row].append(output)
    return [model.family.join(part) for part in parts]
