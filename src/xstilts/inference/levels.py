"""Gains at the matched and at the far end of the observed divergences, read off the fitted line.

Shapes: a arms, k slices, s seeds.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from xstilts.inference.grid import Matrix
from xstilts.inference.slope import Effects, without_effects

BEYOND = 0.1
_TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Level:
    """The gain of a typical arm at one divergence.

    Attributes:
        divergence: where it is read.
        estimate: points.
        low: lower end of the interval.
        high: upper end.
        standard_error: points.
        df: its degrees of freedom.
        seeds: how many; with one, the noise of the baseline that all arms share is not in the interval.
    """

    divergence: float
    estimate: float
    low: float
    high: float
    standard_error: float
    df: float
    seeds: int


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """The fitted line and its noise, with arms as the sampling unit.

    Attributes:
        slope: points per 1.0 of divergence.
        centre: mean divergence.
        level: mean gain, the line's height at the centre.
        weights: [a, k] what the slope gives to each gain; the slope is their sum of products.
        covariance: [k, k] of an arm's residuals over slices.
        df: arms minus blocks minus one.
        seed_variance: of the mean gain over the seeds' shared ups and downs.
        seeds: how many.
    """

    slope: float
    centre: float
    level: float
    weights: Matrix
    covariance: Matrix
    df: int
    seed_variance: float
    seeds: int

    def slope_error(self) -> float:
        """Standard error of the slope."""
        return float(np.sqrt(np.einsum("ij,jk,ik->", self.weights, self.covariance, self.weights)))

    def combined(self, level: float, slope: float, *, confidence: float) -> tuple[float, float, float, float]:
        """A sum of the mean gain and the slope with given weights: estimate, half width of interval, SE and df.

        SE^2 = w' Sigma w summed over arms + level^2 MS_seed / (a s), where w are the sum's weights on an arm's slices
        and MS_seed the seeds' mean square in the two-way table of arms and seeds; degrees of freedom by Satterthwaite.
        """
        weights = level / self.weights.size + slope * self.weights
        fit = float(np.einsum("ij,jk,ik->", weights, self.covariance, weights))
        shared = level**2 * self.seed_variance
        total = fit + shared
        parts = fit**2 / self.df + (shared**2 / (self.seeds - 1) if self.seeds > 1 else 0.0)
        df = total**2 / parts if parts > 0 else float(self.df)
        error = float(np.sqrt(total))
        reach = float(stdtrit(df, 0.5 + confidence / 2.0)) * error
        return level * self.level + slope * self.slope, reach, error, df

    def at(self, divergence: float, *, confidence: float) -> Level:
        """The gain at one divergence.

        With one slice its SE^2 is sigma^2 (1/a + (x - mean x)^2 / Sxx) + MS_seed / (a s).
        """
        estimate, reach, error, df = self.combined(1.0, divergence - self.centre, confidence=confidence)
        return Level(divergence, estimate, estimate - reach, estimate + reach, error, df, self.seeds)

    def moves_less(self, share: float, *, near: float, far: float, confidence: float) -> bool:
        """Whether far and matched gain differ by less than a share of the matched gain, both being uncertain.

        One-sided tests at 1 - confidence of share x matched + change > 0 and of share x matched - change > 0. A fixed
        threshold would take the matched gain, which is an estimate too, for known.
        """
        lean = share * (near - self.centre)
        bounds = [
            self.combined(share, lean + change, confidence=2.0 * confidence - 1.0)
            for change in (far - near, near - far)
        ]
        return all(estimate > reach for estimate, reach, _, _ in bounds)


def fit_of(gains: Matrix, divergence: Matrix, blocks: Sequence[str], *, effects: Effects) -> Fit | None:
    """Fit the line.

    Args:
        gains: [a, k, s] points.
        divergence: [a, k].
        blocks: [a] block of each arm.
        effects: those of the slope. The level keeps the arms' own effects as noise: it speaks of a typical arm.

    Returns:
        The fit, or nothing when no degree of freedom is left or divergence does not vary.
    """
    arms, _, seeds = gains.shape
    df = arms - len(set(blocks)) - 1
    x = without_effects(divergence, blocks, effects)
    spread = float((x * x).sum())
    if df < 1 or spread <= _TINY * max(1.0, float((divergence**2).sum())):
        return None
    gain = gains.mean(axis=2)
    slope = float((x * gain).sum()) / spread
    residual = without_effects(gain - slope * divergence, blocks, "slice")
    seed_variance = 0.0
    if seeds > 1:
        seed_variance = float(gains.mean(axis=(0, 1)).var(ddof=1)) / seeds
    return Fit(
        slope,
        float(divergence.mean()),
        float(gain.mean()),
        x / spread,
        residual.T @ residual / df,
        df,
        seed_variance,
        seeds,
    )


def share_retained(matched: Level, far: Level) -> float | None:
    """Far gain over matched gain; only where the matched gain is shown to be above zero."""
    return far.estimate / matched.estimate if matched.low > 0 else None


def break_even(matched: Level, far: Level) -> float | None:
    """The divergence at which a falling line crosses zero.

    Returns:
        A divergence inside the observed range or at most a tenth of the range beyond it, else nothing.
    """
    span = far.divergence - matched.divergence
    fall = matched.estimate - far.estimate
    if span <= 0 or fall <= 0:
        return None
    crossing = matched.divergence + span * matched.estimate / fall
    inside = matched.divergence - BEYOND * span <= crossing <= far.divergence + BEYOND * span
    return crossing if inside else None
