"""What users do to a study, on a tiny one, through DVC: repeat it, grow it, clone it, break it, watch it in MLflow."""

import csv
import gzip
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Project
from xstilts.files import read_json, read_jsonl

pytestmark = pytest.mark.slow
Maker = Callable[[], Project]
COUNTS = re.compile(r"^(\S+): (\d+) cells, (\d+) reused(?: \((\d+) from DVC\))?, (\d+) to train$", re.MULTILINE)
"""What a grid stage says of its cells."""


def cells_of(output: str) -> dict[str, tuple[int, int]]:
    """Stage to (reused, trained), summed over the times it ran."""
    found: dict[str, tuple[int, int]] = {}
    for name, _, reused, _, trained in COUNTS.findall(output):
        before = found.get(name, (0, 0))
        found[name] = (before[0] + int(reused), before[1] + int(trained))
    return found


def ran(output: str) -> list[str]:
    """Stages that DVC ran, in order."""
    return re.findall(r"^Running stage '([^']+)'", output, re.MULTILINE)


def models(project: Project) -> dict[str, str]:
    """Every file below models/, with its content's fingerprint."""
    from xstilts.files import sha256_of

    folder = project.root / "models"
    return {str(path.relative_to(folder)): sha256_of(path) for path in sorted(folder.rglob("*")) if path.is_file()}


def add_arm(project: Project) -> None:
    params = project.root / "params.yaml"
    text = params.read_text()
    assert "court, essay]" in text
    params.write_text(text.replace("court, essay]", "court, essay, vlog]"))


def with_tuning(project: Project) -> Project:
    project.write_study(trials=2)
    return project


def test_repeat_then_add_an_arm(make_project: Maker) -> None:
    project = with_tuning(make_project())
    first = project.dvc("repro").stdout
    trained = cells_of(first)
    assert trained["intermediate-tiny"][1] == 5, "four arms and the control"
    assert trained["target-tiny"] == (0, 7), "none, its plateau, four arms, the control"
    second = project.dvc("repro").stdout
    assert ran(second) == []
    assert "Data and pipelines are up to date." in second
    assert "xstilts sync quickstart" in first.strip().splitlines()[-1] or "xstilts sync" in first

    before = models(project)
    add_arm(project)
    third = cells_of(project.dvc("repro").stdout)
    assert third["intermediate-tiny"] == (5 + 6, 1), "the new arm's alone; stage target finds all six"
    assert third["target-tiny"] == (7, 1)
    assert all(count == 0 for name, (_, count) in third.items() if name.startswith("tune-")), third
    after = models(project)
    same = [name for name in before if name.startswith("quickstart/target/") and name.endswith(".jsonl")]
    assert [name for name in same if "/gum.vlog/" not in name and not name.endswith("index.jsonl")]
    for name in same:
        if "/predictions/" in name:
            assert after[name] == before[name], name


def test_a_clone_that_pulled_trains_only_what_is_new(make_project: Maker, tmp_path: Path) -> None:
    project = with_tuning(make_project())
    project.dvc("remote", "add", "-d", "store", str(tmp_path / "remote"))
    project.dvc("repro")
    project.run("git", "add", "-A", "-f", "encoders")
    project.run("git", "add", "-A")
    project.run("git", "commit", "-qm", "all")
    project.dvc("push", "-q")
    project.run("git", "clone", "-q", str(project.root), str(tmp_path / "clone"))
    clone = Project(tmp_path / "clone", project.data)
    clone.dvc("config", "--local", "cache.dir", str(tmp_path / "clone-cache"))
    clone.dvc("pull", "-q", "--allow-missing")
    assert not (clone.root / ".xstilts" / "cells").exists()
    assert not (clone.root / "data" / "quickstart" / "arms").exists(), "text of corpora is never pushed"
    again = ran(clone.dvc("repro").stdout)
    assert {name.split("@")[0] for name in again} == {"fetch", "validate", "arms"}, again
    add_arm(clone)
    output = clone.dvc("repro").stdout
    found = cells_of(output)
    assert found["intermediate-tiny"][1] == 1, output
    assert found["target-tiny"] == (7, 1), output
    assert sum(count for _, count in found.values()) == 2, output

    text = (clone.root / "params.yaml").read_text()
    shutil.rmtree(clone.root / ".xstilts")
    (clone.root / "params.yaml").write_text(text.replace("train_rows: 16", "train_rows: 12"))
    later = cells_of(clone.dvc("repro").stdout)
    assert later["intermediate-tiny"][1] == 0, "a changed target phase takes the checkpoints from models/"


def test_a_planted_test_row_stops_everything_and_undoing_it_runs_nothing(make_project: Maker) -> None:
    project = make_project()
    project.dvc("repro")
    before = models(project)
    path = project.data / "udpos" / "en.train.jsonl.gz"
    original = path.read_bytes()
    test_row = gzip.decompress((project.data / "udpos" / "en.test.jsonl.gz").read_bytes()).decode().splitlines()[3]
    identity = json.loads(test_row)["id"]
    planted = gzip.decompress(original).decode() + test_row + "\n"
    path.write_bytes(gzip.compress(planted.encode("utf-8"), mtime=0))

    seen = project.xstilts("repro", "--no-sync", check=False)
    assert seen.returncode == 1
    assert identity in seen.stderr
    assert models(project) == before

    project.lock()
    accepted = project.dvc("repro", check=False)
    assert accepted.returncode != 0
    assert f"en:{identity}" in accepted.stderr
    assert models(project) == before

    path.write_bytes(original)
    project.lock()
    undone = project.dvc("repro").stdout
    assert set(ran(undone)) <= {"fetch@udpos", "validate@udpos"}, undone
    assert models(project) == before


def test_tuning_rescues_a_hopeless_default(make_project: Maker) -> None:
    project = make_project()
    params = project.root / "params.yaml"
    text = params.read_text().replace("learning_rate: 1e-3", "learning_rate: 1e-9")
    text = text.replace("trials: 0, batch: 2", "trials: 8, batch: 4, learning_rate: [1e-4, 2e-2]")
    params.write_text(text.replace("passes: 2,", "passes: 12,"))
    for corpus in ("udpos", "udpos_domain"):
        project.xstilts("stage", "fetch", "--corpus", corpus)
        project.xstilts("stage", "validate", "--corpus", corpus)
    project.xstilts("stage", "encoder", "--encoder", "tiny")
    project.xstilts("stage", "arms")
    project.xstilts("stage", "tune", "--encoder", "tiny")
    folder = project.root / "results" / "quickstart" / "tune" / "tiny"
    best = read_json(folder / "best.json")
    with (folder / "trials.csv").open(newline="") as file:
        trials = list(csv.DictReader(file))
    for phase, name in (("intermediate", "udpos"), ("target", "udpos")):
        mine = [row for row in trials if (row["phase"], row["name"]) == (phase, name)]
        assert len(mine) == 9, "eight trials and the untuned default"
        (untuned,) = [float(row["objective"]) for row in mine if float(row["learning_rate"]) == 1e-9]
        (chosen,) = {
            float(row["objective"]) for row in mine if float(row["learning_rate"]) == best[phase][name]["learning_rate"]
        }
        assert chosen > untuned + 5.0
    again = (folder / "best.json").read_bytes(), (folder / "trials.csv").read_bytes()
    shutil.rmtree(project.root / ".xstilts")
    project.xstilts("stage", "tune", "--encoder", "tiny")
    assert ((folder / "best.json").read_bytes(), (folder / "trials.csv").read_bytes()) == again, "tuning repeats"


def tracked(project: Project, uri: str) -> Any:
    from mlflow import MlflowClient

    return MlflowClient(uri)


def test_mlflow_run_twice_from_a_clean_clone(make_project: Maker, tmp_path: Path) -> None:
    from tests.conftest import ROOT

    project = make_project()
    for name in ("MLproject", "python_env.yaml", "requirements.txt"):
        shutil.copy(ROOT / name, project.root)
    project.write_study("smoke", domains="news, bio")
    project.run("git", "add", "-A")
    project.run("git", "add", "-f", "encoders")
    project.run("git", "commit", "-qm", "all")
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    environment = {"MLFLOW_TRACKING_URI": uri, "MLFLOW_DISABLE_TELEMETRY": "true"}
    for number in range(2):
        clone = tmp_path / f"clone-{number}"
        project.run("git", "clone", "-q", str(project.root), str(clone))
        results = tmp_path / f"results-{number}"
        done = Project(clone, project.data).run(
            "mlflow", "run", ".", "--env-manager", "local", "-P", "study=smoke", "-P", f"results_to={results}",
            **environment,
        )  # fmt: skip
        assert (results / "smoke" / "report" / "index.html").is_file(), done.stderr[-2000:]
    client = tracked(project, uri)
    outer = client.search_runs([client.get_experiment_by_name("Default").experiment_id])
    assert [run.info.status for run in outer] == ["FINISHED", "FINISHED"]
    runs = client.search_runs([client.get_experiment_by_name("xstilts/smoke").experiment_id], max_results=1000)
    kinds: dict[str, list[Any]] = {}
    for run in runs:
        kinds.setdefault(run.data.tags["xstilts.kind"], []).append(run)
    assert len(kinds["study"]) == 2
    assert {run.data.tags["mlflow.parentRunId"] for run in kinds["study"]} == {run.info.run_id for run in outer}
    cells = [
        (run.data.tags["mlflow.parentRunId"], run.data.tags["cell_key"], run.data.tags["variant"])
        for run in kinds["cell"]
    ]
    assert len(cells) == len(set(cells)) == 2 * (3 + 5)
    assert {run.info.status for run in runs} == {"FINISHED"}


def test_every_cell_is_a_run_and_models_predict_what_was_stored(make_project: Maker, tmp_path: Path) -> None:
    import mlflow
    import pandas as pd

    from xstilts.tables import read_rows

    project = make_project()
    project.xstilts("repro")
    uri = f"sqlite:///{project.root / 'mlflow.db'}"
    client = tracked(project, uri)
    runs = client.search_runs([client.get_experiment_by_name("xstilts/quickstart").experiment_id], max_results=1000)
    by_kind: dict[str, list[Any]] = {}
    for run in runs:
        by_kind.setdefault(run.data.tags["xstilts.kind"], []).append(run)
    folders = [project.root / "models" / "quickstart" / phase / "tiny" for phase in ("intermediate", "target")]
    index = [row for folder in folders for row in read_jsonl(folder / "index.jsonl")]
    assert sorted(run.data.tags["cell_key"] for run in by_kind["cell"]) == sorted(row["key"] for row in index)
    stages = {run.info.run_id: run for run in by_kind["stage"]}
    (study,) = by_kind["study"]
    assert {run.data.tags["mlflow.parentRunId"] for run in stages.values()} == {study.info.run_id}
    for run in by_kind["cell"]:
        assert run.data.tags["mlflow.parentRunId"] in stages
        assert {"arm", "seed", "git_commit", "git_dirty", "params_sha", "encoder", "phase"} <= set(run.data.tags)
        assert {"learning_rate", "steps", "batch_size"} <= set(run.data.params)
        assert len(client.get_metric_history(run.info.run_id, "loss")) > 1
        assert run.inputs.dataset_inputs
    count = len(runs)
    assert "0 runs made" in project.xstilts("sync").stdout
    assert len(client.search_runs([study.info.experiment_id], max_results=1000)) == count

    mlflow.set_tracking_uri(uri)
    model = mlflow.pyfunc.load_model("models:/quickstart.tiny.udpos@champion")
    version = client.get_model_version_by_alias("quickstart.tiny.udpos", "champion")
    assert version.description.startswith("# quickstart.tiny.udpos")
    assert model.metadata.signature is not None
    champion = ("udpos", "main", version.tags["intermediate"])
    cell = next(row for row in index if (row["target"], row["variant"], row["arm"]) == champion)
    for language in ("en", "de", "zh"):
        rows = read_rows(project.root / f"data/quickstart/arms/targets/udpos/inputs/{language}.parquet")
        stored = read_jsonl(
            project.root / "models/quickstart/target/tiny" / cell["path"] / "predictions" / f"{language}.jsonl"
        )
        found = model.predict(pd.DataFrame({"tokens": [list(row["tokens"]) for row in rows]}))
        assert [list(tags) for tags in found] == [row["prediction"] for row in stored], language
