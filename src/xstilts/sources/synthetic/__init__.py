"""Synthetic corpora with a planted, known truth: sentiment whose cues may mean praise here and blame there.

``kappa`` is the share of sentences whose only cue is bound to the domain ("hot" praises a soup and damns a phone). What
a bound cue means is set for each domain on its own: a quarter each is praise in both, in one, in the other, in none. So
a domain's text says nothing of bound cues elsewhere, not even by being turned round. Text, translations and labels are
made from the lexicon by rule; nothing is sampled from anybody's corpus.
"""

from xstilts.sources.synthetic.generator import GENERATOR_VERSION, generate
from xstilts.sources.synthetic.lexicon import DOMAINS, LANGUAGES
from xstilts.sources.synthetic.truth import count_accuracy, mixture_distance, oracle_accuracy

__all__ = [
    "DOMAINS",
    "GENERATOR_VERSION",
    "LANGUAGES",
    "count_accuracy",
    "generate",
    "mixture_distance",
    "oracle_accuracy",
]
