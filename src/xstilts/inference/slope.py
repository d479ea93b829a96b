"""The slope of gain on divergence, its permutation test, and the interval that the same test gives.

Model, on means over seeds and languages: gain[i, j] = effect of slice j in the block of arm i (+ effect of arm i)
+ slope * divergence[i, j] + error[i, j]. The rows of ``error`` are taken as exchangeable between the arms of one
block; nothing is assumed about the columns.

Under a slope of b, ``gain - b * divergence`` is exchangeable, so the arms' rows of divergence may be shuffled inside
their blocks, all slices of an arm together. The effects' projection commutes with such a shuffle (the grid is
complete), hence the test is exact. With x and y the divergence and gain cleared of the effects and P a shuffle, the
statistic is <P x, y> - b <P x, x> = B - b C, and the shuffle ranks at least as high as the data exactly when
b >= (B0 - B) / (C0 - C): each shuffle has one slope at which it changes sides. The sorted list of these slopes
holds the p of every hypothesis and every interval, so a p and an interval cannot contradict each other.

Shapes: a arms, k slices, n shuffles.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from xstilts.inference.grid import Matrix
from xstilts.seeds import generator

Effects = Literal["slice", "arm and slice"]
ENUMERATED = 20_000
DRAWN = 9_999
_TINY = 1e-9


def without_effects(values: Matrix, blocks: Sequence[str], effects: Effects) -> Matrix:
    """What is left of an [a, k] matrix after the effects of slices inside blocks, and of arms where asked.

    Args:
        values: [a, k], no holes.
        blocks: [a] block of each arm.
        effects: ``slice`` or ``arm and slice``.

    Returns:
        [a, k]; the least-squares residuals, which in a complete grid are plain differences of means.
    """
    labels = np.asarray(blocks)
    left = values.astype(np.float64)
    for block in np.unique(labels):
        left[labels == block] -= left[labels == block].mean(axis=0)
    return left - left.mean(axis=1, keepdims=True) if effects == "arm and slice" else left


def identified(divergence: Matrix, blocks: Sequence[str], effects: Effects) -> bool:
    """Whether divergence still varies once the effects are taken out of it."""
    left = without_effects(divergence, blocks, effects)
    return float(np.abs(left).max()) > _TINY * max(1.0, float(np.abs(divergence).max()))


def effects_of(divergence: Matrix, blocks: Sequence[str]) -> Effects:
    """Arm and slice effects where two or more slices let them be told from divergence, else slice effects."""
    return "arm and slice" if identified(divergence, blocks, "arm and slice") else "slice"


def shuffles(blocks: Sequence[str], *, seed: int) -> tuple[NDArray[np.int64], bool]:
    """Orders of the arms that keep every arm in its block.

    Args:
        blocks: [a] block of each arm.
        seed: of the draws.

    Returns:
        [n, a] orders, the identity first: all of them when there are at most 20,000, else the identity and 9,999
        drawn ones; and whether they are all.
    """
    labels = np.asarray(blocks)
    members = [np.flatnonzero(labels == block) for block in np.unique(labels)]
    total = math.prod(math.factorial(len(member)) for member in members)
    if total <= ENUMERATED:
        orders = np.tile(np.arange(len(labels)), (total, 1))
        choices = itertools.product(*(itertools.permutations(member.tolist()) for member in members))
        joined = np.concatenate(members)
        for row, choice in zip(orders, choices, strict=True):
            row[joined] = list(itertools.chain.from_iterable(choice))
        return orders, True
    rng = generator(seed, "inference", "shuffles")
    orders = np.tile(np.arange(len(labels)), (DRAWN + 1, 1))
    for member in members:
        orders[1:, member] = rng.permuted(np.tile(member, (DRAWN, 1)), axis=1)
    return orders, False


@dataclass(frozen=True, slots=True, eq=False)
class PermutationSlope:
    """A slope with every test of it.

    Attributes:
        estimate: points per 1.0 of divergence.
        breaks: sorted slopes, one for each shuffle that moves the divergence.
        unmoved: shuffles that leave it as it is, the identity among them.
        exact: whether all shuffles were tried.
    """

    estimate: float
    breaks: NDArray[np.float64]
    unmoved: int
    exact: bool

    @property
    def permutations(self) -> int:
        """Shuffles in all, the identity counted."""
        return self.unmoved + len(self.breaks)

    def p_value(self, slope: float = 0.0) -> float:
        """Two-sided p of the hypothesis that the true slope is ``slope``: twice the smaller one-sided p, at most 1."""
        at_most = int(np.searchsorted(self.breaks, slope, side="right"))
        at_least = len(self.breaks) - int(np.searchsorted(self.breaks, slope, side="left"))
        return min(1.0, 2.0 * (self.unmoved + min(at_most, at_least)) / self.permutations)

    def interval(self, confidence: float) -> tuple[float, float] | None:
        """Every slope whose p is above 1 - confidence; nothing when the shuffles are too few for that confidence.

        Each end is a one-sided test at half of 1 - confidence, so the 90 % interval also is the pair of one-sided
        5 % tests.
        """
        rejected = math.floor((1.0 - confidence) / 2.0 * self.permutations + _TINY)
        inner = rejected - self.unmoved
        if inner < 0 or not len(self.breaks):
            return None
        if inner >= len(self.breaks) - inner:
            return self.estimate, self.estimate
        return float(self.breaks[inner]), float(self.breaks[-1 - inner])


def permutation_slope(
    gain: Matrix, divergence: Matrix, blocks: Sequence[str], *, effects: Effects, seed: int
) -> PermutationSlope | None:
    """Estimate and test the slope.

    Args:
        gain: [a, k] points.
        divergence: [a, k].
        blocks: [a] block of each arm.
        effects: which effects to take out.
        seed: of the shuffles; the same seed and blocks give the same shuffles.

    Returns:
        The slope, or nothing when divergence does not vary inside the blocks once the effects are out.
    """
    if not identified(divergence, blocks, effects):
        return None
    x, y = without_effects(divergence, blocks, effects), without_effects(gain, blocks, effects)
    orders, exact = shuffles(blocks, seed=seed)
    columns = np.arange(len(x))
    own, across = (x @ x.T)[orders, columns].sum(axis=1), (x @ y.T)[orders, columns].sum(axis=1)
    spread = own[0] - own
    moved = spread > _TINY * own[0]
    change = across[0] - across[moved]
    change[np.abs(change) <= _TINY * math.sqrt(own[0] * float((y * y).sum()))] = 0.0
    breaks = np.sort(change / spread[moved])
    return PermutationSlope(float(across[0] / own[0]), breaks, int((~moved).sum()), exact)
