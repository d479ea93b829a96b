"""The metrics of each task family.

Every value here is a mean of k ratios of sums over sentences, 100 / k * sum_j (sum_i x_ij / sum_i d_ij):

- accuracy: x is 1 where a row is right, d is 1 (k = 1);
- token accuracy: x counts a sentence's right tags, d its tokens (k = 1);
- F1 over chunks, micro-averaged: x is twice a sentence's right chunks, d its predicted plus its gold chunks (k = 1),
  since 2PR / (P + R) = 2 right / (predicted + gold);
- macro F1: the same for each class (k classes).

The standard error is the linearised (delta) one with sentences as clusters (Cochran, Sampling Techniques, 3rd ed.,
section 6.3, for a ratio of sums), without any random draw: with m sentences and r_j the j-th ratio,
u_i = 1 / k * sum_j (x_ij - r_j d_ij) / sum_i d_ij and SE = 100 * sqrt(m / (m - 1) * sum_i u_i^2). It treats sentences
as independent. For plain accuracy p it equals 100 * sqrt(p (1 - p) / (m - 1)).
"""

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from xstilts.errors import XstiltsError
from xstilts.scoring.chunks import chunks
from xstilts.tasks import Task


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure.

    Attributes:
        name: the metric's name.
        value_pct: percent, 0 to 100; a correlation times 100.
        standard_error: in points of percent; NaN when there is one sentence only.
        n: what was scored: tokens for ``token_accuracy``, gold chunks for F1 over chunks, rows otherwise.
    """

    name: str
    value_pct: float
    standard_error: float
    n: int


def score_tagging(
    predictions: Sequence[Sequence[str]],
    gold: Sequence[Sequence[str]],
    task: Task,
    *,
    ids: Sequence[str] = (),
    where: str = "",
) -> list[Metric]:
    """Score token tagging.

    Args:
        predictions: one sequence of tags for each sentence.
        gold: the same, in the same order.
        task: decides which tags are known and, by having ``O`` among them or not, how the F1 over chunks is called.
        ids: the row of each sentence, for messages.
        where: task and language, such as ``udpos/sw``, for messages.

    Returns:
        ``token_accuracy``, and F1 over chunks: ``span_f1`` of entities where the tags are BIO, ``xtreme_f1`` of runs
        of bare tags where they are not (see ``chunks``). A sentence without chunks on either side counts nothing; if
        no sentence has any, F1 is 0.

    Raises:
        XstiltsError: if there is nothing to score, sentences or tags differ in number, or a tag is unknown.
    """
    where = where or task.name
    names = _checked(predictions, gold, task, ids, where)
    for name, predicted, right in zip(names, predictions, gold, strict=True):
        if len(predicted) != len(right):
            raise XstiltsError(
                f"{where}: predictions and gold differ in length. First difference at row {name} "
                f"({len(predicted)} vs {len(right)} tags)",
                allowed="one tag for each token",
                next_step="predict again, from the same rows as the gold",
            )
    tokens = [len(right) for right in gold]
    if not sum(tokens):
        raise nothing(where)
    same = [sum(map(operator.eq, predicted, right)) for predicted, right in zip(predictions, gold, strict=True)]
    pairs = [(chunks(predicted), chunks(right)) for predicted, right in zip(predictions, gold, strict=True)]
    agreed = [2 * len(predicted & right) for predicted, right in pairs]
    both = [len(predicted) + len(right) for predicted, right in pairs]
    return [
        ratio("token_accuracy", same, tokens, sum(tokens)),
        ratio("span_f1" if "O" in task.labels else "xtreme_f1", agreed, both, sum(len(right) for _, right in pairs)),
    ]


def score_labels(
    predictions: Sequence[str], gold: Sequence[str], task: Task, *, ids: Sequence[str] = (), where: str = ""
) -> list[Metric]:
    """Score sentence or pair classification.

    Args:
        predictions: a label for each row.
        gold: the same, in the same order.
        task: for the known labels.
        ids: each row's id, for messages.
        where: task and language, for messages.

    Returns:
        ``accuracy``, and ``macro_f1`` over the labels that occur in gold or predictions, as scikit-learn has it.

    Raises:
        XstiltsError: if there is nothing to score, rows differ in number, or a label is unknown.
    """
    _checked([[label] for label in predictions], [[label] for label in gold], task, ids, where or task.name)
    present = np.array(sorted(set(gold) | set(predictions)))
    predicted = np.asarray(predictions)[:, None] == present
    right = np.asarray(gold)[:, None] == present
    return [
        ratio("accuracy", (predicted & right).any(axis=1), np.ones(len(gold)), len(gold)),
        ratio("macro_f1", 2 * (predicted & right), predicted.astype(int) + right, len(gold)),
    ]


def score_retrieval(
    predictions: Sequence[int], gold: Sequence[int], task: Task, *, ids: Sequence[str] = (), where: str = ""
) -> list[Metric]:
    """Score sentence retrieval.

    Args:
        predictions: the index of the candidate chosen for each row.
        gold: the index of each row's translation.
        task: named in messages.
        ids: each row's id, for messages.
        where: task and language, for messages.

    Returns:
        ``accuracy``.

    Raises:
        XstiltsError: if there is nothing to score or rows differ in number.
    """
    paired(len(predictions), len(gold), ids, where or task.name)
    return [ratio("accuracy", np.asarray(predictions) == np.asarray(gold), np.ones(len(gold)), len(gold))]


def score_numbers(
    predictions: Sequence[float], gold: Sequence[float], task: Task, *, ids: Sequence[str] = (), where: str = ""
) -> list[Metric]:
    """Score regression.

    Args:
        predictions: a number for each row.
        gold: the same, in the same order.
        task: named in messages.
        ids: each row's id, for messages.
        where: task and language, for messages.

    Returns:
        ``spearman`` and ``pearson`` correlation, times 100 (so -100 to 100), 0 where a side is constant. Their standard
        error is 100 (1 - r^2) / sqrt(n - 1), that of a normal sample (Fisher 1921; for ranks an approximation).

    Raises:
        XstiltsError: if there is nothing to score, rows differ in number, or a number is not finite.
    """
    from scipy.stats import rankdata

    names = paired(len(predictions), len(gold), ids, where or task.name)
    x, y = np.asarray(predictions, np.float64), np.asarray(gold, np.float64)
    for side, values in (("predicted", x), ("gold", y)):
        if not np.isfinite(values).all():
            odd = names[int(np.flatnonzero(~np.isfinite(values))[0])]
            raise XstiltsError(f"{where or task.name}: the {side} number of row {odd} is not finite")
    return [_correlation("spearman", rankdata(x), rankdata(y)), _correlation("pearson", x, y)]


def _correlation(name: str, x: np.ndarray[Any, Any], y: np.ndarray[Any, Any]) -> Metric:
    rows = len(x)
    spread = x.std() * y.std()
    r = float(((x - x.mean()) * (y - y.mean())).mean() / spread) if spread > 1e-12 else 0.0
    return Metric(name, 100 * r, 100 * (1 - r * r) / np.sqrt(rows - 1) if rows > 1 else np.nan, rows)


def ratio(name: str, parts: ArrayLike, wholes: ArrayLike, n: int) -> Metric:
    """The mean of ratios of column sums, [m] or [m, k], with its standard error; a ratio over nothing is 0."""
    x, d = (np.asarray(values, np.float64) for values in (parts, wholes))
    x, d = x.reshape(len(x), -1), d.reshape(len(d), -1)
    total = np.maximum(d.sum(axis=0), 1.0)
    ratios = x.sum(axis=0) / total
    influence = ((x - ratios * d) / total).mean(axis=1)
    rows = len(influence)
    error = np.sqrt(rows / (rows - 1) * np.square(influence).sum()) if rows > 1 else np.nan
    return Metric(name, float(100 * ratios.mean()), float(100 * error), n)


def _checked(
    predictions: Sequence[Sequence[str]],
    gold: Sequence[Sequence[str]],
    task: Task,
    ids: Sequence[str],
    where: str,
) -> Sequence[str]:
    """Refuse other numbers of rows and labels that the task does not have; the names of the rows otherwise."""
    names = paired(len(predictions), len(gold), ids, where)
    known = set(task.labels)
    for side, sequences in (("predicted", predictions), ("gold", gold)):
        for name, labels in zip(names, sequences, strict=True):
            if not known.issuperset(labels):
                odd = next(label for label in labels if label not in known)
                raise XstiltsError(
                    f"{where}: {side} label '{odd}' of row {name} is unknown",
                    allowed=", ".join(task.labels),
                    next_step="correct the row, or map the label to the task's",
                )
    return names


def paired(predicted: int, gold: int, ids: Sequence[str], where: str) -> Sequence[str]:
    """Refuse predictions that are not as many as the gold rows; the names of the rows otherwise."""
    if not gold:
        raise nothing(where)
    names = ids or [str(number) for number in range(gold)]
    if predicted != gold or len(names) != gold:
        first = f". First difference at row {names[predicted]}" if predicted < min(gold, len(names)) else ""
        raise XstiltsError(
            f"{where}: {predicted} predicted rows, {gold} gold rows, {len(names)} row ids{first}",
            allowed="one prediction for each row, in the order of the gold",
            next_step="predict again, from the same rows as the gold",
        )
    return names


def nothing(where: str) -> XstiltsError:
    """The error for a language without rows."""
    return XstiltsError(f"{where}: there is nothing to score", next_step="check that the language has test rows")
