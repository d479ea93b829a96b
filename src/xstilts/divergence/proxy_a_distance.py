"""Proxy A-distance: how well a held-out classifier tells two sets of sentences apart.

PAD = 2 (1 - 2e), e the held-out error of a logistic regression (Ben-David et al. 2007; Elsahar and Galle 2019).
0 means that the sides cannot be told apart, 2 that they always can. Values are raw: chance may take one slightly
below 0, and clipping would push the noise floor and the mean over draws upwards.

Shapes: n sentences, d dimensions.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xstilts.divergence.features import Ids, Matrix
from xstilts.errors import XstiltsError


@dataclass(frozen=True, slots=True)
class Side:
    """One side's features [n, d] and the document of each row [n], as numbers shared by both sides."""

    features: Matrix
    documents: Ids

    def rows(self, chosen: Ids) -> "Side":
        """The side with the chosen rows only."""
        return Side(self.features[chosen], self.documents[chosen])


@dataclass(frozen=True, slots=True)
class Distance:
    """A distance with its standard error.

    Attributes:
        value: mean over the draws.
        standard_error: documents as the sampling unit, plus what remains of the draws' own spread.
    """

    value: float
    standard_error: float


def document_folds(documents: Ids, sides: Ids, *, folds: int, rng: np.random.Generator) -> Ids:
    """Spread whole documents over folds so that each side's rows are about even in every fold.

    Largest document first, each into the fold that holds the least of its side; equal documents in random order. A
    document that stands on both sides goes into one fold with all its rows.

    Args:
        documents: [n] document of each row.
        sides: [n] 0 or 1.
        folds: how many.
        rng: order of equal documents.

    Returns:
        [n] fold of each row.
    """
    _, index = np.unique(documents, return_inverse=True)
    sizes = np.zeros((index.max() + 1, 2))
    np.add.at(sizes, (index, sides), 1)
    order = rng.permutation(len(sizes))
    order = order[np.argsort(-sizes[order].sum(axis=1), kind="stable")]
    held = np.zeros((folds, 2))
    fold = np.zeros(len(sizes), dtype=np.int64)
    for document in order:
        fold[document] = int(np.argmin(held @ sizes[document]))
        held[fold[document]] += sizes[document]
    return fold[index]


def _held_out_errors(features: Matrix, sides: Ids, fold: Ids) -> NDArray[np.bool_]:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    wrong = np.zeros(len(sides), dtype=np.bool_)
    for held in np.unique(fold):
        out = fold == held
        train = features[~out]
        mean, scale = train.mean(axis=0), train.std(axis=0)
        scale[scale == 0.0] = 1.0
        model = LogisticRegression(C=0.1, class_weight="balanced", max_iter=300)
        with warnings.catch_warnings():
            warnings.simplefilter("error", ConvergenceWarning)
            model.fit((train - mean) / scale, sides[~out])
        wrong[out] = model.predict((features[out] - mean) / scale) != sides[out]
    return wrong


def _one_draw(left: Side, right: Side, *, folds: int, rng: np.random.Generator) -> tuple[float, float]:
    """PAD and its sampling variance over documents, for sides of equal size."""
    documents = np.concatenate([left.documents, right.documents])
    sides = np.repeat(np.array([0, 1]), [len(left.documents), len(right.documents)])
    folds = min(folds, len(np.unique(left.documents)), len(np.unique(right.documents)))
    fold = document_folds(documents, sides, folds=folds, rng=rng)
    wrong = _held_out_errors(np.concatenate([left.features, right.features]), sides, fold)
    error = float(wrong.mean())
    _, index = np.unique(documents, return_inverse=True)
    sums = np.bincount(index, weights=wrong - error)
    count = len(sums)
    return 2.0 * (1.0 - 2.0 * error), 16.0 * float(sums @ sums) / len(wrong) ** 2 * count / (count - 1)


def _drawn(side: Side, rows: int, rng: np.random.Generator) -> Side:
    return side.rows(np.sort(rng.permutation(len(side.documents))[:rows]))


def _summed_up(draws: Sequence[tuple[float, float]]) -> Distance:
    values, variances = np.array(draws).T
    between = float(values.var(ddof=1)) / len(values) if len(values) > 1 else 0.0
    return Distance(float(values.mean()), float(np.sqrt(variances.mean() + between)))


def proxy_a_distance(
    left: Side, right: Side, *, rows: int, folds: int, repeats: int, rng: np.random.Generator
) -> Distance:
    """Proxy A-distance with folds grouped by document.

    Args:
        left: one side.
        right: the other.
        rows: sentences drawn from each side without replacement, the same for every pair that is compared.
        folds: at most; never more than the documents of the smaller side.
        repeats: draws of rows and folds; the value is their mean.
        rng: of the draws.

    Returns:
        The distance, in [-2, 2].

    Raises:
        XstiltsError: if a side has fewer sentences than asked, or fewer than two documents.
    """
    for name, side in (("left", left), ("right", right)):
        documents = len(np.unique(side.documents))
        if len(side.documents) < rows or documents < 2:
            raise XstiltsError(
                f"The {name} side has {len(side.documents)} sentences from {documents} documents",
                where="proxy A-distance",
                allowed=f"at least {rows} sentences from at least 2 documents",
                next_step="give the side more documents, or ask for fewer rows",
            )
    return _summed_up(
        [_one_draw(_drawn(left, rows, rng), _drawn(right, rows, rng), folds=folds, rng=rng) for _ in range(repeats)]
    )


def noise_floor(side: Side, *, rows: int, folds: int, repeats: int, rng: np.random.Generator) -> float | None:
    """Proxy A-distance between two halves of one corpus that share no document.

    Args:
        side: the corpus.
        rows: sentences from each half, fewer when the smaller half has fewer.
        folds: at most.
        repeats: halvings; the floor is their mean.
        rng: of the halvings.

    Returns:
        The floor, near 0; nothing when a half would have fewer than two documents.
    """
    draws = []
    for _ in range(repeats):
        half = document_folds(side.documents, np.zeros(len(side.documents), dtype=np.int64), folds=2, rng=rng)
        halves = [side.rows(np.flatnonzero(half == which)) for which in (0, 1)]
        if min(len(np.unique(part.documents)) for part in halves) < 2:
            return None
        size = min(rows, *(len(part.documents) for part in halves))
        draws.append(_one_draw(_drawn(halves[0], size, rng), _drawn(halves[1], size, rng), folds=folds, rng=rng)[0])
    return float(np.mean(draws))
