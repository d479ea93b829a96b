"""Features of sentences that need no encoder, and the texts they are made of.

Shapes: n sentences, d dimensions.

All features are fitted once on the texts of the whole study, not pair by pair. A value is then a distance in one
common space, so that pairs can be compared with each other, and every text is read once. The fit sees no side, arm
or label, so the domain classifier's held-out sentences stay honest.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from xstilts.errors import XstiltsError
from xstilts.seeds import derived_seed

Matrix = NDArray[np.float64]
Ids = NDArray[np.int64]

CHAR_NGRAMS = "char_ngrams"
WORDS = "words"
NGRAM_LENGTHS = (2, 4)
NGRAM_TYPES = 20_000
FITTED_TEXTS = 6_000
_WORD = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Texts:
    """The sentences of one side.

    Attributes:
        texts: n sentences, written the same way on every side of a study (joined tokens everywhere, or raw text
            everywhere), else the classifier learns the spacing.
        documents: for each sentence its document, named uniquely over all corpora of the study.
        embeddings: optional features by name, each [n, d], from an encoder that is not under test.
    """

    texts: tuple[str, ...]
    documents: tuple[str, ...]
    embeddings: Mapping[str, Matrix] = field(default_factory=dict)

    def __post_init__(self) -> None:
        sizes = {"texts": len(self.texts), "documents": len(self.documents)}
        sizes |= {f"embeddings[{name!r}]": len(matrix) for name, matrix in self.embeddings.items()}
        if len(set(sizes.values())) != 1 or not self.texts:
            raise XstiltsError(
                f"Sentences, documents and embeddings differ in number: {sizes}",
                where="Texts",
                allowed="at least one sentence, and one document and one vector for each",
            )


def char_ngram_features(texts: Sequence[str], *, components: int, seed: int) -> Matrix:
    """TF-IDF of character 2- to 4-grams, reduced by truncated SVD.

    Sublinear term frequency, lower-cased, the 20,000 most frequent n-grams; the reduction is fitted on at most
    6,000 texts drawn at random.

    Args:
        texts: n sentences.
        components: dimensions kept (fewer when the texts do not have as many).
        seed: of the draw and of the randomised SVD.

    Returns:
        [n, d] float64, the same for the same texts and seed.
    """
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(
        analyzer="char", ngram_range=NGRAM_LENGTHS, sublinear_tf=True, max_features=NGRAM_TYPES, dtype=np.float32
    )
    counts = vectorizer.fit_transform(texts)
    rng = np.random.default_rng(derived_seed(seed, "divergence", "svd"))
    fitted = np.sort(rng.permutation(counts.shape[0])[:FITTED_TEXTS])
    width = max(1, min(components, len(fitted) - 1, counts.shape[1] - 1))
    svd = TruncatedSVD(width, n_iter=3, random_state=derived_seed(seed, "divergence", "svd") % 2**32)
    svd.fit(counts[fitted])
    return np.asarray(svd.transform(counts), dtype=np.float64)


def reduced(matrix: Matrix, *, components: int) -> Matrix:
    """The first principal components of wide features, so that every classifier has the same number of inputs.

    Args:
        matrix: [n, d].
        components: dimensions kept; a narrower matrix is only centred.

    Returns:
        [n, min(d, components)] float64.
    """
    centred = np.asarray(matrix, dtype=np.float64) - np.mean(matrix, axis=0, dtype=np.float64)
    if centred.shape[1] <= components:
        return centred
    _, vectors = np.linalg.eigh(centred.T @ centred)
    return np.asarray(centred @ vectors[:, ::-1][:, :components], dtype=np.float64)


def words_of(text: str) -> list[str]:
    """Lower-cased words and single punctuation marks."""
    return _WORD.findall(text.lower())


def word_ids(texts: Sequence[str], *, types: int) -> list[Ids]:
    """Word unigrams as ids of the most frequent types of all texts; rarer words are left out.

    Args:
        texts: n sentences.
        types: size of the vocabulary; ties are broken by the alphabet.

    Returns:
        For each sentence its ids, int64, each below ``types``.
    """
    words = [words_of(text) for text in texts]
    counts = Counter(word for sentence in words for word in sentence)
    kept = sorted(counts, key=lambda word: (-counts[word], word))[:types]
    place = {word: index for index, word in enumerate(kept)}
    return [np.array([place[word] for word in sentence if word in place], dtype=np.int64) for sentence in words]
