"""Pair classification: one label for two texts, encoded together."""

from xstilts.families.sentence_classification import SentenceClassification


class PairClassification(SentenceClassification):
    """Rows with ``text_a``, ``text_b`` and ``label``."""

    inputs = ("text_a", "text_b")
