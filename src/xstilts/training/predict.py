"""Prediction: everything in one pass, in batches of equal length, keeping nothing but the argmax."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from xstilts.families.base import Example, Row
from xstilts.tasks import Task
from xstilts.training.batches import Collator, equal_length_batches
from xstilts.training.model import TaskModel
from xstilts.training.products import products

TOKEN_BUDGET = 2048
"""Subwords in a batch of prediction."""


@torch.inference_mode()
def predict(
    model: TaskModel,
    groups: Mapping[str, Sequence[Example]],
    rows: Mapping[str, Sequence[Row]],
    task: Task,
    collate: Collator,
) -> dict[str, list[Any]]:
    """Predict for each row of each group (a language, or dev).

    Args:
        model: on its device, in the precision to predict in (see ``TaskModel.for_prediction``).
        groups: encoded rows, in the rows' order.
        rows: what each group was encoded from.
        task: for the labels.
        collate: pads with the model's vocabulary.

    Returns:
        For each group the prediction of each row, in order.
    """
    model.eval()
    faster = products(collate.device, next(model.encoder.parameters()).dtype)
    examples = [example for group in groups.values() for example in group]
    outputs: list[Any] = [None] * len(examples)
    for part in sorted({example.part for example in examples}):
        places = [place for place, example in enumerate(examples) if example.part == part]
        for indices in equal_length_batches([len(examples[place].input_ids) for place in places], TOKEN_BUDGET):
            batch = collate([examples[places[index]] for index in indices])
            with faster:
                logits = model(batch)
            for index, output in zip(indices, model.family.outputs(logits, batch, task), strict=True):
                outputs[places[index]] = output
    found, at = {}, 0
    for name, group in groups.items():
        found[name] = model.family.gathered(group, outputs[at : at + len(group)], rows[name])
        at += len(group)
    return found
