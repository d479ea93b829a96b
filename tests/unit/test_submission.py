"""A submission's damage, each kind named with file, line and expectation; and its making from a study."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.conftest import TINY_PARAMS
from tests.xtreme_folder import write_folders
from xstilts.cli.app import app
from xstilts.errors import XstiltsError
from xstilts.files import write_json, write_jsonl
from xstilts.scoring.xtreme import FILES, check_folder
from xstilts.tables import write_rows

Damage = Callable[[Path], Any]


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    return write_folders(tmp_path)


def text(file: str, content: str) -> Damage:
    return lambda folder: (folder / file).write_bytes(content.encode("utf-8"))


def test_a_whole_folder_has_no_fault(folders: tuple[Path, Path]) -> None:
    assert not check_folder(*folders)
    assert not check_folder(folders[0])


XNLI, UDPOS, XQUAD = "xnli/test-zh.tsv", "udpos/test-th.tsv", "xquad/test-ar.json"
RIGHT = '{\n"ar-0": "x",\n"ar-1": "y",\n"ar-2": "z"\n}'
DAMAGES: dict[str, tuple[Damage, str, int | None, str, str]] = {
    "missing file": (lambda folder: (folder / XNLI).unlink(), XNLI, None, "missing", "test-zh.tsv: one label a line"),
    "missing task folder": (
        lambda folder: shutil.rmtree(folder / "mlqa"),
        "mlqa", None, "the folder is missing", "a folder with 7 files, such as mlqa/test-en.json",
    ),
    "wrong extension": (
        lambda folder: (folder / XNLI).rename(folder / "xnli/test-zh.txt"),
        XNLI, None, "missing; test-zh.txt has a wrong extension", "test-zh.tsv: one label a line",
    ),
    "language of another task": (
        text("pawsx/test-ar.tsv", "0\n"), "pawsx/test-ar.tsv", None, "is no file of the task", "languages de en es",
    ),
    "no task's folder": (lambda folder: (folder / "xcopa").mkdir(), "xcopa", None, "belongs to no task", "folders"),
    "too few lines": (text(XNLI, "entailment\nneutral\n"), XNLI, 3, "too few lines: 2", "3 lines"),
    "too many lines": (text(XNLI, "entailment\n" * 5), XNLI, 4, "too many lines: 5", "3 lines"),
    "no line at all": (text(XNLI, ""), XNLI, 1, "too few lines: 0", "3 lines"),
    "unknown label": (
        text(XNLI, "entailment\ncontradictory\nneutral\n"),
        XNLI, 2, "unknown label 'contradictory'", "one of contradiction, entailment, neutral",
    ),
    "label with its sentence": (
        text(XNLI, "entailment\t你好\nneutral\nneutral\n"), XNLI, 1, r"unknown label 'entailment\t你好'", "one of",
    ),
    "empty line inside labels": (text(XNLI, "entailment\n\nneutral\n"), XNLI, 2, "an empty line", "on every line"),
    "unknown tag": (
        text(UDPOS, "ADP\nADV\n\nCONJ\n\nADV\nADV\n"), UDPOS, 4, "unknown tag 'CONJ'", "one of ADJ, ADP, ADV",
    ),
    "sentence boundary moved": (
        text(UDPOS, "ADP\nADV\nADP\n\nADV\n\nADV\n"),
        UDPOS, 1, "a sentence boundary has moved: sentence 1 begins here with 3 tags", "5 tags in 3 sentences, 2",
    ),
    "empty line inside a sentence": (
        text(UDPOS, "ADP\nADV\n\nADP\n\nADV\n\nADV\n"),
        UDPOS, 6, "a sentence boundary has moved: sentence 3 begins here with 1 tags", "5 tags in 3 sentences",
    ),
    "two empty lines": (text(UDPOS, "ADP\nADV\n\n\nADP\n\nADV\nADV\n"), UDPOS, 4, "an empty line where a", "5 tags"),
    "too few tags": (text(UDPOS, "ADP\nADV\n\nADP\n"), UDPOS, 5, "too few lines: 3 tags in 2 sentences", "5 tags in 3"),
    "too many tags": (
        text(UDPOS, "ADP\nADV\n\nADP\nADV\n\nADV\nADV\n"),
        UDPOS, 4, "too many lines: 6 tags in 3 sentences; sentence 2 begins here with 2 tags", "1 of them in",
    ),
    "invalid JSON": (text(XQUAD, '{\n"ar-0": "x",\n"ar-1"\n}'), XQUAD, 4, "invalid JSON", "one JSON value"),
    "no JSON object": (text(XQUAD, '["x"]'), XQUAD, 1, "no JSON object", "question id to answer"),
    "answer that is no text": (
        text(XQUAD, RIGHT.replace('"y"', "null")), XQUAD, 3, "the answer to 'ar-1' is null, no text", "text",
    ),
    "missing ids": (
        text(XQUAD, '{"ar-1": "y"}'), XQUAD, None, "no answer to 'ar-0' (and 1 more)", "each of the 3 questions",
    ),
    "unknown ids": (
        text(XQUAD, RIGHT.replace("}", ', "ar-9": "x"\n}')), XQUAD, 5, "unknown question 'ar-9'", "gold's questions",
    ),
    "id twice": (text(XQUAD, RIGHT.replace("}", ', "ar-2": "x"\n}')), XQUAD, 4, "'ar-2' stands more than once", "once"),
    "malformed pair": (
        text("bucc2018/test-zh.tsv", "zh-000000001\ten-000000002\nzh-000000003 en-000000004\n"),
        "bucc2018/test-zh.tsv", 2, "no pair of ids: 'zh-000000003 en-000000004'", "zh-000000001<TAB>en-000000002",
    ),
    "pair the wrong way round": (
        text("bucc2018/test-de.tsv", "en-01\tde-02\n"), "bucc2018/test-de.tsv", 1, "no pair of ids", "de-",
    ),
    "pair twice": (
        text("bucc2018/test-de.tsv", "de-1\ten-2\nde-1\ten-2\n"), "bucc2018/test-de.tsv", 1, "stands more than", "once",
    ),
    "index out of range": (
        text("tatoeba/test-te.tsv", "0\n3\n1\n"), "tatoeba/test-te.tsv", 2, "index 3 is out of range", "0 to 2",
    ),
    "index that is no number": (
        text("tatoeba/test-te.tsv", "0\n-1\n٣\n"), "tatoeba/test-te.tsv", 2, "no index: '-1' (and 1 more)", "from 0",
    ),
    "not UTF-8": (
        lambda folder: (folder / XNLI).write_bytes("entailment\nnéutral\n".encode("latin-1")),
        XNLI, 2, "not UTF-8: byte 0xe9", "UTF-8",
    ),
    "byte-order mark": (
        lambda folder: (folder / XNLI).write_bytes(b"\xef\xbb\xbf" + (folder / XNLI).read_bytes()),
        XNLI, 1, "begins with a byte-order mark", "UTF-8 without one",
    ),
    "CR LF": (
        lambda folder: (folder / UDPOS).write_bytes((folder / UDPOS).read_bytes().replace(b"\n", b"\r\n")),
        UDPOS, 1, "lines end in CR LF, or CR", "LF alone",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGES)
def test_each_damage_is_named_once(folders: tuple[Path, Path], name: str) -> None:
    damage, file, line, what, expected = DAMAGES[name]
    damage(folders[0])
    (fault,) = check_folder(*folders)
    assert (fault.file, fault.line) == (file, line)
    assert what in fault.what
    assert expected in fault.expected


@pytest.mark.parametrize("name", ["two empty lines", "unknown label", "not UTF-8", "malformed pair", "invalid JSON"])
def test_form_is_checked_without_gold(folders: tuple[Path, Path], name: str) -> None:
    damage, file, line, *_ = DAMAGES[name]
    damage(folders[0])
    assert [(fault.file, fault.line) for fault in check_folder(folders[0])] == [(file, line)]


def test_all_damages_are_listed_together(folders: tuple[Path, Path]) -> None:
    for name in ("missing task folder", "unknown label", "too few tags", "not UTF-8", "malformed pair", "missing ids"):
        DAMAGES[name][0](folders[0])
    told = CliRunner().invoke(app, ["submission", "--check", str(folders[0]), "--gold", str(folders[1])])
    assert told.exit_code == 1
    assert "5 faults" in told.output
    for file in ("mlqa", UDPOS, XNLI, "bucc2018/test-zh.tsv", XQUAD):
        assert file in told.output


def test_check_of_a_whole_folder_ends_well(folders: tuple[Path, Path]) -> None:
    done = CliRunner().invoke(app, ["submission", "--check", str(folders[0])])
    assert done.exit_code == 0
    assert "162 files, no fault" in done.output


def test_score_lists_every_fault_and_fails(tmp_path: Path, folders: tuple[Path, Path]) -> None:
    for name in ("missing file", "too many tags", "invalid JSON"):
        DAMAGES[name][0](folders[0])
    report = tmp_path / "scores.json"
    arguments = ["score", str(folders[0]), "--gold", str(folders[1]), "--json", str(report)]
    told = CliRunner().invoke(app, arguments)
    assert told.exit_code == 1
    assert all(file in told.output for file in (XNLI, UDPOS, XQUAD))
    faults = json.loads(report.read_text("utf-8"))["faults"]
    assert [fault["file"] for fault in faults] == [XNLI, UDPOS, XQUAD]


def test_score_of_a_whole_folder(tmp_path: Path, folders: tuple[Path, Path]) -> None:
    done = CliRunner().invoke(app, ["score", str(folders[0]), "--gold", str(folders[1])])
    assert done.exit_code == 0
    assert "100.00" in done.output


def test_a_users_text_is_no_markup(folders: tuple[Path, Path]) -> None:
    (folders[0] / XNLI).write_text("[bold]\n\x1b[31m\nneutral\n")
    told = CliRunner().invoke(app, ["submission", "--check", str(folders[0])])
    assert "[bold]" in told.output
    assert "\x1b[31m" not in told.output


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose study has predictions for udpos in three languages and tatoeba in one."""
    root = tmp_path / "project"
    root.mkdir()
    params = TINY_PARAMS.format(
        study="quickstart", wdir=".", params="params.yaml", domains="news, bio, court, essay", trials=0
    )
    target = "  udpos: {corpus: udpos, languages: [en, de, zh], train_rows: 16, dev_rows: 20, test_rows: 10}\n"
    more = "  tatoeba: {corpus: tatoeba, languages: [en, th], train_rows: 0, dev_rows: 1}\n"
    params = params.replace(target, target + more).replace("[udpos, udpos_domain]", "[udpos, udpos_domain, tatoeba]")
    (root / "params.yaml").write_text(params)
    (root / "dvc.yaml").touch()
    (root / "sources.lock").touch()
    targets = {
        "udpos": {"task": "udpos", "corpus": "udpos", "inputs": {"en": {}, "de": {}, "zh": {}}},
        "tatoeba": {"task": "tatoeba", "corpus": "tatoeba", "inputs": {"th": {}}},
        "panx": {"task": "panx", "corpus": "synthetic-entities", "inputs": {"en": {}}},
    }
    write_json(root / "data/quickstart/arms/arms.json", {"targets": targets, "arms": {"gum.news": {}}})
    cells = root / "models/quickstart/target/tiny"
    rows = [
        {"arm": "none", "target": name, "seed": 0, "variant": "main", "path": f"none/{name}/seed-0"}
        for name in ("udpos", "tatoeba")
    ]
    write_jsonl(cells / "index.jsonl", rows)
    for language in ("en", "de", "zh"):
        drawn = [{"id": f"{language}:b", "prediction": ["NOUN"]}, {"id": f"{language}:a", "prediction": ["DET", "X"]}]
        write_jsonl(cells / f"none/udpos/seed-0/predictions/{language}.jsonl", drawn)
        source = [{"id": f"{language}:{name}"} for name in "abc"]
        write_rows(root / f"data/quickstart/validate/udpos/inputs/{language}.test.parquet", source, ["id"])
    found = [{"id": f"th:{place}", "prediction": 1 - place} for place in range(2)]
    write_jsonl(cells / "none/tatoeba/seed-0/predictions/th.jsonl", found)
    monkeypatch.chdir(root)
    return root


def test_a_submission_is_written_in_the_sources_order(project: Path) -> None:
    wide = {"COLUMNS": "400"}
    done = CliRunner().invoke(app, ["submission", "quickstart"], env=wide, catch_exceptions=False)
    assert done.exit_code == 0
    out = project / "build/submission/quickstart/tiny-none-seed-0"
    written = sorted(path.relative_to(out).as_posix() for path in out.rglob("*.tsv"))
    assert written == ["tatoeba/test-th.tsv", "udpos/test-de.tsv", "udpos/test-en.tsv", "udpos/test-zh.tsv"]
    assert (out / "udpos/test-zh.tsv").read_text() == "DET\nX\n\nNOUN\n"
    assert (out / "tatoeba/test-th.tsv").read_text() == "1\n0\n"
    assert "Wrote 4 of 162 files" in done.output
    assert "158 are missing" in done.output
    assert "the study has no such target" in done.output
    assert "target 'udpos' has no such language" in done.output
    assert "target 'panx' is on corpus 'synthetic-entities', which is not XTREME's text" in done.output
    assert "a sample of 10 rows a language" in done.output


def test_a_former_submission_is_replaced_and_nothing_else(project: Path, tmp_path: Path) -> None:
    out = tmp_path / "mine"
    arguments = ["submission", "--out", str(out)]
    for _ in range(2):
        assert CliRunner().invoke(app, arguments, catch_exceptions=False).exit_code == 0
    (out / "thesis.tex").touch()
    with pytest.raises(XstiltsError, match=r"holds what is no submission: thesis\.tex"):
        CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert (out / "thesis.tex").exists()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--arm", "gum.new"], "Unknown arm 'gum.new', did you mean 'gum.news'"),
        (["--arm", "gum.news"], "has no predictions for XTREME: .*udpos: no cell of arm 'gum.news', seed 0"),
        (["--seed", "7"], "Unknown seed '7'"),
        (["--encoder", "tinny"], "Unknown encoder 'tinny'"),
        (["--gold", "x"], "--gold serves --check alone"),
        (["--check", "absent"], "There is no such folder"),
    ],
)
def test_wrong_options_write_nothing(project: Path, options: list[str], told: str) -> None:
    with pytest.raises(XstiltsError, match=told):
        CliRunner().invoke(app, ["submission", *options], catch_exceptions=False)
    assert not [path for path in project.glob("build/**/*") if path.is_file()]


def test_predictions_that_do_not_fit_leave_nothing_half_written(project: Path, tmp_path: Path) -> None:
    bad = [{"id": "th:0", "prediction": "second"}]
    write_jsonl(project / "models/quickstart/target/tiny/none/tatoeba/seed-0/predictions/th.jsonl", bad)
    out = tmp_path / "mine"
    with pytest.raises(XstiltsError, match="does not fit into XTREME's file: no index: 'second'"):
        CliRunner().invoke(app, ["submission", "--out", str(out)], catch_exceptions=False)
    assert not out.exists()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".mine")]


def test_what_is_written_passes_its_own_check_but_for_what_is_missing(project: Path, tmp_path: Path) -> None:
    out = tmp_path / "mine"
    CliRunner().invoke(app, ["submission", "--out", str(out)], catch_exceptions=False)
    told = check_folder(out)
    assert {fault.what for fault in told} == {"missing", "the folder is missing"}
    assert sum(fault.what == "missing" for fault in told) == 30 + 35
    assert len(FILES) == 162
