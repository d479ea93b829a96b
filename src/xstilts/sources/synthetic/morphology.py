"""Inflection: articles, agreement and tense, as far as the sentences of the synthetic corpora need them.

A tagged word is (word, UPOS). Genders are ``m``, ``f``, ``n``; Swahili noun classes ``3``, ``5``, ``7``, ``9``.
"""

from types import MappingProxyType

Tagged = list[tuple[str, str]]

GERMAN_STEMS = MappingProxyType({"m": ("der", "dieser"), "f": ("die", "diese"), "n": ("das", "dieses")})
SPANISH = MappingProxyType({"m": ("el", "este"), "f": ("la", "esta")})
FRENCH = MappingProxyType({"m": ("le", "ce"), "f": ("la", "cette")})
RUSSIAN_THIS = MappingProxyType({"m": "этот", "f": "эта", "n": "это"})
RUSSIAN_WAS = MappingProxyType({"m": "был", "f": "была", "n": "было"})
SWAHILI_THIS = MappingProxyType({"3": "huu", "5": "hili", "7": "hiki", "9": "hii"})
SWAHILI_SUBJECT = MappingProxyType({"3": "u", "5": "li", "7": "ki", "9": "i"})
SWAHILI_OF = MappingProxyType({"3": "w", "5": "l", "7": "ch", "9": "y"})
FRENCH_VOWELS = "aeiouâàéèêëîïôöûœ"
VOWELS = "aeiou"


def french_article(gender: str, word: str, *, this: bool) -> str:
    """``le``, ``la``, ``l'``, or ``ce``, ``cet``, ``cette``."""
    vowel = word[0] in FRENCH_VOWELS
    if this:
        return "cet" if vowel and gender == "m" else FRENCH[gender][1]
    return "l'" if vowel else FRENCH[gender][0]


def spanish_adjective(form: str, gender: str) -> str:
    """``frío`` to ``fría``; ``encantador/encantadora`` where the rule does not give it."""
    masculine, _, feminine = form.partition("/")
    if gender == "m":
        return masculine
    return feminine or (f"{masculine[:-1]}a" if masculine.endswith("o") else masculine)


def french_adjective(form: str, gender: str) -> str:
    """``chaud`` to ``chaude``; ``mou/molle`` where the rule does not give it."""
    masculine, _, feminine = form.partition("/")
    if gender == "m":
        return masculine
    if feminine:
        return feminine
    if masculine.endswith("eux"):
        return f"{masculine[:-1]}se"
    return masculine if masculine.endswith("e") else f"{masculine}e"


def russian_adjective(masculine: str, gender: str) -> str:
    """``горячий`` to ``горячая`` and ``горячее``; participles in ``-ийся`` too."""
    if gender == "m":
        return masculine
    reflexive = "ся" if masculine.endswith("ся") else ""
    stem = masculine.removesuffix("ся")[:-2]
    if gender == "f":
        return f"{stem}ая{reflexive}"
    return f"{stem}{'ее' if stem[-1] in 'жчшщ' else 'ое'}{reflexive}"


def swahili_adjective(stem: str, noun_class: str) -> str:
    """``zuri``: ``mzuri``, ``zuri``, ``kizuri``, ``nzuri``; ``eusi``: ``mweusi``, ``jeusi``, ``cheusi``, ``nyeusi``."""
    vowel = stem[0] in VOWELS
    if noun_class == "9":
        nasal = "ny" if vowel else "n" if stem[0] in "dgjz" else "m" if stem[0] == "b" else ""
        return f"{nasal}{stem}"
    consonant, before_vowel = {"3": ("m", "mw"), "5": ("", "j"), "7": ("ki", "ch")}[noun_class]
    return f"{before_vowel if vowel else consonant}{stem}"


def swahili_predicate(form: str, noun_class: str) -> tuple[str, str]:
    """The first word of a predicate and its UPOS, from the notation of ``words/cues.txt``."""
    if form == "-a":
        return f"{SWAHILI_OF[noun_class]}a", "ADP"
    if form == "-enye":
        return f"{SWAHILI_OF[noun_class]}enye", "ADP"
    if form.startswith("-"):
        return swahili_adjective(form[1:], noun_class), "ADJ"
    if form.startswith("+"):
        tense, verb = form[1:].split(":")
        return f"{SWAHILI_SUBJECT[noun_class]}{tense}{verb}", "VERB"
    if form.startswith("!"):
        return f"ha{SWAHILI_SUBJECT[noun_class]}{form[1:]}", "VERB"
    return form, "ADJ"


def turkish_past(word: str) -> str:
    """The past copula on a predicate: ``sıcaktı``, ``iyiydi``, ``kötüydü``; final ``-al`` of loanwords is soft."""
    vowel = next(letter for letter in reversed(word) if letter in "aıoueiöü")
    harmony = {"a": "ı", "ı": "ı", "o": "u", "u": "u", "e": "i", "i": "i", "ö": "ü", "ü": "ü"}[vowel]
    if word in ("ideal", "fenomenal"):
        harmony = "i"
    if word[-1] in "aıoueiöü":
        return f"{word}yd{harmony}"
    return f"{word}{'t' if word[-1] in 'fstkçşhp' else 'd'}{harmony}"


def capital(language: str, word: str) -> str:
    """The word with a capital: in Turkish ``i`` has one of its own."""
    first = "İ" if language == "tr" and word[0] == "i" else word[0].upper()
    return first + word[1:]
