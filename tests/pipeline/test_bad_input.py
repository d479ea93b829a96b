"""Bad input: one paragraph that says what, where, allowed, next; exit code 1; nothing half-written."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Project

Maker = Callable[[], Project]


def told(project: Project, *arguments: str, **environment: str) -> str:
    """What a failing command says."""
    done = project.xstilts(*arguments, check=False, **environment)
    assert done.returncode == 1, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
    lines = [line for line in done.stderr.strip().splitlines() if line]
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("Error: ")
    assert "Next: " in lines[0]
    return lines[0]


def unpacked(path: Path) -> str:
    return gzip.decompress(path.read_bytes()).decode("utf-8")


def edit(path: Path, before: str, after: str) -> None:
    text = path.read_text("utf-8")
    assert before in text
    path.write_text(text.replace(before, after), "utf-8")


def test_an_unknown_key(make_project: Maker) -> None:
    project = make_project()
    edit(project.root / "params.yaml", "learning_rate: 1e-3, passes: 2", "learning_rat: 1e-3, passes: 2")
    message = told(project, "plan")
    assert "Unknown key 'learning_rat', did you mean 'learning_rate'?" in message
    assert "params.yaml, target.default" in message


def test_an_unknown_corpus_and_so_task(make_project: Maker) -> None:
    project = make_project()
    edit(project.root / "params.yaml", "udpos: {corpus: udpos,", "udpos: {corpus: udpo,")
    assert "Unknown corpus 'udpo', did you mean 'udpos'?" in told(project, "plan")


def test_an_unknown_task() -> None:
    from xstilts.errors import XstiltsError
    from xstilts.tasks import task_named

    with pytest.raises(XstiltsError, match=r"Unknown task 'udpo', did you mean 'udpos'\?.*Allowed: .*xnli"):
        task_named("udpo")


def test_an_unknown_stage_study_and_encoder(make_project: Maker) -> None:
    project = make_project()
    assert "did you mean 'target'?" in told(project, "stage", "targt")
    assert "did you mean 'quickstart'?" in told(project, "plan", "quikstart")
    assert "Unknown encoder 'tin', did you mean 'tiny'?" in told(project, "stage", "encoder", "--encoder", "tin")


def test_no_arms(make_project: Maker) -> None:
    project = make_project()
    edit(
        project.root / "params.yaml",
        "    gum: {corpus: udpos_domain, part: en_gum, domains: [news, bio, court, essay]}\n",
        "",
    )
    edit(project.root / "params.yaml", "  blocks:", "  blocks: {}")
    assert "The study has no arms" in told(project, "plan")


def test_a_missing_data_folder(make_project: Maker) -> None:
    project = make_project()
    message = told(project, "stage", "fetch", "--corpus", "udpos", XSTILTS_DATA="")
    assert "XSTILTS_DATA is not set" in message
    message = told(project, "stage", "fetch", "--corpus", "udpos", XSTILTS_DATA=str(project.root))
    assert "No folder for corpus 'udpos'" in message
    assert not list((project.root / "data").glob("*/*/*"))


def test_a_truncated_file(make_project: Maker) -> None:
    project = make_project()
    path = project.data / "udpos" / "de.test.jsonl.gz"
    path.write_bytes(path.read_bytes()[:-30])
    message = told(project, "lock", "--corpus", "udpos")
    assert "Truncated or damaged file" in message
    assert "de.test.jsonl.gz, line " in message


def test_changed_data_are_seen_before_anything_runs(make_project: Maker) -> None:
    project = make_project()
    path = project.data / "udpos" / "en.train.jsonl.gz"
    test_row = unpacked(project.data / "udpos" / "en.test.jsonl.gz").splitlines(keepends=True)[0]
    planted = json.loads(test_row) | {"id": "planted-1"}
    rows = unpacked(path) + json.dumps(planted) + "\n"
    path.write_bytes(gzip.compress(rows.encode("utf-8"), mtime=0))
    message = told(project, "repro", "--no-sync")
    assert "en.train.jsonl.gz has 41 rows and another sha256 than locked (40 rows)" in message
    assert "rows that also stand in a dev or test file: planted-1" in message
    assert not (project.root / "data").exists()


def validated(project: Project, *corpora: str) -> None:
    for corpus in corpora:
        project.xstilts("stage", "fetch", "--corpus", corpus)
        project.xstilts("stage", "validate", "--corpus", corpus)


def test_a_label_outside_the_set(make_project: Maker) -> None:
    project = make_project()
    path = project.data / "udpos" / "de.test.jsonl.gz"
    lines = unpacked(path).splitlines()
    row = json.loads(lines[2])
    row["tags"][0] = "NOUNS"
    lines[2] = json.dumps(row)
    path.write_bytes(gzip.compress(("\n".join(lines) + "\n").encode("utf-8"), mtime=0))
    project.lock()
    project.xstilts("stage", "fetch", "--corpus", "udpos")
    message = told(project, "stage", "validate", "--corpus", "udpos")
    assert "unknown_labels" in message
    assert f"de:{row['id']}" in message
    assert not (project.root / "data" / "quickstart" / "validate").exists()
    assert (project.root / "results" / "quickstart" / "validate" / "udpos" / "data_docs" / "index.html").is_file()


def test_a_planted_row_stops_the_validation_and_is_named(make_project: Maker) -> None:
    project = make_project()
    path = project.data / "udpos" / "en.train.jsonl.gz"
    test_row = unpacked(project.data / "udpos" / "en.test.jsonl.gz").splitlines(keepends=True)[0]
    rows = unpacked(path) + test_row
    path.write_bytes(gzip.compress(rows.encode("utf-8"), mtime=0))
    project.lock()
    project.xstilts("stage", "fetch", "--corpus", "udpos")
    message = told(project, "stage", "validate", "--corpus", "udpos")
    assert f"en:{json.loads(test_row)['id']}" in message


def test_a_language_without_rows(make_project: Maker) -> None:
    project = make_project()
    edit(project.root / "params.yaml", "languages: [en, de, zh]", "languages: [en, de, zh, fr]")
    project.xstilts("stage", "fetch", "--corpus", "udpos")
    message = told(project, "stage", "validate", "--corpus", "udpos")
    assert "expected_languages" in message
    assert "fr" in message


def test_too_few_rows_for_an_arm(make_project: Maker) -> None:
    project = make_project()
    edit(project.root / "params.yaml", "labelled_items: 200", "labelled_items: 20000")
    validated(project, "udpos", "udpos_domain")
    message = told(project, "stage", "arms")
    assert "of 20000 labelled tokens in domain" in message
    assert not (project.root / "data" / "quickstart" / "arms").exists()


def test_a_stale_stamp(make_project: Maker) -> None:
    project = make_project()
    validated(project, "udpos", "udpos_domain")
    project.xstilts("stage", "arms")
    edit(project.root / "params.yaml", "labelled_items: 200", "labelled_items: 150")
    assert "The stamp on the arms is stale: arms or targets in params.yaml changed" in told(project, "stage", "diverge")
    edit(project.root / "params.yaml", "labelled_items: 150", "labelled_items: 200")
    project.xstilts("stage", "diverge")
    table = project.root / "data" / "quickstart" / "arms" / "arms" / "gum.news" / "train.parquet"
    table.write_bytes(table.read_bytes() + b"x")
    assert "gum.news/train.parquet is not the file that was checked" in told(
        project, "stage", "tune", "--encoder", "tiny"
    )
    (table.parents[2] / "stamp.json").unlink()
    assert "there is no stamp" in told(project, "stage", "target", "--encoder", "tiny")


def test_a_wrong_hash_of_a_local_encoder(make_project: Maker) -> None:
    project = make_project()
    project.xstilts("lock", "--encoder", "tiny")
    weights = project.root / "encoders" / "tiny" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    assert "model.safetensors has sha256" in told(project, "stage", "encoder", "--encoder", "tiny")
    assert not (project.root / "models" / "quickstart" / "encoder" / "tiny").exists()


def test_an_unlocked_hub_encoder(make_project: Maker) -> None:
    project = make_project()
    edit(project.root / "params.yaml", "encoders: [tiny]", "encoders: [xlm-r-base]")
    message = told(project, "stage", "encoder", "--encoder", "xlm-r-base")
    assert "Encoder 'xlm-r-base' has no revision locked" in message


def test_outside_a_project(tmp_path: Path, make_project: Maker) -> None:
    project = make_project()
    project.root = tmp_path
    assert "This is no xstilts project" in told(project, "plan")
