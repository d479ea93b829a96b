"""Rows of the synthetic corpora."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from xstilts.errors import XstiltsError
from xstilts.seeds import generator
from xstilts.sources.synthetic.entities import SCENES, Event, entity_row, events
from xstilts.sources.synthetic.grammar import Choice, tagged, text
from xstilts.sources.synthetic.lexicon import DOMAINS, LANGUAGES, Cue, lexicon

GENERATOR_VERSION = 4
"""Raised when the same seed would give other rows."""

REVIEWS, REVIEWS_FIXED, TAGS, PARALLEL, ENTITIES = (
    "synthetic-reviews", "synthetic-reviews-fixed", "synthetic-tags", "synthetic-parallel", "synthetic-entities",
)  # fmt: skip
SHARES = {"train": (0, 70), "dev": (70, 85), "test": (85, 100)}
"""Which hundredths of all combinations belong to a split: no text stands in two."""

Rows = list[dict[str, Any]]
Made = TypeVar("Made", Choice, Event)


def generate(corpus: str, *, seed: int, rows: Mapping[str, int], kappa: float) -> dict[tuple[str, str], Rows]:
    """Make a corpus.

    Args:
        corpus: ``synthetic-reviews``; the same with cues alone that agree, ``synthetic-reviews-fixed``;
            ``synthetic-tags``, ``synthetic-parallel``, ``synthetic-entities`` (domains ``sport`` and ``travel``).
        seed: of all draws.
        rows: split to rows for each domain, even numbers.
        kappa: share of bound cues, or of names that are bound to the domain, in [0, 1].

    Returns:
        (language, split) to rows; training and dev rows are English, test rows are parallel in all languages.

    Raises:
        XstiltsError: if a split asks for more distinct sentences than there are.
    """
    made: dict[tuple[str, str], Rows] = {}
    for split, count in rows.items():
        for domain in SCENES if corpus == ENTITIES else ():
            found = _in_documents(events(seed, split, SHARES[split], domain, count, kappa), domain, split)
            for language in LANGUAGES if split == "test" else LANGUAGES[:1]:
                made.setdefault((language, split), []).extend(
                    entity_row(language, domain, identity, event) for identity, event in found
                )
        for domain in DOMAINS if corpus != ENTITIES else ():
            choices = _choices(corpus, seed, split, domain, count, kappa)
            for language in LANGUAGES if split == "test" else LANGUAGES[:1]:
                made.setdefault((language, split), []).extend(
                    _row(corpus, language, domain, identity, choice) for identity, choice in choices
                )
    if corpus == PARALLEL:  # sentence and translation: there is no pair of English with itself
        return {key: found for key, found in made.items() if key[0] != "en" and key[1] == "test"}
    return made


def _in_documents(found: Sequence[Made], domain: str, split: str) -> list[tuple[str, Made]]:
    """Sentences with their ids; a document is four in a row."""
    return [(f"{domain}-{split}-d{number // 4}-{number}", each) for number, each in enumerate(found)]


def _row(corpus: str, language: str, domain: str, identity: str, choice: Choice) -> dict[str, Any]:
    tokens = tagged(language, choice)
    row: dict[str, Any] = {"id": identity}
    if corpus == TAGS:
        row |= {"tokens": [word for word, _ in tokens], "tags": [tag for _, tag in tokens]}
    elif corpus == PARALLEL:
        row |= {"text_a": text(language, tokens), "text_b": text("en", tagged("en", choice))}
    else:
        praised = choice.cue.praises[DOMAINS.index(domain)]
        row |= {"text": text(language, tokens), "label": "positive" if praised else "negative"}
    return row | {"domain": domain}


def _choices(corpus: str, seed: int, split: str, domain: str, count: int, kappa: float) -> list[tuple[str, Choice]]:
    """Distinct sentences with their ids: half praise, a share kappa bound."""
    rng = generator(seed, corpus, split, domain)
    drawn: list[Choice] = []
    for praises in (False, True):
        half = count // 2 if praises else count - count // 2
        bound = round(kappa * half)
        for is_bound, wanted in ((True, bound), (False, half - bound)):
            cues = [
                cue
                for cue in lexicon().cues
                if cue.bound == is_bound
                and cue.praises[DOMAINS.index(domain)] == praises
                and (cue.agrees or corpus != REVIEWS_FIXED)
            ]
            drawn += _distinct(cues, split, domain, wanted, rng)
    order = rng.permutation(len(drawn))
    return _in_documents([drawn[int(index)] for index in order], domain, split)


def _distinct(cues: Sequence[Cue], split: str, domain: str, wanted: int, rng: np.random.Generator) -> list[Choice]:
    """So many different sentences of a split, every cue as often as any other."""
    words = lexicon()
    nouns = [noun for noun in words.nouns if noun.domain == domain]
    shape = (len(words.sentences), len(words.adverbs), len(nouns), 2)
    low, high = SHARES[split]
    room = int(len(cues) * np.prod(shape) * (high - low) / 100 / 2)  # half of all that belongs to the split
    if wanted > room:
        raise XstiltsError(
            f"The generator has about {2 * room} distinct sentences of this kind for split '{split}', {wanted} wanted",
            where=f"params.yaml, fetch.rows.{split}",
            allowed=f"up to {room} of one kind (praise or blame, bound or fixed), so about {2 * room} rows a domain",
            next_step="lower fetch.rows",
        )
    found: dict[str, Choice] = {}
    for cue in _in_turn(cues, wanted, rng):
        while True:
            sentence, adverb, noun, this = (int(rng.integers(size)) for size in shape)
            name = f"{sentence}/{adverb}/{nouns[noun].name}/{this}/{cue.name}"
            if name not in found and low <= int(hashlib.sha256(name.encode()).hexdigest(), 16) % 100 < high:
                break
        found[name] = Choice(words.sentences[sentence], words.adverbs[adverb], nouns[noun], bool(this), cue)
    return list(found.values())


def _in_turn(cues: Sequence[Cue], wanted: int, rng: np.random.Generator) -> Iterator[Cue]:
    """Every cue once, in random order, then every cue again."""
    given = 0
    while given < wanted:
        for index in rng.permutation(len(cues))[: wanted - given]:
            given += 1
            yield cues[int(index)]
