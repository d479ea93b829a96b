"""Metrics: pure functions from predictions and gold to percent, with a standard error and a count."""

from xstilts.scoring.answers import score_answers
from xstilts.scoring.baseline import majority_prediction
from xstilts.scoring.bitext import score_bitext
from xstilts.scoring.chunks import chunks
from xstilts.scoring.metrics import Metric, score_labels, score_numbers, score_retrieval, score_tagging
from xstilts.scoring.variants import is_scored

__all__ = [
    "Metric",
    "chunks",
    "is_scored",
    "majority_prediction",
    "score_answers",
    "score_bitext",
    "score_labels",
    "score_numbers",
    "score_retrieval",
    "score_tagging",
]
