"""Mirror a study's files to MLflow: study run > stage run > cell run; safe to repeat."""

import csv
import datetime
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from xstilts.errors import XstiltsError
from xstilts.files import Json, read_json, read_jsonl, sha256_of_json
from xstilts.layout import Layout
from xstilts.scoring import is_scored
from xstilts.tracking.registry import register_models
from xstilts.tracking.runs import Runs
from xstilts.tracking.store import Store, opened

LABELS = ("encoder", "arm", "domain", "block", "target", "seed", "phase", "variant")
PHASES = ("intermediate", "target")
ENGLISH = "en"


@dataclass(frozen=True, slots=True)
class SyncSummary:
    """What a sync did."""

    uri: str
    experiment: str
    cells: int
    made: int
    registered: int

    def __str__(self) -> str:
        return (
            f"sync: {self.cells} cells of experiment {self.experiment} mirrored to {self.uri}, {self.made} runs made, "
            f"{self.registered} model versions registered"
        )


def sync_study(
    study: str, root: Path, *, tracking_uri: str | None, params: Mapping[str, Json], params_sha: str
) -> SyncSummary:
    """Mirror everything of a study that is on disk.

    Args:
        study: its name.
        root: the project's root.
        tracking_uri: the store; nothing for the environment's or the project's own.
        params: the study's parameters, flat.
        params_sha: sha256 of its params.yaml; with the outer run it names the study run.

    Raises:
        XstiltsError: if the store does not answer.
    """
    with opened(root, tracking_uri) as store:
        return _Mirror(store, Layout(root, study), params, params_sha).everything()


def follow(
    study: str,
    root: Path,
    *,
    tracking_uri: str | None,
    params: Mapping[str, Json],
    params_sha: str,
    is_running: Callable[[], bool],
    interval_s: float,
) -> None:
    """Mirror finished cells again and again while a study runs; a store that is away is tried again later."""
    while is_running():
        try:
            with opened(root, tracking_uri) as store:
                _Mirror(store, Layout(root, study), params, params_sha).cells()
        except XstiltsError as error:
            print(error, flush=True)
        waited = 0.0
        while waited < interval_s and is_running():
            time.sleep(0.5)
            waited += 0.5


def git_state(root: Path) -> dict[str, str]:
    """Commit, and whether tracked files differ from it."""

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    commit = git("rev-parse", "HEAD")
    dirty = bool(git("status", "--porcelain", "--untracked-files=no"))
    return {"git_commit": commit, "mlflow.source.git.commit": commit, "git_dirty": str(dirty).lower()}


class _Mirror:
    """One sync of one study."""

    def __init__(self, store: Store, layout: Layout, params: Mapping[str, Json], params_sha: str) -> None:
        self.store, self.layout, self.params, self.params_sha = store, layout, params, params_sha
        self.experiment = f"xstilts/{layout.study}"
        self.runs = Runs.of(store, self.experiment)
        self.tags = {"study": layout.study, "params_sha": params_sha, **git_state(layout.root)}
        self.root_identity = f"study/{params_sha}/{store.outer_run or ''}"
        self.scores = self._all_scores()
        self.gains = self._all_gains()
        arms = layout.data("arms", "arms.json")
        self.arms: Json = read_json(arms) if arms.is_file() else {"arms": {}, "targets": {}}

    def everything(self) -> SyncSummary:
        """Cells, trials, the study's own figures and files, and the registry."""
        run = self._study_run()
        count = self.cells()
        self._trials(run)
        self._study_files(run)
        registered = register_models(self.store, self.runs, run, self.layout)
        return SyncSummary(self.store.uri, self.experiment, count, self.runs.made, registered)

    def _study_run(self) -> str:
        known = self.root_identity in self.runs.known
        run = self.runs.run("study", self.root_identity, self.layout.study, self.tags, self.store.outer_run)
        if not known:
            self.runs.log(run, params=self.params)
        return run

    def _stage_run(self, phase: str, encoder: str) -> str:
        identity = f"{self.root_identity}/{phase}/{encoder}"
        tags = {**self.tags, "stage": phase, "encoder": encoder}
        return self.runs.run("stage", identity, f"{phase} {encoder}", tags, self._study_run())

    def cells(self) -> int:
        """Mirror finished cells, from outputs and from the lists of running stages; tell how many there are."""
        count = 0
        for label, folder in self._finished_cells():
            self._cell(label, folder)
            count += 1
        return count

    def _finished_cells(self) -> Iterator[tuple[Json, Path]]:
        seen: set[str] = set()
        indices = [path for phase in PHASES for path in self.layout.models(phase).glob("*/index.jsonl")]
        for index in sorted(indices):
            for label in read_jsonl(index):
                seen.add(f"{label['key']}/{label['path']}")
                yield label, index.parent / label["path"]
        for live in sorted((self.layout.hidden / "live" / self.layout.study).glob("*.jsonl")):
            if live.name.startswith(("tune-", "register-")):
                continue
            for label in read_jsonl(live):
                folder = self.layout.store / label["key"]
                if f"{label['key']}/{label['path']}" not in seen and (folder / "cell.json").is_file():
                    seen.add(f"{label['key']}/{label['path']}")
                    yield label, folder

    def _cell(self, label: Json, folder: Path) -> None:
        scores = self.scores.get(label["key"], []) if is_scored(label["variant"]) else []
        identity = f"{self.root_identity}/cell/{label['key']}/{label['path']}"
        gains = self.gains.get((label["encoder"], label["arm"], label["target"], str(label["seed"])), [])
        fingerprint = sha256_of_json([label["key"], scores, gains])
        if self.runs.is_complete(identity, fingerprint):
            return
        record, cell = read_json(folder / "record.json"), read_json(folder / "cell.json")
        started = _milliseconds(record["started"])
        ended = started + int(1000 * record["wall_s"])
        fresh = identity not in self.runs.known
        reused = record["study"] != self.layout.study
        tags = {
            **self.tags,
            **{name: str(label[name]) for name in LABELS},
            "cell_key": label["key"],
            "stage": label["phase"],
        }
        tags |= {"cached": "true", "source_study": record["study"]} if reused else {"cached": "false"}
        run = self.runs.run(
            "cell", identity, label["path"], tags, self._stage_run(label["phase"], label["encoder"]), started
        )
        events = [] if reused or not fresh else read_jsonl(folder / "events.jsonl")
        points = [(event["name"], event["value"], int(1000 * event["time"]), event["step"]) for event in events]
        points += [(name, value, ended, 0) for name, value in self._headline(record, folder, scores, gains).items()]
        self.runs.log(
            run,
            params={**cell["settings"], **{name: label[name] for name in LABELS}} if fresh else None,
            metrics=points,
        )
        if fresh:
            self._datasets(run, label)
        if scores:
            self.store.client.log_table(run, _columns(scores), "scores_by_language.json")
        self.runs.finish(run, fingerprint, ended)

    def _headline(self, record: Json, folder: Path, scores: list[Json], gains: list[float]) -> dict[str, float]:
        """At most a dozen figures; tables by language are artifacts."""
        dev = read_json(folder / "result.json")["dev"]["score"]
        found = {name: record[name] for name in ("wall_s", "tokens_per_s", "peak_rss_mb")}
        found |= {"dev_score_final": dev} if dev is not None else {}
        whole = [row for row in scores if row["main"] == "true" and row["slice"] == "all"]
        english = [float(row["value"]) for row in whole if row["language"] == ENGLISH]
        others = [float(row["value"]) for row in whole if row["language"] != ENGLISH]
        if english and others:
            found |= {"english": english[0], "others": fmean(others), "transfer_gap": english[0] - fmean(others)}
        if gains:
            found["gain"] = fmean(gains)
        return {name: float(value) for name, value in found.items()}

    def _datasets(self, run: str, label: Json) -> None:
        from mlflow.entities import Dataset, DatasetInput, InputTag

        facts = self.arms["targets"].get(label["target"]) if label["target"] else self.arms["arms"].get(label["arm"])
        if not facts:
            return
        wanted = [("training", f"{label['target'] or label['arm']}.train", facts["train"])]
        wanted += [
            ("testing", f"{label['target']}.{language}", entry) for language, entry in facts.get("inputs", {}).items()
        ]
        inputs = [
            DatasetInput(
                Dataset(name, entry["sha256"][:32], "local", f'{{"uri": "data/{self.layout.study}/arms"}}'),
                [InputTag("mlflow.data.context", context)],
            )
            for context, name, entry in wanted
            if entry["rows"]
        ]
        self.store.client.log_inputs(run, inputs)

    def _trials(self, study_run: str) -> None:
        for path in sorted(self.layout.results("tune").glob("*/trials.csv")):
            stage = self._stage_run("tune", path.parent.name)
            for row in _table(path):
                identity = f"{self.root_identity}/trial/{path.parent.name}/{row['phase']}/{row['name']}/{row['number']}"
                fingerprint = sha256_of_json(row)
                if self.runs.is_complete(identity, fingerprint):
                    continue
                name = f"{row['phase']} {row['name']} trial {row['number']}"
                tags = {
                    **self.tags,
                    "stage": "tune",
                    "phase": row["phase"],
                    "state": row["state"],
                    "encoder": path.parent.name,
                }
                run = self.runs.run("trial", identity, name, tags, stage)
                settings = {key: row[key] for key in ("learning_rate", "warmup_fraction")}
                found = {key: float(row[key]) for key in ("dev_none", "dev_pooled", "objective") if row[key]}
                now = int(time.time() * 1000)
                self.runs.log(run, params=settings, metrics=[(key, value, now, 0) for key, value in found.items()])
                self.runs.finish(run, fingerprint)

    def _study_files(self, run: str) -> None:
        analyse = self.layout.results("analyse")
        files = [analyse / name for name in ("claims.jsonl", "gains.csv", "metrics.json", "analysis.json")]
        files.append(self.layout.results("report", "index.html"))
        files = [path for path in files if path.is_file()]
        fingerprint = sha256_of_json([path.read_text("utf-8") for path in files])
        if not files or self.runs.is_complete(self.root_identity, fingerprint):
            return
        for path in files:
            self.store.client.log_artifact(run, str(path), path.parent.name)
        metrics: Json = read_json(analyse / "metrics.json") if (analyse / "metrics.json").is_file() else {}
        now = int(time.time() * 1000)
        self.runs.log(run, metrics=[(name, float(value), now, 0) for name, value in metrics.items()])
        rows = [row for rows in self.scores.values() for row in rows if row["main"] == "true" and row["slice"] == "all"]
        if rows:
            self.store.client.log_table(run, _columns(rows), "comparison.json")
        for phase in ("tune", *PHASES):
            for encoder in {row["encoder"] for row in rows}:
                identity = f"{self.root_identity}/{phase}/{encoder}"
                if identity in self.runs.known:
                    self.runs.finish(self.runs.known[identity], "stage")
        self.runs.finish(run, fingerprint)

    def _all_scores(self) -> dict[str, list[Json]]:
        found: dict[str, list[Json]] = {}
        for path in sorted(self.layout.results("evaluate").glob("*/scores.csv")):
            for row in _table(path):
                if row["key"]:
                    found.setdefault(row["key"], []).append(row)
        return found

    def _all_gains(self) -> dict[tuple[str, str, str, str], list[float]]:
        """Gains over the non-English languages by encoder, arm, target and seed."""
        found: dict[tuple[str, str, str, str], list[float]] = {}
        path = self.layout.results("analyse", "gains.csv")
        for row in _table(path) if path.is_file() else []:
            if row["slice"] == "all" and row["language"] != ENGLISH:
                key = (row["encoder"], row["arm"], row["target"], row["seed"])
                found.setdefault(key, []).append(float(row["gain"]))
        return found


def _table(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _columns(rows: list[Json]) -> dict[str, list[Json]]:
    return {name: [row[name] for row in rows] for name in rows[0]}


def _milliseconds(text: str) -> int:
    return int(datetime.datetime.fromisoformat(text).timestamp() * 1000)
