"""Transfer gains: a treated score minus the baseline's at the same target, seed, language and slice."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from xstilts.errors import XstiltsError

BASELINE = "none"
ENGLISH = "en"
Slice = tuple[str, str]
CellScores = dict[tuple[str, str, str, int, str], "Score"]


@dataclass(frozen=True, slots=True)
class Score:
    """One score of one target cell, in percent; ``seed`` is that of the target phase."""

    arm: str
    block: str
    domain: str
    target: str
    slice: str
    seed: int
    language: str
    value: float


@dataclass(frozen=True, slots=True)
class Gain:
    """One paired gain: ``gain`` is ``score`` minus ``baseline``, in points."""

    arm: str
    block: str
    domain: str
    target: str
    slice: str
    seed: int
    language: str
    score: float
    baseline: float
    gain: float


@dataclass(frozen=True, slots=True)
class GainPoint:
    """One arm on one slice at one seed.

    Attributes:
        arm: the intermediate training set.
        block: format and annotation source; arms are compared inside their block only.
        target: the target task.
        slice: the part of its test text.
        seed: of the target phase, shared with the baseline.
        divergence: from the arm to the English text of the slice.
        gain: mean over the non-English languages, in points.
        gain_english: in points; nothing where the slice has no English test text.
    """

    arm: str
    block: str
    target: str
    slice: str
    seed: int
    divergence: float
    gain: float
    gain_english: float | None


def paired_gains(scores: Iterable[Score]) -> list[Gain]:
    """Subtract the baseline's score from each arm's score at the same target, slice, seed and language.

    Args:
        scores: of the arms and of the arm ``none``, one metric, one encoder.

    Returns:
        A gain for each score of an arm other than ``none``, in the order given.

    Raises:
        XstiltsError: if a score stands twice, or a score has no baseline.
    """
    found: CellScores = {}
    for score in scores:
        key = (score.arm, score.target, score.slice, score.seed, score.language)
        if key in found:
            raise XstiltsError(f"Two scores for {key}", where="scores", allowed="one score for each cell and language")
        found[key] = score
    gains = []
    for score in found.values():
        if score.arm == BASELINE:
            continue
        base = found.get((BASELINE, score.target, score.slice, score.seed, score.language))
        if base is None:
            raise XstiltsError(
                f"Arm '{score.arm}' has a score, the baseline '{BASELINE}' has none",
                where=f"{score.target}, slice {score.slice}, seed {score.seed}, language {score.language}",
                next_step="run the stages target and evaluate for the missing baseline cell",
            )
        gains.append(
            Gain(
                score.arm,
                score.block,
                score.domain,
                score.target,
                score.slice,
                score.seed,
                score.language,
                score.value,
                base.value,
                score.value - base.value,
            )
        )
    return gains


def gain_points(
    gains: Iterable[Gain],
    *,
    divergence: Mapping[tuple[str, str, str], float],
    languages: Mapping[Slice, Sequence[str]],
) -> list[GainPoint]:
    """Average gains over the non-English languages; all of them or none.

    Args:
        gains: paired gains.
        divergence: (arm, target, slice) to the divergence.
        languages: (target, slice) to every language in which it must be scored, English included where it has any.

    Returns:
        One point for each arm, target, slice and seed.

    Raises:
        XstiltsError: if a language or a divergence is missing; both are named.
    """
    cells: dict[tuple[str, str, str, int], dict[str, Gain]] = {}
    for gain in gains:
        cells.setdefault((gain.arm, gain.target, gain.slice, gain.seed), {})[gain.language] = gain
    points = []
    for (arm, target, piece, seed), by_language in cells.items():
        where = f"arm {arm}, {target}, slice {piece}, seed {seed}"
        wanted = set(languages.get((target, piece), ()))
        if wanted != set(by_language) or not wanted - {ENGLISH}:
            raise XstiltsError(
                f"Languages missing: {', '.join(sorted(wanted - set(by_language))) or 'none'}; not expected: "
                f"{', '.join(sorted(set(by_language) - wanted)) or 'none'}",
                where=where,
                allowed="every language of the slice, at least one of them not English; no partial means",
                next_step="score the missing languages, or take them out of the study for every arm",
            )
        if (arm, target, piece) not in divergence:
            raise XstiltsError("No divergence was measured", where=where, next_step="run the stage diverge")
        others = [gain.gain for language, gain in sorted(by_language.items()) if language != ENGLISH]
        english = by_language[ENGLISH].gain if ENGLISH in by_language else None
        points.append(
            GainPoint(
                arm,
                next(iter(by_language.values())).block,
                target,
                piece,
                seed,
                divergence[arm, target, piece],
                sum(others) / len(others),
                english,
            )
        )
    return points
