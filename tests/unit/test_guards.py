"""Guards: each planted defect is found and named, and known ones can be waived."""

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from xstilts.errors import XstiltsError
from xstilts.guards import Outcome, Waiver, check_corpus, failure, load_waivers
from xstilts.guards.flags import comparable, flag_table
from xstilts.guards.suites import SUITES, checks_of
from xstilts.guards.waivers import FOLDER
from xstilts.sources.corpora import CORPORA
from xstilts.sources.corpus import language_of
from xstilts.tasks import TASKS, Family

Rows = list[dict[str, Any]]
SENTENCES = ("the cat sat on the warm mat", "北京 是 中国 的 首都", "ذهب الولد إلى المدرسة صباح اليوم")


@pytest.fixture(scope="module", autouse=True)
def _loaded() -> None:
    """Great Expectations takes seconds to import: not the first test's time."""
    importlib.import_module("great_expectations")


def _row(identity: str, split: str, **columns: Any) -> dict[str, Any]:
    part = identity.partition(":")[0]
    keys = {
        "id": identity,
        "part": part,
        "language": language_of(part),
        "split": split,
        "domain": None,
        "document": identity,
    }
    return keys | columns


def _tagged(corpus: str = "udpos") -> Rows:
    """Three training and three test rows in English, two test rows in Chinese."""
    tags = ["B-PER", "I-PER", "O"] if corpus == "panx" else ["NOUN", "VERB", "ADJ"]
    places = [*((f"en:train-{n}", "train") for n in range(3)), *((f"en:test-{n}", "test") for n in range(3))]
    places += [("zh:test-0", "test"), ("zh:test-1", "test")]
    return [
        _row(identity, split, tokens=[f"word{number}", "北京", "النسبة-إلى-أولئك"], tags=list(tags))
        for number, (identity, split) in enumerate(places)
    ]


def _labelled() -> Rows:
    labels = ("negative", "positive")
    return [
        _row(f"en:{split}-{n}", split, text=f"{split} {n} {SENTENCES[n % 3]}", label=labels[n % 2])
        for split in ("train", "test")
        for n in range(4)
    ]


def _retrieved() -> Rows:
    return [
        _row(f"sw:{n}", "test", text_a=f"sentensi {n}", text_b=f"sentence {n}", match=(n + 1) % 4) for n in range(4)
    ]


def _asked() -> Rows:
    return [
        _row(f"en:{split}-{n}", split, question=f"which {split} is {n}", context=f"{split} {n} {SENTENCES[n % 3]}",
             answers=[{"text": SENTENCES[n % 3][:3], "start": len(f"{split} {n} ")}])
        for split in ("train", "test")
        for n in range(4)
    ]  # fmt: skip


def _chosen() -> Rows:
    return [row | {"choices": ["warm", "cold"], "label": str(n % 2)} for n, row in enumerate(_labelled())]


def _rated() -> Rows:
    return [
        _row(f"en:{split}-{n}", split, text_a=f"{split} {n}", text_b=SENTENCES[n % 3], score=n * 1.25)
        for split in ("train", "test")
        for n in range(4)
    ]


def _mined() -> Rows:
    return [
        _row(f"zh-en:{side}-{n}", "test", part="zh-en", language="zh", text=f"{side} {n} {SENTENCES[n % 3]}",
             sentence_id=f"{side}-{n}", side=side, bitext="test",
             pairs={"english": [f"english-{n}"] if side == "source" and n < 2 else [], "use": "score"})
        for side in ("source", "english")
        for n in range(4)
    ]  # fmt: skip


CLEAN: dict[str, Callable[[], Rows]] = {
    "udpos": _tagged,
    "panx": lambda: _tagged("panx"),
    "amazon_mtl": _labelled,
    "tatoeba": _retrieved,
    "tydiqa": _asked,
    "xcopa": _chosen,
    "stsb": _rated,
    "bucc": _mined,
}


def _check(corpus: str, rows: Rows, folder: Path, **options: Any) -> Outcome:
    settings = {"expected_languages": sorted({row["language"] for row in rows}), "waivers": ()} | options
    facts = CORPORA[corpus]
    return check_corpus(pd.DataFrame(rows), facts, TASKS[facts.task], docs_folder=folder, **settings)


def _set(index: int, **columns: Any) -> Callable[[Rows], None]:
    return lambda rows: rows[index].update(columns)


def _copy(index: int, identity: str, **columns: Any) -> Callable[[Rows], None]:
    """A row of the test split put into a training file."""
    return lambda rows: rows.append(rows[index] | {"id": identity, "split": "train"} | columns)


def _blank(rows: Rows) -> None:
    template = rows[0]
    rows[:] = [
        template | {"id": f"en:test-{n}", "split": "test", "tokens": [f"w{n}"], "tags": ["X"]} for n in range(20)
    ]


DEFECTS = [
    ("udpos", _set(0, tags=["NOUN", "VERB"]), "tag_count", "en:train-0"),
    ("udpos", _set(1, tags=["NOUN", "VERB", "CONJ"]), "unknown_labels", "en:train-1"),
    ("udpos", _set(6, tokens=["a", "b\u00a0c", "d"]), "broken_tokens", "zh:test-0"),
    ("udpos", _set(6, tokens=["a", "", "d"]), "broken_tokens", "zh:test-0"),
    ("udpos", _set(2, tokens=[], tags=[]), "empty_text", "en:train-2"),
    ("udpos", _set(2, tokens="abc"), "row_types", "en:train-2"),
    ("udpos", _set(2, split="devtest"), "unknown_split", "en:train-2"),
    ("udpos", _set(1, id="en:train-0"), "unique_ids", "en:train-0"),
    ("udpos", _copy(3, "en:test-3-copied"), "train_test_overlap", "en:test-3-copied"),
    ("udpos", _copy(6, "en:from-zh", part="en", language="en"), "train_test_overlap", "en:from-zh"),
    ("udpos", _blank, "constant_labels", "en:test-0"),
    ("panx", _set(0, tags=["O", "I-PER", "O"]), "bio_order", "en:train-0"),
    ("panx", _set(0, tags=["B-LOC", "I-PER", "O"]), "bio_order", "en:train-0"),
    ("amazon_mtl", _set(0, text=" \u3000 "), "empty_text", "en:train-0"),
    ("amazon_mtl", _set(0, text=None), "row_types", "en:train-0"),
    ("amazon_mtl", _set(0, label="2"), "unknown_labels", "en:train-0"),
    ("amazon_mtl", _set(0, text="bell \x07 rings in the old town"), "control_characters", "en:train-0"),
    ("amazon_mtl", _set(0, text="lost \ufffd letters of the old town"), "control_characters", "en:train-0"),
    ("amazon_mtl", _set(0, text="NS"), "placeholder_text", "en:train-0"),
    ("amazon_mtl", _copy(0, "en:train-9"), "train_duplicates", "en:train-0"),
    ("tatoeba", _set(0, match=4), "match_range", "sw:0"),
    ("tatoeba", _set(0, match=float("nan")), "match_range", "sw:0"),
    ("tatoeba", _set(0, match=2), "match_range", "sw:1"),
    ("tatoeba", _set(0, text_a=""), "empty_text", "sw:0"),
    ("tydiqa", _set(0, answers=[{"text": "the", "start": 1}]), "answer_span", "en:train-0"),
    ("tydiqa", _set(0, answers=[]), "no_answer", "en:train-0"),
    ("tydiqa", _set(0, context=f"test 0 {SENTENCES[0]}", answers=[{"text": "test", "start": 0}]), "held_out_context",
     "en:train-0"),
    ("tydiqa", _set(0, context=None), "row_types", "en:train-0"),
    ("xcopa", _set(0, choices="warm"), "row_types", "en:train-0"),
    ("xcopa", _set(0, choices=["warm"], label="1"), "unknown_labels", "en:train-0"),
    ("xcopa", _set(0, choices=["warm", " "]), "empty_text", "en:train-0"),
    ("stsb", _set(0, score=5.5), "score_range", "en:train-0"),
    ("stsb", _set(0, score=float("nan")), "score_range", "en:train-0"),
    ("stsb", _set(0, score="high"), "score_range", "en:train-0"),
    ("bucc", _set(0, pairs={"english": ["english-9"], "use": "score"}), "gold_pairs", "zh-en:source-0"),
    ("bucc", _set(3, side=None), "row_types", "zh-en:source-3"),
    ("bucc", _set(4, text=" "), "empty_text", "zh-en:english-0"),
]  # fmt: skip


@pytest.mark.parametrize("corpus", CLEAN)
def test_clean_rows_pass_every_check(corpus: str, tmp_path: Path) -> None:
    outcome = _check(corpus, CLEAN[corpus](), tmp_path)
    assert outcome.passed
    assert [check.name for check in outcome.checks if not check.passed] == []
    assert outcome.dropped == ()


@pytest.mark.parametrize(("corpus", "plant", "check", "identity"), DEFECTS)
def test_planted_defect_is_found_and_named(
    corpus: str, plant: Callable[[Rows], None], check: str, identity: str, tmp_path: Path
) -> None:
    rows = CLEAN[corpus]()
    plant(rows)
    outcome = _check(corpus, rows, tmp_path)
    found = {result.name: result for result in outcome.checks}[check]
    assert not found.passed
    assert identity in found.ids
    assert outcome.passed is (not found.stops)
    if found.stops:
        message = str(failure(outcome, CORPORA[corpus]))
        assert check in message
        assert corpus in message
        assert identity in message
        assert "waive" in message
        assert "\n" not in message


def test_every_check_has_a_planted_defect() -> None:
    planted = {check for _, _, check, _ in DEFECTS} | {"expected_languages"}
    assert {check.name for checks in SUITES.values() for check in checks} == planted
    assert "bio_order" not in {check.name for check in checks_of(TASKS["udpos"])}


def test_language_without_test_rows_is_missing(tmp_path: Path) -> None:
    rows = [row | {"split": "dev"} if row["language"] == "zh" else row for row in _tagged()]
    outcome = _check("udpos", rows, tmp_path, expected_languages=["en", "sw", "zh"])
    assert [(fault.name, fault.count, fault.ids) for fault in outcome.faults] == [
        ("expected_languages", 2, ("sw", "zh"))
    ]


def test_copied_row_with_its_own_id_is_a_duplicate_id_and_an_overlap(tmp_path: Path) -> None:
    rows = _tagged()
    _copy(3, rows[3]["id"])(rows)
    outcome = _check("udpos", rows, tmp_path)
    assert {fault.name: fault.ids for fault in outcome.faults} == {
        "unique_ids": (rows[3]["id"],),
        "train_test_overlap": (rows[3]["id"],),
    }


def test_short_text_may_repeat_unless_it_carries_the_same_source_id() -> None:
    short = {"tokens": ["Thanks", "!"], "tags": ["NOUN", "PUNCT"]}
    rows = [
        _row("en_ewt:test-7", "test", **short),
        _row("en_gum:other", "train", **short),
        _row("en_gum:test-7", "train", **short),
    ]
    table = flag_table(pd.DataFrame(rows), TASKS["udpos"], overlap_min_characters=20)
    assert table["train_test_overlap"].tolist() == [False, False, True]
    assert table["repeats_held_out"].tolist() == [False, True, True]
    table = flag_table(pd.DataFrame(rows), TASKS["udpos"], overlap_min_characters=5)
    assert table["train_test_overlap"].tolist() == [False, True, True]


def test_overlap_of_pairs_needs_both_texts() -> None:
    premise, hypothesis = "a man plays the old guitar", "a man makes music"
    rows = [
        _row("en:0", "test", text_a=premise, text_b=hypothesis, label="entailment"),
        _row("en:1", "train", text_a=premise.upper(), text_b="  a man  makes music", label="neutral"),
        _row("en:2", "train", text_a=premise, text_b="a man sleeps in his bed", label="contradiction"),
    ]
    table = flag_table(pd.DataFrame(rows), TASKS["xnli"], overlap_min_characters=20)
    assert table["train_test_overlap"].tolist() == [False, True, False]


def test_comparable_text_ignores_width_case_and_space() -> None:
    assert comparable(" \uff33traße\u00a0 ①\n北京 ") == "strasse 1 北京"


def test_missing_column_is_named() -> None:
    with pytest.raises(XstiltsError, match="Columns are missing: tags"):
        flag_table(pd.DataFrame(_tagged()).drop(columns="tags"), TASKS["udpos"], overlap_min_characters=20)


def test_empty_corpus_is_refused(tmp_path: Path) -> None:
    with pytest.raises(XstiltsError, match="'udpos' has no rows"):
        _check("udpos", [], tmp_path)


def test_data_docs_show_ids_but_no_text_and_ask_no_network(tmp_path: Path) -> None:
    rows = _tagged()
    _copy(3, "en:copied")(rows)
    rows[0]["tags"] = ["NOUN", "VERB"]
    _check("udpos", rows, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["index.html"]
    page = (tmp_path / "index.html").read_text("utf-8")
    assert "en:copied" in page
    assert "Stopped by tag_count, train_test_overlap." in page
    for token in {token for row in rows for token in row["tokens"]}:
        assert token not in page
    for remote in ("http://", "https://", "<script", "<link"):
        assert remote not in page


def test_summary_counts_rows_and_labels_as_json(tmp_path: Path) -> None:
    summary = _check("udpos", _tagged(), tmp_path).summary
    assert json.loads(json.dumps(summary)) == summary
    assert summary["rows"] == 8
    assert summary["counts"]["zh"] == {"test": {"rows": 2, "labels": {"ADJ": 2, "NOUN": 2, "VERB": 2}}}
    assert summary["counts"]["en"]["train"]["rows"] == 3


def _overlapping() -> Rows:
    rows = _tagged()
    _copy(3, "en:known")(rows)
    return rows


def test_waived_overlap_passes_and_is_dropped_but_a_new_one_still_fails(tmp_path: Path) -> None:
    waivers = (Waiver("train_test_overlap", ("en:known", "en:not-in-the-data"), "published so"),)
    outcome = _check("udpos", _overlapping(), tmp_path, waivers=waivers)
    assert outcome.passed
    assert outcome.dropped == ("en:known",)
    assert outcome.summary["dropped"] == ["en:known"]
    assert outcome.summary["waived"] == [{"check": "train_test_overlap", "ids": ["en:known"], "reason": "published so"}]

    rows = _overlapping()
    _copy(3, "en:new")(rows)
    outcome = _check("udpos", rows, tmp_path, waivers=waivers)
    assert [(fault.name, fault.ids) for fault in outcome.faults] == [("train_test_overlap", ("en:new",))]


def test_waiver_of_a_test_row_drops_nothing(tmp_path: Path) -> None:
    rows = _tagged()
    rows[6]["tokens"] = ["a", "b c", "d"]
    outcome = _check("udpos", rows, tmp_path, waivers=[Waiver("broken_tokens", ("zh:test-0",), "published so")])
    assert outcome.passed
    assert outcome.dropped == ()


def test_waiver_without_defect_must_be_deleted(tmp_path: Path) -> None:
    with pytest.raises(XstiltsError, match=r"en:train-1 .*udpos\.yaml.*delete these ids"):
        _check("udpos", _tagged(), tmp_path, waivers=[Waiver("train_test_overlap", ("en:train-1",), "once so")])


def test_waiver_of_another_familys_check_is_refused(tmp_path: Path) -> None:
    with pytest.raises(XstiltsError, match="Unknown check of this corpus 'broken_tokens'"):
        _check(
            "amazon_mtl", _labelled(), tmp_path, waivers=[Waiver("broken_tokens", ("en:train-0",), "no tokens here")]
        )


def test_waiver_is_not_stale_in_a_subset_or_under_a_higher_length(tmp_path: Path) -> None:
    elsewhere = Waiver("train_test_overlap", ("en:train-1",), "also in Swahili", repeats=("sw:test-0",))
    assert _check("udpos", _tagged(), tmp_path, waivers=[elsewhere]).dropped == ()
    known = Waiver("train_test_overlap", ("en:known",), "published so")
    outcome = _check("udpos", _overlapping(), tmp_path, waivers=[known], overlap_min_characters=500)
    assert outcome.passed
    assert outcome.dropped == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- {check: train_test_overlap, ids: ['en:1']}", "Entry 0 is no waiver"),
        ("- {check: train_test_overlap, ids: ['en:1'], reason: ' '}", "Entry 0 is no waiver"),
        ("- {check: train_test_overlap, ids: [1], reason: so}", "Entry 0 is no waiver"),
        ("- {check: train_test_overlap, ids: ['en:1', 'en:1'], reason: so}", "Entry 0 is no waiver"),
        ("- {check: train_overlap, ids: ['en:1'], reason: so}", "did you mean 'train_test_overlap'"),
        ("- {check: unique_ids, ids: ['en:1'], reason: so}", "Unknown waivable check 'unique_ids'"),
    ],
)
def test_malformed_waivers_are_refused(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "udpos.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(XstiltsError, match=message):
        load_waivers(path)


def test_shipped_waivers_are_sound_and_belong_to_corpora() -> None:
    files = sorted(FOLDER.glob("*.yaml"))
    assert files
    for path in files:
        assert path.stem in CORPORA
        assert all(waiver.repeats for waiver in load_waivers(path))
    assert load_waivers(FOLDER / "no-such-corpus.yaml") == ()


def test_every_family_has_a_suite() -> None:
    without = {Family.MULTI_TASK, Family.MASKED_LM}
    assert set(SUITES) == set(Family) - without, (
        "these have no corpus of their own: their rows are made of checked ones"
    )
