"""Sentence classification: one label for a text, read off one vector of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from xstilts.families.base import Example, Labelling, Row, class_ids
from xstilts.scoring import score_labels
from xstilts.tasks import Task

if TYPE_CHECKING:
    from torch import Tensor, nn
    from transformers import PreTrainedTokenizerBase

    from xstilts.training.batches import Batch


class SentenceClassification(Labelling):
    """Rows with ``text`` and ``label``."""

    inputs: tuple[str, ...] = ("text",)
    gold = "label"
    pooled = True

    def text(self, row: Row) -> str:
        return " ".join(str(row[column]) for column in self.inputs)

    def encode(
        self, rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase, task: Task, max_length: int
    ) -> list[Example]:
        if not rows:
            return []
        columns = [[str(row[column]) for row in rows] for column in self.inputs]
        encoded = tokenizer(*columns, truncation=True, max_length=max_length, return_token_type_ids=True)
        examples = []
        for number, (ids, types) in enumerate(zip(encoded["input_ids"], encoded["token_type_ids"], strict=True)):
            gold = rows[number].get(self.gold)
            examples.append(
                Example(
                    row=number,
                    input_ids=np.array(ids, np.int64),
                    type_ids=np.array(types, np.int64),
                    targets=np.zeros(0, np.int64) if gold is None else class_ids(str(gold), task),
                    positions=np.zeros(0, np.int64),
                )
            )
        return examples

    def logits(self, hidden: Tensor, batch: Batch, head: nn.Module) -> Tensor:
        result: Tensor = head(batch.pooled(hidden))
        return result

    def decode(self, best: NDArray[np.int64], example: Example, task: Task) -> str:
        return task.labels[int(best)]

    def score(self, predictions: Sequence[Any], gold: Sequence[Any], task: Task, language: str = "en") -> list[Any]:
        return score_labels(predictions, gold, task)
