"""XTREME's download folder and CCGbank: one reader for each format, nothing skipped, blanked labels refused."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from xstilts.errors import XstiltsError
from xstilts.families import family_of
from xstilts.sources.corpora import CORPORA
from xstilts.sources.corpus import language_of
from xstilts.sources.folders.folder import folder_rows, source_folder
from xstilts.sources.folders.readers import (
    derivation_rows,
    gold_pair_rows,
    pair_rows,
    question_rows,
    retrieval_rows,
    tagging_rows,
)
from xstilts.sources.lock import contact_corpus, hold_to_lock
from xstilts.sources.normalise import normalised_rows
from xstilts.stages.fetch import _write
from xstilts.tasks import TASKS

NBSP = "\u00a0"


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode("utf-8"))
    return path


def tabbed(path: Path, rows: list[tuple[str, ...]]) -> Path:
    """As XTREME's scripts write pairs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter="\t").writerows(rows)
    return path


def squad(path: Path, *questions: tuple[str, str, str, list[tuple[str, int]]]) -> Path:
    data = [
        {"paragraphs": [{"context": context, "qas": [{"id": key, "question": question, "answers": [
            {"text": text, "answer_start": start} for text, start in answers]}]}]}
        for key, context, question, answers in questions
    ]  # fmt: skip
    return write(path, json.dumps({"data": data, "version": "1.1"}))


def test_tags_as_the_scripts_write_them(tmp_path: Path) -> None:
    path = write(tmp_path / "dev-de.tsv", f"10{NBSP}000\tNUM\n\u3000\tPUNCT\na b\tX\n\nHaus\tNOUN\n\n")
    assert tagging_rows([path], None) == [
        {"id": "0", "tokens": [f"10{NBSP}000", "\u3000", "a b"], "tags": ["NUM", "PUNCT", "X"]},
        {"id": "1", "tokens": ["Haus"], "tags": ["NOUN"]},
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [("a\tX\nb\nc\tY\n", 2), ("a\tX\n\tY\n", 2), ("a\tX\n\nb\t\n", 3), ("a\tX\n   \nb\tY\n", 2)],
)
def test_a_bad_line_of_tags_is_named(text: str, line: int, tmp_path: Path) -> None:
    path = write(tmp_path / "dev-de.tsv", text)
    with pytest.raises(XstiltsError, match=rf"dev-de\.tsv, line {line}"):
        tagging_rows([path], None)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "dev-de.tsv").write_bytes(b"a\tX\n\nb\xff\tY\n")
    with pytest.raises(XstiltsError, match=r"not UTF-8 \(in .*dev-de\.tsv, line 3\)"):
        tagging_rows([tmp_path / "dev-de.tsv"], None)


@pytest.mark.parametrize(
    ("text", "says"), [("a\nb\n\nc\n", "a token alone"), ("a\tX\nb\tX\n\nc\tX\n", "the label of all 2 rows is 'X'")]
)
def test_blanked_tags_are_refused_and_given_back_by_a_label_file(text: str, says: str, tmp_path: Path) -> None:
    path = write(tmp_path / "test-de.tsv", text)
    with pytest.raises(
        XstiltsError, match=rf"test-de.tsv has no gold: .*{says}.*Next: put the labels below xtreme/labels"
    ):
        tagging_rows([path], None)
    gold = write(tmp_path / "labels" / "test-de.tsv", "DET\nNOUN\n\nVERB\n\n")
    assert [row["tags"] for row in tagging_rows([path], gold)] == [["DET", "NOUN"], ["VERB"]]
    with pytest.raises(XstiltsError, match=r"The sentences of test-de.tsv end elsewhere .*line 2"):
        tagging_rows([path], write(tmp_path / "labels" / "test-de.tsv", "DET\n\nNOUN\nVERB\n"))
    with pytest.raises(XstiltsError, match=r"The file ends here, test-de.tsv has 4 lines .*line 2"):
        tagging_rows([path], write(tmp_path / "labels" / "test-de.tsv", "DET\nNOUN\n"))


def test_pairs_as_the_scripts_write_them(tmp_path: Path) -> None:
    rows = [('He said "no".', "He\tspoke.", "neutral"), (f"a{NBSP}", "", "entailment")]
    assert pair_rows([tabbed(tmp_path / "dev-en.tsv", rows)], None) == [
        {"id": str(number), "text_a": first, "text_b": second, "label": label}
        for number, (first, second, label) in enumerate(rows)
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\tb\t0\na\tb\n", 2),
        ("a\n", 1),
        ('a\tb\t0\n"a"x\tb\t1\n', 2),
        ('"a\nb"\tc\t0\n', 2),
        ('a\tb\t0\n"a\tb\t1\n', 2),
    ],
)
def test_a_bad_line_of_pairs_is_named(text: str, line: int, tmp_path: Path) -> None:
    with pytest.raises(XstiltsError, match=rf"dev-en\.tsv, line {line}"):
        pair_rows([write(tmp_path / "dev-en.tsv", text)], None)


def test_blanked_pairs(tmp_path: Path) -> None:
    path = tabbed(tmp_path / "test-de.tsv", [("a", "b"), ("c", "d")])
    with pytest.raises(XstiltsError, match=r"test-de.tsv has no gold: its lines hold two texts alone"):
        pair_rows([path], None)
    with pytest.raises(XstiltsError, match=r"the label of all 2 rows is 'neutral'"):
        pair_rows([tabbed(tmp_path / "x.tsv", [("a", "b", "neutral"), ("c", "d", "neutral")])], None)
    gold = write(tmp_path / "gold.tsv", "neutral\nentailment\n")
    assert [row["label"] for row in pair_rows([path], gold)] == ["neutral", "entailment"]
    with pytest.raises(XstiltsError, match=r"The file ends here, test-de.tsv has 2 rows"):
        pair_rows([path], write(tmp_path / "gold.tsv", "neutral\n"))


def test_questions(tmp_path: Path) -> None:
    path = squad(tmp_path / "a.json", ("q1", "Ada kam.", "Wer kam?", [("Ada", 0), ("Ada kam", 0)]))
    assert question_rows([path], None) == [
        {
            "id": "q1",
            "context": "Ada kam.",
            "question": "Wer kam?",
            "answers": ["Ada", "Ada kam"],
            "answer_starts": [0, 0],
        }
    ]
    with pytest.raises(XstiltsError, match=r"The answer 'kam' of question q1 is not at character 3"):
        question_rows([squad(tmp_path / "b.json", ("q1", "Ada kam.", "Wer?", [("kam", 3)]))], None)
    with pytest.raises(XstiltsError, match=r"Damaged JSON: .*c\.json, line 2"):
        question_rows([write(tmp_path / "c.json", '{"data": [\n}')], None)
    with pytest.raises(XstiltsError, match=r"KeyError 'question' .*data\[0\]\.paragraphs\[0\]\.qas\[0\]"):
        text = '{"data": [{"paragraphs": [{"context": "c", "qas": [{"id": "1", "answers": []}]}]}]}'
        question_rows([write(tmp_path / "d.json", text)], None)


def test_blanked_questions(tmp_path: Path) -> None:
    blank = squad(tmp_path / "a.json", ("q1", "Ada kam.", "Wer?", [("", 0)]), ("q2", "Bo ging.", "Wer?", [("", 0)]))
    with pytest.raises(XstiltsError, match=r"a.json has no gold: every answer is empty"):
        question_rows([blank], None)
    gold = squad(
        tmp_path / "gold.json", ("q2", "Bo ging.", "Wer?", [("Bo", 0)]), ("q1", "Ada kam.", "Wer?", [("kam", 4)])
    )
    assert [row["answers"] for row in question_rows([blank], gold)] == [["kam"], ["Bo"]]
    with pytest.raises(XstiltsError, match=r"Question q1 of a\.json has no answer"):
        question_rows([blank], squad(tmp_path / "gold.json", ("q2", "Bo ging.", "Wer?", [("Bo", 0)])))


def test_retrieval_needs_its_index(tmp_path: Path) -> None:
    paths = [write(tmp_path / "de-en.de", "zwei\neins\n"), write(tmp_path / "de-en.en", "one\ntwo\n")]
    with pytest.raises(XstiltsError, match="no script of XTREME's writes which line is which"):
        retrieval_rows(paths, None)
    rows = retrieval_rows(paths, write(tmp_path / "gold", "1\n0\n"))
    assert [(row["text_a"], row["text_b"]) for row in rows] == [("zwei", "two"), ("eins", "one")]
    with pytest.raises(XstiltsError, match=r"'1' is no line of de-en.en, or was used before .*line 2"):
        retrieval_rows(paths, write(tmp_path / "gold", "1\n1\n"))


def test_gold_pairs(tmp_path: Path) -> None:
    assert gold_pair_rows([write(tmp_path / "a.gold", "zh-01\ten-02\n")], None) == [{"zh": "zh-01", "en": "en-02"}]
    with pytest.raises(XstiltsError, match=r"a\.gold, line 1"):
        gold_pair_rows([write(tmp_path / "a.gold", "zh-01 en-02\n")], None)


def xtreme(data: Path) -> Path:
    """A small copy of what ``download_data.sh`` leaves, with labels for what it blanks."""
    root = data / "xtreme"
    for task, tags in (("udpos", ("DET", "NOUN")), ("panx", ("O", "B-LOC"))):
        first, second = tags
        tagged = f"the\t{first}\nsoup\t{second}\n\n{task}\t{second}\n\n"
        for name in ("train-en", "dev-en", "dev-de", "train-de"):
            write(root / task / f"{name}.tsv", tagged.replace("soup", name))
        for language in ("en", "de"):
            write(root / task / f"test-{language}.tsv", f"die\nsuppe{language}\n\nhier\n\n")
            write(root / "labels" / task / f"test-{language}.tsv", f"{first}\n{second}\n\n{first}\n")
    for task, labels in (("xnli", ("neutral", "entailment")), ("pawsx", ("0", "1"))):
        for name in ("train-en", "dev-en", "dev-de"):
            tabbed(root / task / f"{name}.tsv", [(name, "b", labels[0]), ("c", "d", labels[1])])
        tabbed(root / task / "test-de.tsv", [("x", "y"), ("z", "w")])
        write(root / "labels" / task / "test-de.tsv", "\n".join(labels) + "\n")
    blank = ("q1", "Ada kam.", "Wer?", [("", 0)])
    full = ("q1", "Ada kam.", "Wer?", [("Ada", 0)])
    squad(root / "squad" / "train-v1.1.json", full)
    squad(root / "xquad" / "xquad.de.json", blank)
    squad(root / "mlqa/MLQA_V1/dev/dev-context-de-question-de.json", full)
    squad(root / "mlqa/MLQA_V1/dev/dev-context-de-question-en.json", full)
    squad(root / "mlqa/MLQA_V1/test/test-context-de-question-de.json", blank)
    squad(root / "tydiqa/tydiqa-goldp-v1.1-train/tydiqa.goldp.en.train.json", full)
    squad(root / "tydiqa/tydiqa-goldp-v1.1-dev/tydiqa.goldp.fi.dev.json", blank)
    for task, language in (("xquad", "de"), ("mlqa", "de"), ("tydiqa", "fi")):
        squad(root / "labels" / task / f"test-{language}.json", full)
    write(root / "tatoeba" / "de-en.de", "zwei\neins\n")
    write(root / "tatoeba" / "de-en.en", "one\ntwo\n")
    write(root / "labels" / "tatoeba" / "test-de.tsv", "1\n0\n")
    for split in ("dev", "test"):
        write(root / "bucc2018" / f"zh-en.{split}.zh", "zh-1\t好\n")
        write(root / "bucc2018" / f"zh-en.{split}.en", "en-1\tgood\nen-2\tbad\n")
    write(root / "bucc2018" / "zh-en.dev.gold", "zh-1\ten-1\n")
    write(root / "labels" / "bucc2018" / "test-zh.tsv", "zh-1\ten-1\n")
    return data


FETCHED = {
    "udpos": {"en.train": 2, "en.dev": 2, "de.dev": 2, "en.test": 2, "de.test": 2},
    "panx": {"en.train": 2, "en.dev": 2, "de.dev": 2, "en.test": 2, "de.test": 2},
    "xnli": {"en.train": 2, "en.dev": 2, "de.dev": 2, "de.test": 2},
    "pawsx": {"en.train": 2, "en.dev": 2, "de.dev": 2, "de.test": 2},
    "xquad": {"en.train": 1, "de.test": 1},
    "mlqa": {"en.train": 1, "de.dev": 1, "de.test": 1},
    "tydiqa": {"en.train": 1, "fi.test": 1},
    "tatoeba": {"de.test": 2},
    "bucc2018": {"zh-en_zh.dev": 1, "zh-en_en.dev": 2, "zh-en_gold.dev": 1,
                 "zh-en_zh.test": 1, "zh-en_en.test": 2, "zh-en_gold.test": 1},
}  # fmt: skip


@pytest.mark.parametrize("task", sorted(FETCHED))
def test_the_nine_tasks_are_found_locked_and_read(task: str, tmp_path: Path) -> None:
    corpus = CORPORA[f"xtreme-{task}"]
    data = xtreme(tmp_path / "data")
    entry = contact_corpus(corpus, data)
    assert all(len(facts["sha256"]) == 64 and facts["rows"] for facts in entry["files"].values())
    hold_to_lock(corpus, entry, data)
    (tmp_path / "out").mkdir()
    counts = _write(tmp_path / "out", folder_rows(corpus, source_folder(corpus, data)))
    assert counts == {f"{name}.jsonl.gz": rows for name, rows in FETCHED[task].items()}
    if task in TASKS:
        rows = normalised_rows(corpus, tmp_path / "out")
        assert len(rows) == sum(count for name, count in counts.items() if "_gold" not in name)
        for row in rows:
            labels: list[Any] = row.get("tags", [row.get("label")])
            assert not family_of(TASKS[task]).classed or set(labels) <= set(TASKS[task].labels)
            assert len(language_of(row["part"])) == 2
    if task == "tatoeba":
        assert [row["match"] for row in rows] == [1, 0]


def test_a_folder_that_is_not_the_locked_one(tmp_path: Path) -> None:
    corpus = CORPORA["xtreme-udpos"]
    data = xtreme(tmp_path / "data")
    entry = contact_corpus(corpus, data)
    path = data / "xtreme" / "udpos" / "dev-de.tsv"
    before = path.read_text()
    path.write_text(before.replace("soup", "soap").replace("NOUN", "VERB"))
    with pytest.raises(XstiltsError, match=r"udpos/dev-de.tsv has another sha256 than locked \(2 rows\)"):
        hold_to_lock(corpus, entry, data)
    path.unlink()
    with pytest.raises(XstiltsError, match=r"udpos/dev-de.tsv is missing"):
        hold_to_lock(corpus, entry, data)
    path.write_text(before)
    write(data / "xtreme" / "udpos" / "dev-fr.tsv", before)
    with pytest.raises(XstiltsError, match=r"udpos/dev-fr.tsv is not locked"):
        hold_to_lock(corpus, entry, data)


def test_what_the_scripts_leave_without_labels_is_refused(tmp_path: Path) -> None:
    data = xtreme(tmp_path / "data")
    (data / "xtreme" / "labels" / "udpos" / "test-de.tsv").unlink()
    with pytest.raises(XstiltsError, match=r"test-de.tsv has no gold"):
        contact_corpus(CORPORA["xtreme-udpos"], data)


def test_no_folder(tmp_path: Path) -> None:
    corpus = CORPORA["xtreme-udpos"]
    with pytest.raises(XstiltsError, match=r"read from a folder 'xtreme', and there is none"):
        contact_corpus(corpus, None)
    (tmp_path / "xtreme").mkdir()
    with pytest.raises(XstiltsError, match=r"Corpus 'xtreme-udpos' has no file .*Next: run XTREME's"):
        contact_corpus(corpus, tmp_path)


DERIVATIONS = r"""ID=wsj_9001.1 PARSER=GOLD NUMPARSE=1
(<T S[dcl] 0 2> (<T S[dcl] 1 2> (<L NP PRP PRP We NP>) (<T S[dcl]\NP 0 2> (<L (S[dcl]\NP)/NP VBP VBP eat (S[dcl]\NP_1)/NP_2>) (<T NP 0 1> (<L N NN NN and\/or N>) ) ) ) (<L . . . . .>) )
ID=wsj_9001.2 PARSER=GOLD NUMPARSE=1
(<T NP 0 2> (<L LRB -LRB- -LRB- -LRB- LRB>) (<L ((S/S)/N)/N NN NN soup ((S/S)/N)/N>) )
"""  # noqa: E501


def test_derivations_of_ccgbank(tmp_path: Path) -> None:
    corpus = CORPORA["ccgbank"]
    for split in ("train", "dev"):
        write(tmp_path / "ccgbank" / f"{split}.auto", DERIVATIONS)
    entry = contact_corpus(corpus, tmp_path)
    assert {name: facts["rows"] for name, facts in entry["files"].items()} == {"train.auto": 2, "dev.auto": 2}
    hold_to_lock(corpus, entry, tmp_path)
    (tmp_path / "out").mkdir()
    _write(tmp_path / "out", folder_rows(corpus, source_folder(corpus, tmp_path)))
    rows = [row for row in normalised_rows(corpus, tmp_path / "out") if row["split"] == "train"]
    assert [(row["id"], row["document"], row["tokens"], row["tags"]) for row in rows] == [
        ("en:wsj_9001.1", "wsj_9001", ["We", "eat", "and/or", "."], ["NP", r"(S[dcl]\NP)/NP", "N", "."]),
        ("en:wsj_9001.2", "wsj_9001", ["(", "soup"], ["LRB", "other"]),
    ]
    assert len(TASKS["ccg"].labels) == 426 == len(set(TASKS["ccg"].labels))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (DERIVATIONS.split("\n")[1], 1),
        ("ID=a\nID=b\n", 2),
        ("ID=a\n(<L N NN NN soup>)\n", 2),
        ("ID=a\n(<L N NN NN soup N>) (<L N NN NN>)\n", 2),
        (DERIVATIONS + "ID=c PARSER=GOLD\n", 5),
    ],
)
def test_a_line_that_is_no_derivation(text: str, line: int, tmp_path: Path) -> None:
    path = write(tmp_path / "train.auto", text)
    with pytest.raises(XstiltsError, match=rf"train.auto, line {line}"):
        derivation_rows([path], None)
