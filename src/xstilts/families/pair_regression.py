"""Pair regression: a number for two texts, such as how alike they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from xstilts.families.base import Example, Row
from xstilts.families.pair_classification import PairClassification
from xstilts.scoring import score_numbers
from xstilts.tasks import Task

if TYPE_CHECKING:
    from torch import Tensor, nn
    from transformers import PreTrainedTokenizerBase

    from xstilts.training.batches import Batch

GRAIN = 1000
"""Targets are whole numbers: thousandths of the task's range."""


class PairRegression(PairClassification):
    """Rows with ``text_a``, ``text_b`` and a number ``score``; the task's two labels are the ends of its range."""

    gold = "score"
    classed = False

    def encode(
        self, rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase, task: Task, max_length: int
    ) -> list[Example]:
        plain = [{column: row[column] for column in self.inputs} for row in rows]
        examples = super().encode(plain, tokenizer, task, max_length)
        low, high = map(float, task.labels)
        found = []
        for example in examples:
            gold = rows[example.row].get(self.gold)
            targets = example.targets
            if gold is not None:
                targets = np.array([round(GRAIN * (float(gold) - low) / (high - low))], np.int64)
            found.append(Example(example.row, example.input_ids, example.type_ids, targets, example.positions))
        return found

    def head(self, hidden_size: int, task: Task) -> nn.Module:
        from torch import nn

        return nn.Sequential(nn.Dropout(0.1), nn.Linear(hidden_size, 1))

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Sum of squared differences, in the unit of the task's range."""
        from torch.nn.functional import mse_loss

        return mse_loss(logits, targets.to(logits.dtype) / GRAIN, reduction="sum")

    def outputs(self, logits: Tensor, batch: Batch, task: Task) -> list[float]:
        low, high = map(float, task.labels)
        return [round(low + (high - low) * value, 6) for value in logits.float().squeeze(-1).cpu().tolist()]

    def baseline(self, train_gold: Sequence[Any], rows: Sequence[Row]) -> list[Any]:
        """The mean of the training scores."""
        return [float(np.mean([float(gold) for gold in train_gold]))] * len(rows)

    def score(self, predictions: Sequence[Any], gold: Sequence[Any], task: Task, language: str = "en") -> list[Any]:
        return score_numbers(predictions, gold, task)
