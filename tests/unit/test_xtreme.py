"""XTREME's facts, answers and pairs beside the official ones, and the scores of whole folders."""

import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.xtreme_folder import write_folders
from xstilts.errors import XstiltsError
from xstilts.scoring import bitext, score_answers, score_bitext
from xstilts.scoring.answers import language_words, mlqa_words, squad_words
from xstilts.scoring.bitext import best_threshold, margin_scores, mine
from xstilts.scoring.xtreme import FILES, XTREME, Group, score_folder
from xstilts.tasks import TASKS

XQUAD, MLQA = XTREME["xquad"], XTREME["mlqa"]
COUNTS = {
    "pawsx": 7, "xnli": 15, "panx": 40, "udpos": 33, "bucc2018": 4, "tatoeba": 36, "xquad": 11, "mlqa": 7, "tydiqa": 9,
}  # fmt: skip


def test_nine_tasks_have_162_files() -> None:
    assert {name: len(task.languages) for name, task in XTREME.items()} == COUNTS
    assert len(FILES) == len(set(FILES)) == 162
    assert {"xnli/test-zh.tsv", "tydiqa/test-te.json"} <= set(FILES)


def test_facts_agree_with_the_task_sheets() -> None:
    for name, task in XTREME.items():
        if name in TASKS:
            assert task.languages == TASKS[name].languages
            assert TASKS[name].in_xtreme


def f1_of(prediction: str, gold: str, language: str) -> float:
    """The honest F1 of one answer."""
    return score_answers([prediction], [[gold]], XQUAD, language=language)[2].value_pct


@pytest.mark.parametrize(
    ("language", "prediction", "gold", "expected"),
    [
        ("zh", "北京大学", "北京大学医学院", 100 * 8 / 11),
        ("th", "กรุงเทพ", "กรุงเทพมหานคร", 100 * 2 * 6 / (6 + 12)),
        ("ja", "東京タワー", "東京", 100 * 4 / 7),
        ("zh", "NBA总冠军", "NBA 总冠军", 100.0),
        ("zh", "《红楼梦》", "红楼梦", 100.0),
        ("ar", "القاهرة", "قاهرة", 100.0),
        ("ar", "رجال", "رج", 0.0),
        ("es", "El Niño", "Niño", 100.0),
        ("en", "the", "a", 0.0),
        ("en", "The", "the", 100.0),
        ("ko", "한니발은", "한니발", 0.0),
    ],
)
def test_f1_by_language(language: str, prediction: str, gold: str, expected: float) -> None:
    assert f1_of(prediction, gold, language) == pytest.approx(expected)


def test_the_arabic_article_inside_a_word_is_mlqas_alone() -> None:
    assert mlqa_words("المال والعمل", language="ar") == ["م", "و", "عمل"]
    assert language_words("المال والعمل", language="ar") == ["مال", "والعمل"]
    assert squad_words("المال والعمل") == ["المال", "والعمل"]


def test_thai_marks_stay_with_their_letters() -> None:
    assert language_words("น้ำ ที่", language="th") == ["น้", "ำ", "ที่"]


def test_answers_have_a_standard_error_over_questions() -> None:
    f1, exact, honest = score_answers(["a b", None, "c", "x"], [["a b"], ["q"], ["c"], ["y"]], XQUAD, language="fi")
    assert exact.value_pct == 50.0
    assert exact.standard_error == pytest.approx(100 * math.sqrt(0.25 / 3))
    assert [each.n for each in (f1, exact, honest)] == [4, 4, 4]


@pytest.mark.parametrize(
    ("predictions", "gold", "told"),
    [
        ([], [], "mlqa/zh: there is nothing to score"),
        (["北京"], [["北京"], ["上海"]], "mlqa/zh: 1 predicted answers, 2 questions"),
        (["北京", 7], [["北京"], ["上海"]], r"answer 7 of question q2 is no text"),
        (["北京", "上海"], [["北京"], []], r"question q2 has no gold answer"),
    ],
)
def test_ill_formed_answers_name_the_question(predictions: list[str], gold: list[list[str]], told: str) -> None:
    with pytest.raises(XstiltsError, match=told):
        score_answers(predictions, gold, MLQA, language="zh", ids=["q1", "q2"] if gold else [])


def test_mlqa_has_seven_languages() -> None:
    with pytest.raises(XstiltsError, match=r"not scored in language 'th'\. Allowed: en, es, de, ar, hi, vi, zh"):
        score_answers(["กรุงเทพ"], [["กรุงเทพ"]], MLQA, language="th")


def test_pairs_are_scored_as_a_ratio_with_clusters() -> None:
    gold = [(f"zh-{place}", f"en-{place}") for place in range(40)]
    f1 = score_bitext([*gold[:30], *((f"zh-{place}", "en-x") for place in range(30, 40))], gold)[0]
    assert f1.value_pct == pytest.approx(75.0)
    assert f1.standard_error == pytest.approx(100 * math.sqrt(0.75 * 0.25 / 39))
    assert f1.n == 40


def test_ill_formed_pairs_are_refused() -> None:
    with pytest.raises(XstiltsError, match=r"predicted pair \('zh-1', ''\) is not one of two ids"):
        score_bitext([("zh-1", "")], [("zh-1", "en-1")])
    with pytest.raises(XstiltsError, match="nothing to score"):
        score_bitext([("zh-1", "en-1")], [])


@pytest.mark.parametrize("size", [(1, 1), (3, 4), (64, 7)])
def test_margins_do_not_depend_on_the_blocks(monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]) -> None:
    draw = np.random.default_rng(4)
    x, y = draw.normal(size=(11, 6)), draw.normal(size=(17, 6))
    whole = margin_scores(x, y)
    monkeypatch.setattr(bitext, "ROWS", size[0])
    monkeypatch.setattr(bitext, "COLUMNS", size[1])
    for one, other in zip(whole, margin_scores(x, y), strict=True):
        assert (one.index == other.index).all()
        np.testing.assert_allclose(one.score, other.score, rtol=1e-12)


def test_equal_neighbours_come_in_their_order() -> None:
    forth, _ = margin_scores(np.ones((1, 2)), np.ones((6, 2)))
    assert forth.index.tolist() == [[0, 1, 2, 3]]
    np.testing.assert_allclose(forth.score, 1.0)


def test_margins_know_their_bounds() -> None:
    forth, back = margin_scores(np.eye(2), np.eye(2)[:1])
    assert (forth.index.shape, back.index.shape) == ((2, 1), (1, 2))
    assert np.isfinite(margin_scores(np.zeros((2, 3)), np.eye(3))[0].score).all()
    with pytest.raises(XstiltsError, match="cannot be mined"):
        margin_scores(np.eye(2), np.eye(3))
    with pytest.raises(XstiltsError, match="not finite"):
        margin_scores(np.full((1, 2), np.nan), np.eye(2))


def test_a_sentence_that_occurs_twice_is_in_no_pair() -> None:
    x = np.eye(4)
    sources = [("zh-1", "一"), ("zh-2", "二"), ("zh-3", "三"), ("zh-4", "一")]
    targets = [("en-1", "one"), ("en-2", "two"), ("en-3", "three")]
    y = np.eye(4)[[3, 1, 2]]
    assert set(mine(x, y, sources, targets)) == {("zh-2", "en-2"), ("zh-3", "en-3")}


def test_the_threshold_may_take_every_candidate() -> None:
    pair = ("zh-1", "en-1")
    assert best_threshold({pair: 1.25}, [pair]) == 1.25


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    return write_folders(tmp_path)


def test_a_whole_folder_has_an_overall_score(folders: tuple[Path, Path]) -> None:
    scores = score_folder(*folders)
    assert not scores.faults
    assert scores.overall == pytest.approx(100.0)
    assert [scores.group(group) for group in Group] == [pytest.approx(100.0)] * 4
    official = scores.official()
    assert list(official)[:5] == ["all_task", "classification", "tagging", "qa", "retrieval"]
    assert set(official["xquad"]) == {"exact_match", "f1", "avg_exact_match", "avg_f1", "avg_metric"}
    assert list(official["tydiqa"]["f1"]) == list(XTREME["tydiqa"].languages)


def test_the_gap_is_beside_a_mean_with_english_in_it(folders: tuple[Path, Path]) -> None:
    predictions, gold = folders
    for language in XTREME["pawsx"].languages:
        if language != "en":
            (predictions / f"pawsx/test-{language}.tsv").write_text("0\n1\n1\n")
    scores = score_folder(predictions, gold).tasks["pawsx"]
    assert scores.english("accuracy") == 100.0
    assert scores.others("accuracy") == pytest.approx(200 / 3)
    assert scores.gap("accuracy") == pytest.approx(100 / 3)
    assert scores.score == pytest.approx((100 + 6 * 200 / 3) / 7)


def test_question_answering_is_the_mean_of_both_metrics(folders: tuple[Path, Path]) -> None:
    predictions, gold = folders
    answers = {f"en-{place}": "Denver" for place in range(3)}
    (predictions / "mlqa/test-en.json").write_text(json.dumps(answers))
    scores = score_folder(predictions, gold).tasks["mlqa"]
    assert scores.of("exact_match", "en") == 0.0
    assert scores.score == pytest.approx(((6 * 100 + 0) / 7 + (6 * 100 + 100 * 2 / 3) / 7) / 2)


def test_missing_files_take_away_means_and_nothing_else(folders: tuple[Path, Path]) -> None:
    predictions, gold = folders
    (predictions / "xnli/test-sw.tsv").unlink()
    shutil.rmtree(predictions / "bucc2018")
    scores = score_folder(predictions, gold)
    assert [(fault.file, fault.what) for fault in scores.faults] == [("xnli/test-sw.tsv", "missing")]
    assert scores.tasks["xnli"].missing == ("sw",)
    assert scores.tasks["xnli"].score is None
    assert scores.tasks["xnli"].of("accuracy", "zh") == 100.0
    assert scores.tasks["xnli"].others("accuracy") is None
    assert scores.overall is None
    assert scores.group(Group.SENTENCE_PAIR) is None
    assert scores.group(Group.RETRIEVAL) is None
    assert scores.group(Group.QA) == pytest.approx(100.0)
    assert not {"all_task", "xnli", "classification", "bucc2018", "retrieval"} & set(scores.official())
    report = json.loads(json.dumps(scores.report(), allow_nan=False))
    assert report["tasks"]["xnli"]["missing"] == ["sw"]
    assert report["tasks"]["xnli"]["metrics"]["accuracy"]["languages"]["ar"]["n"] == 3


def test_missing_answers_count_nothing_and_are_told(folders: tuple[Path, Path]) -> None:
    predictions, gold = folders
    (predictions / "tydiqa/test-ko.json").write_text('{"ko-1": "Denver Broncos"}')
    scores = score_folder(predictions, gold)
    assert scores.tasks["tydiqa"].of("f1", "ko") == pytest.approx(100 / 3)
    assert [(fault.what, fault.stops) for fault in scores.faults] == [("no answer to 'ko-0' (and 1 more)", False)]


def test_token_accuracy_and_f1_by_language_are_no_official_metrics(folders: tuple[Path, Path]) -> None:
    report = score_folder(*folders).report()
    assert not report["tasks"]["udpos"]["metrics"]["token_accuracy"]["official"]
    assert not report["tasks"]["xquad"]["metrics"]["f1_by_language"]["official"]
    assert report["tasks"]["udpos"]["metrics"]["precision"]["official"]


def test_folders_that_share_no_task_are_refused(tmp_path: Path, folders: tuple[Path, Path]) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(XstiltsError, match="No task has a folder on both sides"):
        score_folder(tmp_path / "empty", folders[1])
    with pytest.raises(XstiltsError, match="There is no such folder"):
        score_folder(tmp_path / "absent", folders[1])


def test_damaged_gold_is_told_as_gold(folders: tuple[Path, Path]) -> None:
    predictions, gold = folders
    (gold / "xnli/test-ar.tsv").write_text("")
    (gold / "mlqa/test-zh.json").write_text('{"data": [{"paragraphs": [{"qas": [{"id": "1", "answers": []}]}]}]}')
    (gold / "udpos/test-yo.tsv").unlink()
    told = [(fault.file, fault.what) for fault in score_folder(predictions, gold).faults]
    assert told == [
        ("gold: xnli/test-ar.tsv", "the gold is empty"),
        ("gold: udpos/test-yo.tsv", "missing"),
        ("gold: mlqa/test-zh.json", "the gold is not in SQuAD's form"),
    ]
