"""Span question answering: XTREME's scores, and an F1 beside them that is fair to each language.

XTREME scores with two programs, and so two tasks of one kind get different marks for the same answer:

- XQuAD and TyDiQA with SQuAD v1.1's in every language: lower case, no ASCII punctuation, no ``a``, ``an``, ``the``,
  words between white space. A Chinese or Thai answer is one word: a part of it scores nothing.
- MLQA with MLQA's: no Unicode punctuation, each language's articles, Chinese characters as words. Its Arabic rule
  deletes every ``ال``, inside words too.

``f1_by_language`` is one measure for all three: MLQA's, with characters as words in Chinese, Japanese and Thai, and
Arabic's article taken off the beginnings of words only.
"""

import functools
import re
import string
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

import numpy as np

from xstilts.errors import XstiltsError
from xstilts.scoring.metrics import Metric, nothing, ratio

ARTICLES: Mapping[str, str] = MappingProxyType(
    {
        "en": r"\b(a|an|the)\b",
        "es": r"\b(un|una|unos|unas|el|la|los|las)\b",
        "vi": r"\b(của|là|cái|chiếc|những)\b",
        "de": r"\b(ein|eine|einen|einem|eines|einer|der|die|das|den|dem|des)\b",
        "ar": "ال",
    }
)
"""What MLQA's program deletes; none in Hindi and Chinese."""
MLQA_LANGUAGES = ("en", "es", "de", "ar", "hi", "vi", "zh")
ARABIC_ARTICLE = r"\bال(?=\w\w)"
UNSPACED = ("zh", "ja", "th")
"""Languages whose words have no white space between them."""

_SCRIPTS = "\u0e00-\u0e7f\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
_MARKS = "\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u3099\u309a"
_CHARACTER = re.compile(rf"[{_SCRIPTS}][{_MARKS}]*|[^\s{_SCRIPTS}]+")
_HAN = re.compile("([\u4e00-\u9fa5])")


class Named(Protocol):
    """Anything with a task's name."""

    @property
    def name(self) -> str:
        """XTREME's key of the task."""


def score_answers(
    predictions: Sequence[str | None],
    gold: Sequence[Sequence[str]],
    task: Named,
    *,
    language: str,
    ids: Sequence[str] = (),
    where: str = "",
) -> list[Metric]:
    """Score span question answering in one language.

    Args:
        predictions: an answer for each question; ``None`` where there is none, which counts 0.
        gold: the answers that are right, one or more for each question, in the same order.
        task: its name decides the program: ``mlqa`` has its own, all others have SQuAD's; in ``squad_v2`` an empty
            answer is right where the gold answer is empty.
        language: ISO 639-1, of the answers.
        ids: each question's id, for messages.
        where: task and language, for messages.

    Returns:
        ``f1`` and ``exact_match`` as XTREME has them, and ``f1_by_language``. Of several gold answers the best
        counts.

    Raises:
        XstiltsError: if there is nothing to score, questions differ in number, an answer is no text, a question has no
            gold answer, or MLQA's program does not know the language.
    """
    where = where or f"{task.name}/{language}"
    _check(predictions, gold, ids, where)
    if task.name == "mlqa" and language not in MLQA_LANGUAGES:
        raise XstiltsError(
            f"{where}: MLQA is not scored in language '{language}'",
            allowed=", ".join(MLQA_LANGUAGES),
            next_step="leave the language out",
        )
    official = functools.partial(mlqa_words, language=language) if task.name == "mlqa" else squad_words
    honest = functools.partial(language_words, language=language)
    measure = abstaining_f1 if task.name == "squad_v2" else word_f1
    ones = np.ones(len(gold))
    return [
        ratio("f1", _best(predictions, gold, official, measure), ones, len(gold)),
        ratio("exact_match", _best(predictions, gold, official, _equal), ones, len(gold)),
        ratio("f1_by_language", _best(predictions, gold, honest, measure), ones, len(gold)),
    ]


def squad_words(text: str) -> list[str]:
    """The words that SQuAD v1.1's program compares."""
    bare = text.lower().translate(dict.fromkeys(map(ord, string.punctuation)))
    return re.sub(ARTICLES["en"], " ", bare).split()


def mlqa_words(text: str, *, language: str) -> list[str]:
    """The words that MLQA's program compares; ``language`` is one of ``MLQA_LANGUAGES``."""
    bare = text.lower().translate(_punctuation())
    if language in ARTICLES:
        bare = re.sub(ARTICLES[language], " ", bare)
    return (_HAN.sub(r" \1 ", bare) if language == "zh" else bare).split()


def language_words(text: str, *, language: str) -> list[str]:
    """The words that ``f1_by_language`` compares, in any language; of a text that is nothing but marks, the marks."""
    bare = text.lower().translate(_punctuation())
    articles = ARABIC_ARTICLE if language == "ar" else ARTICLES.get(language)
    words = _split(re.sub(articles, " ", bare) if articles else bare, language)
    return words or _split(text.lower(), language)


def word_f1(predicted: Sequence[str], right: Sequence[str]) -> float:
    """F1 of two bags of words, 0 to 1; 0 when they share none, also when both are empty."""
    same = (Counter(predicted) & Counter(right)).total()
    return 2 * same / (len(predicted) + len(right)) if same else 0.0


def abstaining_f1(predicted: Sequence[str], right: Sequence[str]) -> float:
    """As ``word_f1``, but 1 when both are empty: the rule of SQuAD 2.0's program for unanswerable questions."""
    return word_f1(predicted, right) if predicted and right else _equal(predicted, right)


def _equal(predicted: Sequence[str], right: Sequence[str]) -> float:
    return float(list(predicted) == list(right))


def _split(text: str, language: str) -> list[str]:
    return _CHARACTER.findall(text) if language in UNSPACED else text.split()


def _best(
    predictions: Sequence[str | None],
    gold: Sequence[Sequence[str]],
    words: Callable[[str], list[str]],
    measure: Callable[[Sequence[str], Sequence[str]], float],
) -> list[float]:
    """Each question's measure against its nearest gold answer."""
    return [
        0.0 if predicted is None else max(measure(words(predicted), words(answer)) for answer in right)
        for predicted, right in zip(predictions, gold, strict=True)
    ]


@functools.cache
def _punctuation() -> Mapping[int, None]:
    """Every character of a Unicode class P, and ASCII's punctuation, some of which are symbols to Unicode."""
    marks = (code for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)).startswith("P"))
    return MappingProxyType(dict.fromkeys([*marks, *map(ord, string.punctuation)]))


def _check(predictions: Sequence[str | None], gold: Sequence[Sequence[str]], ids: Sequence[str], where: str) -> None:
    """Refuse what cannot be scored."""
    if not gold:
        raise nothing(where)
    names = ids or [str(number) for number in range(len(gold))]
    if not len(predictions) == len(gold) == len(names):
        raise XstiltsError(
            f"{where}: {len(predictions)} predicted answers, {len(gold)} questions, {len(names)} ids",
            allowed="one answer, or None, for each question, in the order of the gold",
            next_step="predict again, from the same questions as the gold",
        )
    for name, predicted, right in zip(names, predictions, gold, strict=True):
        odd = [each for each in (predicted, *right) if each is not None and not isinstance(each, str)]
        if odd or not right:
            raise XstiltsError(
                f"{where}: answer {odd[0]!r} of question {name} is no text"
                if odd
                else f"{where}: question {name} has no gold answer",
                allowed="text; one gold answer or more for each question",
                next_step="correct the question",
            )
