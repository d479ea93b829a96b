"""From a template and its words to tagged tokens and to running text."""

from collections.abc import Sequence
from typing import NamedTuple

from xstilts.sources.synthetic.lexicon import ADVERBS, ARTICLES, COPULAS, ELIDING, MUTE_H, STYLES, TEMPLATES, Adjective

Tagged = list[tuple[str, str]]
Noun = dict[str, tuple[str, str]]


class Choice(NamedTuple):
    """What a sentence is made of: indices of template and adverb, the noun, the cue, the reviewer's style."""

    template: int
    adverb: int
    noun: Noun
    cue: Adjective
    style: int


def article(language: str, noun: Noun, case: int) -> str:
    """The definite article of a noun.

    Args:
        language: ISO 639-1.
        noun: the noun in every language.
        case: 0 nominative, 1 accusative.
    """
    gender, word = noun[language]
    if language == "fr" and (word[0] in ELIDING or word in MUTE_H):
        return "l'"
    return ARTICLES[language][gender][case]


def adjective(language: str, noun: Noun, cue: Adjective) -> str:
    """The predicative form that agrees with the noun."""
    if language in ("en", "de"):
        return cue.en if language == "en" else cue.de
    forms = cue.es if language == "es" else cue.fr
    return forms[0] if noun[language][0] == "m" else forms[1]


def tagged(language: str, choice: Choice) -> Tagged:
    """A sentence, and the reviewer's closing one, as (token, UPOS)."""
    adverb = ADVERBS[choice.adverb][language]
    past, present = COPULAS[language][choice.cue.copula]
    slots: dict[str, Tagged] = {
        "D": [(article(language, choice.noun, 0), "DET")],
        "A": [(article(language, choice.noun, 1), "DET")],
        "N": [(choice.noun[language][1], "NOUN")],
        "C": [(past, "AUX")],
        "P": [(present, "AUX")],
        "J": [*([(adverb, "ADV")] if adverb else []), (adjective(language, choice.noun, choice.cue), "ADJ")],
    }
    return [*_sentence(TEMPLATES[choice.template][language], slots), *_sentence(STYLES[choice.style][language], slots)]


def _sentence(template: str, slots: dict[str, Tagged]) -> Tagged:
    tokens: Tagged = []
    for piece in template.split():
        word, _, tag = piece.partition("/")
        tokens += [(word, tag)] if tag else slots[piece]
    return [(tokens[0][0][0].upper() + tokens[0][0][1:], tokens[0][1]), *tokens[1:]] if tokens else []


def text(tokens: Sequence[tuple[str, str]]) -> str:
    """Running text: no blank before punctuation, none after an elision."""
    written = ""
    for word, tag in tokens:
        joined = not written or tag == "PUNCT" or written.endswith("'")
        written += word if joined else f" {word}"
    return written
