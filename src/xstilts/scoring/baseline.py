"""The baseline that reads no text: the most frequent training label."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from xstilts.errors import XstiltsError


def majority_prediction(train_gold: Iterable[str | Sequence[str]], rows: Sequence[Mapping[str, Any]]) -> list[Any]:
    """Predict the most frequent training label everywhere; among equals, the first in the alphabet.

    Args:
        train_gold: a label for each training row, or a sequence of tags for each.
        rows: the rows to predict for, with their input columns.

    Returns:
        For each row a label, or, where it has ``tokens``, as many tags as tokens.

    Raises:
        XstiltsError: if there are no training labels.
    """
    counts: Counter[str] = Counter()
    for gold in train_gold:
        counts.update([gold] if isinstance(gold, str) else gold)
    if not counts:
        raise XstiltsError("The majority baseline has no training labels", next_step="give the task training rows")
    most = min(counts, key=lambda label: (-counts[label], label))
    return [[most] * len(row["tokens"]) if "tokens" in row else most for row in rows]
