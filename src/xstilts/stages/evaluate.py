"""Stage ``evaluate``: the only one that reads gold of the target languages; it scores stored predictions."""

from collections.abc import Sequence
from typing import Any

from xstilts.config import Study
from xstilts.families import family_of
from xstilts.families.span_qa import round_trip
from xstilts.files import Json, read_json, read_jsonl, replaced_folder, write_csv
from xstilts.layout import Layout
from xstilts.scoring import is_scored
from xstilts.sources.corpora import CORPORA
from xstilts.tables import read_rows
from xstilts.tasks import TASKS, Family

COLUMNS = (
    "key", "encoder", "arm", "block", "domain", "target", "seed", "variant", "language", "slice", "metric", "main",
    "value", "standard_error", "n", "task_version",
)  # fmt: skip
REACH_COLUMNS = ("encoder", "target", "language", "questions", "in_reach_pct")
MAJORITY = "majority"


def run(study: Study, layout: Layout, encoder: str) -> None:
    """Write ``results/<study>/evaluate/<encoder>/scores.csv``."""
    description = read_json(layout.data("arms", "arms.json"))
    gold = {
        target: _Gold(layout, target, facts, study.targets[target].slices)
        for target, facts in description["targets"].items()
    }
    folder = layout.models("target", encoder)
    table: list[dict[str, Json]] = []
    for cell in read_jsonl(folder / "index.jsonl"):
        if not is_scored(cell["variant"]):
            continue
        for language in description["targets"][cell["target"]]["inputs"]:
            predictions = read_jsonl(folder / cell["path"] / "predictions" / f"{language}.jsonl")
            table += gold[cell["target"]].scored(cell, language, predictions)
    for target in description["targets"]:
        table += gold[target].majority(encoder)
    reach = [row for target in description["targets"] for row in gold[target].in_reach(study, encoder)]
    with replaced_folder(layout.results("evaluate", encoder)) as out:
        write_csv(out / "scores.csv", table, COLUMNS)
        if reach:
            write_csv(out / "answers_in_reach.csv", reach, REACH_COLUMNS)
    print(f"evaluate: {encoder}, {len(table)} scores")
    _tell_reach(encoder, reach)


def _tell_reach(encoder: str, reach: Sequence[Json]) -> None:
    for target in dict.fromkeys(row["target"] for row in reach):
        mine = [row for row in reach if row["target"] == target]
        worst = min(mine, key=lambda row: row["in_reach_pct"])
        mean = sum(row["in_reach_pct"] for row in mine) / len(mine)
        print(
            f"evaluate: {target}: {encoder}'s tokenizer can give {mean:.1f} % of the answers back exactly (mean "
            f"over languages; least in {worst['language']}: {worst['in_reach_pct']:.1f} %)"
        )


class _Gold:
    """One target's gold, by language."""

    def __init__(self, layout: Layout, target: str, facts: Json, slices: bool) -> None:
        self.layout, self.target, self.facts, self.slices = layout, target, facts, slices
        self.task = TASKS[facts["task"]]
        self.family = family_of(self.task)
        self.inputs = {
            language: read_rows(layout.data("arms", "targets", target, "inputs", f"{language}.parquet"))
            for language in facts["inputs"]
        }
        self.labels = self._read(CORPORA[facts["corpus"]].name)

    def _read(self, corpus: str) -> dict[str, Any]:
        manifest = read_json(self.layout.data("validate", corpus, "manifest.json"))
        gold: dict[str, Any] = {}
        for part in manifest["parts"]:
            if part["split"] in self.family.test_splits and part["language"] in self.facts["inputs"]:
                path = self.layout.data("validate", corpus, "gold", f"{part['part']}.{part['split']}.parquet")
                gold |= {row["id"]: row[self.family.gold] for row in read_rows(path)}
        return gold

    def scored(self, cell: Json, language: str, predictions: Sequence[Json]) -> list[dict[str, Json]]:
        """Score a cell in one language, whole and by slice."""
        domains = {row["id"]: row["domain"] for row in self.inputs[language]}
        rows = []
        names = ["all", *(sorted({name for name in domains.values() if name}) if self.slices else [])]
        for name in names:
            chosen = [each for each in predictions if name in ("all", domains[each["id"]])]
            ids = [each["id"] for each in chosen]
            metrics = self.family.score(
                [each["prediction"] for each in chosen], [self.labels[each] for each in ids], self.task, language
            )
            rows += [self._row(cell, language, name, metric) for metric in metrics]
        return rows

    def in_reach(self, study: Study, encoder: str) -> list[dict[str, Json]]:
        """Of a span task the share of answers that begin and end where the encoder's tokenizer cuts, by language."""
        if self.task.family is not Family.SPAN_QA:
            return []
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(self.layout.models("encoder", encoder), trust_remote_code=False)
        length = study.target.training(self.target).max_length
        rows = []
        for language, inputs in self.inputs.items():
            questions = [{**row, "answers": self.labels[row["id"]]} for row in inputs]
            found = round_trip([row for row in questions if len(row["answers"])], tokenizer, self.task, length)
            share = 100.0 * sum(found) / len(found) if found else 0.0
            rows.append(
                {"encoder": encoder, "target": self.target, "language": language, "questions": len(found),
                 "in_reach_pct": round(share, 2)}
            )  # fmt: skip
        return rows

    def majority(self, encoder: str) -> list[dict[str, Json]]:
        """Score what can be predicted without learning from text."""
        if not self.task.family.trained:
            return []
        train = read_rows(self.layout.data("arms", "targets", self.target, "train.parquet"))
        cell = {
            "key": "", "encoder": encoder, "arm": MAJORITY, "block": "none", "domain": "", "target": self.target,
            "seed": 0, "variant": "main",
        }  # fmt: skip
        rows = []
        for language, inputs in self.inputs.items():
            found = self.family.baseline([row[self.family.gold] for row in train], inputs)
            predictions = [{"id": row["id"], "prediction": each} for row, each in zip(inputs, found, strict=True)]
            rows += self.scored(cell, language, predictions)
        return rows

    def _row(self, cell: Json, language: str, name: str, metric: Any) -> dict[str, Json]:
        keys = ("key", "encoder", "arm", "block", "domain", "target", "seed", "variant")
        error = metric.standard_error
        return {key: cell[key] for key in keys} | {
            "language": language,
            "slice": name,
            "metric": metric.name,
            "main": str(metric.name == self.task.main_metric).lower(),
            "value": round(metric.value_pct, 6),
            "standard_error": round(error, 6) if error == error else "",
            "n": metric.n,
            "task_version": self.task.version,
        }
