"""Our metrics against stored figures of the programs that define them (see the file's own ``computed_with``)."""

import json
from pathlib import Path
from typing import Any

import pytest

from xstilts.scoring import chunks, score_labels, score_tagging
from xstilts.tasks import TASKS

CASES = json.loads(Path(__file__).with_name("metric_cases.json").read_text("utf-8"))


def _named(cases: list[dict[str, Any]]) -> list[Any]:
    return [pytest.param(case, id=case["name"]) for case in cases]


@pytest.mark.parametrize("case", _named(CASES["tagging"]))
def test_tagging_equals_seqeval_0_0_12(case: dict[str, Any]) -> None:
    gold, predictions = ([row.split() for row in case[side]] for side in ("gold", "predictions"))
    accuracy, f1 = score_tagging(predictions, gold, TASKS[case["task"]])
    assert f1.name == {"udpos": "xtreme_f1", "panx": "span_f1"}[case["task"]]
    assert (accuracy.value_pct, f1.value_pct) == pytest.approx((case["token_accuracy"], case["chunk_f1"]), abs=1e-9)
    assert (accuracy.n, f1.n) == (sum(map(len, gold)), case["gold_chunks"])
    assert sorted(map(list, chunks(predictions[0]))) == case["chunks_of_first"]


@pytest.mark.parametrize("case", _named(CASES["labels"]))
def test_labels_equal_scikit_learn(case: dict[str, Any]) -> None:
    gold, predictions = case["gold"].split(), case["predictions"].split()
    accuracy, macro_f1 = score_labels(predictions, gold, TASKS[case["task"]])
    assert (accuracy.value_pct, macro_f1.value_pct) == pytest.approx((case["accuracy"], case["macro_f1"]), abs=1e-9)
    assert accuracy.n == macro_f1.n == len(gold)
