"""Vocabulary trimming: only the embedding rows that the text at hand uses are in memory and in the optimizer.

It is exact. Segmentation is done with the full tokenizer; a row that no training text uses gets no gradient, and with
weight decay 0 on embeddings it would not have moved. Before prediction the rows of the new text are read from the
base encoder, and the trained rows are put over them.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerBase

from xstilts.families.base import Example


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


def vocabulary_of(tokenizer: PreTrainedTokenizerBase, *groups: Iterable[Example]) -> Vocabulary:
    """The vocabulary that covers some examples, every special subword, and all ids up to the padding's."""
    always = np.array([*range(int(tokenizer.pad_token_id) + 1), *tokenizer.all_special_ids], np.int64)
    used = [np.unique(np.concatenate([always, *(example.input_ids for example in group)])) for group in groups]
    return Vocabulary(np.unique(np.concatenate([always, *used])))
