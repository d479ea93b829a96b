"""What a gain is worth in labelled target examples, read off the baseline's learning curve."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from xstilts.inference.levels import Level


@dataclass(frozen=True, slots=True)
class Worth:
    """Labelled target examples, beyond those of every cell, that would lift ``none`` as far as the intermediate data.

    Attributes:
        rows: target examples of every cell.
        extra: for the estimate; nothing when the curve ends below it.
        low: for the interval's lower end; 0 when that is no gain.
        high: for its upper end; nothing when the curve ends below it.
        beyond: the curve's end, in extra examples.
    """

    rows: int
    extra: float | None
    low: float | None
    high: float | None
    beyond: int


def worth_of(curve: Sequence[tuple[int, float]], matched: Level) -> Worth | None:
    """Read a gain off a learning curve.

    Args:
        curve: (training rows, score in percent) of ``none``, by rising rows; scores are linear in log rows between
            two points, and a score that falls with more rows is taken as the one before it.
        matched: the gain at the matched domain.

    Returns:
        Nothing when the curve has one point.
    """
    if len(curve) < 2:
        return None
    risen = [curve[0]]
    for rows, score in curve[1:]:
        risen.append((rows, max(score, risen[-1][1])))
    ends = (matched.estimate, matched.low, matched.high)
    extra, low, high = (_extra_rows(risen, gain) for gain in ends)
    return Worth(curve[0][0], extra, low, high, curve[-1][0] - curve[0][0])


def _extra_rows(curve: Sequence[tuple[int, float]], gain: float) -> float | None:
    first, start = curve[0]
    if gain <= 0:
        return 0.0
    wanted = start + gain
    for (fewer, below), (more, above) in pairwise(curve):
        if below < wanted <= above:
            share = (wanted - below) / (above - below)
            return math.exp(math.log(fewer) + share * math.log(more / fewer)) - first
    return None
