"""Stage ``analyse``: gates, paired gains, slopes, verdicts, claims."""

import csv
import importlib.metadata
import json
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path

from xstilts.analysis.assemble import Material, analyse_encoder
from xstilts.analysis.claims import claims_of
from xstilts.analysis.planted import planted
from xstilts.config import Study
from xstilts.files import Json, read_json, read_jsonl, sha256_of, write_csv, write_json, write_jsonl
from xstilts.inference import Gain
from xstilts.layout import Layout
from xstilts.sources.corpora import CORPORA
from xstilts.sources.corpus import Corpus
from xstilts.tables import read_rows
from xstilts.tasks import TASKS

PACKAGES = (
    "torch",
    "transformers",
    "tokenizers",
    "datasets",
    "dvc",
    "mlflow",
    "optuna",
    "great-expectations",
    "scikit-learn",
)
GAIN_COLUMNS = ("encoder", *(entry.name for entry in fields(Gain)))


def run(study: Study, layout: Layout) -> None:
    """Write the files of ``results/<study>/analyse/``."""
    description = read_json(layout.data("arms", "arms.json"))
    divergence = _divergence(layout)
    encoders: dict[str, Json] = {}
    gains: list[dict[str, Json]] = []
    evidence: dict[str, str] = {}
    planned = scored = 0
    for encoder in study.encoders:
        path = layout.results("evaluate", encoder, "scores.csv")
        evidence[path.relative_to(layout.root).as_posix()] = sha256_of(path)
        scores, larger = _scores(path)
        facts = read_json(layout.models("encoder", encoder, "encoder.json"))
        material = Material(
            study, description, scores, larger, _dev(layout, encoder), divergence, facts["seen_supervision"]
        )
        encoders[encoder], found = analyse_encoder(material)
        for question in encoders[encoder]["questions"]:
            question["planted"] = planted(
                study, question, description["arms"], divergence, lambda *name: read_rows(layout.data("arms", *name))
            )
        gains += [{"encoder": encoder, **asdict(gain)} for gain in found]
        cells = read_jsonl(layout.models("target", encoder, "index.jsonl"))
        planned += sum(row["variant"] == "main" for row in cells)
        scored += len({row["key"] for row in scores if row["key"]})
    analysis = {
        "study": study.study,
        "title": study.title,
        "synthetic": any(CORPORA[corpus].source == "generator" for corpus in study.corpora),
        "confidence": study.analyse.confidence,
        "encoders": encoders,
        "exclusions": _exclusions(layout, description),
        "cells": {"planned": planned, "scored": scored},
        "corpora": _corpora(study, layout),
        "versions": {package: importlib.metadata.version(package).split("+")[0] for package in PACKAGES},
        "git_commit": _git_commit(layout.root),
    }
    _write(layout.results("analyse"), analysis, gains, list(claims_of(analysis, evidence)))
    for encoder, entry in encoders.items():
        for question in entry["questions"]:
            verdict = f"{question['verdict']}. {question['because']}"
            print(f"analyse: {encoder}, {question['name']} ({question['kind']}): {verdict}")


def _scores(path: Path) -> tuple[list[Mapping[str, Json]], dict[tuple[str, int], list[Mapping[str, Json]]]]:
    """Rows of the main metric: those of the study's cells, and by (target, rows) those with more target rows."""
    main: list[Mapping[str, Json]] = []
    larger: dict[tuple[str, int], list[Mapping[str, Json]]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["main"] == "true":
                found = {**row, "value": float(row["value"]), "seed": int(row["seed"])}
                place = main
                if row["variant"] != "main":
                    place = larger.setdefault((row["target"], int(row["variant"].removeprefix("rows-"))), [])
                place.append(found)
    return main, larger


def _divergence(layout: Layout) -> dict[tuple[str, str, str], dict[str, str]]:
    with layout.results("diverge", "divergence.csv").open(encoding="utf-8", newline="") as file:
        return {
            (row["arm"], row["target"], row["slice"]): row for row in csv.DictReader(file) if row["primary"] == "true"
        }


def _dev(layout: Layout, encoder: str) -> dict[tuple[str, str], dict[int, float]]:
    """The baseline's English dev scores by target, variant and seed."""
    folder = layout.models("target", encoder)
    found: dict[tuple[str, str], dict[int, float]] = {}
    for cell in read_jsonl(folder / "index.jsonl"):
        score = read_json(folder / cell["path"] / "result.json")["dev"]["score"]
        if cell["arm"] == "none" and score is not None:
            found.setdefault((cell["target"], cell["variant"]), {})[int(cell["seed"])] = float(score)
    return found


def _exclusions(layout: Layout, description: Json) -> list[Json]:
    counts: dict[str, int] = {}
    for row in read_jsonl(layout.data("arms", "removed.jsonl")):
        counts[row["why"]] = counts.get(row["why"], 0) + 1
    return [
        {"what": "rows of the arms' pools", "why": f"overlap: {why}", "count": count}
        for why, count in sorted(counts.items())
    ]


def _corpora(study: Study, layout: Layout) -> list[Json]:
    found = []
    for name in study.corpora:
        corpus = CORPORA[name]
        files = read_json(layout.data("fetch", name, "manifest.json"))["files"]
        found.append(
            {
                "name": name,
                "task": corpus.task,
                "licence": corpus.licence,
                "rows": sum(entry["rows"] for entry in files.values()),
                "note": corpus.note or _official(corpus),
            }
        )
    return found


def _official(corpus: Corpus) -> str:
    """What XTREME calls the test set, where the corpus is XTREME's own text."""
    task = TASKS[corpus.task]
    return f"tested on {task.tested_on}" if task.tested_on and corpus.name.endswith(f"-{task.name}") else ""


def _git_commit(root: Path) -> str:
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "not in git"


def _write(folder: Path, analysis: Json, gains: list[dict[str, Json]], claims: list[Json]) -> None:
    from xstilts.reporting import gain_against_divergence

    analysis = json.loads(json.dumps(analysis))
    write_json(folder / "analysis.json", analysis)
    write_jsonl(folder / "claims.jsonl", claims)
    write_csv(folder / "gains.csv", gains, GAIN_COLUMNS)
    write_json(folder / "metrics.json", _metrics(analysis))
    points = gain_against_divergence(analysis)
    write_csv(
        folder / "gain_against_divergence.csv", points, ("encoder", "target", "arm", "block", "divergence", "gain")
    )
    bars = [
        {"language": f"{target} {row['language']}", "gain": row["gain"]}
        for entry in analysis["encoders"].values()
        for target, facts in entry["targets"].items()
        for row in facts["by_language"]
        if row["gain"] is not None
    ]
    write_csv(folder / "gain_by_language.csv", bars, ("language", "gain"))


def _metrics(analysis: Json) -> Json:
    """A flat view for ``dvc metrics``."""
    found: dict[str, Json] = {}
    for encoder, entry in analysis["encoders"].items():
        for target, facts in entry["targets"].items():
            found[f"{encoder}.{target}.baseline_others"] = facts["baseline"]["others"]
            found[f"{encoder}.{target}.baseline_english"] = facts["baseline"]["english"]
        for question in entry["questions"]:
            slope = question["slope"] or {}
            for key in ("estimate", "low", "high", "p"):
                found[f"{encoder}.{question['name']}.{question['kind']}.slope_{key}"] = slope.get(key)
    return {key: value for key, value in found.items() if value is not None}
