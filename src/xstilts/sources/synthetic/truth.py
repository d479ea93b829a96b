"""What is true of the synthetic corpora by construction."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from xstilts.sources.synthetic.lexicon import DOMAINS, Cue, lexicon


def mixture_distance(mixture: Mapping[str, float], target: str) -> float:
    """L1 distance between a mixture's text and a domain's, 0 to 2: ``2 (1 - lambda)``.

    No text belongs to two domains, as each names a thing of its domain; so their total variation distance is 1, and a
    mixture with share lambda of the target's domain is ``2 (1 - lambda) TV = 2 (1 - lambda)`` away from it.

    Args:
        mixture: domain to share; the shares sum to 1.
        target: a domain.
    """
    return 2.0 * (1.0 - mixture.get(target, 0.0))


def oracle_accuracy(mixture: Mapping[str, float], target: str, kappa: float) -> float:
    """Accuracy in percent of a count-based classifier that has read endless text of a mixture of domains.

    It takes each cue's more frequent polarity in the mixture, and guesses at a tie. Cues are equally frequent.

    Args:
        mixture: domain to share; the shares sum to 1.
        target: the domain it is tested on.
        kappa: share of bound cues in the test text.
    """
    right, bound = 0.0, [cue for cue in lexicon().cues if cue.bound]
    for cue in bound:
        lean = sum(share * (2 * cue.praises[DOMAINS.index(domain)] - 1) for domain, share in mixture.items())
        wanted = 2 * cue.praises[DOMAINS.index(target)] - 1
        right += 0.5 if abs(lean) < 1e-12 else float(lean * wanted > 0)
    return 100.0 * ((1 - kappa) + kappa * right / len(bound))


def cue_of(text: str) -> Cue:
    """The cue of an English review."""
    words = set(re.findall(r"[\w-]+", text.lower()))
    return next(cue for cue in lexicon().cues if cue.name in words)


def count_accuracy(sources: Iterable[Sequence[Mapping[str, Any]]], test: Sequence[Mapping[str, Any]]) -> float:
    """Accuracy in percent of a reader who knows every cue and counts whether it was praise; a tie is a guess.

    Args:
        sources: labelled English reviews (``text``, ``label``), all counted alike.
        test: English reviews (``text``, ``domain``); what they mean follows from the lexicon.
    """
    lean: Counter[str] = Counter()
    for rows in sources:
        for row in rows:
            lean[cue_of(row["text"]).name] += 1 if row["label"] == "positive" else -1
    right = 0.0
    for row in test:
        cue = cue_of(row["text"])
        wanted = 1 if cue.praises[DOMAINS.index(row["domain"])] else -1
        right += 0.5 if lean[cue.name] == 0 else float(lean[cue.name] * wanted > 0)
    return 100.0 * right / len(test)
