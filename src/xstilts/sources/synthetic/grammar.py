"""From a template and its words to tagged tokens and to running text."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from xstilts.sources.synthetic.lexicon import Cue, Noun, Pieces
from xstilts.sources.synthetic.morphology import (
    GERMAN_STEMS,
    RUSSIAN_THIS,
    RUSSIAN_WAS,
    SPANISH,
    SWAHILI_SUBJECT,
    SWAHILI_THIS,
    Tagged,
    capital,
    french_adjective,
    french_article,
    russian_adjective,
    spanish_adjective,
    swahili_predicate,
    turkish_past,
)

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """What a text is made of.

    Attributes:
        sentence: the template.
        adverb: with the predicate, or no words.
        noun: what is reviewed.
        this: whether it is pointed at ("this soup") rather than known ("the soup").
        cue: what is said of it.
    """

    sentence: Pieces
    adverb: Pieces
    noun: Noun
    this: bool
    cue: Cue


def tagged(language: str, choice: Choice) -> Tagged:
    """A review as (token, UPOS)."""
    slots = _SLOTS[language](choice, _pieces(choice.adverb[language], {}))
    end = ("。", "PUNCT") if language == "zh" else (".", "PUNCT")
    tokens = [*_pieces(choice.sentence[language], slots), end]
    return [(capital(language, tokens[0][0]), tokens[0][1]), *tokens[1:]]


def text(language: str, tokens: Sequence[tuple[str, str]]) -> str:
    """Running text: no blank before punctuation, none after an elision, none at all in Chinese."""
    if language == "zh":
        return "".join(word for word, _ in tokens)
    written = ""
    for word, tag in tokens:
        joined = not written or tag == "PUNCT" or written.endswith("'")
        written += word if joined else f" {word}"
    return written


def _pieces(pieces: Words, slots: dict[str, Tagged]) -> Tagged:
    tokens: Tagged = []
    for piece in pieces:
        word, _, tag = piece.partition("/")
        tokens += [(word, tag)] if tag else slots[piece]
    return tokens


def _phrase(form: str, head: str, other: str = "NOUN", *, last: bool = False) -> Tagged:
    """The words of a cue; the head is its first word, or its last."""
    words = form.split()
    at = len(words) - 1 if last else 0
    found = []
    for index, word in enumerate(words):
        written, _, tag = word.partition("/")
        found.append((written, tag or (head if index == at else other)))
    return found


def _english(choice: Choice, adverb: Tagged) -> dict[str, Tagged]:
    subject = [("this" if choice.this else "the", "DET"), (choice.noun.name, "NOUN")]
    return {"S": subject, "C": [("was", "AUX")], "P": [("is", "AUX")], "J": [*adverb, (choice.cue.name, "ADJ")]}


def _german(choice: Choice, adverb: Tagged) -> dict[str, Tagged]:
    gender, noun = choice.noun.forms["de"]
    subject = [(GERMAN_STEMS[gender][choice.this], "DET"), (noun, "NOUN")]
    return {
        "S": subject,
        "C": [("war", "AUX")],
        "P": [("ist", "AUX")],
        "J": [*adverb, (choice.cue.forms["de"], "ADJ")],
    }


def _spanish(choice: Choice, adverb: Tagged) -> dict[str, Tagged]:
    gender, noun = choice.noun.forms["es"]
    form = choice.cue.forms["es"]
    past, present = ("estaba", "está") if form.startswith("~") else ("era", "es")
    form = form.removeprefix("~")
    said = _phrase(form[1:], "ADJ") if form.startswith("=") else [(spanish_adjective(form, gender), "ADJ")]
    subject = [(SPANISH[gender][choice.this], "DET"), (noun, "NOUN")]
    return {"S": subject, "C": [(past, "AUX")], "P": [(present, "AUX")], "J": [*adverb, *said]}


def _french(choice: Choice, adverb: Tagged) -> dict[str, Tagged]:
    gender, noun = choice.noun.forms["fr"]
    form = choice.cue.forms["fr"]
    said = _phrase(form[1:], "ADJ") if form.startswith("=") else [(french_adjective(form, gender), "ADJ")]
    subject = [(french_article(gender, noun, this=choice.this), "DET"), (noun, "NOUN")]
    return {"S": subject, "C": [("était", "AUX")], "P": [("est", "AUX")], "J": [*adverb, *said]}


def _russian(choice: Choice, adverb: Tagged) -> dict[str, Tagged]:
    gender, noun = choice.noun.forms["ru"]
    form = choice.cue.forms["ru"]
    said = _phrase(form[1:], "ADJ") if form.startswith("=") else [(russian_adjective(form, gender), "ADJ")]
    subject = [*([(RUSSIAN_THIS[gender], "DET")] if choice.this else []), (noun, "NOUN")]
    return {"S": subject, "C": [(RUSSIAN_WAS[gender], "AUX")], "J": [*adverb, *said]}


def _chinese(choice: Choice, adverb: Tagged) -> dict[str, Tagged]:
    subject = [*([("这个", "DET")] if choice.this else []), (choice.noun.forms["zh"][1], "NOUN")]
    return {"S": subject, "J": [*adverb, ("是", "AUX"), (choice.cue.forms["zh"], "ADJ"), ("的", "PART")]}


def _swahili(choice: Choice, adverb: Tagged) -> dict[str, Tagged]:
    noun_class, noun = choice.noun.forms["sw"]
    first, *others = choice.cue.forms["sw"].split()
    written, _, tag = first.partition("/")
    head, head_tag = swahili_predicate(written, noun_class)
    said = [(head, tag or head_tag), *(_phrase(" ".join(others), "NOUN") if others else [])]
    subject = [(noun, "NOUN"), *([(SWAHILI_THIS[noun_class], "DET")] if choice.this else [])]
    return {
        "S": subject,
        "C": [(f"{SWAHILI_SUBJECT[noun_class]}likuwa", "AUX")],
        "P": [] if head_tag == "VERB" else [("ni", "AUX")],
        "J": [*said, *adverb],
    }


def _turkish(choice: Choice, adverb: Tagged) -> dict[str, Tagged]:
    said = _phrase(choice.cue.forms["tr"], "ADJ", last=True)
    past = [*said[:-1], (turkish_past(said[-1][0]), said[-1][1])]
    subject = [*([("bu", "DET")] if choice.this else []), (choice.noun.forms["tr"][1], "NOUN")]
    return {"S": subject, "J": [*adverb, *said], "T": [*adverb, *past]}


_SLOTS: dict[str, Callable[[Choice, Tagged], dict[str, Tagged]]] = {
    "en": _english, "de": _german, "es": _spanish, "fr": _french,
    "ru": _russian, "zh": _chinese, "sw": _swahili, "tr": _turkish,
}  # fmt: skip
