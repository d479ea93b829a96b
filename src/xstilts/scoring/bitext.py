"""Bitext mining as XTREME does BUCC 2018: margin scores, pairs, the threshold, F1 over pairs of sentence ids.

Shapes: n sentences in the language, m in English, h of an embedding, k neighbours. A pair is (id in the language,
id in English), such as ``("zh-000000057", "en-000008530")``. The formulas are those of XTREME's
``third_party/utils_retrieve.py``, which has them from LASER: docs/xtreme-scoring.md.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xstilts.errors import XstiltsError
from xstilts.scoring.metrics import Metric, nothing, ratio

Pair = tuple[str, str]
Floats = NDArray[np.floating[Any]]
ROWS, COLUMNS = 1024, 16384
"""Of a block of similarities: 64 MB in float32, however many sentences there are."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The nearest sentences of the other side.

    Attributes:
        index: [n, k] places on the other side, the nearest first; among equals, the first.
        score: [n, k] their margin scores.
    """

    index: NDArray[np.int64]
    score: Floats


def margin_scores(x: Floats, y: Floats, k: int = 4) -> tuple[Neighbours, Neighbours]:
    """Ratio margin of each sentence's k nearest on the other side.

    The margin of a pair is its cosine over the mean of two means: that of x's k nearest cosines in y and that of y's k
    nearest in x. It is 0 where that mean is.

    Args:
        x: [n, h] embeddings in the language; their length does not matter.
        y: [m, h] English embeddings.
        k: neighbours; as many as there are when there are fewer.

    Returns:
        The neighbours of x in y, and of y in x.

    Raises:
        XstiltsError: if a side has no sentence, the sides differ in h, or an embedding is not finite.
    """
    _check_embeddings(x, y)
    x, y = _unit(x), _unit(y)
    forth, back = _nearest(x, y, min(k, len(y))), _nearest(y, x, min(k, len(x)))
    mean_x, mean_y = forth.score.mean(axis=1), back.score.mean(axis=1)
    return _over_means(forth, mean_x, mean_y), _over_means(back, mean_y, mean_x)


def mined_pairs(forth: Neighbours, back: Neighbours) -> list[tuple[int, int, float]]:
    """The pairs that XTREME keeps: each side's best, the highest score first, no sentence twice.

    A score of 0 or less is no pair, but its sentences are taken. Among equal scores the sentences in the language come
    before the English ones, each in their order; XTREME leaves that order to numpy's unstable sort.

    Returns:
        (place in the language, place in English, score), the highest first.
    """
    best = [side.index[np.arange(len(side.index)), side.score.argmax(axis=1)] for side in (forth, back)]
    sources = np.concatenate([np.arange(len(best[0])), best[1]])
    targets = np.concatenate([best[0], np.arange(len(best[1]))])
    scores = np.concatenate([forth.score.max(axis=1), back.score.max(axis=1)])
    taken: tuple[set[int], set[int]] = (set(), set())
    pairs = []
    for place in np.argsort(-scores, kind="stable"):
        source, target = int(sources[place]), int(targets[place])
        if source in taken[0] or target in taken[1]:
            continue
        taken[0].add(source)
        taken[1].add(target)
        if scores[place] > 0:
            pairs.append((source, target, float(scores[place])))
    return pairs


def mine(
    x: Floats, y: Floats, sources: Sequence[tuple[str, str]], targets: Sequence[tuple[str, str]], k: int = 4
) -> dict[Pair, float]:
    """Mine candidates: a sentence that occurs twice takes part once, and no pair with it is kept, as its id is open.

    Args:
        x: [n, h] embeddings of ``sources``.
        y: [m, h] embeddings of ``targets``.
        sources: (id, text) of each sentence in the language.
        targets: the same in English.
        k: neighbours.

    Returns:
        Pairs with their scores, the highest first.
    """
    unique = [{text: place for place, (_, text) in enumerate(side)} for side in (sources, targets)]
    times = [Counter(text for _, text in side) for side in (sources, targets)]
    texts = [list(side) for side in unique]
    found = mined_pairs(*margin_scores(x[list(unique[0].values())], y[list(unique[1].values())], k))
    candidates: dict[Pair, float] = {}
    for source, target, score in found:
        text_a, text_b = texts[0][source], texts[1][target]
        if times[0][text_a] == times[1][text_b] == 1:
            candidates[sources[unique[0][text_a]][0], targets[unique[1][text_b]][0]] = score
    return candidates


def best_threshold(candidates: Mapping[Pair, float], gold: Collection[Pair]) -> float:
    """The threshold with the highest F1 on scored candidates, to be used on another set.

    Candidates are taken from the highest score down, equals in the mapping's order. The threshold lies midway between
    the last one that is taken and the next; the first of equal F1 counts. Where all are taken it is the last one's
    score (XTREME's program ends in an error there); where none is right it is 0.

    Args:
        candidates: pairs with their scores.
        gold: the right pairs.
    """
    right = set(gold)
    items = sorted(candidates.items(), key=lambda item: -item[1])
    threshold, best, correct = 0.0, 0.0, 0
    for taken, (pair, score) in enumerate(items, 1):
        correct += pair in right
        precision, recall = correct / taken, correct / max(1, len(right))
        f1 = 2 * precision * recall / (precision + recall) if correct else 0.0
        if f1 > best:
            best = f1
            threshold = (score + items[taken][1]) / 2 if taken < len(items) else score
    return threshold


def above(candidates: Mapping[Pair, float], threshold: float) -> list[Pair]:
    """The candidates whose score is the threshold or more, in their order."""
    return [pair for pair, score in candidates.items() if score >= threshold]


def score_bitext(predictions: Collection[Pair], gold: Collection[Pair], *, where: str = "bucc2018") -> list[Metric]:
    """Score mined pairs as sets.

    Args:
        predictions: pairs of ids; one that occurs twice counts once.
        gold: the right pairs.
        where: task and language, for messages.

    Returns:
        ``f1``, ``precision`` and ``recall``, with the sentences in the language as clusters of the standard error.

    Raises:
        XstiltsError: if there is no gold, or a pair is not one of two ids.
    """
    if not gold:
        raise nothing(where)
    for side, pairs in (("predicted", predictions), ("gold", gold)):
        for pair in pairs:
            if len(pair) != 2 or not all(pair):
                raise XstiltsError(
                    f"{where}: {side} pair {tuple(pair)!r} is not one of two ids",
                    allowed="(id in the language, id in English)",
                    next_step="correct the pair",
                )
    predicted, right = set(predictions), set(gold)
    sources = sorted({pair[0] for pair in predicted | right})
    both, mine, theirs = (
        np.array([counts[source] for source in sources], np.float64)
        for counts in (Counter(pair[0] for pair in pairs) for pairs in (predicted & right, predicted, right))
    )
    return [
        ratio("f1", 2 * both, mine + theirs, len(right)),
        ratio("precision", both, mine, len(right)),
        ratio("recall", both, theirs, len(right)),
    ]


def _unit(rows: Floats) -> Floats:
    result: Floats = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return result


def _nearest(x: Floats, y: Floats, k: int) -> Neighbours:
    """The k highest inner products of each row of x with rows of y, a block at a time."""
    index = np.zeros((len(x), k), np.int64)
    score = np.full((len(x), k), -np.inf, x.dtype)
    for row in range(0, len(x), ROWS):
        part = slice(row, row + ROWS)
        for column in range(0, len(y), COLUMNS):
            block = x[part] @ y[column : column + COLUMNS].T
            new_index, new_score = _highest(block, min(k, block.shape[1]))
            scores = np.concatenate([score[part], new_score], axis=1)
            indices = np.concatenate([index[part], new_index + column], axis=1)
            order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
            score[part], index[part] = (np.take_along_axis(each, order, axis=1) for each in (scores, indices))
    return Neighbours(index, score)


def _highest(block: Floats, k: int) -> tuple[NDArray[np.int64], Floats]:
    """The k highest of each row, the first among equals; the block is used up."""
    rows = np.arange(len(block))
    index = np.zeros((len(block), k), np.int64)
    score = np.zeros((len(block), k), block.dtype)
    for place in range(k):
        index[:, place] = block.argmax(axis=1)
        score[:, place] = block[rows, index[:, place]]
        block[rows, index[:, place]] = -np.inf
    return index, score


def _over_means(found: Neighbours, own: Floats, others: Floats) -> Neighbours:
    means = (own[:, None] + others[found.index]) / 2
    margins = np.divide(found.score, means, out=np.zeros_like(found.score), where=means != 0)
    return Neighbours(found.index, margins)


def _check_embeddings(x: Floats, y: Floats) -> None:
    if not len(x) or not len(y) or x.shape[1:] != y.shape[1:]:
        raise XstiltsError(
            f"Embeddings of shapes {x.shape} and {y.shape} cannot be mined",
            allowed="at least one sentence on each side, of one width",
            next_step="embed both sides with one encoder",
        )
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise XstiltsError(
            "An embedding is not finite",
            allowed="finite numbers",
            next_step="look at the encoder's weights and precision",
        )
