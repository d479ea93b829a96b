"""The interface of a task family.

Shapes: b batch, s subwords (padded), h hidden, k labels. A row is a mapping with the family's input columns and, in
training data, its gold column. A family holds no state.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from xstilts.scoring import majority_prediction
from xstilts.tasks import Task

if TYPE_CHECKING:
    from torch import Tensor, nn
    from transformers import PreTrainedTokenizerBase

    from xstilts.training.batches import Batch

Row = Mapping[str, Any]
IGNORED = -100


@dataclass(frozen=True, slots=True)
class Example:
    """One sequence for the encoder; a long row may make several.

    Attributes:
        row: index of its row.
        input_ids: [s] int64.
        type_ids: [s] int64; all zero where the encoder has one token type.
        targets: int64 class ids for the loss, ``IGNORED`` where there is none; [s] for tagging, [1] for
            classification, empty without gold.
        positions: [n] int64 places in the sequence that are predicted; empty when the whole sequence is.
        hidden: [s, h] what the encoder's frozen layers make of it, float32 or the int16 of bfloat16's bits; nothing
            where they run anew.
        part: which of several tasks it belongs to.
    """

    row: int
    input_ids: NDArray[np.int64]
    type_ids: NDArray[np.int64]
    targets: NDArray[np.int64]
    positions: NDArray[np.int64]
    hidden: NDArray[np.int16] | NDArray[np.float32] | None = None
    part: int = 0


class FamilyCode(abc.ABC):
    """What a family does; the trainer, the evaluator and the guards know nothing else of a task.

    Attributes:
        inputs: the input columns.
        gold: the gold column.
        item: what one label belongs to, in the plural.
        classed: whether gold is made of the task's labels.
        pooled: whether one vector of a whole sequence is all that the head reads.
        test_splits: the splits that are predicted in every language; ``dev`` among them where it fits a threshold.
    """

    inputs: tuple[str, ...]
    gold: str
    item: str = "sentences"
    classed: bool = True
    pooled: bool = False
    test_splits: tuple[str, ...] = ("test",)

    @abc.abstractmethod
    def text(self, row: Row) -> str:
        """The row's text, for overlap and divergence."""

    def in_english(self, row: Row) -> bool:
        """Whether ``text`` is English in a target's row of any language; of a retrieval row it is the candidate."""
        return True

    def held_texts(self, row: Row) -> tuple[str, ...]:
        """Texts of the row that must not stand in any row that is trained on."""
        return (self.text(row),)

    def items(self, row: Row) -> int:
        """Labelled items in a row: the unit in which arms are matched."""
        return 1

    def length(self, row: Row) -> int:
        """White-space words of the row: the unit of the length histogram."""
        return len(self.text(row).split())

    @property
    def columns(self) -> tuple[str, ...]:
        """The input columns and the gold column, each once."""
        return tuple(dict.fromkeys((*self.inputs, self.gold)))

    def whole_vocabulary(self, task: Task) -> bool:
        """Whether the head reads every row of the embedding, so that none can be left out."""
        return False

    @abc.abstractmethod
    def encode(
        self, rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase, task: Task, max_length: int
    ) -> list[Example]:
        """Encode rows, with targets where they carry gold.

        Args:
            rows: in order; ``Example.row`` is an index into them.
            tokenizer: a fast tokenizer.
            task: for the label ids.
            max_length: subwords at most, special ones included.
        """

    def head(self, hidden_size: int, task: Task) -> nn.Module:
        """A freshly initialised head: hidden states to logits."""
        from torch import nn

        return nn.Sequential(nn.Dropout(0.1), nn.Linear(hidden_size, len(task.labels)))

    def head_on(self, encoder: nn.Module, base: Path, task: Task) -> nn.Module:
        """The head of a task on an encoder: a fresh one, unless the encoder was pretrained with it.

        Args:
            encoder: as it was built.
            base: its checkpoint folder.
            task: decides the head.
        """
        return self.head(encoder.config.hidden_size, task)  # type: ignore[union-attr,arg-type]

    @abc.abstractmethod
    def logits(self, hidden: Tensor, batch: Batch, head: nn.Module) -> Tensor:
        """[b, s, h] hidden states to logits, [b, s, k] or [b, k]."""

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Sum of the cross-entropy over labelled items; the loop divides by their number in the whole step."""
        from torch.nn.functional import cross_entropy

        return cross_entropy(
            logits.reshape(-1, logits.shape[-1]), targets.reshape(-1), ignore_index=IGNORED, reduction="sum"
        )

    def batch_loss(self, logits: Tensor, batch: Batch) -> Tensor:
        """The loss of a batch."""
        return self.loss(logits, batch.targets)

    @abc.abstractmethod
    def outputs(self, logits: Tensor, batch: Batch, task: Task) -> list[Any]:
        """Each example's part of its row's prediction; nothing larger is kept of a batch.

        Args:
            logits: as the model gives them.
            batch: what they belong to.
            task: for the labels.
        """

    def joined(self, parts: Sequence[Any], row: Row) -> Any:
        """Put the parts of a row's prediction together."""
        return parts[0]

    def gathered(self, examples: Sequence[Example], outputs: Sequence[Any], rows: Sequence[Row]) -> list[Any]:
        """The predictions of a group's rows, as they are stored and scored.

        Args:
            examples: what the group was encoded to.
            outputs: of each example.
            rows: of the group, with its input columns.
        """
        parts: list[list[Any]] = [[] for _ in rows]
        for example, output in zip(examples, outputs, strict=True):
            parts[example.row].append(output)
        return [self.joined(part, row) for part, row in zip(parts, rows, strict=True)]

    def baseline(self, train_gold: Sequence[Any], rows: Sequence[Row]) -> list[Any]:
        """What can be predicted without learning from text: the most frequent training label."""
        return majority_prediction(train_gold, rows)

    @abc.abstractmethod
    def score(self, predictions: Sequence[Any], gold: Sequence[Any], task: Task, language: str = "en") -> list[Any]:
        """Score one language: a list of metrics, the headline's among them."""


class Labelling(FamilyCode):
    """A family that predicts the likeliest label of each item."""

    def outputs(self, logits: Tensor, batch: Batch, task: Task) -> list[Any]:
        best = logits.argmax(-1).cpu().numpy()
        return [
            self.decode(row[offset : offset + len(example.input_ids)] if row.ndim else row, example, task)
            for row, example, offset in zip(best, batch.examples, batch.offsets, strict=True)
        ]

    @abc.abstractmethod
    def decode(self, best: NDArray[np.int64], example: Example, task: Task) -> Any:
        """Turn one example's likeliest labels into its part of the row's prediction.

        Args:
            best: [s] or [] class ids, without padding.
            example: what was encoded.
            task: for the labels.
        """


def class_ids(label: str, task: Task) -> NDArray[np.int64]:
    """[1] the label's class id."""
    return np.array([task.labels.index(label)], np.int64)
