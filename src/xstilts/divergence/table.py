"""The table of divergences: every arm against every slice, by every measure."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from xstilts.divergence.features import CHAR_NGRAMS, WORDS, Ids, Matrix, Texts, char_ngram_features, reduced, word_ids
from xstilts.divergence.jensen_shannon import TOP_TYPES, word_distance
from xstilts.divergence.proxy_a_distance import Side, noise_floor, proxy_a_distance
from xstilts.errors import XstiltsError, unknown
from xstilts.seeds import generator

FEW_DOCUMENTS = 5
Slice = tuple[str, str]
Row = dict[str, Any]
COLUMNS = (
    "arm",
    "target",
    "slice",
    "features",
    "measure",
    "value",
    "floor",
    "standard_error",
    "rows",
    "documents",
    "primary",
    "warning",
)


@dataclass(frozen=True, slots=True)
class DivergenceSettings:
    """How divergence is measured.

    Attributes:
        rows: sentences on each side of a proxy A-distance; lowered for all pairs when the smallest side has fewer.
        folds: of the domain classifier, at most.
        repeats: draws of rows and folds for each pair.
        components: dimensions of the features.
        shuffles: draws for the word divergence, its floor and its standard error; at least 2.
        primary: the features of the proxy A-distance that the verdict uses.
    """

    rows: int
    folds: int
    repeats: int
    components: int
    shuffles: int
    primary: str

    def __post_init__(self) -> None:
        least = {"rows": 10, "folds": 2, "repeats": 1, "components": 1, "shuffles": 2}
        for name, smallest in least.items():
            if getattr(self, name) < smallest:
                raise XstiltsError(
                    f"{name} = {getattr(self, name)}", where="divergence settings", allowed=f"at least {smallest}"
                )


@dataclass(frozen=True, slots=True)
class _Study:
    """All texts of a study in one row order: who owns which rows, and the document of each row as a number."""

    texts: tuple[str, ...]
    rows_of: Mapping[str | Slice, Ids]
    documents: Ids
    document_counts: Mapping[str | Slice, int]


def _study(owners: Mapping[str | Slice, Texts]) -> _Study:
    texts = tuple(chain.from_iterable(owned.texts for owned in owners.values()))
    names = list(chain.from_iterable(owned.documents for owned in owners.values()))
    _, documents = np.unique(np.array(names, dtype=object), return_inverse=True)
    ends = np.cumsum([len(owned.texts) for owned in owners.values()])
    rows_of = {
        owner: np.arange(end - len(owned.texts), end) for (owner, owned), end in zip(owners.items(), ends, strict=True)
    }
    counts = {owner: len(set(owned.documents)) for owner, owned in owners.items()}
    for owner, count in counts.items():
        if count < 2:
            raise XstiltsError(
                f"All sentences of {owner!r} come from one document",
                where="divergence",
                allowed="at least 2 documents, so that one can be held out",
                next_step="draw the arm or the target from more documents",
            )
    return _Study(texts, rows_of, documents, counts)


def _dense_features(
    owners: Mapping[str | Slice, Texts], study: _Study, components: int, seed: int
) -> dict[str, Matrix]:
    names = {tuple(sorted(owned.embeddings)) for owned in owners.values()}
    if len(names) != 1:
        raise XstiltsError(
            f"Arms and slices carry different embeddings: {sorted(names)}",
            where="divergence",
            allowed="the same encoders for every arm and slice",
        )
    features = {CHAR_NGRAMS: char_ngram_features(study.texts, components=components, seed=seed)}
    for name in names.pop():
        stacked = np.concatenate([owned.embeddings[name] for owned in owners.values()])
        features[name] = reduced(stacked, components=components)
    return features


def _distances(
    study: _Study, matrix: Matrix, name: str, pairs: list[tuple[str, Slice]], settings: DivergenceSettings, seed: int
) -> list[Row]:
    smallest = min(len(rows) for rows in study.rows_of.values())
    rows = min(settings.rows, smallest)
    draw = {"rows": rows, "folds": settings.folds, "repeats": settings.repeats}
    side = {owner: Side(matrix[chosen], study.documents[chosen]) for owner, chosen in study.rows_of.items()}

    def stream(*use: str | Slice) -> np.random.Generator:
        return generator(seed, "divergence", name, *(part if isinstance(part, str) else "|".join(part) for part in use))

    floors = {owner: noise_floor(side[owner], rng=stream("floor", owner), **draw) for owner in study.rows_of}
    found = []
    for arm, piece in pairs:
        distance = proxy_a_distance(side[arm], side[piece], rng=stream(arm, piece), **draw)
        both = [floors[arm], floors[piece]]
        known = [floor for floor in both if floor is not None]
        found.append(
            _row(
                study,
                arm,
                piece,
                features=name,
                measure="proxy_a_distance",
                value=distance.value,
                floor=float(np.mean(known)) if known else None,
                standard_error=distance.standard_error,
                rows=rows,
                primary=name == settings.primary,
            )
        )
    return found


def _row(study: _Study, arm: str, piece: Slice, **measured: Any) -> Row:
    documents = min(study.document_counts[arm], study.document_counts[piece])
    few = f"only {documents} documents on one side" if documents < FEW_DOCUMENTS else ""
    return {"arm": arm, "target": piece[0], "slice": piece[1], **measured, "documents": documents, "warning": few}


def _word_distances(
    study: _Study, pairs: list[tuple[str, Slice]], settings: DivergenceSettings, seed: int
) -> list[Row]:
    ids = word_ids(study.texts, types=TOP_TYPES)

    def by_document(owner: str | Slice) -> list[Ids]:
        found: dict[int, list[Ids]] = {}
        for row in study.rows_of[owner]:
            found.setdefault(int(study.documents[row]), []).append(ids[row])
        return [np.concatenate(rows) for rows in found.values()]

    documents = {owner: by_document(owner) for owner in study.rows_of}
    tokens = min(sum(map(len, owned)) for owned in documents.values())
    if tokens == 0:
        raise XstiltsError("An arm or slice has no word among the most frequent ones", where="divergence")
    rows = min(map(len, study.rows_of.values()))
    found = []
    for arm, piece in pairs:
        distance = word_distance(
            documents[arm],
            documents[piece],
            tokens=tokens,
            types=TOP_TYPES,
            repeats=settings.shuffles,
            rng=generator(seed, "divergence", WORDS, arm, *piece),
        )
        found.append(
            _row(
                study,
                arm,
                piece,
                features=WORDS,
                measure="jensen_shannon",
                value=distance.value,
                floor=distance.floor,
                standard_error=distance.standard_error,
                rows=rows,
                primary=False,
            )
        )
    return found


def divergence_table(
    arms: Mapping[str, Texts], slices: Mapping[Slice, Texts], *, settings: DivergenceSettings, seed: int
) -> list[Row]:
    """Measure every arm against the English text of every slice.

    Args:
        arms: arm to its English training text.
        slices: (target, slice) to the English text of that slice. The text may be part of an arm's corpus; documents
            then carry the same name on both sides and are held out together.
        settings: how.
        seed: of every draw.

    Returns:
        One row for each pair and measure with the columns ``COLUMNS``. The floor of a proxy A-distance is the mean of
        the arm's and the slice's own floor; the floor of the Jensen-Shannon divergence is its permutation floor, and
        its ``rows`` the smallest side's, whose tokens every side is cut to. ``documents`` is the smaller side's number.

    Raises:
        XstiltsError: if there is nothing to compare, a side has a single document, embeddings differ between sides,
            or the primary features are not among those measured.
    """
    if not arms or not slices:
        raise XstiltsError(
            f"{len(arms)} arms and {len(slices)} slices", where="divergence", allowed="one or more of both"
        )
    owners: dict[str | Slice, Texts] = {}
    owners.update(arms.items())
    owners.update(slices.items())
    study = _study(owners)
    features = _dense_features(owners, study, settings.components, seed)
    if settings.primary not in features:
        raise unknown("kind of features", settings.primary, features, where="divergence settings, primary")
    pairs = [(arm, piece) for arm in arms for piece in slices]
    rows: list[Row] = []
    with threadpool_limits(1):  # a fit is so small that a second thread only waits
        for name, matrix in features.items():
            rows += _distances(study, matrix, name, pairs, settings, seed)
    return rows + _word_distances(study, pairs, settings, seed)
