"""Every family in one tiny study, from rows to a report: tagging, answers, choices, numbers, bitext, text alone."""

import csv
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.conftest import Project, sentences, with_head, write_corpus
from xstilts.files import read_json, read_jsonl, write_json, write_text
from xstilts.scoring.xtreme import check_folder, score_folder

pytestmark = pytest.mark.slow
LANGUAGES = ("en", "de", "zh")


def _texts(language: str, count: int, split: str) -> list[tuple[str, list[str]]]:
    return [(row["id"], row["tokens"]) for row in sentences(language, count, 9, f"{language}-{split}")]


def _paragraph(tokens: list[str], identity: str) -> dict[str, Any]:
    answer = {"text": tokens[1], "answer_start": len(tokens[0]) + 1}
    return {"context": " ".join(tokens), "qas": [{"id": identity, "question": tokens[1], "answers": [answer]}]}


def write_more_data(data: Path) -> None:
    """Corpora of the families that ``write_tiny_data`` has not."""
    write_corpus(
        data / "xquad",
        {f"{each}.test": [_paragraph(t, i) for i, t in _texts(each, 20, "q")] for each in LANGUAGES},
    )
    shifts = {
        f"en_wiki.{split}": [
            _paragraph(tokens, identity) | {"domain": "wiki"} for identity, tokens in _texts("en", 60, split)
        ]
        for split in ("train", "heldout")
    }
    write_corpus(data / "squadshifts", shifts)
    choices: dict[str, list[dict[str, Any]]] = {}
    numbers: dict[str, list[dict[str, Any]]] = {}
    for name in ("en.train", "en.dev", "en.test", "de.test"):
        language, split = name.split(".")
        made = _texts(language, 40, f"{split}-c")
        choices[name] = [
            {"idx": n, "premise": " ".join(t), "question": "cause", "choice1": t[0], "choice2": t[1], "label": n % 2}
            for n, (_, t) in enumerate(made)
        ]
        numbers[name] = [
            {"id": i, "sentence1": " ".join(t), "sentence2": t[0], "score": float(n % 6)}
            for n, (i, t) in enumerate(made)
        ]
    write_corpus(data / "xcopa", choices)
    write_corpus(data / "stsb", numbers)
    pairs = zip(_texts("de", 20, "t"), _texts("en", 20, "t"), strict=True)
    write_corpus(
        data / "tatoeba",
        {"de.test": [{"id": i, "sentence": " ".join(a), "english": " ".join(b)} for (i, a), (_, b) in pairs]},
    )


def write_bitext(folder: Path) -> None:
    """A bitext as XTREME's scripts leave it, with labels beside it; what has a pair has it word for word."""
    for split in ("dev", "test"):
        german = [" ".join(tokens) for _, tokens in _texts("de", 12, f"{split}-b")]
        english = german[:6] + [" ".join(tokens) for _, tokens in _texts("en", 10, f"{split}-b")]
        for side, texts in (("de", german), ("en", english)):
            lines = "".join(f"{side}-{n:09d}\t{text}\n" for n, text in enumerate(texts, 1))
            write_text(folder / f"bucc2018/de-en.{split}.{side}", lines)
        pairs = "".join(f"de-{n:09d}\ten-{n:09d}\n" for n in range(1, 7))
        write_text(folder / ("bucc2018/de-en.dev.gold" if split == "dev" else "labels/bucc2018/test-de.tsv"), pairs)


def test_every_family_goes_from_rows_to_a_report(make_project: Callable[[], Project], tiny_encoder: Path) -> None:
    project = make_project()
    write_more_data(project.data)
    params = YAML().load(project.root / "params.yaml")
    write_bitext(project.data / "xtreme")
    more = ["xquad", "squadshifts", "xcopa", "stsb", "tatoeba", "xtreme-bucc2018"]
    params["corpora"] += more
    params["targets"] |= {
        "xquad": {"corpus": "xquad", "train_corpus": "squadshifts", "languages": list(LANGUAGES), "train_rows": 16,
                  "dev_rows": 20},
        "xcopa": {"corpus": "xcopa", "languages": ["en", "de"], "train_rows": 16, "dev_rows": 20},
        "stsb": {"corpus": "stsb", "languages": ["en", "de"], "train_rows": 16, "dev_rows": 20},
        "tatoeba": {"corpus": "tatoeba", "languages": ["de"], "train_rows": 0, "dev_rows": 0},
        "bucc2018": {"corpus": "xtreme-bucc2018", "languages": ["de"], "train_rows": 0, "dev_rows": 0, "layer": 1},
    }  # fmt: skip
    params["arms"]["blocks"]["answers"] = {"corpus": "squadshifts", "part": "*", "labelled_items": 20}
    params["arms"]["blocks"]["text"] = {
        "corpus": "udpos_domain", "part": "en_gum", "objective": "masked_lm", "labelled_items": 10,
        "dev_items": 4,
        "domains": ["news", "bio"],
    }  # fmt: skip
    params["arms"]["combined"] = {"several": {"gum.news": 0.4, "answers.all": 0.4, "text.news": 0.2}}
    shutil.copytree(with_head(tiny_encoder), project.root / "encoders/tiny-with-head")
    params["encoder"]["local"]["tiny"] += "-with-head"
    YAML().dump(params, project.root / "params.yaml")
    project.xstilts("lock", *(word for corpus in more for word in ("--corpus", corpus)))
    project.dvc("repro")

    with (project.root / "results/quickstart/evaluate/tiny/scores.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["main"] == "true" and row["arm"] != "majority"]
    found = {(row["target"], row["metric"]): set() for row in rows}  # type: ignore[var-annotated]
    for row in rows:
        found[row["target"], row["metric"]] |= {row["language"]}
    assert found == {
        ("udpos", "token_accuracy"): {"en", "de", "zh"},
        ("xquad", "f1"): {"en", "de", "zh"},
        ("xcopa", "accuracy"): {"en", "de"},
        ("stsb", "spearman"): {"en", "de"},
        ("tatoeba", "accuracy"): {"de"},
        ("bucc2018", "f1"): {"de"},
    }
    arms = {row["arm"] for row in rows}
    blocks = {"answers.all", "gum.news", "gum.bio", "gum.court", "gum.essay", "text.news", "text.bio"}
    assert arms == blocks | {"none", "control.word-order", "combined.several"}
    analysis = read_json(project.root / "results/quickstart/analyse/analysis.json")
    assert set(analysis["encoders"]["tiny"]["targets"]) == set(params["targets"])
    assert (project.root / "results/quickstart/report/index.html").stat().st_size > 50_000

    folder = project.root / "submission"
    project.xstilts("submission", "quickstart", "--out", "submission")
    names = {path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.*")}
    wanted = {f"{task}/test-{language}" for task in ("udpos", "xquad") for language in LANGUAGES}
    assert names == wanted | {"tatoeba/test-de", "bucc2018/test-de"}
    pairs = (folder / "bucc2018/test-de.tsv").read_text("utf-8").splitlines()
    assert set(pairs) & {f"de-{n:09d}\ten-{n:09d}" for n in range(1, 7)}, "equal sentences are found"
    assert {fault.what for fault in check_folder(folder)} == {"missing", "the folder is missing"}

    for language in LANGUAGES:
        paragraphs = read_jsonl(project.data / "xquad" / f"{language}.test.jsonl.gz")
        write_json(project.root / f"gold/xquad/test-{language}.json", {"data": [{"paragraphs": paragraphs}]})
    write_text(
        project.root / "gold/bucc2018/test-de.tsv", (project.data / "xtreme/labels/bucc2018/test-de.tsv").read_text()
    )
    official = score_folder(folder, project.root / "gold").tasks
    for target, languages in (("xquad", LANGUAGES), ("bucc2018", ("de",))):
        stored = {row["language"]: row for row in rows if (row["target"], row["arm"]) == (target, "none")}
        for language in languages:
            assert official[target].of("f1", language) == pytest.approx(float(stored[language]["value"]), abs=1e-5)
    reach = (project.root / "results/quickstart/evaluate/tiny/answers_in_reach.csv").read_text("utf-8").splitlines()
    assert len(reach) == 1 + len(LANGUAGES)
