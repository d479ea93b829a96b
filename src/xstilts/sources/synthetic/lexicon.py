"""The words of the synthetic corpora, read from the tables in ``words/``, which were written for this project."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

LANGUAGES = ("en", "de", "es", "fr", "ru", "zh", "sw", "tr")
DOMAINS = ("kitchen", "phones")


@dataclass(frozen=True, slots=True)
class Noun:
    """A thing that is reviewed.

    Attributes:
        name: its English word.
        domain: one of ``DOMAINS``.
        forms: language to (gender or noun class, word); the first is empty where the language has none.
    """

    name: str
    domain: str
    forms: Mapping[str, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Cue:
    """What is said of it.

    Attributes:
        name: its English word.
        praises: for each of ``DOMAINS``, whether it is praise there.
        bound: whether its polarity was set for each domain on its own, so that one domain's says nothing of the
            other's; a fixed cue means the same everywhere.
        forms: language to the table's notation.
    """

    name: str
    praises: tuple[bool, bool]
    bound: bool
    forms: Mapping[str, str]

    @property
    def agrees(self) -> bool:
        """Whether it means the same in both domains, by its nature or by chance."""
        return self.praises[0] == self.praises[1]


Pieces = Mapping[str, tuple[str, ...]]
"""Language to slots and ``word/UPOS``."""


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Everything that sentences are made of."""

    nouns: tuple[Noun, ...]
    cues: tuple[Cue, ...]
    sentences: tuple[Pieces, ...]
    adverbs: tuple[Pieces, ...]


@cache
def lexicon() -> Lexicon:
    """The whole lexicon."""
    phrases = list(table("phrases.txt"))
    by_kind = {
        kind: tuple(
            {language: tuple(text.split()) for language, text in row.items()} for name, row in phrases if name == kind
        )
        for kind in ("sentence", "adverb")
    }  # fmt: skip
    return Lexicon(
        tuple(Noun(row["en"], domain, {language: _noun(language, text) for language, text in row.items()})
              for domain, row in table("nouns.txt")),
        tuple(Cue(row["en"], (signs[0] == "+", signs[-1] == "+"), len(signs) == 2, row)
              for signs, row in table("cues.txt")),
        by_kind["sentence"], by_kind["adverb"],
    )  # fmt: skip


def table(name: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The first column, and language to the column's text, of every line that is no comment."""
    for line in files(__package__).joinpath("words", name).read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            first, *columns = (field.strip() for field in line.split("|"))
            yield first, dict(zip(LANGUAGES, columns, strict=True))


def _noun(language: str, text: str) -> tuple[str, str]:
    if language in ("en", "zh", "tr"):
        return "", text
    gender, word = text.split()
    return gender, word
