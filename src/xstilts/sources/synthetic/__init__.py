"""Synthetic corpora with a planted, known truth: sentiment whose cues may mean praise here and blame there.

``kappa`` is the share of sentences whose only cue is bound to the domain ("hot" praises a soup and damns a phone). In
every domain half of the bound cues are praise, so that no cue is praise by itself. Text, translations and labels are
made from the lexicon by rule; nothing is sampled from anybody's corpus.
"""

import hashlib
import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from xstilts.errors import XstiltsError
from xstilts.seeds import generator
from xstilts.sources.synthetic.grammar import Choice, tagged, text
from xstilts.sources.synthetic.lexicon import (
    ADVERBS,
    BOUND,
    DOMAINS,
    FIXED,
    LANGUAGES,
    NOUNS,
    STYLES,
    TEMPLATES,
    Adjective,
)

GENERATOR_VERSION = 1
"""Raised when the same seed would give other rows."""

REVIEWS, TAGS = "synthetic-reviews", "synthetic-tags"
SHARES = {"train": (0, 70), "dev": (70, 85), "test": (85, 100)}
"""Which hundredths of all combinations belong to a split: no text stands in two."""

Rows = list[dict[str, Any]]


def generate(corpus: str, *, seed: int, rows: Mapping[str, int], kappa: float) -> dict[tuple[str, str], Rows]:
    """Make a corpus.

    Args:
        corpus: ``synthetic-reviews`` or ``synthetic-tags``.
        seed: of all draws.
        rows: split to rows for each domain, even numbers.
        kappa: share of bound cues, in [0, 1].

    Returns:
        (language, split) to rows; training and dev rows are English, test rows are parallel in all languages.

    Raises:
        XstiltsError: if a split asks for more distinct sentences than there are.
    """
    made: dict[tuple[str, str], Rows] = {}
    for split, count in rows.items():
        for domain in DOMAINS:
            choices = _choices(corpus, seed, split, domain, count, kappa)
            for language in LANGUAGES if split == "test" else LANGUAGES[:1]:
                made.setdefault((language, split), []).extend(
                    _row(corpus, language, domain, identity, choice, label) for identity, choice, label in choices
                )
    return made


def _row(corpus: str, language: str, domain: str, identity: str, choice: Choice, label: int) -> dict[str, Any]:
    tokens = tagged(language, choice)
    if corpus == TAGS:
        return {
            "id": identity,
            "tokens": [word for word, _ in tokens],
            "tags": [tag for _, tag in tokens],
            "domain": domain,
        }
    return {"id": identity, "text": text(tokens), "label": ("negative", "positive")[label], "domain": domain}


def polarity(cue: Adjective, domain: str) -> int:
    """1 for praise, 0 for blame."""
    return FIXED[cue] if cue in FIXED else BOUND[cue][DOMAINS.index(domain)]


def _choices(
    corpus: str, seed: int, split: str, domain: str, count: int, kappa: float
) -> list[tuple[str, Choice, int]]:
    """Distinct sentences: half praise, a share kappa bound, in documents of three to six with one closing phrase."""
    rng = generator(seed, corpus, split, domain)
    drawn: list[tuple[Choice, int]] = []
    for label in (0, 1):
        half = count // 2 if label else count - count // 2
        bound = round(kappa * half)
        for cues, wanted in ((BOUND, bound), (FIXED, half - bound)):
            pool = [
                each
                for each in _combinations(split, domain)
                if each.cue in cues and polarity(each.cue, domain) == label
            ]
            if wanted > len(pool):
                raise XstiltsError(
                    f"{corpus} has {len(pool)} distinct sentences of this kind for split '{split}', {wanted} wanted",
                    where="params.yaml, fetch.rows",
                    allowed=f"about {2 * len(pool)} rows for each domain at kappa {kappa:g}",
                    next_step="lower fetch.rows",
                )
            drawn += [(pool[index], label) for index in rng.permutation(len(pool))[:wanted]]
    order = [int(index) for index in rng.permutation(len(drawn))]
    found, document, left, style = [], -1, 0, 0
    for number, index in enumerate(order):
        if left == 0:
            document, left, style = document + 1, int(rng.integers(3, 7)), int(rng.integers(len(STYLES)))
        left -= 1
        choice, label = drawn[index]
        found.append((f"{domain}-{split}-d{document}-{number}", choice._replace(style=style), label))
    return found


def _combinations(split: str, domain: str) -> Iterator[Choice]:
    """Every sentence that belongs to a split, by a hash of its parts; no closing phrase yet."""
    low, high = SHARES[split]
    parts = (range(len(TEMPLATES)), range(len(ADVERBS)), NOUNS[domain], (*BOUND, *FIXED))
    for template, adverb, noun, cue in itertools.product(*parts):
        name = f"{template}/{adverb}/{noun['en'][1]}/{cue.en}"
        if low <= int(hashlib.sha256(name.encode()).hexdigest(), 16) % 100 < high:
            yield Choice(template, adverb, noun, cue, 0)


def oracle_accuracy(mixture: Mapping[str, float], target: str, kappa: float) -> float:
    """Accuracy in percent of a count-based classifier that has read endless text of a mixture of domains.

    It takes each cue's more frequent polarity in the mixture, and guesses at a tie.

    Args:
        mixture: domain to share; the shares sum to 1.
        target: the domain it is tested on.
        kappa: share of bound cues in the test text.
    """
    right = 0.0
    for cue in BOUND:
        lean = sum(share * (2 * polarity(cue, domain) - 1) for domain, share in mixture.items())
        wanted = 2 * polarity(cue, target) - 1
        right += 0.5 if abs(lean) < 1e-12 else float(lean * wanted > 0)
    return 100.0 * ((1 - kappa) + kappa * right / len(BOUND))
