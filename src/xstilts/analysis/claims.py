"""Claims: every statement of the report as a record that can be checked."""

from collections.abc import Iterator

from xstilts.files import Json


def claims_of(analysis: Json, evidence: dict[str, str]) -> Iterator[Json]:
    """The claims of an analysis.

    Args:
        analysis: ``analysis.json``.
        evidence: file to sha256, what the claims rest on.

    Yields:
        One record for each statement, numbered.
    """
    number = 0
    for encoder, found in analysis["encoders"].items():
        for target, facts in found["targets"].items():
            number += 1
            yield _record(analysis, number, "baseline", encoder, target, _baseline(facts), evidence)
        for question in found["questions"]:
            number += 1
            yield _record(analysis, number, "verdict", encoder, question["name"], _verdict(question), evidence)


def _record(
    analysis: Json, number: int, kind: str, encoder: str, about: str, statement: Json, evidence: dict[str, str]
) -> Json:
    return {
        "id": f"{analysis['study']}-{number}",
        "kind": kind,
        "encoder": encoder,
        "about": about,
        **statement,
        "confidence": analysis["confidence"],
        "evidence": evidence,
        "citation_grade": "own measurement",
        "reproducibility": "recomputed from stored predictions by stages evaluate and analyse",
        "verification": "computed, not yet verified by a second party",
        "corrections": [],
    }


def _baseline(facts: Json) -> Json:
    base, gate = facts["baseline"], facts["plateau"]
    text = f"Without an intermediate task, {facts['metric']} over the non-English languages is {base['others']:.1f} %"
    if base["majority_others"] is not None:
        text += f" (most frequent label: {base['majority_others']:.1f} %)"
    if gate:
        moved = "moves" if not gate["passed"] else "leaves"
        text += f"; doubling the updates {moved} English dev by {gate['difference']:+.2f} points"
    return {
        "text": text + ".",
        "estimate": base["others"],
        "low": None,
        "high": None,
        "evidence_strength": "description",
        "uncertainty": f"{facts['train_rows']} English training rows; means over the study's seeds",
    }


def _verdict(question: Json) -> Json:
    slope = question["slope"] or {"estimate": None, "low": None, "high": None}
    return {
        "text": f"Verdict: {question['verdict']}. {question['because']}",
        "estimate": slope["estimate"],
        "low": slope["low"],
        "high": slope["high"],
        "evidence_strength": "controlled comparison" if question["effects"] == "arm and slice" else "association",
        "uncertainty": question["would_settle"] or "as the interval says",
    }
