"""From the analysis to what the page's templates show; every number is still a number here."""

import copy
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from xstilts.reporting.words import NO_PLATEAU, number

Row = Mapping[str, Any]
ENGLISH = "en"
VERDICTS: Mapping[str, tuple[str, str]] = {
    "degrades": ("\N{SOUTH EAST ARROW}", "The gain shrinks as the intermediate data moves away from the target."),
    "degrades, negligibly": ("\N{SOUTH EAST ARROW}", "The gain shrinks with distance, by too little to matter."),
    "improves": ("\N{NORTH EAST ARROW}", "The gain grows as the intermediate data moves away from the target."),
    "does not matter": ("\N{RIGHTWARDS ARROW}", "Near or far, the gain is the same within the stated threshold."),
    "no gain to degrade": ("\N{EMPTY SET}", "Even data of the matched domain does not surely help."),
    "undecided": ("?", "These data fit a gain that shrinks and one that does not."),
    "not judged": ("\N{EN DASH}", "No verdict was reached."),
}
KINDS: Mapping[str, str] = {
    "same-task": "more labels of the same kind",
    "different-task": "intermediate-task training proper",
    "control": "control",
}


def withheld(analysis: Row) -> dict[str, Any]:
    """A copy of the analysis without the gains that a failed plateau gate forbids to print.

    A baseline that more updates would still improve makes every arm look helpful, so its gains are null. A gate that
    nothing was there to test is null too, neither passed nor failed.
    """
    shown: dict[str, Any] = copy.deepcopy(dict(analysis))
    for encoder in shown["encoders"].values():
        for target in encoder["targets"].values():
            if plateau_failed(target):
                for arm in target["arms"]:
                    arm.update(gain=None, gain_english=None, seeds=[])
                for row in target["by_language"]:
                    row["gain"] = None
        for question in encoder["questions"]:
            if question.get("plateau_gate") is False:
                gone = ("slope", "slope_english", "slope_difference", "matched_gain", "far_gain", "equivalence")
                question.update(dict.fromkeys((*gone, "share_retained", "break_even", "worth")))
            if question.get("matched_gain") is None:
                question["gain_gate"] = None
            if not any((encoder["targets"].get(target) or {}).get("plateau") for target in question["targets"]):
                question["plateau_gate"] = None
    return shown


def plateau_failed(target: Row) -> bool:
    """Whether the plateau gate was tried and not passed."""
    return (target.get("plateau") or {}).get("passed") is False


def ranked(arms: Iterable[Row]) -> list[Row]:
    """Arms by gain, highest first; without a gain, by divergence; the names decide ties."""

    def place(arm: Row) -> tuple[float, float, str]:
        found, apart = number(arm.get("gain")), number(arm.get("divergence"))
        return (float("inf") if found is None else -found, float("inf") if apart is None else apart, arm["arm"])

    return sorted(arms, key=place)


def reasons(question: Row) -> dict[str, str]:
    """Why a figure of the question may be missing, in one clause each."""
    if question.get("plateau_gate") is False:
        return dict.fromkeys(("slope", "matched_gain", "far_gain", "share_retained", "break_even", "worth"), NO_PLATEAU)
    no_slope = "too few arms or distances for a slope"
    slope = (question.get("slope") or {}).get("estimate")
    falls = slope is not None and slope < 0
    return {
        "slope": no_slope,
        "matched_gain": "no level can be fitted at the near end",
        "far_gain": "no level can be fitted at the far end",
        "share_retained": "no sure gain at the matched end" if not question.get("gain_gate") else no_slope,
        "worth": "no sure gain at the matched end"
        if not question.get("gain_gate")
        else "no target was trained on more rows (targets.*.more_rows)",
        "break_even": "the fitted gain does not reach zero in the range studied"
        if falls
        else "the fitted gain does not fall"
        if slope is not None
        else no_slope,
    }


def questions_of(encoder: Row, target: str) -> list[Row]:
    """The questions that a target serves."""
    return [question for question in encoder["questions"] if target in question["targets"]]


def asked(question: Row, arm: Row) -> bool:
    """Whether a question is about an arm."""
    return bool(arm["kind"] == question["kind"] and arm.get("corpus") == question.get("corpus"))


def targets_in_order(encoder: Row) -> list[str]:
    """Targets as the questions name them, then those that serve no question."""
    asked = [target for question in encoder["questions"] for target in question["targets"]]
    return list(dict.fromkeys([*(target for target in asked if target in encoder["targets"]), *encoder["targets"]]))


def languages_sorted(target: Row) -> list[Row]:
    """English first, then the others by the baseline's score, highest first."""

    def place(row: Row) -> tuple[bool, float, str]:
        score = number(row.get("none"))
        return (row["language"] != ENGLISH, float("inf") if score is None else -score, row["language"])

    return sorted(target["by_language"], key=place)


def difference(left: object, right: object) -> float | None:
    """Left minus right; unknown when one of them is."""
    first, second = number(left), number(right)
    return None if first is None or second is None else first - second


def mean(values: Iterable[object]) -> float | None:
    """The mean, only when every value is known: a group without one of its members has no mean."""
    found = [number(value) for value in values]
    known = [value for value in found if value is not None]
    return sum(known) / len(known) if known and len(known) == len(found) else None


def score_rows(target: Row) -> list[dict[str, Any]]:
    """The score table: the majority label, ``none``, then the arms as ranked.

    Returns:
        Rows ``{"name", "kind", "others", "english", "gap", "scores": {language: score}}``, all in percent.
    """
    by_language = {row["language"]: row for row in target["by_language"]}
    baseline = target.get("baseline") or {}

    def row(name: str, kind: str, scores: Mapping[str, Any], others: object) -> dict[str, Any]:
        english = scores.get(ENGLISH)
        return {"name": name, "kind": kind, "others": others, "english": english,
                "gap": difference(english, others), "scores": scores}  # fmt: skip

    majority = {language: found.get("majority") for language, found in by_language.items()}
    none = {language: found.get("none") for language, found in by_language.items()}
    rows = [
        {**row("majority label", "reference", majority, baseline.get("majority_others")), "gap": None},
        {**row("none", "baseline", none, baseline.get("others")), "english": baseline.get("english"),
         "gap": baseline.get("transfer_gap")},
    ]  # fmt: skip
    for arm in ranked(target["arms"]):
        scores = {language: (found.get("arms") or {}).get(arm["arm"]) for language, found in by_language.items()}
        rows.append(row(arm["arm"], arm["kind"], scores, arm.get("score")))
    return rows


def gain_rows(target: Row) -> list[dict[str, Any]]:
    """The gain table: arm by language, each the arm's score minus that of ``none``; empty without a plateau."""
    if plateau_failed(target):
        return []
    none = {row["language"]: row.get("none") for row in target["by_language"]}
    arms = {arm["arm"]: arm for arm in target["arms"]}
    return [
        {
            "name": row["name"],
            "kind": row["kind"],
            "others": arms[row["name"]].get("gain"),
            "gains": {language: difference(score, none[language]) for language, score in row["scores"].items()},
        }
        for row in score_rows(target)
        if row["name"] in arms
    ]


def tint(value: object, largest: float) -> str:
    """Background for a gain: blue above zero, orange below, white at zero; dark text stays readable on it."""
    found = number(value)
    if found is None or largest <= 0:
        return "#ffffff"
    share = min(1.0, abs(found) / largest)
    end = (0x9E, 0xC5, 0xEC) if found > 0 else (0xF6, 0xBE, 0x8A)
    return "#" + "".join(f"{round(255 + share * (channel - 255)):02x}" for channel in end)


def largest_gain(rows: Iterable[Row]) -> float:
    """The largest size of a gain in a gain table, for its colours."""
    known = [number(value) for row in rows for value in row["gains"].values()]
    return max((abs(value) for value in known if value is not None), default=0.0)


def control_rows(target: Row) -> list[dict[str, Any]]:
    """Each control beside the mean of the real arms: ``{"arm", "gain", "real", "difference"}``, in points."""
    real = mean(arm.get("gain") for arm in target["arms"] if arm["kind"] != "control")
    return [
        {"arm": arm["arm"], "gain": arm.get("gain"), "real": real, "difference": difference(real, arm.get("gain"))}
        for arm in target["arms"]
        if arm["kind"] == "control"
    ]


def _true(value: object) -> bool:
    return str(value).lower() in {"true", "1"}


def slice_table(scores: Sequence[Row], divergence: Sequence[Row], target: str, arms: Sequence[Row]) -> dict[str, Any]:
    """Gains by slice of the target's test text, mean over the non-English languages and seeds, paired by both.

    Args:
        scores: rows of one encoder's ``scores.csv``.
        divergence: rows of ``divergence.csv``.
        target: whose slices.
        arms: the target's arms, in the order of the table.

    Returns:
        ``{"slices": [name], "rows": [{"name", "cells": [{"gain", "divergence"}]}]}``; no slices when the target
        has none.
    """
    found: dict[tuple[str, str], dict[tuple[str, str], float]] = defaultdict(dict)
    for row in scores:
        value = number(row["value"])
        wanted = row["target"] == target and row["variant"] == "main" and _true(row["main"])
        if wanted and row["slice"] != "all" and row["language"] != ENGLISH and value is not None:
            found[row["arm"], row["slice"]][str(row["seed"]), row["language"]] = value
    apart = {
        (row["arm"], row["slice"]): number(row["value"])
        for row in divergence
        if row["target"] == target and _true(row["primary"])
    }
    slices = sorted({piece for arm, piece in found if arm == "none"})

    def cell(arm: str, piece: str) -> dict[str, Any]:
        baseline, treated = found["none", piece], found[arm, piece]
        gains = [treated[key] - baseline[key] for key in sorted(baseline.keys() & treated.keys())]
        return {"gain": mean(gains), "divergence": apart.get((arm, piece))}

    rows = [{"name": arm["arm"], "cells": [cell(arm["arm"], piece) for piece in slices]} for arm in arms]
    return {"slices": slices, "rows": rows}


def divergence_table(divergence: Sequence[Row], target: str, arms: Sequence[Row]) -> dict[str, Any]:
    """Every measure of the distance from each arm to the whole target.

    Returns:
        ``{"columns": [{"features", "measure", "primary"}], "rows": [{"name", "cells": [row or None], "documents",
        "warning"}]}``, the primary measure first.
    """
    found = {
        (row["arm"], str(row["features"]), str(row["measure"])): row
        for row in divergence
        if row["target"] == target and row["slice"] == "all"
    }
    primary = {(features, measure) for (_, features, measure), row in found.items() if _true(row["primary"])}
    measures = sorted({key[1:] for key in found}, key=lambda pair: (pair not in primary, pair))
    columns = [{"features": f, "measure": m, "primary": (f, m) in primary} for f, m in measures]
    rows = []
    for arm in arms:
        cells = [found.get((arm["arm"], *pair)) for pair in measures]
        known = [cell for cell in cells if cell is not None]
        documents = [count for cell in known if (count := number(cell.get("documents"))) is not None]
        warning = next((str(cell["warning"]) for cell in known if cell.get("warning")), "")
        rows.append({"name": arm["arm"], "cells": cells, "documents": min(documents, default=None),
                     "warning": warning})  # fmt: skip
    return {"columns": columns if rows else [], "rows": rows}
