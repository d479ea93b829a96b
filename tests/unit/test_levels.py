"""Levels of the fit, equivalence, gates and power: closed cases and known figures."""

import numpy as np
import pytest
from scipy import stats

from xstilts.errors import XstiltsError
from xstilts.inference.detectable import arms_needed, detectable_slope, error_for_equivalence
from xstilts.inference.equivalence import equivalence, negligible_slope
from xstilts.inference.gates import gain_gate, plateau_gate
from xstilts.inference.levels import Level, break_even, fit_of, share_retained
from xstilts.inference.slope import (
    permutation_slope,
)

ONE_BLOCK = ("b",) * 12


def column(values: list[float]) -> np.ndarray:
    return np.array(values, dtype=float)[:, None]


def test_levels_are_those_of_ordinary_regression_when_there_is_one_slice_and_one_seed():
    rng = np.random.default_rng(1)
    x, y = rng.random(9), rng.normal(2.0, 1.0, 9)
    fit = fit_of(column(list(y))[:, :, None], column(list(x)), ("b",) * 9, effects="slice")
    assert fit is not None
    line = stats.linregress(x, y)
    assert (fit.slope, fit.slope_error()) == pytest.approx((line.slope, line.stderr))
    near = fit.at(0.0, confidence=0.95)
    assert (near.estimate, near.standard_error, near.df) == pytest.approx((line.intercept, line.intercept_stderr, 7))
    reach = stats.t.ppf(0.975, 7) * line.intercept_stderr
    assert (near.low, near.high) == pytest.approx((line.intercept - reach, line.intercept + reach))


def test_the_baseline_that_all_arms_share_widens_a_level_and_not_the_slope():
    rng = np.random.default_rng(2)
    x, y = rng.random((8, 1)), rng.normal(2.0, 0.1, (8, 1, 1))
    shared = np.array([-1.0, 0.0, 1.0])
    calm = fit_of(np.repeat(y, 3, axis=2), x, ("b",) * 8, effects="slice")
    noisy = fit_of(y + shared, x, ("b",) * 8, effects="slice")
    assert calm is not None and noisy is not None
    assert noisy.slope_error() == pytest.approx(calm.slope_error())
    before, after = calm.at(0.5, confidence=0.95), noisy.at(0.5, confidence=0.95)
    assert after.estimate == pytest.approx(before.estimate)
    # MS_seed = 8 arms x variance 1 of the seeds' means; divided by 8 arms x 3 seeds it is 1/3.
    assert after.standard_error**2 - before.standard_error**2 == pytest.approx(1 / 3)
    assert before.df == pytest.approx(6.0) and 2.0 < after.df < 2.2


def test_a_level_speaks_of_a_typical_arm_so_arms_that_differ_widen_it():
    """Arm effects leave the slope but stay in the level: at the mean divergence its SE is SD / sqrt(arms)."""
    x = np.random.default_rng(4).random((9, 2))
    own = np.arange(9.0)[:, None]
    fit = fit_of((own - 2.0 * x)[:, :, None], x, ("b",) * 9, effects="arm and slice")
    assert fit is not None and fit.slope == pytest.approx(-2.0) and fit.slope_error() == pytest.approx(0.0, abs=1e-9)
    level = fit.at(float(x.mean()), confidence=0.95)
    assert level.standard_error**2 == pytest.approx(float(((own - 4.0) ** 2).sum()) / 7 / 9)


def test_the_slope_of_the_fit_is_the_tested_slope():
    rng = np.random.default_rng(3)
    gains, x, blocks = rng.normal(size=(7, 3, 2)), rng.random((7, 3)), ("p",) * 4 + ("q",) * 3
    for effects in ("slice", "arm and slice"):
        fit = fit_of(gains, x, blocks, effects=effects)
        tested = permutation_slope(gains.mean(axis=2), x, blocks, effects=effects, seed=0)
        assert fit is not None and tested is not None and fit.slope == pytest.approx(tested.estimate)
        assert fit.df == 4


def test_no_fit_without_a_degree_of_freedom_or_without_divergence():
    ones = np.ones((3, 1, 1))
    assert fit_of(ones, column([1, 2, 3]), ("p", "p", "q"), effects="slice") is None
    assert fit_of(ones, column([1, 1, 1]), ("p", "p", "p"), effects="slice") is None
    assert fit_of(ones, column([1, 2, 3]), ("p", "p", "p"), effects="slice") is not None


def level(divergence: float, estimate: float, low: float = 0.1) -> Level:
    return Level(divergence, estimate, low, 2 * estimate, 1.0, 5.0, 2)


@pytest.mark.parametrize(
    ("near", "far", "share", "crossing"),
    [
        (level(0.5, 4.0), level(1.5, 1.0), 0.25, None),
        (level(0.5, 4.0), level(1.5, -4.0), -1.0, 1.0),
        (level(0.5, 4.0), level(1.5, 0.2), 0.05, 0.5 + 4.0 / 3.8),
        (level(0.5, 4.0), level(1.5, 5.0), 1.25, None),
        (level(0.5, 4.0, low=-0.1), level(1.5, 2.0), None, None),
    ],
)
def test_share_retained_and_break_even(near, far, share, crossing):
    assert share_retained(near, far) == (None if share is None else pytest.approx(share))
    assert break_even(near, far) == (None if crossing is None else pytest.approx(crossing))


# --- equivalence, gates, power ---


def test_a_slope_is_negligible_only_when_both_one_sided_tests_say_so():
    rng = np.random.default_rng(10)
    x = rng.random((12, 2))
    gains = (4.0 + rng.normal(0, 0.1, (12, 2)))[:, :, None]
    tested = permutation_slope(gains[:, :, 0], x, ONE_BLOCK, effects="arm and slice", seed=0)
    fit = fit_of(gains, x, ONE_BLOCK, effects="arm and slice")
    assert tested is not None and fit is not None
    near, far = float(x.min()), float(x.max())
    wide = equivalence(tested, fit, share=0.25, near=near, far=far, confidence=0.95)
    assert wide is not None and wide.equivalent
    assert (wide.low, wide.high) == tested.interval(0.90)
    assert wide.threshold == pytest.approx(0.25 * fit.at(near, confidence=0.95).estimate / (far - near))
    assert max(tested.p_value(wide.threshold), tested.p_value(-wide.threshold)) <= 0.10
    narrow = equivalence(tested, fit, share=0.001, near=near, far=far, confidence=0.95)
    assert narrow is not None and not narrow.equivalent and not narrow.inside
    assert negligible_slope(4.0, share=0.25, span=0.5) == 2.0


def test_an_uncertain_matched_gain_forbids_equivalence():
    rng = np.random.default_rng(10)
    x, noise = rng.random((12, 2)), rng.normal(0, 0.1, (12, 2, 1))
    tested = permutation_slope(4.0 + noise[:, :, 0], x, ONE_BLOCK, effects="arm and slice", seed=0)
    fit = fit_of(4.0 + noise + np.array([-6.0, 6.0]), x, ONE_BLOCK, effects="arm and slice")
    assert tested is not None and fit is not None
    found = equivalence(tested, fit, share=0.25, near=float(x.min()), far=float(x.max()), confidence=0.95)
    assert found is not None and found.inside and not found.equivalent


def test_moves_less_agrees_with_the_ratio_it_is_about():
    """With 0.01 points of noise the test of the share is as sharp as the share itself."""
    rng = np.random.default_rng(12)
    x = np.linspace(0.0, 1.0, 12)[:, None]
    for drop, expected in ((0.9, True), (1.1, False), (-0.9, True), (-1.1, False)):
        gains = (4.0 - drop * x + rng.normal(0, 0.01, x.shape))[:, :, None]
        fit = fit_of(gains, x, ONE_BLOCK, effects="slice")
        assert fit is not None
        assert fit.moves_less(0.25, near=0.0, far=1.0, confidence=0.95) is expected


@pytest.mark.parametrize(("doubled", "passed"), [(75.9, True), (76.1, False), (75.5, True), (75.3, False)])
def test_plateau_gate_looks_both_ways(doubled, passed):
    gate = plateau_gate({0: 75.7, 1: 75.7}, {0: doubled, 1: doubled}, allowed=0.3)
    assert gate.passed is passed
    assert gate.difference == pytest.approx(doubled - 75.7)


def test_plateau_gate_compares_the_same_seeds():
    gate = plateau_gate({0: 70.0, 1: 80.0}, {1: 80.1}, allowed=0.3)
    assert (gate.score, gate.doubled, gate.passed) == (80.0, 80.1, True)
    with pytest.raises(XstiltsError, match="doubled updates \\[2\\]"):
        plateau_gate({0: 70.0}, {2: 70.0}, allowed=0.3)
    with pytest.raises(XstiltsError, match="doubled updates \\[\\]"):
        plateau_gate({0: 70.0}, {}, allowed=0.3)


def test_gain_gate_wants_a_lower_bound_above_zero():
    assert gain_gate(level(0.5, 4.0, low=0.01))
    assert not gain_gate(level(0.5, 4.0, low=0.0))
    assert not gain_gate(None)


def test_power_figures_match_the_known_ones():
    assert detectable_slope(1.0, df=1e6, confidence=0.95) == pytest.approx(2.80, abs=0.005)
    assert error_for_equivalence(1.0, confidence=0.95) == pytest.approx(0.342, abs=0.001)
    assert arms_needed(10, 2.0, 1.0) == 40
    assert arms_needed(10, 0.5, 1.0) == 11
