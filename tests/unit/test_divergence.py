"""Divergence: closed cases, document grouping, determinism, and what is refused."""

import functools
import math

import numpy as np
import pytest

from xstilts.divergence import DivergenceSettings, Texts, divergence_table
from xstilts.divergence.features import CHAR_NGRAMS, char_ngram_features, reduced, word_ids
from xstilts.divergence.jensen_shannon import jensen_shannon, word_distance
from xstilts.divergence.proxy_a_distance import Side, document_folds, noise_floor, proxy_a_distance
from xstilts.divergence.table import COLUMNS
from xstilts.errors import XstiltsError

SETTINGS = DivergenceSettings(rows=80, folds=5, repeats=3, components=20, shuffles=8, primary=CHAR_NGRAMS)
HOTEL = ["room", "staff", "clean", "night", "bath", "desk", "key", "towel", "lobby", "view"]
FILM = ["actor", "scene", "plot", "script", "camera", "cast", "screen", "drama", "villain", "score"]


def sentences(words: list[str], rng: np.random.Generator, *, documents: int, each: int, name: str) -> Texts:
    texts = [" ".join(rng.choice(words, size=8)) for _ in range(documents * each)]
    return Texts(tuple(texts), tuple(f"{name}/{row // each}" for row in range(documents * each)))


def side(rng: np.random.Generator, *, documents: int, each: int, shift: float, spread: float, first: int) -> Side:
    """Gaussian sentences whose documents have means of their own."""
    means = rng.normal(shift, spread, (documents, 10))
    rows = np.repeat(means, each, axis=0) + rng.normal(0, 1, (documents * each, 10))
    return Side(rows, np.repeat(np.arange(first, first + documents), each))


def test_jensen_shannon_closed_cases():
    assert jensen_shannon(np.array([3, 1]), np.array([6, 2])) == pytest.approx(0.0, abs=1e-12)
    assert jensen_shannon(np.array([5, 0]), np.array([0, 2])) == pytest.approx(1.0)
    by_hand = (math.log2(4 / 3) + 0.5 * math.log2(2 / 3) + 0.5 * math.log2(2)) / 2
    assert jensen_shannon(np.array([2, 0]), np.array([1, 1])) == pytest.approx(by_hand)


def test_word_distance_is_1_without_a_common_word_and_its_floor_is_not():
    left = [np.array([0, 1, 0, 1, 1]) for _ in range(10)]
    right = [np.array([2, 3, 3, 3, 2]) for _ in range(10)]
    found = word_distance(left, right, tokens=50, types=4, repeats=20, rng=np.random.default_rng(0))
    assert found.value == pytest.approx(1.0)
    assert 0.0 < found.floor < 0.2
    assert found.standard_error == pytest.approx(0.0, abs=1e-9)


def test_word_ids_keep_the_most_frequent_types_and_drop_the_rest():
    ids = word_ids(["b a b", "A, c"], types=2)
    assert [row.tolist() for row in ids] == [[1, 0, 1], [0]]


def test_folds_keep_documents_whole_and_sides_even():
    documents = np.repeat(np.arange(12), 5)
    sides = (documents >= 6).astype(np.int64)
    fold = document_folds(documents, sides, folds=3, rng=np.random.default_rng(0))
    assert all(len(set(fold[documents == document])) == 1 for document in range(12))
    assert [int(((fold == which) & (sides == 0)).sum()) for which in range(3)] == [10, 10, 10]
    assert [int(((fold == which) & (sides == 1)).sum()) for which in range(3)] == [10, 10, 10]


def test_a_document_on_both_sides_is_held_out_once():
    documents = np.array([0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2])
    fold = document_folds(documents, np.repeat([0, 1], 6), folds=3, rng=np.random.default_rng(0))
    assert {int(fold[documents == document][0]) for document in range(3)} == {0, 1, 2}
    assert all(len(set(fold[documents == document])) == 1 for document in range(3))


@pytest.mark.parametrize(("shift", "low", "high"), [(0.0, -0.2, 0.2), (4.0, 1.95, 2.0)])
def test_proxy_a_distance_of_one_source_and_of_two_far_ones(shift, low, high):
    rng = np.random.default_rng(1)
    left = side(rng, documents=40, each=10, shift=0.0, spread=0.0, first=0)
    right = side(rng, documents=40, each=10, shift=shift, spread=0.0, first=40)
    found = proxy_a_distance(left, right, rows=300, folds=5, repeats=3, rng=np.random.default_rng(2))
    assert low <= found.value <= high
    assert 0.0 <= found.standard_error < 0.2


def test_grouping_by_document_lowers_a_leaked_distance():
    rng = np.random.default_rng(3)
    left = side(rng, documents=6, each=50, shift=0.0, spread=1.0, first=0)
    right = side(rng, documents=6, each=50, shift=0.0, spread=1.0, first=6)
    draw = {"rows": 300, "folds": 5, "repeats": 3}
    grouped = proxy_a_distance(left, right, rng=np.random.default_rng(0), **draw)
    loose = [Side(one.features, np.arange(300) + start) for one, start in ((left, 0), (right, 300))]
    leaked = proxy_a_distance(*loose, rng=np.random.default_rng(0), **draw)
    assert leaked.value - grouped.value > 0.5
    assert grouped.standard_error > 2 * leaked.standard_error


def test_standard_error_is_that_of_repeated_studies():
    values, errors = [], []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        left = side(rng, documents=20, each=5, shift=0.0, spread=0.3, first=0)
        right = side(rng, documents=20, each=5, shift=0.3, spread=0.3, first=20)
        found = proxy_a_distance(left, right, rows=100, folds=5, repeats=1, rng=rng)
        values.append(found.value)
        errors.append(found.standard_error)
    assert 0.6 < np.mean(errors) / np.std(values, ddof=1) < 1.4


def test_noise_floor_is_near_zero_and_absent_for_few_documents():
    rng = np.random.default_rng(5)
    many = side(rng, documents=40, each=10, shift=0.0, spread=0.0, first=0)
    floor = noise_floor(many, rows=200, folds=5, repeats=5, rng=np.random.default_rng(0))
    assert floor is not None and abs(floor) < 0.2
    few = side(rng, documents=3, each=10, shift=0.0, spread=0.0, first=0)
    assert noise_floor(few, rows=10, folds=5, repeats=1, rng=np.random.default_rng(0)) is None


def test_proxy_a_distance_refuses_a_single_document():
    one = Side(np.zeros((10, 2)), np.zeros(10, dtype=np.int64))
    two = Side(np.zeros((10, 2)), np.arange(10))
    with pytest.raises(XstiltsError, match="left side has 10 sentences from 1 documents"):
        proxy_a_distance(one, two, rows=10, folds=2, repeats=1, rng=np.random.default_rng(0))


@functools.cache
def table(seed: int = 0) -> list[dict]:
    rng = np.random.default_rng(7)
    near = sentences(HOTEL, rng, documents=20, each=5, name="near")
    far = sentences(FILM, rng, documents=20, each=5, name="far")
    few = sentences(HOTEL + FILM, rng, documents=4, each=25, name="few")
    target = sentences(HOTEL, rng, documents=20, each=5, name="target")
    return divergence_table(
        {"near": near, "far": far, "few": few, "same": target},
        {("reviews", "hotel"): target},
        settings=SETTINGS,
        seed=seed,
    )


def test_the_table_orders_arms_by_distance_and_repeats_itself():
    rows = table()
    assert rows == table.__wrapped__()
    assert rows != table(seed=1)
    assert all(tuple(sorted(row)) == tuple(sorted(COLUMNS)) for row in rows)
    value = {(row["arm"], row["measure"]): row["value"] for row in rows}
    pad = {arm: value[arm, "proxy_a_distance"] for arm in ("same", "near", "few", "far")}
    assert abs(pad["same"]) < 0.25 and abs(pad["near"]) < 0.4
    assert 0.5 < pad["few"] < pad["far"]
    assert pad["far"] > 1.9
    assert value["far", "jensen_shannon"] == pytest.approx(1.0)
    assert value["near", "jensen_shannon"] < 0.05
    assert {row["primary"] for row in rows if row["measure"] == "jensen_shannon"} == {False}
    assert all(row["primary"] for row in rows if row["measure"] == "proxy_a_distance")


def test_the_table_tells_rows_documents_and_a_warning():
    rows = {(row["arm"], row["measure"]): row for row in table()}
    few, near = rows["few", "proxy_a_distance"], rows["near", "proxy_a_distance"]
    assert (few["rows"], few["documents"], few["warning"]) == (80, 4, "only 4 documents on one side")
    assert (near["rows"], near["documents"], near["warning"]) == (80, 20, "")


def test_embeddings_are_measured_beside_the_character_features():
    rng = np.random.default_rng(8)
    plain = [sentences(HOTEL, rng, documents=10, each=5, name=name) for name in ("a", "b")]
    shifted = [
        Texts(one.texts, one.documents, {"encoder": rng.normal(5.0 * index, 1.0, (50, 30))})
        for index, one in enumerate(plain)
    ]
    rows = divergence_table({"a": shifted[0]}, {("t", "all"): shifted[1]}, settings=SETTINGS, seed=0)
    value = {row["features"]: row["value"] for row in rows}
    assert value["encoder"] > 1.9 and value[CHAR_NGRAMS] < 0.6
    with pytest.raises(XstiltsError, match="different embeddings"):
        divergence_table({"a": shifted[0]}, {("t", "all"): plain[1]}, settings=SETTINGS, seed=0)


def test_reduced_features_keep_the_widest_directions():
    rng = np.random.default_rng(0)
    matrix = rng.normal(0, [10.0, 0.1, 5.0], (200, 3))
    kept = reduced(matrix, components=2)
    assert kept.shape == (200, 2)
    centred = matrix - matrix.mean(axis=0)
    lost = (centred**2).sum() - (kept**2).sum()
    assert lost == pytest.approx((centred[:, 1] ** 2).sum(), rel=0.2)


def test_char_ngram_features_are_deterministic_and_as_wide_as_asked():
    texts = [f"{word} {other}" for word in HOTEL for other in FILM]
    features = char_ngram_features(texts, components=12, seed=3)
    assert features.shape == (100, 12)
    assert np.array_equal(features, char_ngram_features(texts, components=12, seed=3))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"texts": ("a", "b"), "documents": ("d",)}, "differ in number"),
        ({"texts": (), "documents": ()}, "differ in number"),
    ],
)
def test_texts_refuse_a_mismatch(change, message):
    with pytest.raises(XstiltsError, match=message):
        Texts(**change)


def test_the_table_refuses_one_document_and_unknown_primary_features():
    rng = np.random.default_rng(0)
    good = sentences(HOTEL, rng, documents=5, each=4, name="good")
    single = Texts(good.texts, ("only",) * len(good.texts))
    with pytest.raises(XstiltsError, match="'single' come from one document"):
        divergence_table({"single": single}, {("t", "all"): good}, settings=SETTINGS, seed=0)
    wrong = DivergenceSettings(rows=20, folds=2, repeats=1, components=4, shuffles=2, primary="char_ngram")
    with pytest.raises(XstiltsError, match="did you mean 'char_ngrams'"):
        divergence_table({"good": good}, {("t", "all"): good}, settings=wrong, seed=0)


def test_settings_refuse_too_little():
    with pytest.raises(XstiltsError, match="folds = 1"):
        DivergenceSettings(rows=80, folds=1, repeats=3, components=20, shuffles=8, primary=CHAR_NGRAMS)
