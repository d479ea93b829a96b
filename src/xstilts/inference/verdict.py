"""The verdict: one of seven, why, and what would settle it."""

from dataclasses import dataclass
from typing import Literal

from xstilts.inference.detectable import arms_needed, detectable_slope, error_for_equivalence
from xstilts.inference.equivalence import Equivalence
from xstilts.inference.gates import gain_gate
from xstilts.inference.levels import Level
from xstilts.inference.slope import PermutationSlope

Name = Literal[
    "degrades", "degrades, negligibly", "improves", "does not matter", "no gain to degrade", "undecided", "not judged"
]
FEWEST_ARMS = 4


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a verdict rests on.

    Attributes:
        arms: how many.
        plateau_passed: whether the baseline stood on its plateau.
        confidence: of intervals.
        slope: nothing when divergence does not vary inside the blocks.
        slope_error: standard error of the slope, from the residuals.
        df: degrees of freedom of it.
        matched: gain at the smallest divergence.
        far: gain at the largest.
        equivalence: nothing when it could not be tested.
    """

    arms: int
    plateau_passed: bool
    confidence: float
    slope: PermutationSlope | None = None
    slope_error: float | None = None
    df: float | None = None
    matched: Level | None = None
    far: Level | None = None
    equivalence: Equivalence | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """A verdict in one of the seven names, a plain sentence why, and what would settle an open one."""

    name: Name
    because: str
    would_settle: str | None = None


def judge(evidence: Evidence) -> Verdict:
    """Judge, gates first: plateau, number of arms, a slope at all, a gain to lose, then the slope itself."""
    if not evidence.plateau_passed:
        return Verdict(
            "not judged",
            "The baseline was not trained to its plateau: doubling its updates moved its English dev score by more "
            "than is allowed, so a gain could be a matter of training alone.",
            "If the score rose, more passes in the target phase; if it fell, a lower learning rate; if the seeds "
            "disagree, more dev rows or seeds. The gates' table shows each seed.",
        )
    if evidence.arms < FEWEST_ARMS:
        return Verdict(
            "not judged",
            f"{evidence.arms} {'arm is' if evidence.arms == 1 else 'arms are'} too few to fit a line; at least "
            f"{FEWEST_ARMS} are needed.",
            f"At least {FEWEST_ARMS - evidence.arms} more arms of the same block.",
        )
    if evidence.slope is None or evidence.matched is None or evidence.far is None:
        return Verdict(
            "undecided",
            f"The {evidence.arms} arms leave nothing to compare: a slope needs arms of one block whose divergences "
            "differ, and at least two arms more than there are blocks.",
            "More arms in each block, from domains at different distances.",
        )
    if not gain_gate(evidence.matched):
        return _no_gain(evidence, evidence.matched)
    return _on_the_slope(evidence, evidence.slope, evidence.matched, evidence.far)


def _range(low: float, high: float) -> str:
    return f"{low:+.2f} to {high:+.2f}"


def _no_gain(evidence: Evidence, matched: Level) -> Verdict:
    because = (
        f"The gain at the nearest domain (divergence {matched.divergence:.2f}) is {matched.estimate:+.2f} points "
        f"({evidence.confidence:.0%} interval {_range(matched.low, matched.high)}), not shown to be above zero, so "
        "there is no gain that divergence could take away."
    )
    if matched.estimate <= 0:
        return Verdict("no gain to degrade", because)
    wanted = matched.estimate / detectable_slope(1.0, df=max(matched.df, 1.0), confidence=evidence.confidence)
    return Verdict(
        "no gain to degrade",
        because,
        f"To show a gain of this size, a standard error of about {wanted:.2f} points (now "
        f"{matched.standard_error:.2f}): more arms, and more seeds of arms and baseline.",
    )


def _on_the_slope(evidence: Evidence, slope: PermutationSlope, matched: Level, far: Level) -> Verdict:
    interval = slope.interval(evidence.confidence)
    if interval is None:
        needed = round(2 / (1 - evidence.confidence))
        return Verdict(
            "undecided",
            f"The slope is {slope.estimate:+.2f} points per 1.0 of divergence, but the {evidence.arms} arms allow "
            f"only {slope.permutations} rearrangements, of which {slope.unmoved} change nothing; a "
            f"{evidence.confidence:.0%} interval needs at least {needed} to 1.",
            "5 arms of distinct divergence in one block, or 4 in each of two.",
        )
    low, high = interval
    facts = (
        f"The gain changes by {slope.estimate:+.2f} points per 1.0 of divergence ({evidence.confidence:.0%} interval "
        f"{_range(low, high)}, permutation p = {slope.p_value():.3g}), from {matched.estimate:+.2f} at "
        f"{matched.divergence:.2f} to {far.estimate:+.2f} at {far.divergence:.2f}"
    )
    test = evidence.equivalence
    small = test is not None and test.equivalent
    within = f"the slope is shown to be smaller than {test.threshold:.2f} either way" if test is not None else ""
    if high < 0:
        name: Name = "degrades, negligibly" if small else "degrades"
        return Verdict(name, f"{facts}; the whole interval lies below zero{', and ' + within if small else ''}.")
    if low > 0:
        though = f", though {within}" if small else ""
        return Verdict("improves", f"{facts}; the whole interval lies above zero{though}.")
    if small:
        return Verdict("does not matter", f"{facts}; {within}.")
    return Verdict("undecided", f"{facts}; the interval holds zero{_and_more(test)}.", _settled_by(evidence, test))


def _and_more(test: Equivalence | None) -> str:
    if test is None:
        return ""
    if test.inside:
        return f", and the matched gain is too uncertain to call slopes up to {test.threshold:.2f} negligible"
    return f" and slopes beyond {test.threshold:.2f}, which would matter"


def _settled_by(evidence: Evidence, test: Equivalence | None) -> str:
    if test is None or not evidence.slope_error or evidence.df is None:
        return "More arms from domains at different distances."
    wanted = error_for_equivalence(test.threshold, confidence=evidence.confidence)
    now = detectable_slope(evidence.slope_error, df=evidence.df, confidence=evidence.confidence)
    text = f"This design finds a slope of {now:.2f} four times in five. "
    if evidence.slope_error <= wanted:
        return text + "Its precision should do: repeat it with new arms."
    needed = arms_needed(evidence.arms, evidence.slope_error, wanted)
    number = f"about {needed} arms" if needed <= 200 else "more than 200 arms, or a second axis of slices"
    return (
        f"{text}To tell a negligible slope from one of {test.threshold:.2f}, a standard error of {wanted:.2f} (now "
        f"{evidence.slope_error:.2f}): {number} instead of {evidence.arms}."
    )
