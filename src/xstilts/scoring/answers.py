"""Scores of span question answering: XTREME's own, and one that is fair to every language.

XTREME scores XQuAD and TyDiQA with SQuAD's script, which knows English alone: lower case, ASCII punctuation and the
articles a, an, the are taken out, words are what stands between blanks. A Chinese or Thai answer is then one word, and
F1 is all or nothing. MLQA has a script of its own: Unicode punctuation, the articles of seven languages, Chinese
characters as words; its Arabic rule takes every "ال" out, inside of words too.

The fair score takes MLQA's rules for every language, characters as words for Chinese, Japanese and Thai, and an Arabic
article at the start of a word only.
"""

import re
import string
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache, partial

from xstilts.errors import XstiltsError
from xstilts.scoring.metrics import Metric, paired, ratio
from xstilts.tasks import Task

ARTICLES = {
    "en": r"\b(a|an|the)\b",
    "es": r"\b(un|una|unos|unas|el|la|los|las)\b",
    "vi": r"\b(của|là|cái|chiếc|những)\b",
    "de": r"\b(ein|eine|einen|einem|eines|einer|der|die|das|den|dem|des)\b",
    "ar": r"\sال^|ال",
}
"""Of MLQA's script; Hindi and Chinese have none there."""
FAIR_ARTICLES = {**ARTICLES, "ar": r"\bال"}
CHARACTERS = {"zh": "\u4e00-\u9fa5"}
"""Characters that MLQA's script takes for words."""
FAIR_CHARACTERS = {"zh": "\u3400-\u9fff", "ja": "\u3040-\u30ff\u3400-\u9fff", "th": "\u0e00-\u0e7f"}

Words = Callable[[str], list[str]]


def squad_words(text: str) -> list[str]:
    """The words that SQuAD's script (version 1.1) compares, in any language."""
    kept = "".join(char for char in text.lower() if char not in string.punctuation)
    return re.sub(ARTICLES["en"], " ", kept).split()


def mlqa_words(text: str, language: str) -> list[str]:
    """The words that MLQA's script (version 1) compares."""
    return _words(text, ARTICLES.get(language, ""), CHARACTERS.get(language, ""))


def fair_words(text: str, language: str) -> list[str]:
    """The words of the fair score."""
    return _words(text, FAIR_ARTICLES.get(language, ""), FAIR_CHARACTERS.get(language, ""))


def _words(text: str, articles: str, characters: str) -> list[str]:
    kept = "".join(char for char in text.lower() if char not in _punctuation())
    if articles:
        kept = re.sub(articles, " ", kept)
    if characters:
        kept = re.sub(f"([{characters}])", r" \1 ", kept)
    return kept.split()


@cache
def _punctuation() -> frozenset[str]:
    every = (chr(number) for number in range(sys.maxunicode))
    return frozenset(char for char in every if unicodedata.category(char).startswith("P")) | set(string.punctuation)


def answer_f1(prediction: str, answers: Sequence[str], words: Words) -> float:
    """The best F1 over the gold answers, 0 to 1: twice the shared words over the words of both."""
    found = Counter(words(prediction))
    best = 0.0
    for answer in answers:
        gold = Counter(words(answer))
        shared = (found & gold).total()
        best = max(best, 2.0 * shared / (found.total() + gold.total()) if shared else 0.0)
    return best


def exact_match(prediction: str, answers: Sequence[str], words: Words) -> bool:
    """Whether the prediction has the words of a gold answer, in order."""
    return any(words(prediction) == words(answer) for answer in answers)


def score_answers(
    predictions: Sequence[str],
    gold: Sequence[Sequence[str]],
    task: Task,
    *,
    language: str,
    ids: Sequence[str] = (),
    where: str = "",
) -> list[Metric]:
    """Score span question answering in one language.

    Args:
        predictions: an answer for each question; an empty one counts 0.
        gold: the right answers of each question, one at least.
        task: ``mlqa`` is scored by its own script, all others by SQuAD's.
        language: of the questions.
        ids: each question's id, for messages.
        where: task and language, for messages.

    Returns:
        XTREME's ``f1`` and ``exact_match``, and ``f1_by_language``, the fair one.

    Raises:
        XstiltsError: if there is nothing to score, questions differ in number, or one has no gold answer.
    """
    where = where or f"{task.name}/{language}"
    names = paired(len(predictions), len(gold), ids, where)
    for name, answers in zip(names, gold, strict=True):
        if not answers:
            raise XstiltsError(
                f"{where}: question {name} has no gold answer",
                allowed="at least one answer",
                next_step="take the question out, or restore its answers",
            )
    official: Words = partial(mlqa_words, language=language) if task.name == "mlqa" else squad_words
    fair: Words = partial(fair_words, language=language)
    pairs = list(zip(predictions, gold, strict=True))
    every = [1.0] * len(pairs)
    return [
        ratio("f1", [answer_f1(*pair, official) for pair in pairs], every, len(pairs)),
        ratio("exact_match", [exact_match(*pair, official) for pair in pairs], every, len(pairs)),
        ratio("f1_by_language", [answer_f1(*pair, fair) for pair in pairs], every, len(pairs)),
    ]
