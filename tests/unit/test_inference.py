"""Gains, the grid, the slope and its test: closed cases, cases by hand, planted truths."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from xstilts.errors import XstiltsError
from xstilts.inference.gains import GainPoint, Score, gain_points, paired_gains
from xstilts.inference.grid import grid_of
from xstilts.inference.slope import (
    PermutationSlope,
    effects_of,
    identified,
    permutation_slope,
    shuffles,
    without_effects,
)

ONE_BLOCK = ("b",) * 12


def score(arm: str, language: str, value: float, *, seed: int = 0) -> Score:
    return Score(arm, "block", "domain", "udpos", "news", seed, language, value)


def column(values: list[float]) -> np.ndarray:
    return np.array(values, dtype=float)[:, None]


# --- gains ---


def test_gains_are_paired_by_seed_and_averaged_over_the_other_languages():
    scores = [
        score("none", "en", 90.0), score("none", "de", 80.0), score("none", "hi", 60.0),
        score("a", "en", 91.0), score("a", "de", 83.0), score("a", "hi", 61.0),
        score("none", "en", 80.0, seed=1), score("none", "de", 70.0, seed=1), score("none", "hi", 50.0, seed=1),
        score("a", "en", 80.5, seed=1), score("a", "de", 69.0, seed=1), score("a", "hi", 50.0, seed=1),
    ]  # fmt: skip
    gains = paired_gains(scores)
    assert [gain.gain for gain in gains] == [1.0, 3.0, 1.0, 0.5, -1.0, 0.0]
    points = gain_points(
        gains, divergence={("a", "udpos", "news"): 0.7}, languages={("udpos", "news"): ("en", "de", "hi")}
    )
    assert points == [
        GainPoint("a", "block", "udpos", "news", 0, 0.7, 2.0, 1.0),
        GainPoint("a", "block", "udpos", "news", 1, 0.7, -0.5, 0.5),
    ]


def test_gains_refuse_a_missing_baseline_a_double_score_and_a_missing_language():
    with pytest.raises(XstiltsError, match=r"baseline 'none' has none .*language hi"):
        paired_gains([score("a", "hi", 1.0), score("none", "de", 1.0)])
    with pytest.raises(XstiltsError, match="Two scores"):
        paired_gains([score("none", "de", 1.0), score("none", "de", 1.0)])
    gains = paired_gains([score("none", "de", 1.0), score("a", "de", 2.0)])
    known = {("a", "udpos", "news"): 0.7}
    with pytest.raises(XstiltsError, match=r"Languages missing: hi; .*arm a, udpos, slice news, seed 0"):
        gain_points(gains, divergence=known, languages={("udpos", "news"): ("de", "hi")})
    with pytest.raises(XstiltsError, match="not expected: de"):
        gain_points(gains, divergence=known, languages={("udpos", "news"): ("hi",)})
    with pytest.raises(XstiltsError, match="No divergence was measured"):
        gain_points(gains, divergence={}, languages={("udpos", "news"): ("de",)})


def test_a_slice_without_english_text_has_no_english_gain():
    gains = paired_gains([score("none", "de", 1.0), score("a", "de", 2.0)])
    (point,) = gain_points(gains, divergence={("a", "udpos", "news"): 0.7}, languages={("udpos", "news"): ("de",)})
    assert point.gain == 1.0 and point.gain_english is None


# --- the grid ---


def point(arm: str, *, block: str = "b", piece: str = "news", seed: int = 0, x: float = 1.0) -> GainPoint:
    return GainPoint(arm, block, "udpos", piece, seed, x, 1.0, 0.5)


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ([], "No gains"),
        ([point("a"), point("b", seed=1)], "2 of 4 gains"),
        ([point("a"), point("a")], "Two gains"),
        ([point("a"), point("a", block="c", seed=1)], "two blocks"),
        ([point("a"), point("a", x=2.0, seed=1)], "two divergences"),
        ([point("a"), point("a", piece="all")], "beside its parts"),
        ([point("a", x=math.nan)], "not finite"),
    ],
)
def test_the_grid_refuses_holes_and_doubles(points, message):
    with pytest.raises(XstiltsError, match=message):
        grid_of(points)


def test_the_grid_is_ordered_by_name_whatever_the_order_of_points():
    points = [
        GainPoint(arm, f"block-{arm}", "t", piece, seed, number + len(piece), 10.0 * number + seed, None)
        for number, arm in enumerate("ab") for piece in ("x", "yy") for seed in (0, 1)
    ]  # fmt: skip
    grid = grid_of(points[::-1])
    assert grid.arms == ("a", "b") and grid.blocks == ("block-a", "block-b") and grid.seeds == (0, 1)
    assert grid.divergence.tolist() == [[1, 2], [2, 3]]
    assert grid.gains.tolist() == [[[0, 1], [0, 1]], [[10, 11], [10, 11]]]
    assert grid.gains_english is None


# --- effects and shuffles ---


def by_dummies(values: np.ndarray, blocks: tuple[str, ...], *, arms: bool) -> np.ndarray:
    """The same residuals by brute force: regression on dummy variables."""
    a, k = values.shape
    cells = list(itertools.product(range(a), range(k)))
    columns = [[float(blocks[i] == b and j == c) for i, j in cells] for b in sorted(set(blocks)) for c in range(k)]
    if arms:
        columns += [[float(i == arm) for i, _ in cells] for arm in range(a)]
    design = np.array(columns).T
    coefficients = np.linalg.lstsq(design, values.ravel(), rcond=None)[0]
    return values - (design @ coefficients).reshape(a, k)


@pytest.mark.parametrize("effects", ["slice", "arm and slice"])
def test_effects_come_out_as_regression_on_dummies_takes_them_out(effects):
    rng = np.random.default_rng(0)
    values, blocks = rng.normal(size=(7, 3)), ("p", "q", "p", "q", "q", "p", "q")
    expected = by_dummies(values, blocks, arms=effects == "arm and slice")
    assert np.allclose(without_effects(values, blocks, effects), expected, atol=1e-12)


def test_all_shuffles_are_listed_once_and_stay_in_their_blocks():
    orders, exact = shuffles(("p", "q", "p", "q", "q"), seed=0)
    assert exact and len(orders) == 2 * 6 == len({tuple(order) for order in orders})
    assert orders[0].tolist() == [0, 1, 2, 3, 4]
    assert all(set(order[[0, 2]]) == {0, 2} for order in orders)


def test_many_shuffles_are_drawn_evenly_and_the_identity_is_counted():
    blocks = ("p",) * 8 + ("q",) * 2
    orders, exact = shuffles(blocks, seed=0)
    assert not exact and orders.shape == (10_000, 10)
    assert orders[0].tolist() == list(range(10))
    assert all(sorted(order) == list(range(10)) for order in orders[:200])
    assert set(orders[:, 9]) == {8, 9}
    share = [(orders[1:, 0] == arm).mean() for arm in range(8)]
    assert max(abs(one - 1 / 8) for one in share) < 0.015
    again, _ = shuffles(blocks, seed=0)
    other, _ = shuffles(blocks, seed=1)
    assert np.array_equal(orders, again) and not np.array_equal(orders, other)


def test_arm_effects_are_used_only_where_they_leave_something():
    blocks = ("b",) * 3
    additive = np.array([[0.0, 1.0], [1.0, 2.0], [3.0, 4.0]])
    assert effects_of(additive, blocks) == "slice"
    assert effects_of(additive + np.array([[0.5, 0], [0, 0], [0, 0]]), blocks) == "arm and slice"
    assert effects_of(additive[:, :1], blocks) == "slice"
    assert not identified(np.ones((3, 2)), blocks, "slice")
    assert permutation_slope(additive, np.ones((3, 2)), blocks, effects="slice", seed=0) is None
    assert permutation_slope(column([1, 2]), column([1, 2]), ("p", "q"), effects="slice", seed=0) is None


# --- the slope ---


def test_three_arms_by_hand():
    """x = -1, 0, 1 and y = 2, 0, 1: C0 = 2, B0 = -1, slope -1/2.

    The five other orders of x give (C, B): (1, -2), (1, 1), (-1, -1), (-1, 2), (-2, 1); each changes sides at
    (B0 - B) / (C0 - C) = 1, -2, 0, -1, -1/2.
    """
    found = permutation_slope(column([2, 0, 1]), column([-1, 0, 1]), ("b",) * 3, effects="slice", seed=0)
    assert found is not None and found.exact and found.permutations == 6 and found.unmoved == 1
    assert found.estimate == pytest.approx(-0.5)
    assert found.breaks == pytest.approx([-2.0, -1.0, -0.5, 0.0, 1.0])
    assert found.p_value(0.0) == pytest.approx(2 * 3 / 6)
    assert found.p_value(0.5) == pytest.approx(2 * 2 / 6)
    assert found.p_value(2.0) == pytest.approx(2 * 1 / 6)
    assert found.interval(2 / 3) == pytest.approx((-2.0, 1.0))
    assert found.interval(0.95) is None


def brute_force_p(gain: np.ndarray, divergence: np.ndarray, blocks: tuple[str, ...], slope: float) -> float:
    """Two-sided p by moving whole rows of divergence and regressing on dummies each time."""
    y = by_dummies(gain - slope * divergence, blocks, arms=True)
    statistics = []
    for order in itertools.permutations(range(len(blocks))):
        if all(blocks[i] == blocks[order[i]] for i in range(len(blocks))):
            statistics.append(float((by_dummies(divergence[list(order)], blocks, arms=True) * y).sum()))
    values = np.array(statistics)
    up, down = (values >= values[0] - 1e-9).mean(), (values <= values[0] + 1e-9).mean()
    return float(min(1.0, 2 * min(up, down)))


def test_the_p_of_every_slope_equals_brute_force():
    rng = np.random.default_rng(4)
    gain, divergence, blocks = rng.normal(size=(6, 2)), rng.random((6, 2)), ("p", "q", "q", "q", "p", "q")
    found = permutation_slope(gain, divergence, blocks, effects="arm and slice", seed=0)
    assert found is not None and found.permutations == 48
    for slope in (-6.0, -1.0, 0.0, 0.7, found.estimate, 9.0):
        assert found.p_value(slope) == pytest.approx(brute_force_p(gain, divergence, blocks, slope))


def random_slope(rng: np.random.Generator) -> PermutationSlope:
    arms, slices = int(rng.integers(4, 9)), int(rng.integers(1, 4))
    blocks = tuple(f"b{rng.integers(0, 2)}" if arms > 5 else "b" for _ in range(arms))
    divergence = np.round(rng.random((arms, slices)), int(rng.integers(1, 4)))
    gain = np.round(rng.normal(0, 1, (arms, slices)) + rng.normal(0, 3) * divergence, 2)
    effects = effects_of(divergence, blocks)
    found = permutation_slope(gain, divergence, blocks, effects=effects, seed=0)
    return found if found is not None else random_slope(rng)


def test_a_p_and_an_interval_never_contradict_each_other():
    rng = np.random.default_rng(11)
    decided = 0
    for _ in range(200):
        found = random_slope(rng)
        for confidence in (0.8, 0.9, 0.95):
            interval = found.interval(confidence)
            if interval is None:
                assert found.unmoved / found.permutations > (1 - confidence) / 2
                continue
            low, high = interval
            for slope in (0.0, low, high, low - 1e-6, high + 1e-6, float(rng.normal(0, 3))):
                held = found.p_value(slope) > 1 - confidence + 1e-12
                assert held == (low <= slope <= high)
                decided += not held
    assert decided > 500


def test_moving_the_gain_along_the_line_moves_the_interval_with_it():
    rng = np.random.default_rng(5)
    divergence, gain = rng.random((7, 2)), rng.normal(size=(7, 2))
    blocks = ("b",) * 7
    one = permutation_slope(gain, divergence, blocks, effects="arm and slice", seed=0)
    two = permutation_slope(gain + 3.0 * divergence + 5.0, divergence, blocks, effects="arm and slice", seed=0)
    assert one is not None and two is not None
    assert two.breaks == pytest.approx(one.breaks + 3.0)
    assert two.interval(0.95) == pytest.approx(np.array(one.interval(0.95)) + 3.0)


@pytest.mark.parametrize("planted", [-3.0, 0.0, 2.0])
def test_a_planted_slope_is_recovered_through_arm_slice_and_block_effects(planted):
    rng = np.random.default_rng(6)
    blocks = ("p",) * 6 + ("q",) * 6
    divergence = rng.random((12, 3))
    effects = rng.normal(0, 5, (12, 1)) + np.where(np.arange(12) < 6, 0.0, 4.0)[:, None] * np.array([[1.0, -1.0, 2.0]])
    gain = planted * divergence + effects + rng.normal(0, 0.05, (12, 3))
    found = permutation_slope(gain, divergence, blocks, effects="arm and slice", seed=0)
    assert found is not None
    low, high = found.interval(0.95) or (math.nan, math.nan)
    assert low <= planted <= high
    assert found.estimate == pytest.approx(planted, abs=0.15)
    assert (found.p_value() <= 0.05) == (planted != 0.0)


def test_a_difference_between_blocks_alone_gives_no_slope():
    """Two annotation sources that differ in gain and in distance, nothing inside them: the naive slope is steep."""
    rng = np.random.default_rng(8)
    blocks = ("ewt",) * 6 + ("gum",) * 6
    divergence = column([*rng.normal(0.9, 0.05, 6), *rng.normal(1.3, 0.05, 6)])
    gain = column([*rng.normal(3.0, 0.3, 6), *rng.normal(1.0, 0.3, 6)])
    assert stats.linregress(divergence[:, 0], gain[:, 0]).pvalue < 0.001
    found = permutation_slope(gain, divergence, blocks, effects="slice", seed=0)
    assert found is not None and found.p_value() > 0.2


def test_a_shuffled_divergence_gives_nothing():
    rng = np.random.default_rng(9)
    divergence = rng.random((12, 2))
    gain = -5.0 * divergence + rng.normal(0, 0.2, (12, 2))
    true = permutation_slope(gain, divergence, ONE_BLOCK, effects="arm and slice", seed=0)
    assert true is not None and true.p_value() < 0.001
    rejected = 0
    for _ in range(100):
        shuffled = divergence[rng.permutation(12)]
        found = permutation_slope(gain, shuffled, ONE_BLOCK, effects="arm and slice", seed=0)
        assert found is not None
        rejected += found.p_value() <= 0.05
    assert rejected <= 12


def false_alarms(draws: int, *, seed: int) -> float:
    """Rate of p <= 0.05 without a slope, with heavy arm effects, 6 arms x 2 slices in one block."""
    rng = np.random.default_rng(seed)
    rejected = 0
    for _ in range(draws):
        divergence = rng.random((6, 2))
        gain = rng.normal(0, 2, (6, 1)) + rng.normal(0, 1, (1, 2)) + rng.normal(0, 0.5, (6, 2))
        found = permutation_slope(gain, divergence, ("b",) * 6, effects="arm and slice", seed=0)
        rejected += found is not None and found.p_value() <= 0.05
    return rejected / draws


def test_a_planted_null_is_rejected_at_about_alpha():
    assert 0.02 <= false_alarms(300, seed=1) <= 0.085


@pytest.mark.slow
def test_a_planted_null_is_rejected_at_alpha_over_many_draws():
    assert 0.042 <= false_alarms(4000, seed=2) <= 0.058
