"""Scoring: standard errors, mismatches, baselines."""

import math

import numpy as np
import pytest

from xstilts.errors import XstiltsError
from xstilts.scoring import Metric, majority_prediction, score_labels, score_retrieval, score_tagging
from xstilts.tasks import TASKS

UDPOS, PANX, PAWSX, TATOEBA = (TASKS[name] for name in ("udpos", "panx", "pawsx", "tatoeba"))


def test_standard_error_of_accuracy_is_the_binomial_one() -> None:
    gold, predictions = ["1"] * 50, ["1"] * 40 + ["0"] * 10
    accuracy = score_labels(predictions, gold, PAWSX)[0]
    assert accuracy.value_pct == pytest.approx(80.0)
    assert accuracy.standard_error == pytest.approx(100 * math.sqrt(0.8 * 0.2 / 49))


def test_standard_error_clusters_tokens_by_sentence() -> None:
    """Two sentences of four tokens, all right and all wrong: the tokens are no eight independent draws."""
    gold = [["NOUN"] * 4, ["VERB"] * 4]
    accuracy = score_tagging([["NOUN"] * 4, ["ADJ"] * 4], gold, UDPOS)[0]
    assert accuracy == Metric("token_accuracy", 50.0, pytest.approx(50.0), 8)


@pytest.mark.parametrize("index", [0, 1])
def test_standard_error_agrees_with_the_jackknife(index: int) -> None:
    draw = np.random.default_rng(3)
    gold = [list(draw.choice(PANX.labels, size=draw.integers(2, 12))) for _ in range(60)]
    predictions = [[tag if draw.random() < 0.8 else "O" for tag in row] for row in gold]
    metric = score_tagging(predictions, gold, PANX)[index]
    left_out = []
    for row in range(60):
        others = [side[:row] + side[row + 1 :] for side in (predictions, gold)]
        left_out.append(score_tagging(*others, PANX)[index].value_pct)
    jackknife = math.sqrt(59 * np.var(left_out))
    assert metric.standard_error == pytest.approx(jackknife, rel=0.05)


def test_one_sentence_has_no_standard_error() -> None:
    assert all(math.isnan(metric.standard_error) for metric in score_tagging([["NOUN"]], [["NOUN"]], UDPOS))


def test_macro_f1_weighs_classes_equally() -> None:
    metrics = {metric.name: metric.value_pct for metric in score_labels(["1"] * 10, ["1"] * 9 + ["0"], PAWSX)}
    assert metrics["accuracy"] == pytest.approx(90.0)
    assert metrics["macro_f1"] == pytest.approx(100 * (18 / 19) / 2)


def test_confusing_cconj_with_sconj_counts() -> None:
    gold = [["PRON", "VERB", "SCONJ", "PRON", "VERB"]]
    accuracy, f1 = score_tagging([["PRON", "VERB", "CCONJ", "PRON", "VERB"]], gold, UDPOS)
    assert accuracy.value_pct == pytest.approx(80.0)
    assert f1.value_pct == pytest.approx(80.0)


def test_retrieval_accuracy() -> None:
    assert score_retrieval([2, 0, 1, 3], [2, 0, 3, 1], TATOEBA) == [
        Metric("accuracy", 50.0, pytest.approx(100 * math.sqrt(0.25 / 3)), 4)
    ]


def test_other_number_of_tags_names_the_row_and_both_lengths() -> None:
    with pytest.raises(XstiltsError, match=r"udpos/zh: .* First difference at row zh:test-2 \(0 vs 3 tags\)"):
        score_tagging(
            [["NOUN"], []],
            [["NOUN"], ["PRON", "VERB", "PROPN"]],
            UDPOS,
            ids=["zh:test-1", "zh:test-2"],
            where="udpos/zh",
        )


@pytest.mark.parametrize("predictions", [[], ["1"]])
def test_missing_predictions_name_the_first_row_without_one(predictions: list[str]) -> None:
    first = "ab"[len(predictions)]
    with pytest.raises(XstiltsError, match=rf"pawsx: {len(predictions)} predicted rows, 2 gold rows.* row {first}\."):
        score_labels(predictions, ["0", "1"], PAWSX, ids=["a", "b"])


def test_more_predictions_than_gold_are_refused() -> None:
    with pytest.raises(XstiltsError, match="3 predicted rows, 2 gold rows"):
        score_retrieval([1, 0, 2], [1, 0], TATOEBA)


def test_nothing_to_score_is_an_error() -> None:
    with pytest.raises(XstiltsError, match="nothing to score"):
        score_labels([], [], PAWSX)
    with pytest.raises(XstiltsError, match="nothing to score"):
        score_tagging([[]], [[]], UDPOS)


@pytest.mark.parametrize(("predictions", "gold"), [(["CONJ"], ["NOUN"]), (["NOUN"], ["_"])])
def test_unknown_labels_are_refused_on_both_sides(predictions: list[str], gold: list[str]) -> None:
    odd = "predicted label 'CONJ'" if predictions == ["CONJ"] else "gold label '_'"
    with pytest.raises(XstiltsError, match=rf"{odd} of row 0 is unknown"):
        score_tagging([predictions], [gold], UDPOS)


def test_majority_of_tags_fills_every_token() -> None:
    rows = [{"tokens": ["我", "爱", "北京"]}, {"tokens": ["ب", "النسبة"]}, {"tokens": []}]
    train = [["NOUN", "VERB"], ["VERB", "NOUN", "NOUN"]]
    assert majority_prediction(train, rows) == [["NOUN"] * 3, ["NOUN"] * 2, []]


def test_majority_label_takes_the_first_of_equals() -> None:
    assert majority_prediction(["positive", "negative"], [{"text": "好"}, {"text": "جيد"}]) == ["negative"] * 2
    with pytest.raises(XstiltsError, match="no training labels"):
        majority_prediction([], [{"text": "x"}])
