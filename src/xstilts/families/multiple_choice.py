"""Multiple choice: which of several endings or answers fits.

Each choice is encoded beside the text and gets one logit; the highest wins. Training asks of every choice by itself
whether it is right (binary cross-entropy), so that the choices of a row need not stand in one batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from xstilts.families.base import Example, FamilyCode, Row
from xstilts.scoring import score_labels
from xstilts.tasks import Task

if TYPE_CHECKING:
    from torch import Tensor, nn
    from transformers import PreTrainedTokenizerBase

    from xstilts.training.batches import Batch


class MultipleChoice(FamilyCode):
    """Rows with ``text`` and a list of ``choices``; gold is ``label``, the right one's place from 0, as text."""

    inputs = ("text", "choices")
    gold = "label"
    pooled = True

    def text(self, row: Row) -> str:
        return " ".join([str(row["text"]), *map(str, row["choices"])])

    def encode(
        self, rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase, task: Task, max_length: int
    ) -> list[Example]:
        """One example for each choice, in the row's order."""
        pairs = [(number, at, str(row["text"]), str(choice)) for number, row in enumerate(rows)
                 for at, choice in enumerate(row["choices"])]  # fmt: skip
        if not pairs:
            return []
        encoded = tokenizer(
            [first for _, _, first, _ in pairs],
            [second for _, _, _, second in pairs],
            truncation=True,
            max_length=max_length,
            return_token_type_ids=True,
        )
        examples = []
        for (number, at, _, _), ids, types in zip(pairs, encoded["input_ids"], encoded["token_type_ids"], strict=True):
            gold = rows[number].get(self.gold)
            targets = np.zeros(0, np.int64) if gold is None else np.array([int(str(gold) == str(at))], np.int64)
            examples.append(
                Example(number, np.array(ids, np.int64), np.array(types, np.int64), targets, np.zeros(0, np.int64))
            )
        return examples

    def head(self, hidden_size: int, task: Task) -> nn.Module:
        from torch import nn

        return nn.Sequential(nn.Dropout(0.1), nn.Linear(hidden_size, 1))

    def logits(self, hidden: Tensor, batch: Batch, head: nn.Module) -> Tensor:
        """[b, 1] of being the right choice."""
        result: Tensor = head(batch.pooled(hidden))
        return result

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        from torch.nn.functional import binary_cross_entropy_with_logits

        return binary_cross_entropy_with_logits(logits, targets.to(logits.dtype), reduction="sum")

    def outputs(self, logits: Tensor, batch: Batch, task: Task) -> list[float]:
        found: list[float] = logits.float().squeeze(-1).cpu().tolist()
        return found

    def joined(self, parts: Sequence[Any], row: Row) -> str:
        """The place of the highest logit; the first of equals."""
        return str(max(range(len(parts)), key=parts.__getitem__))

    def score(self, predictions: Sequence[Any], gold: Sequence[Any], task: Task, language: str = "en") -> list[Any]:
        return score_labels(predictions, gold, task)
