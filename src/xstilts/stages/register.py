"""Stage ``register``: champions and their intermediate checkpoints, packed, with intents that ``sync`` performs."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from xstilts.arms.stamp import check_stamp
from xstilts.cells.executor import LocalExecutor
from xstilts.cells.grid import NONE, Grid, intermediate_cells, resolved_precision, tuned
from xstilts.cells.spec import CellSpec
from xstilts.cells.stage import ensure_cells, local_executor
from xstilts.cells.store import CellStore
from xstilts.config import Study
from xstilts.errors import XstiltsError
from xstilts.families import family_of
from xstilts.files import Json, read_json, read_jsonl, replaced_folder, sha256_of, write_json
from xstilts.layout import Layout
from xstilts.registering import Candidate, Choice, card_of, choose, pack
from xstilts.tables import read_rows
from xstilts.tasks import TASKS


def run(study: Study, layout: Layout) -> None:
    """Write ``models/<study>/register/`` and ``results/<study>/register/intents.json``."""
    arms = check_stamp(layout.data("arms"), study)
    intents: list[Json] = []
    with local_executor(study, layout) as executor, replaced_folder(layout.models("register")) as models:
        for encoder in study.encoders:
            best = read_json(layout.results("tune", encoder, "best.json"))
            grid = Grid(study, layout, encoder, arms, resolved_precision(study.precision))
            intents += _Registrar(grid, best, models, executor).intents()
    with replaced_folder(layout.results("register")) as folder:
        write_json(folder / "intents.json", intents)
    for intent in intents:
        print(f"register: {intent['kind']} {intent['name']}")
    print(f"Show the runs and models in MLflow: `xstilts sync {study.study}`, then `xstilts ui`.")


class _Registrar:
    """Champions and checkpoints of one encoder."""

    def __init__(self, grid: Grid, best: Json, models: Path, executor: LocalExecutor) -> None:
        self.grid, self.best, self.models, self.executor = grid, best, models, executor
        self.study, self.layout = grid.study, grid.layout
        self.store = CellStore(grid.layout.store)
        self.starts = {(spec.labels.arm, spec.labels.seed): spec for spec in intermediate_cells(grid, best)}
        self.scores = self._test_scores()

    def intents(self) -> list[Json]:
        """Pack every champion and the wanted checkpoints."""
        choices = {
            target: self._choice(target)
            for target in self.study.targets
            if TASKS[self.grid.arms["targets"][target]["task"]].family.trained
        }
        cells = [choice.champion.cell for choice in choices.values()]
        begun = {(cell["arm"], cell["seed"]) for cell in cells if cell["arm"] != NONE}
        wanted = {
            "none": set[tuple[str, int]](),
            "champions": begun,
            "all": {(arm, self.study.seeds[0]) for arm in self.grid.real_arms()},
        }[self.study.register.intermediate]
        self._in_store([self.starts[each] for each in sorted(begun | wanted)], "checkpoints")
        champions = {target: self._with_weights(target, choice.champion.cell) for target, choice in choices.items()}
        self._in_store(list(champions.values()), "champions")
        return [
            *(self._champion(target, choice, champions[target]) for target, choice in choices.items()),
            *(self._checkpoint(arm, seed) for arm, seed in sorted(wanted)),
        ]

    def _choice(self, target: str) -> Choice:
        folder = self.layout.models("target", self.grid.encoder)
        task = TASKS[self.grid.arms["targets"][target]["task"]]
        family = family_of(task)
        gold = [row[family.gold] for row in read_rows(self.layout.data("arms", "targets", target, "dev.parquet"))]
        candidates = []
        for cell in read_jsonl(folder / "index.jsonl"):
            if cell["target"] == target and cell["variant"] == "main":
                result = read_json(folder / cell["path"] / "result.json")
                found = [row["prediction"] for row in read_jsonl(folder / cell["path"] / "dev.jsonl")]
                candidates.append(Candidate(cell, float(result["dev"]["score"]), found))
        return choose(candidates, gold, family, task)

    def _champion(self, target: str, choice: Choice, spec: CellSpec) -> Json:
        cell = choice.champion.cell
        self._check_same(target, cell, spec)
        name = f"{self.study.study}.{self.grid.encoder}.{target}"
        scores = self.scores.get(cell["key"], {})
        verdict = (
            f"beats `none` on English dev (paired bootstrap, p = {choice.gate:.3f})"
            if choice.beaten
            else f"no arm beats `none` on English dev (paired bootstrap, p = {choice.gate:.3f}), so `none` it is"
        )
        facts = {
            "task": str(spec.identity["task"]["name"]),
            "encoder": self.grid.encoder,
            "intermediate task (arm)": cell["arm"],
            "seed": str(cell["seed"]),
            "chosen": f"{verdict}; English dev {choice.champion.score:.1f} %",
        }
        row = read_rows(self.layout.data("arms", "targets", target, "dev.parquet"))[0]
        return self._pack(name, "champion", spec, row, facts, scores, {"dev_score": choice.champion.score})

    def _with_weights(self, target: str, cell: Json) -> CellSpec:
        """The champion's cell as it is trained once more, keeping its weights."""
        training = tuned(self.study.target.training(target), self.best["target"].get(target))
        start = self.starts.get((cell["arm"], cell["seed"]))
        return self.grid.target(
            cell["arm"], target, cell["seed"], training, start, variant="champion", keeps_weights=True
        )

    def _check_same(self, target: str, cell: Json, spec: CellSpec) -> None:
        """A champion must predict what it predicted."""
        scored = self.layout.models("target", self.grid.encoder, cell["path"])
        before, now = (read_json(path / "cell.json")["files"] for path in (scored, self.store.path(spec.key)))
        changed = [name for name in before if name.startswith("predictions/") and before[name] != now[name]]
        if changed:
            raise XstiltsError(
                f"The champion of {target} predicts differently when trained again: {', '.join(changed)}",
                where=f"cells {cell['key']} and {spec.key}",
                allowed="the same bits from the same identity on one kind of machine",
                next_step="the stored cells come from another kind of processor: `xstilts stage target ... --no-reuse`",
            )

    def _in_store(self, specs: Sequence[CellSpec], what: str) -> None:
        if not specs:
            return
        trained = self.layout.models("intermediate", self.grid.encoder)
        ensure_cells(specs, self.layout, f"register-{self.grid.encoder}-{what}", self.executor, beside=[trained])

    def _checkpoint(self, arm: str, seed: int) -> Json:
        spec = self.starts[arm, seed]
        facts = self.grid.arms["arms"][arm]
        described = {
            "task": facts["task"],
            "encoder": self.grid.encoder,
            "block": facts["block"],
            "domain": facts["domain"] or "all",
            "corpus": facts["corpus"] or "drawn from the other arms",
            "seed": str(seed),
        }
        row = read_rows(self.layout.data("arms", "arms", arm, "train.parquet"))[0]
        dev = read_json(self.store.path(spec.key) / "result.json")["dev"]["score"]
        name = f"{self.study.study}.{self.grid.encoder}.{arm}"
        return self._pack(name, "intermediate", spec, row, described, {}, {"dev_score": dev})

    def _pack(
        self,
        name: str,
        kind: str,
        spec: CellSpec,
        row: dict[str, Any],
        facts: dict[str, str],
        scores: dict[str, float],
        metrics: dict[str, float],
    ) -> Json:
        family = family_of(TASKS[spec.identity["task"]["name"]])
        example = {column: row[column] for column in family.inputs}
        encoder = read_json(self.grid.base / "encoder.json")
        note = f"Made by xstilts, study {self.study.study}. Encoder: {encoder['source']}. {encoder['note']}"
        card = card_of(name, facts, scores, note)
        folder = self.models / name
        pack(self.store.path(spec.key), self.grid.base, spec.identity, example, card, folder)
        return {
            "name": name,
            "kind": kind,
            "folder": self.layout.models("register", name).relative_to(self.layout.root).as_posix(),
            "sha256": sha256_of(folder / "cell" / "weights.safetensors"),
            "aliases": ["champion"] if kind == "champion" else [],
            "tags": {
                "study": self.study.study,
                "cell_key": spec.key,
                **{key.split(" ")[0]: text for key, text in facts.items()},
            },
            "metrics": metrics,
            "card": card,
        }

    def _test_scores(self) -> dict[str, dict[str, float]]:
        found: dict[str, dict[str, float]] = {}
        path = self.layout.results("evaluate", self.grid.encoder, "scores.csv")
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row["main"] == "true" and row["slice"] == "all" and row["key"]:
                    found.setdefault(row["key"], {})[row["language"]] = float(row["value"])
        return found
