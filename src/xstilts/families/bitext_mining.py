"""Bitext mining: find which sentences of two collections are translations of each other, by margin scores.

No head and no training, as in ``sentence_retrieval``; but most sentences have no translation, so that a threshold
decides, which is fitted on other sentences than those that are scored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from xstilts.families.base import Example, Row
from xstilts.families.sentence_retrieval import Embedding
from xstilts.scoring import Pair, above, best_threshold, mine, score_bitext
from xstilts.tasks import Task

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

SOURCE, ENGLISH = "source", "english"
FITTED, SCORED = "threshold", "score"


class BitextMining(Embedding):
    """Rows with a sentence's ``text``, its ``sentence_id``, its ``side`` and its ``bitext``: what is mined together.

    Gold is ``pairs``: ``english``, the ids of its translations, none on the English side; and ``use``, whether the row
    fits the threshold or is scored. A prediction is the ``english`` id of the best translation with its ``score``, or
    nothing; the threshold is applied when it is scored.
    """

    inputs = ("text", "sentence_id", "side", "bitext")
    gold = "pairs"
    test_splits = ("dev", "test")

    def text(self, row: Row) -> str:
        return str(row["text"])

    def in_english(self, row: Row) -> bool:
        return bool(row["side"] == ENGLISH)

    def encode(
        self, rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase, task: Task, max_length: int
    ) -> list[Example]:
        return self.embedded([self.text(row) for row in rows], tokenizer, max_length)

    def gathered(self, examples: Sequence[Example], outputs: Sequence[Any], rows: Sequence[Row]) -> list[Any]:
        found: list[Any] = [None] * len(rows)
        for bitext in sorted({str(row["bitext"]) for row in rows}):
            sides = [
                [place for place, row in enumerate(rows) if (row["bitext"], row["side"]) == (bitext, side)]
                for side in (SOURCE, ENGLISH)
            ]
            if not all(sides):
                continue
            x, y = (np.stack([outputs[place] for place in side]) for side in sides)
            names = [[(str(rows[place]["sentence_id"]), self.text(rows[place])) for place in side] for side in sides]
            places = {name: place for (name, _), place in zip(names[0], sides[0], strict=True)}
            for (source, english), score in mine(x, y, names[0], names[1]).items():
                found[places[source]] = {"english": english, "score": round(score, 6)}
        return found

    def score(self, predictions: Sequence[Any], gold: Sequence[Any], task: Task, language: str = "en") -> list[Any]:
        scored = [place for place, each in enumerate(gold) if each["use"] == SCORED]
        right = {(str(place), str(english)) for place in scored for english in gold[place]["english"]}
        return score_bitext(chosen_pairs(predictions, gold), right, where=f"{task.name}, {language}")


def chosen_pairs(predictions: Sequence[Any], gold: Sequence[Any]) -> list[Pair]:
    """The mined pairs of scored rows that reach the threshold.

    The threshold has the highest F1 on the rows that are there to fit it. Where there are none, the scored rows are
    split in halves, every other one, and each half is held to the threshold of the other.

    Args:
        predictions: [n] ``english`` and ``score``, or nothing.
        gold: [n] ``english`` and ``use``.

    Returns:
        (place of the row, English id), the highest score first.
    """
    fitted = [place for place, each in enumerate(gold) if each["use"] == FITTED]
    scored = [place for place, each in enumerate(gold) if each["use"] == SCORED]
    if fitted:
        return above(_candidates(predictions, scored), _threshold(predictions, gold, fitted))
    halves = scored[::2], scored[1::2]
    kept: dict[Pair, float] = {}
    for half, other in (halves, halves[::-1]):
        candidates = _candidates(predictions, half)
        kept |= {pair: candidates[pair] for pair in above(candidates, _threshold(predictions, gold, other))}
    return sorted(kept, key=lambda pair: -kept[pair])


def _threshold(predictions: Sequence[Any], gold: Sequence[Mapping[str, Any]], places: Sequence[int]) -> float:
    right = {(str(place), str(english)) for place in places for english in gold[place]["english"]}
    return best_threshold(_candidates(predictions, places), right)


def _candidates(predictions: Sequence[Any], places: Sequence[int]) -> dict[Pair, float]:
    found = {
        (str(place), str(predictions[place]["english"])): float(predictions[place]["score"])
        for place in places
        if predictions[place]
    }
    return dict(sorted(found.items(), key=lambda item: -item[1]))
