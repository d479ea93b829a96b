"""Sentence retrieval: find each sentence's translation among English candidates, by cosine of their embeddings.

No head and no training: the encoder is read as it is, or as the intermediate task left it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from xstilts.families.base import Example, FamilyCode, Row
from xstilts.scoring import score_retrieval
from xstilts.tasks import Task

if TYPE_CHECKING:
    from torch import Tensor, nn
    from transformers import PreTrainedTokenizerBase

    from xstilts.training.batches import Batch


class Embedding(FamilyCode):
    """A family whose sentences are compared by their embeddings: of which layer and how pooled, the target tells."""

    classed = False
    pooled = True

    def embedded(self, texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, max_length: int) -> list[Example]:
        """One example for each text."""
        if not texts:
            return []
        encoded = tokenizer(list(texts), truncation=True, max_length=max_length)["input_ids"]
        none = np.zeros(0, np.int64)
        return [
            Example(number, np.array(ids, np.int64), np.zeros(len(ids), np.int64), none, none)
            for number, ids in enumerate(encoded)
        ]

    def head(self, hidden_size: int, task: Task) -> nn.Module:
        from torch import nn

        return nn.Identity()

    def logits(self, hidden: Tensor, batch: Batch, head: nn.Module) -> Tensor:
        return batch.pooled(hidden)

    def outputs(self, logits: Tensor, batch: Batch, task: Task) -> list[Any]:
        return list(logits.float().cpu().numpy())


class SentenceRetrieval(Embedding):
    """Rows with ``text_a`` (the language) and ``text_b`` (English candidates, sorted); gold is ``match``."""

    inputs = ("text_a", "text_b")
    gold = "match"

    def text(self, row: Row) -> str:
        return str(row["text_b"])

    def encode(
        self, rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase, task: Task, max_length: int
    ) -> list[Example]:
        """Two examples for each row: row i is its sentence, row n + i the i-th candidate."""
        return self.embedded([str(row[column]) for column in self.inputs for row in rows], tokenizer, max_length)

    def gathered(self, examples: Sequence[Example], outputs: Sequence[Any], rows: Sequence[Row]) -> list[Any]:
        return [int(index) for index in nearest_candidates(np.stack(outputs))] if outputs else []

    def score(self, predictions: Sequence[Any], gold: Sequence[Any], task: Task, language: str = "en") -> list[Any]:
        return score_retrieval(predictions, gold, task)


def nearest_candidates(embeddings: NDArray[np.float32]) -> NDArray[np.int64]:
    """The nearest English candidate of each sentence.

    Args:
        embeddings: [2n, h], sentences first, then candidates.

    Returns:
        [n] indices into the candidates.
    """
    unit = embeddings / np.maximum(np.linalg.norm(embeddings, axis=1, keepdims=True), 1e-12)
    half = len(unit) // 2
    best: NDArray[np.int64] = (unit[:half] @ unit[half:].T).argmax(axis=1)
    return best
