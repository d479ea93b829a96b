"""The answer to one question: the element of ``questions`` in ``analysis.json``."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np

from xstilts.errors import XstiltsError
from xstilts.inference.detectable import detectable_slope
from xstilts.inference.equivalence import equivalence
from xstilts.inference.gains import GainPoint
from xstilts.inference.gates import gain_gate
from xstilts.inference.grid import Grid, Matrix, grid_of
from xstilts.inference.levels import Fit, Level, break_even, fit_of, share_retained
from xstilts.inference.slope import Effects, PermutationSlope, effects_of, permutation_slope
from xstilts.inference.verdict import FEWEST_ARMS, Evidence, Verdict, judge
from xstilts.inference.worth import worth_of


@dataclass(frozen=True, slots=True)
class InferenceSettings:
    """Choices fixed before any test score is read.

    Attributes:
        confidence: of intervals, such as 0.95.
        negligible_share: a slope is negligible when, over the observed divergences, it moves less than this share of
            the matched gain; in (0, 1).
        seed: of the shuffles.
    """

    confidence: float
    negligible_share: float
    seed: int

    def __post_init__(self) -> None:
        if not 0.5 < self.confidence < 1.0 or not 0.0 < self.negligible_share < 1.0:
            raise XstiltsError(
                f"confidence = {self.confidence}, negligible_share = {self.negligible_share}",
                where="inference settings",
                allowed="a confidence in (0.5, 1) and a share in (0, 1)",
            )


def answer(
    points: Sequence[GainPoint],
    *,
    name: str,
    kind: Literal["same-task", "different-task"],
    corpus: str,
    curve: Sequence[tuple[int, float]],
    measure: str,
    features: str,
    plateau_passed: bool,
    settings: InferenceSettings,
    effects: Effects | None = None,
) -> dict[str, Any]:
    """Answer one question for one encoder.

    Args:
        points: a complete grid of arms, slices and seeds.
        name: of the question.
        kind: whether arms and targets predict the same sort of label.
        corpus: the arms', for the record.
        curve: (target rows, score) of ``none``, for what a gain is worth; one point where nothing larger was trained.
        measure: of the divergence, for the record.
        features: it was measured on, for the record.
        plateau_passed: whether the baseline of every target passed the plateau gate.
        settings: the choices.
        effects: to force; by default arm and slice effects where they are identified, else slice effects.

    Returns:
        The fields of docs/formats.md. Numbers are null where a gate forbids them or the design does not give them;
        no value is infinite or not a number.

    Raises:
        XstiltsError: if the grid has holes.
    """
    grid = grid_of(points)
    chosen: Effects = effects or effects_of(grid.divergence, grid.blocks)
    evidence = Evidence(len(grid.arms), plateau_passed, settings.confidence)
    found: dict[str, Any] = dict.fromkeys(
        (
            "slope",
            "slope_english",
            "slope_difference",
            "matched_gain",
            "far_gain",
            "share_retained",
            "break_even",
            "worth",
            "equivalence",
            "detectable_slope",
        )
    )
    if plateau_passed and len(grid.arms) >= FEWEST_ARMS:
        evidence, numbers = _measured(grid, evidence, chosen, settings)
        found |= numbers
        worth = worth_of(curve, evidence.matched) if gain_gate(evidence.matched) and evidence.matched else None
        found["worth"] = asdict(worth) if worth else None
    verdict: Verdict = judge(evidence)
    return {
        "name": name,
        "kind": kind,
        "corpus": corpus,
        "targets": sorted({target for target, _ in grid.slices}),
        "arms": len(grid.arms),
        "points": len(grid.arms) * len(grid.slices),
        "seeds": len(grid.seeds),
        "effects": chosen,
        "measure": measure,
        "features": features,
        **found,
        "gain_gate": gain_gate(evidence.matched),
        "plateau_gate": plateau_passed,
        "verdict": verdict.name,
        "because": verdict.because + _on_seeds(evidence),
        "would_settle": verdict.would_settle,
    }


def _measured(
    grid: Grid, evidence: Evidence, effects: Effects, settings: InferenceSettings
) -> tuple[Evidence, dict[str, Any]]:
    """All numbers of the question, and the evidence with them."""

    def tested(gains: Matrix) -> PermutationSlope | None:
        return permutation_slope(gains.mean(axis=2), grid.divergence, grid.blocks, effects=effects, seed=settings.seed)

    slope = tested(grid.gains)
    numbers: dict[str, Any] = {"slope": _slope_fields(slope, settings.confidence)}
    if grid.gains_english is not None:
        numbers["slope_english"] = _slope_fields(tested(grid.gains_english), settings.confidence)
        numbers["slope_difference"] = _slope_fields(tested(grid.gains - grid.gains_english), settings.confidence)
    fit = fit_of(grid.gains, grid.divergence, grid.blocks, effects=effects)
    if slope is None or fit is None:
        return replace(evidence, slope=slope), numbers
    return _with_levels(grid, replace(evidence, slope=slope), fit, slope, settings, numbers)


def _with_levels(
    grid: Grid,
    evidence: Evidence,
    fit: Fit,
    slope: PermutationSlope,
    settings: InferenceSettings,
    numbers: dict[str, Any],
) -> tuple[Evidence, dict[str, Any]]:
    near, away = float(np.min(grid.divergence)), float(np.max(grid.divergence))
    matched = fit.at(near, confidence=settings.confidence)
    far = fit.at(away, confidence=settings.confidence)
    test = None
    if gain_gate(matched):
        test = equivalence(
            slope, fit, share=settings.negligible_share, near=near, far=away, confidence=settings.confidence
        )
    error = fit.slope_error()
    evidence = replace(evidence, slope_error=error, df=fit.df, matched=matched, far=far, equivalence=test)
    return evidence, numbers | {
        "matched_gain": _level_fields(matched),
        "far_gain": _level_fields(far),
        "share_retained": share_retained(matched, far),
        "break_even": break_even(matched, far),
        "equivalence": asdict(test) if test else None,
        "detectable_slope": detectable_slope(error, df=fit.df, confidence=settings.confidence),
    }


def _slope_fields(slope: PermutationSlope | None, confidence: float) -> dict[str, Any] | None:
    if slope is None:
        return None
    low, high = slope.interval(confidence) or (None, None)
    return {
        "estimate": slope.estimate,
        "low": low,
        "high": high,
        "p": slope.p_value(),
        "permutations": slope.permutations,
        "exact": slope.exact,
    }


def _level_fields(level: Level) -> dict[str, float]:
    return {"estimate": level.estimate, "low": level.low, "high": level.high, "divergence": level.divergence}


def _on_seeds(evidence: Evidence) -> str:
    if evidence.matched is None or evidence.matched.seeds > 1:
        return ""
    return " There is one seed, so the noise of the baseline that all arms share is not in the intervals of gains."
