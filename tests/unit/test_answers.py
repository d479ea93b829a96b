"""Scores of answers: XTREME's, worked out by hand from the rules of its two scripts, and the fair one beside them."""

import pytest

from xstilts.errors import XstiltsError
from xstilts.scoring import score_answers
from xstilts.scoring.answers import language_words, mlqa_words, squad_words
from xstilts.tasks import TASKS

CASES = [
    # task, language, prediction, gold answers, f1, exact match, fair f1; derivation
    ("xquad", "en", "The Cat!", ["cat"], 100.0, 100.0, 100.0),  # article and punctuation go, case is folded
    ("xquad", "en", "big cat", ["cat", "a dog"], 200 / 3, 0.0, 200 / 3),  # 2 * 1 / (2 + 1) against the first
    ("xquad", "en", "big cat", ["dog", "the big cat"], 100.0, 100.0, 100.0),  # the best of several answers
    ("xquad", "en", "", ["cat"], 0.0, 0.0, 0.0),  # nothing was answered
    ("xquad", "en", "cat cat", ["cat"], 200 / 3, 0.0, 200 / 3),  # a word counts as often as it is in both
    ("xquad", "es", "El Niño", ["Niño"], 200 / 3, 0.0, 100.0),  # English articles only: el stays
    ("mlqa", "es", "El Niño", ["Niño"], 100.0, 100.0, 100.0),  # MLQA knows el
    ("xquad", "zh", "北京大学", ["北京大学医学院"], 0.0, 0.0, 800 / 11),  # one word each; 2 * 4 / (4 + 7) by characters
    ("mlqa", "zh", "北京大学", ["北京大学医学院"], 800 / 11, 0.0, 800 / 11),
    ("xquad", "zh", "1990年，", ["1990年"], 0.0, 0.0, 100.0),  # a full-width comma is no ASCII punctuation
    ("mlqa", "zh", "1990年，", ["1990年"], 100.0, 100.0, 100.0),
    ("xquad", "zh", "《红楼梦》", ["红楼梦"], 0.0, 0.0, 100.0),
    (
        "xquad",
        "th",
        "กรุงเทพ",
        ["กรุงเทพมหานคร"],
        0.0,
        0.0,
        1200 / 18,
    ),  # 2 * 6 / (6 + 12) by characters, marks with theirs
    ("mlqa", "ar", "المدرسة", ["مدرسة"], 100.0, 100.0, 100.0),  # the article is taken out
    ("mlqa", "ar", "مثال", ["مث"], 100.0, 100.0, 0.0),  # MLQA takes it out at the end of a word too; the fair score not
    ("xquad", "ar", "المدرسة", ["مدرسة"], 0.0, 0.0, 100.0),
    ("mlqa", "de", "der Hund, eine Katze", ["Hund Katze"], 100.0, 100.0, 100.0),
    ("mlqa", "vi", "cái nhà", ["nhà"], 100.0, 100.0, 100.0),
    ("tydiqa", "ko", "서울 특별시", ["서울"], 200 / 3, 0.0, 200 / 3),
    ("tydiqa", "fi", "Helsinki.", ["helsinki"], 100.0, 100.0, 100.0),
]


@pytest.mark.parametrize(("task", "language", "prediction", "answers", "f1", "match", "fair"), CASES)
def test_an_answer_scores_as_worked_out(
    task: str, language: str, prediction: str, answers: list[str], f1: float, match: float, fair: float
) -> None:
    found = {
        each.name: each.value_pct for each in score_answers([prediction], [answers], TASKS[task], language=language)
    }
    assert found == pytest.approx({"f1": f1, "exact_match": match, "f1_by_language": fair})


def test_a_language_is_the_mean_over_its_questions_with_a_standard_error() -> None:
    metrics = score_answers(
        ["cat", "", "big cat", "dog"], [["cat"], ["cat"], ["cat"], ["cat"]], TASKS["xquad"], language="en"
    )
    found = {each.name: each for each in metrics}
    assert found["f1"].value_pct == pytest.approx((100 + 0 + 200 / 3 + 0) / 4)
    assert found["exact_match"].value_pct == 25.0
    assert found["exact_match"].standard_error == pytest.approx(25.0)  # 100 sqrt(.25 * .75 / 3)
    assert {each.n for each in metrics} == {4}


def test_the_two_scripts_cut_as_their_authors_wrote() -> None:
    assert squad_words("The U.S.A., an example") == ["usa", "example"]
    assert squad_words("état—nation") == ["état—nation"], "a dash is no ASCII punctuation"
    assert mlqa_words("état—nation", language="de") == ["étatnation"]
    assert mlqa_words("在1990年 IBM 公司", language="zh") == ["在", "1990", "年", "ibm", "公", "司"]
    assert language_words("東京タワー", language="ja") == ["東", "京", "タ", "ワ", "ー"]


def test_a_question_without_gold_is_an_error_that_names_it() -> None:
    with pytest.raises(XstiltsError, match=r"xquad/en: question q2 has no gold answer"):
        score_answers(["a", "b"], [["a"], []], TASKS["xquad"], language="en", ids=["q1", "q2"])
    with pytest.raises(XstiltsError, match=r"1 predicted answers, 2 questions"):
        score_answers(["a"], [["a"], ["b"]], TASKS["xquad"], language="en", ids=["q1", "q2"])
