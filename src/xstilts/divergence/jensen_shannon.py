"""Jensen-Shannon divergence of word distributions at equal token counts, with the floor that sampling alone gives.

The value depends strongly on the number of tokens, so every pair is measured at the same number, and nothing is
subtracted: the floor stands beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xstilts.divergence.features import Ids

TOP_TYPES = 10_000


def jensen_shannon(left: NDArray[np.int64], right: NDArray[np.int64]) -> float:
    """Base-2 Jensen-Shannon divergence of two count vectors.

    JSD = H((p + q) / 2) - (H(p) + H(q)) / 2 (Lin 1991).

    Args:
        left: [types] counts, not all zero.
        right: [types] counts, not all zero.

    Returns:
        0 for equal distributions, 1 for distributions without a common word.
    """

    def entropy(p: NDArray[np.float64]) -> float:
        seen = p[p > 0]
        return -float(seen @ np.log2(seen))

    p, q = left / left.sum(), right / right.sum()
    return entropy((p + q) / 2) - (entropy(p) + entropy(q)) / 2


@dataclass(frozen=True, slots=True)
class WordDistance:
    """A word divergence.

    Attributes:
        value: base-2 Jensen-Shannon divergence, in [0, 1].
        floor: its mean when the documents of both sides are shuffled into two new sides.
        standard_error: over documents drawn with replacement.
    """

    value: float
    floor: float
    standard_error: float


def _counts(documents: Sequence[Ids], order: Ids, tokens: int, types: int) -> NDArray[np.int64]:
    """Counts of the first tokens of the documents in this order, begun again when they run out."""
    ids = np.concatenate([documents[index] for index in order])
    return np.bincount(np.resize(ids, tokens), minlength=types)


def word_distance(
    left: Sequence[Ids], right: Sequence[Ids], *, tokens: int, types: int, repeats: int, rng: np.random.Generator
) -> WordDistance:
    """Jensen-Shannon divergence of two sets of documents at equal token counts.

    Args:
        left: word ids of each document of one side.
        right: word ids of each document of the other.
        tokens: tokens taken from each side, at most what the smaller side has.
        types: size of the vocabulary.
        repeats: draws for the value, and shuffles for the floor and the standard error.
        rng: of the draws.

    Returns:
        The divergence, its permutation floor and its standard error.
    """
    both = [*left, *right]
    values, floors, spread = np.empty((3, repeats))
    for repeat in range(repeats):
        values[repeat] = jensen_shannon(
            _counts(left, rng.permutation(len(left)), tokens, types),
            _counts(right, rng.permutation(len(right)), tokens, types),
        )
        spread[repeat] = jensen_shannon(
            _counts(left, rng.integers(len(left), size=len(left)), tokens, types),
            _counts(right, rng.integers(len(right), size=len(right)), tokens, types),
        )
        floors[repeat] = _shuffled(both, tokens, types, rng)
    return WordDistance(float(values.mean()), float(floors.mean()), float(spread.std(ddof=1)))


def _shuffled(both: Sequence[Ids], tokens: int, types: int, rng: np.random.Generator) -> float:
    """The divergence of two new sides, each about half of all tokens in whole documents."""
    order = rng.permutation(len(both))
    ends = np.cumsum([len(both[index]) for index in order])
    cut = int(np.clip(np.searchsorted(ends, ends[-1] / 2) + 1, 1, len(order) - 1))
    return jensen_shannon(_counts(both, order[:cut], tokens, types), _counts(both, order[cut:], tokens, types))
