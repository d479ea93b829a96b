"""XTREME's scores against figures of XTREME's own functions (see the file's ``computed_with``)."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xstilts.scoring import score_answers, score_bitext
from xstilts.scoring.bitext import above, best_threshold, margin_scores, mined_pairs
from xstilts.scoring.xtreme import XTREME, language_scores
from xstilts.scoring.xtreme_files import Found

CASES = json.loads(Path(__file__).with_name("xtreme_cases.json").read_text("utf-8"))


def _named(kind: str) -> list[Any]:
    return [pytest.param(case, id=case["name"]) for case in CASES[kind]]


def _pairs(rows: list[list[str]]) -> list[tuple[str, str]]:
    return [(row[0], row[1]) for row in rows]


@pytest.mark.parametrize("case", _named("answers"))
def test_answers(case: dict[str, Any]) -> None:
    rows = case["rows"]
    f1, exact_match, _ = score_answers(
        [row["prediction"] for row in rows],
        [row["gold"] for row in rows],
        XTREME[case["task"]],
        language=case["language"],
    )
    assert (f1.name, exact_match.name) == ("f1", "exact_match")
    assert (f1.value_pct, exact_match.value_pct) == pytest.approx((case["f1"], case["exact_match"]), abs=1e-9)
    assert f1.n == len(rows)


@pytest.mark.parametrize("case", _named("tagging"))
def test_tagging(case: dict[str, Any]) -> None:
    found, gold = (Found("", sentences=[(1, row.split()) for row in case[side]]) for side in ("predictions", "gold"))
    metrics = {each.name: each.value_pct for each in language_scores(found, gold, XTREME[case["task"]], "en")}
    names = ("f1", "precision", "recall")
    assert [metrics[name] for name in names] == pytest.approx([case[name] for name in names], abs=1e-9)


@pytest.mark.parametrize("case", _named("labels"))
def test_labels_and_indices(case: dict[str, Any]) -> None:
    found, gold = (Found("", lines=case[side].split()) for side in ("predictions", "gold"))
    accuracy = language_scores(found, gold, XTREME[case["task"]], "en")[0]
    assert (accuracy.name, accuracy.value_pct) == ("accuracy", pytest.approx(case["accuracy"], abs=1e-9))


@pytest.mark.parametrize("case", _named("bitext"))
def test_pairs(case: dict[str, Any]) -> None:
    metrics = {each.name: each.value_pct for each in score_bitext(_pairs(case["predictions"]), _pairs(case["gold"]))}
    assert metrics == {name: pytest.approx(case[name], abs=1e-9) for name in ("f1", "precision", "recall")}


@pytest.mark.parametrize("case", _named("thresholds"))
def test_thresholds(case: dict[str, Any]) -> None:
    candidates = {(source, target): score for source, target, score in case["candidates"]}
    threshold = best_threshold(candidates, _pairs(case["gold"]))
    assert threshold == case["threshold"]
    assert above(candidates, threshold) == _pairs(case["extracted"])


def test_margins_and_mined_pairs() -> None:
    case = CASES["margins"]
    forth, back = margin_scores(np.array(case["x"], float), np.array(case["y"], float), case["k"])
    assert forth.score.tolist() == [pytest.approx(row, abs=1e-9) for row in case["forward"]]
    assert back.score.tolist() == [pytest.approx(row, abs=1e-9) for row in case["backward"]]
    mined = mined_pairs(forth, back)
    assert [pair[:2] for pair in mined] == [tuple(pair[:2]) for pair in case["mined"]]
    assert [pair[2] for pair in mined] == pytest.approx([pair[2] for pair in case["mined"]], abs=1e-9)
