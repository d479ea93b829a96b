"""How often the tests of `xstilts.inference` err, by simulation: false alarms, coverage, power, false equivalence.

    PYTHONPATH=src python benchmarks/error_rates.py --draws 2000

Gains are made from given components (standard deviations in points) for arms, arms x seeds, arms x slices,
arms x languages, seeds x languages, the seeds' shared baseline and a rest; divergence from distances of random points
that stand for the domains of arms and slices. Arms come in blocks that differ both in gain and in divergence, as two
annotation sources do. One row of a Markdown table is printed for each shape, with the simulation's own standard error
below, and one JSON line at the end.
"""

import argparse
import json
import sys
import time
from dataclasses import dataclass

import numpy as np
from scipy import stats

from xstilts.inference.equivalence import equivalence
from xstilts.inference.grid import Matrix
from xstilts.inference.levels import fit_of
from xstilts.inference.slope import Effects, effects_of, permutation_slope
from xstilts.seeds import generator

SD = {
    "arm": 0.71,
    "arm_seed": 0.57,
    "arm_slice": 0.46,
    "arm_language": 0.46,
    "seed_language": 0.61,
    "baseline": 0.60,
    "rest": 0.66,
}
BLOCK_GAIN, BLOCK_DIVERGENCE = 1.5, 0.5
LANGUAGES = 9
LEVEL = 3.0


@dataclass(frozen=True, slots=True)
class Shape:
    """A design: arms in equal blocks, slices, seeds."""

    arms: int
    blocks: int
    slices: int
    seeds: int

    def block_of(self) -> list[str]:
        """Block of each arm."""
        return [f"block-{arm * self.blocks // self.arms}" for arm in range(self.arms)]


SHAPES = (
    Shape(12, 2, 1, 2),
    Shape(12, 2, 1, 3),
    Shape(12, 1, 1, 1),
    Shape(9, 1, 2, 2),
    Shape(9, 1, 2, 3),
    Shape(12, 2, 4, 3),
    Shape(6, 1, 2, 2),
    Shape(5, 1, 1, 2),
    Shape(24, 1, 8, 3),
)


def divergences(shape: Shape, rng: np.random.Generator) -> Matrix:
    """[arms, slices]: distances of random points in the unit square, plus a block's own distance."""
    arms, slices = rng.random((shape.arms, 1, 2)), rng.random((1, shape.slices, 2))
    block = np.array([name == "block-1" for name in shape.block_of()])[:, None]
    distance = np.sqrt(((arms - slices) ** 2).sum(axis=2))
    return np.asarray(0.3 + distance + BLOCK_DIVERGENCE * block + rng.normal(0, 0.05, distance.shape))


def rows_of_gain(shape: Shape, divergence: Matrix, slope: float, rng: np.random.Generator) -> Matrix:
    """[arms, slices, seeds, languages] gains whose expected level at the mean divergence is ``LEVEL``."""
    a, k, s, languages = shape.arms, shape.slices, shape.seeds, LANGUAGES

    def part(name: str, *size: int) -> Matrix:
        return rng.normal(0, SD[name], size)

    block = np.array([float(name.removeprefix("block-")) for name in shape.block_of()])
    fixed = LEVEL + slope * (divergence - divergence.mean()) - BLOCK_GAIN * (block - block.mean())[:, None]
    return (
        fixed[:, :, None, None]
        + part("arm", a, 1, 1, 1)
        + part("arm_seed", a, 1, s, 1)
        + part("arm_slice", a, k, 1, 1)
        + part("arm_language", a, 1, 1, languages)
        + part("seed_language", 1, 1, s, languages)
        + part("baseline", 1, 1, s, 1)
        + part("rest", a, k, s, languages)
    )


def least_squares_p(rows: Matrix, divergence: Matrix) -> float:
    """The p that no one should use: every seed and language a row, slices as dummies, no blocks."""
    x = np.broadcast_to(divergence[:, :, None, None], rows.shape)
    x = x - x.mean(axis=(0, 2, 3), keepdims=True)
    y = rows - rows.mean(axis=(0, 2, 3), keepdims=True)
    slope = float((x * y).sum() / (x * x).sum())
    df = rows.size - rows.shape[1] - 1
    error = np.sqrt(float(((y - slope * x) ** 2).sum()) / df / float((x * x).sum()))
    return float(2 * stats.t.sf(abs(slope) / error, df))


def one_draw(shape: Shape, slope: float, share: float, rng: np.random.Generator) -> dict[str, float]:
    """Everything that can go wrong in one simulated study; 1 for yes."""
    divergence, blocks = divergences(shape, rng), shape.block_of()
    rows = rows_of_gain(shape, divergence, slope, rng)
    gains = rows.mean(axis=3)
    effects: Effects = effects_of(divergence, blocks)
    test = permutation_slope(gains.mean(axis=2), divergence, blocks, effects=effects, seed=0)
    fit = fit_of(gains, divergence, blocks, effects=effects)
    assert test is not None and fit is not None
    near, far = float(divergence.min()), float(divergence.max())
    matched = fit.at(near, confidence=0.95)
    truth = LEVEL + slope * (near - float(divergence.mean()))
    interval, whole = test.interval(0.95), (-np.inf, np.inf)
    low, high = interval or whole
    out = {
        "rejected": float(test.p_value(0.0) <= 0.05),
        "covered": float(low <= slope <= high),
        "level_covered": float(matched.low <= truth <= matched.high),
        "rows_rejected": float(least_squares_p(rows, divergence) <= 0.05),
    }
    if share > 0 and matched.low > 0:
        small = equivalence(test, fit, share=share, near=near, far=far, confidence=0.95)
        out["equivalent"] = float(small is not None and small.equivalent)
    return out


def rates(shape: Shape, *, slope: float, share: float, draws: int, seed: int) -> dict[str, float]:
    """Mean of each outcome over the draws."""
    rng = generator(seed, "error-rates", str(shape), str(slope))
    found = [one_draw(shape, slope, share, rng) for _ in range(draws)]
    return {
        name: float(np.mean([one.get(name, 0.0) for one in found]))
        for name in sorted({key for one in found for key in one})
    }


def at_the_bound(shape: Shape, *, share: float, draws: int, seed: int) -> float:
    """How often a slope exactly at the true bound is called negligible; nominal at most 0.05."""
    rng = generator(seed, "error-rates", str(shape), "bound")
    wrong = 0.0
    for _ in range(draws):
        state = rng.bit_generator.state
        divergence = divergences(shape, rng)
        rng.bit_generator.state = state
        near, span = float(divergence.min()), float(np.ptp(divergence))
        slope = -share * LEVEL / (span - share * (float(divergence.mean()) - near))
        wrong += one_draw(shape, slope, share, rng).get("equivalent", 0.0)
    return wrong / draws


def main() -> int:
    """Print the table and one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--share", type=float, default=0.25)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    common = {"draws": options.draws, "seed": options.seed}
    print(
        "| arms x slices x seeds, blocks | false alarms, ours | false alarms, every row as evidence "
        "| 95 % interval of the slope holds it | 95 % interval of the matched gain holds it "
        "| slope of -2 found | slope of -4 found | slope at the bound called negligible |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    results, begun = [], time.perf_counter()
    for shape in SHAPES:
        null = rates(shape, slope=0.0, share=0.0, **common)
        two, four = (rates(shape, slope=slope, share=0.0, **common) for slope in (-2.0, -4.0))
        bound = at_the_bound(shape, share=options.share, **common)
        cells = [null["rejected"], null["rows_rejected"], two["covered"], two["level_covered"], two["rejected"],
                 four["rejected"], bound]  # fmt: skip
        name = f"{shape.arms} x {shape.slices} x {shape.seeds}, {shape.blocks}"
        print(f"| {name} | " + " | ".join(f"{cell:.3f}" for cell in cells) + " |", flush=True)
        results.append({"shape": name, "rates": cells})
    print(f"\nStandard error of a rate of 0.05: {np.sqrt(0.05 * 0.95 / options.draws):.4f}.")
    print(json.dumps({**common, "share": options.share, "wall_s": round(time.perf_counter() - begun, 1),
                      "results": results}))  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
