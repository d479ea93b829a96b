"""Vocabulary trimming: only the embedding rows that the text at hand uses are in memory and in the optimizer.

It is exact. Segmentation is done with the full tokenizer; a row that no training text uses gets no gradient, and with
weight decay 0 on embeddings it would not have moved. Before prediction the rows of the new text are read from the
base encoder, and the trained rows are put over them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from transformers import AutoConfig, PreTrainedTokenizerBase

from xstilts.families.base import Example, FamilyCode
from xstilts.tasks import Task


@dataclass(frozen=True, slots=True)
class Marks:
    """What batches need to know of a tokenizer; small, where the tokenizer itself can take hundreds of megabytes.

    Attributes:
        pad_id: of the padding.
        left: whether it is put before the text.
        with_types: whether the encoder takes token types.
        special_ids: of all special subwords.
    """

    pad_id: int
    left: bool
    with_types: bool
    special_ids: tuple[int, ...]

    @classmethod
    def of(cls, tokenizer: PreTrainedTokenizerBase) -> "Marks":
        """Read them off a tokenizer."""
        return cls(
            int(tokenizer.pad_token_id),
            tokenizer.padding_side == "left",
            "token_type_ids" in tokenizer.model_input_names,
            tuple(sorted(int(number) for number in tokenizer.all_special_ids)),
        )


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """A subset of a tokenizer's ids.

    Attributes:
        ids: [v] int64, ascending, kept ids. All ids up to the padding id are kept, so that the padding's row number
            equals its id; encoders that count positions from it stay right.
    """

    ids: NDArray[np.int64]

    def rows_of(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Row numbers in the trimmed embedding of subword ids, any shape."""
        rows = np.searchsorted(self.ids, ids)
        if not np.array_equal(self.ids[np.minimum(rows, len(self.ids) - 1)], ids):
            raise ValueError("a subword is not in the trimmed vocabulary")
        return rows


def vocabulary_for(
    base: Path, family: FamilyCode, task: Task, marks: Marks, groups: Iterable[Iterable[Example]]
) -> Vocabulary:
    """What a task's model must hold to read some examples: their subwords, or all of them where the head needs all."""
    if family.whole_vocabulary(task):
        return Vocabulary(np.arange(AutoConfig.from_pretrained(base).vocab_size, dtype=np.int64))
    return vocabulary_of(marks, *groups)


def vocabulary_of(marks: Marks, *groups: Iterable[Example]) -> Vocabulary:
    """The vocabulary that covers some examples, every special subword, and all ids up to the padding's."""
    always = np.array([*range(marks.pad_id + 1), *marks.special_ids], np.int64)
    used = [np.unique(np.concatenate([always, *(example.input_ids for example in group)])) for group in groups]
    return Vocabulary(np.unique(np.concatenate([always, *used])))
