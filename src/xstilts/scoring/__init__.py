"""Metrics: pure functions from predictions and gold to percent, with a standard error and a count."""

from xstilts.scoring.answers import score_answers
from xstilts.scoring.baseline import majority_prediction
from xstilts.scoring.bitext import Pair, above, best_threshold, mine, score_bitext
from xstilts.scoring.chunks import chunks
from xstilts.scoring.metrics import Metric, score_labels, score_numbers, score_retrieval, score_tagging
from xstilts.scoring.variants import is_scored

__all__ = [
    "Metric",
    "Pair",
    "above",
    "best_threshold",
    "chunks",
    "is_scored",
    "majority_prediction",
    "mine",
    "score_answers",
    "score_bitext",
    "score_labels",
    "score_numbers",
    "score_retrieval",
    "score_tagging",
]
