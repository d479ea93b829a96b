"""How small a slope a design can see, and how many arms it would take."""

import math

from scipy.special import ndtri, stdtrit


def detectable_slope(standard_error: float, *, df: float, confidence: float, power: float = 0.8) -> float:
    """The slope found with the given power by a two-sided test: (t of the test + t of the power) x SE.

    Args:
        standard_error: of the slope, from the residual variance.
        df: its degrees of freedom.
        confidence: of the test, such as 0.95.
        power: conventional 80 %.
    """
    return float(stdtrit(df, 0.5 + confidence / 2.0) + stdtrit(df, power)) * standard_error


def error_for_equivalence(threshold: float, *, confidence: float, power: float = 0.8) -> float:
    """The standard error at which two one-sided tests find a slope of zero negligible with the given power.

    Normal approximation: threshold / (z of the test + z of half the missing power); .34 x threshold for 5 % and 80 %.
    """
    return threshold / float(ndtri(confidence) + ndtri(1.0 - (1.0 - power) / 2.0))


def arms_needed(arms: int, standard_error: float, wanted: float) -> int:
    """Arms for a wanted standard error, if new arms are like the old ones: it falls with the root of their number."""
    return max(arms + 1, math.ceil(arms * (standard_error / wanted) ** 2))
