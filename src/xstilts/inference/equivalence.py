"""Is the slope small enough not to matter? Two one-sided tests by the slope's own permutations."""

from dataclasses import dataclass

from xstilts.inference.levels import Fit
from xstilts.inference.slope import PermutationSlope


@dataclass(frozen=True, slots=True)
class Equivalence:
    """Whether the slope is negligible.

    Attributes:
        threshold: the slope that would cost the stated share of the matched gain, in points per 1.0 of divergence.
        low: lower end of the interval compared with it.
        high: upper end.
        equivalent: the interval lies inside (-threshold, threshold), and still does when the matched gain is taken
            for the estimate that it is.
    """

    threshold: float
    low: float
    high: float
    equivalent: bool

    @property
    def inside(self) -> bool:
        """Whether the interval lies inside the threshold as it stands."""
        return -self.threshold < self.low and self.high < self.threshold


def negligible_slope(matched_gain: float, *, share: float, span: float) -> float:
    """The slope that would cost a given share of the matched gain over the observed divergences.

    Args:
        matched_gain: points, above zero.
        share: of the matched gain, in (0, 1).
        span: largest minus smallest observed divergence.
    """
    return share * matched_gain / span


def equivalence(
    slope: PermutationSlope, fit: Fit, *, share: float, near: float, far: float, confidence: float
) -> Equivalence | None:
    """Two one-sided tests (Schuirmann 1987), each at 1 - confidence.

    The slope's permutation interval of confidence ``1 - 2 (1 - confidence)``, 90 % for tests at 5 %, must lie inside
    the threshold, and ``Fit.moves_less`` must hold.

    Args:
        slope: with its permutations.
        fit: the line.
        share: of the matched gain that is negligible.
        near: smallest observed divergence, where the matched gain (above zero) is read.
        far: largest observed divergence.
        confidence: of each one-sided test.

    Returns:
        The outcome, or nothing when the shuffles are too few.
    """
    interval = slope.interval(2.0 * confidence - 1.0)
    if interval is None:
        return None
    matched = fit.at(near, confidence=confidence).estimate
    found = Equivalence(negligible_slope(matched, share=share, span=far - near), *interval, equivalent=False)
    safe = fit.moves_less(share, near=near, far=far, confidence=confidence)
    return Equivalence(found.threshold, found.low, found.high, equivalent=found.inside and safe)
