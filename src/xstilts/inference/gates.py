"""What must hold before a slope is judged."""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean

from xstilts.errors import XstiltsError
from xstilts.inference.levels import Level


@dataclass(frozen=True, slots=True)
class PlateauGate:
    """Whether the baseline was trained to its plateau.

    Attributes:
        score: mean over seeds on English dev, in percent.
        doubled: the same with twice the updates.
        difference: doubled minus score, in points.
        by_seed: the difference at each seed: how far it is chance.
        allowed: the difference, either way, that it must stay below.
        passed: whether it does.
    """

    score: float
    doubled: float
    difference: float
    by_seed: tuple[float, ...]
    allowed: float
    passed: bool


def plateau_gate(main: Mapping[int, float], doubled: Mapping[int, float], *, allowed: float) -> PlateauGate:
    """Compare the baseline's English dev score with that after twice the updates.

    Args:
        main: seed to score of the arm ``none``, in percent.
        doubled: seed to score of the same cell with doubled updates; some or all of the seeds.
        allowed: points.

    Returns:
        Means over the seeds that were doubled.

    Raises:
        XstiltsError: if nothing was doubled, or a doubled seed has no main cell.
    """
    if not doubled or set(doubled) - set(main):
        raise XstiltsError(
            f"Baseline seeds {sorted(main)}, with doubled updates {sorted(doubled)}",
            where="plateau gate",
            allowed="at least one doubled seed, each with its main cell",
            next_step="run the plateau cells of the stage target",
        )
    score, twice = fmean(main[seed] for seed in sorted(doubled)), fmean(doubled[seed] for seed in sorted(doubled))
    by_seed = tuple(doubled[seed] - main[seed] for seed in sorted(doubled))
    return PlateauGate(score, twice, twice - score, by_seed, allowed, abs(twice - score) < allowed)


def gain_gate(matched: Level | None) -> bool:
    """Whether there is a gain to lose: the matched gain's lower bound is above zero."""
    return matched is not None and matched.low > 0
