"""The complete grid of arms, slices and seeds that every test works on.

Shapes: a arms, k slices (each a part of one target), s seeds.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xstilts.errors import XstiltsError
from xstilts.inference.gains import GainPoint

Matrix = NDArray[np.float64]
WHOLE = "all"


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Gains and divergences without holes.

    Attributes:
        arms: [a] names.
        blocks: [a] block of each arm.
        slices: [k] (target, slice).
        seeds: [s].
        divergence: [a, k].
        gains: [a, k, s] points.
        gains_english: [a, k, s] points, or nothing where some slice has no English test text.
    """

    arms: tuple[str, ...]
    blocks: tuple[str, ...]
    slices: tuple[tuple[str, str], ...]
    seeds: tuple[int, ...]
    divergence: Matrix
    gains: Matrix
    gains_english: Matrix | None


def grid_of(points: Sequence[GainPoint]) -> Grid:
    """Arrange points into a grid, arms by name.

    Raises:
        XstiltsError: if there are no points; a cell is missing or stands twice; an arm stands in two blocks or has two
            divergences from one slice; or a target has its whole test set beside its slices, which would count the
            same sentences twice.
    """
    if not points:
        raise XstiltsError("No gains to analyse", where="inference", next_step="run the stage evaluate")
    blocks = {point.arm: point.block for point in points}
    arms = tuple(sorted(blocks))
    slices = tuple(sorted({(point.target, point.slice) for point in points}))
    seeds = tuple(sorted({point.seed for point in points}))
    for target, name in slices:
        if name == WHOLE and sum(other == target for other, _ in slices) > 1:
            raise XstiltsError(
                f"Target '{target}' has the slice '{WHOLE}' beside its parts",
                where="inference",
                allowed=f"either '{WHOLE}' or the parts",
            )
    shape = (len(arms), len(slices), len(seeds))
    divergence, gains, english = np.full(shape, np.nan), np.full(shape, np.nan), np.full(shape, np.nan)
    for point in points:
        place = arms.index(point.arm), slices.index((point.target, point.slice)), seeds.index(point.seed)
        if not np.isnan(gains[place]) or blocks[point.arm] != point.block:
            raise XstiltsError(f"Two gains or two blocks for arm '{point.arm}'", where=f"{point.target}, {point.slice}")
        divergence[place], gains[place] = point.divergence, point.gain
        english[place] = np.nan if point.gain_english is None else point.gain_english
    _refuse_holes(gains, divergence, arms, slices, seeds)
    known = None if np.isnan(english).any() else english
    in_order = tuple(blocks[arm] for arm in arms)
    return Grid(arms, in_order, slices, seeds, divergence[:, :, 0], gains, known)


def _refuse_holes(
    gains: Matrix,
    divergence: Matrix,
    arms: tuple[str, ...],
    slices: tuple[tuple[str, str], ...],
    seeds: tuple[int, ...],
) -> None:
    holes = np.argwhere(~(np.isfinite(gains) & np.isfinite(divergence)))
    if len(holes):
        arm, piece, seed = holes[0]
        raise XstiltsError(
            f"{len(holes)} of {gains.size} gains or divergences are missing or not finite, the first for arm "
            f"'{arms[arm]}', {' slice '.join(slices[piece])}, seed {seeds[seed]}",
            where="inference",
            allowed="every arm on every slice at every seed",
            next_step="run the missing cells, or leave the arm, slice or seed out as a whole",
        )
    if np.ptp(divergence, axis=2).max() > 0:
        raise XstiltsError("An arm has two divergences from one slice", where="inference", allowed="one for all seeds")
