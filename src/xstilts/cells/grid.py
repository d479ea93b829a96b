"""The grid of a study: which cells there are, and what decides each of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xstilts.arms.stamp import plain
from xstilts.cells.spec import (
    FROZEN_NUMERICS_VERSION,
    NUMERICS_VERSION,
    PREDICTED_SHARE,
    SUBWORDS_PER_WORD,
    CellSpec,
    Labels,
    library_versions,
    start_weights,
)
from xstilts.config import Study
from xstilts.encoders.checkpoint import lm_head_file
from xstilts.families import family_of
from xstilts.files import Json, read_json
from xstilts.layout import Layout
from xstilts.sections import Training
from xstilts.seeds import derived_seed
from xstilts.tasks import TASKS, task_with

NONE = "none"


def resolved_precision(asked: str) -> str:
    """``auto`` takes bfloat16 where the GPU or the processor multiplies it fast, float32 elsewhere."""
    if asked != "auto":
        return asked
    import torch

    if torch.cuda.is_available():
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    fast = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return "bfloat16" if fast else "float32"


@dataclass(frozen=True, slots=True)
class Grid:
    """Makes the specs of a study's cells.

    Attributes:
        study: its parameters.
        layout: its folders.
        encoder: the encoder under test.
        arms: ``arms.json``.
        precision: resolved.
    """

    study: Study
    layout: Layout
    encoder: str
    arms: Json
    precision: str

    @property
    def base(self) -> Path:
        """The encoder's checkpoint folder."""
        return self.layout.models("encoder", self.encoder)

    def real_arms(self) -> list[str]:
        """Arms whose cells are trained in stage ``intermediate``; pooled ones serve tuning only."""
        return [arm for arm, facts in self.arms["arms"].items() if facts["block"] != "pooled"]

    def intermediate(
        self, arm: str, seed: int, training: Training, *, variant: str = "main", keeps_weights: bool = True
    ) -> CellSpec:
        """The intermediate-phase cell of an arm.

        Args:
            arm: a key of ``arms``.
            seed: of the cell.
            training: resolved settings.
            variant: ``main``, or a tuning trial's name.
            keeps_weights: whether the checkpoint is kept; a trial's is not.
        """
        facts = self.arms["arms"][arm]
        folder = self.layout.data("arms", "arms", arm)
        labels = self._labels("intermediate", arm, "", seed, variant)
        identity = self._identity("intermediate", facts["task"], seed, training, facts, keeps_weights=keeps_weights)
        files = {"base": str(self.base), "train": str(folder / "train.parquet"), "dev": str(folder / "dev.parquet")}
        return CellSpec(labels, identity, files, self.study.runtime.device, _cost(facts, training, {}))

    def target(
        self,
        arm: str,
        target: str,
        seed: int,
        training: Training,
        start: CellSpec | None,
        *,
        variant: str = "main",
        predicts: bool = True,
        keeps_weights: bool = False,
        rows: int = 0,
    ) -> CellSpec:
        """A target-phase cell.

        Args:
            arm: ``none`` or the arm whose checkpoint it starts from.
            target: a key of ``targets``.
            seed: shared by the arm's cell and its baseline: same data order, same head initialisation.
            training: resolved settings.
            start: the arm's intermediate cell; nothing for ``none``.
            variant: ``main``, ``plateau`` (updates multiplied), ``champion`` (weights kept), ``rows-<n>`` (a larger
                training set) or a tuning trial's name.
            predicts: whether all languages are predicted; tuning looks at English dev only.
            keeps_weights: whether the weights are kept.
            rows: the larger training set's rows; 0 for the target's own.
        """
        facts = self.arms["targets"][target]
        if rows:
            facts = {**facts, "train": facts["more"][str(rows)]}
        folder = self.layout.data("arms", "targets", target)
        factor = self.study.target.plateau_factor if variant == "plateau" else 1
        inputs = facts["inputs"] if predicts and variant != "plateau" else {}
        identity = self._identity(
            "target", facts["task"], seed, training, facts, factor=factor, keeps_weights=keeps_weights
        )
        identity["start"] = start.key if start else None
        identity["inputs"] = {language: entry["sha256"] for language, entry in inputs.items()}
        task = TASKS[facts["task"]]
        if not task.family.trained:
            chosen = self.study.targets[target]
            identity["embedding"] = {"layer": chosen.layer, "pooling": chosen.pooling}
        files = {"base": str(self.base)}
        if start:
            files["start"] = str(start_weights(self.layout.store, start.key))
        if task.family.trained:
            files |= {
                "train": str(folder / f"train{f'-{rows}' if rows else ''}.parquet"),
                "dev": str(folder / "dev.parquet"),
            }
        files |= {f"inputs/{language}": str(folder / "inputs" / f"{language}.parquet") for language in inputs}
        labels = self._labels("target", arm, target, seed, variant)
        return CellSpec(labels, identity, files, self.study.runtime.device, _cost(facts, training, inputs) * factor)

    def _labels(self, phase: str, arm: str, target: str, seed: int, variant: str) -> Labels:
        facts = self.arms["arms"].get(arm, {"block": NONE, "domain": ""})
        return Labels(
            study=self.study.study, phase=phase, encoder=self.encoder, arm=arm, block=facts["block"],
            domain=facts["domain"], target=target, seed=seed, variant=variant,
        )  # fmt: skip

    def _identity(
        self,
        phase: str,
        task_name: str,
        seed: int,
        training: Training,
        facts: Mapping[str, Any],
        *,
        factor: int = 1,
        keeps_weights: bool,
    ) -> dict[str, Json]:
        task = task_with(task_name, facts.get("tasks", ()))
        trained = task.family.trained
        encoder = read_json(self.base / "encoder.json")
        settings: dict[str, Json] = plain(training)
        settings.pop("passes")
        settings["steps"] = training.steps(facts["train"]["rows"]) * factor if trained else 0
        head: dict[str, Json] = {}
        if family_of(task).whole_vocabulary(task):
            lm_head_file(self.base)
            head = {"lm_head": encoder["lm_head_sha256"]}
        return {
            **head,
            "numerics": [NUMERICS_VERSION, FROZEN_NUMERICS_VERSION] if training.frozen_layers else NUMERICS_VERSION,
            "versions": library_versions(),
            "precision": self.precision,
            "deterministic": True,
            "phase": phase,
            "task": {"name": task.name, "version": task.version, "labels": list(task.labels)},
            "settings": settings,
            "encoder": encoder["weights_sha256"],
            "start": None,
            "train": facts["train"]["sha256"],
            "dev": facts["dev"]["sha256"],
            "inputs": {},
            "seeds": {name: derived_seed(seed, phase, name) for name in ("head", "order", "dropout")},
            "keeps_weights": keeps_weights,
        }


def _cost(facts: Mapping[str, Any], training: Training, inputs: Mapping[str, Any]) -> float:
    """Expected training subwords plus the predicted ones at their share of the cost."""
    words = training.passes * facts["train"]["words"]
    words += PREDICTED_SHARE * sum(entry["words"] for entry in inputs.values())
    return float(SUBWORDS_PER_WORD * words)


def tuned(training: Training, best: Mapping[str, float] | None) -> Training:
    """Settings with what tuning found put over them."""
    import dataclasses

    return dataclasses.replace(training, **best) if best else training  # type: ignore[arg-type]


def intermediate_cells(grid: Grid, best: Json) -> list[CellSpec]:
    """Every intermediate cell of a study for one encoder; an untuned task (a control) takes the tuned setting."""
    found = best["intermediate"]
    shared = next(iter(found.values()), None)
    return [
        grid.intermediate(arm, seed, tuned(grid.study.intermediate, found.get(grid.arms["arms"][arm]["task"], shared)))
        for arm in grid.real_arms()
        for seed in grid.study.seeds
    ]


def target_cells(grid: Grid, best: Json) -> list[CellSpec]:
    """Every target cell of a study for one encoder: ``none`` and all arms, and what else ``none`` is trained for."""
    starts = {(spec.labels.arm, spec.labels.seed): spec for spec in intermediate_cells(grid, best)}
    cells = []
    for target in grid.study.targets:
        training = tuned(grid.study.target.training(target), best["target"].get(target))
        for seed in grid.study.seeds:
            cells.append(grid.target(NONE, target, seed, training, None))
            if TASKS[grid.arms["targets"][target]["task"]].family.trained:
                cells.append(grid.target(NONE, target, seed, training, None, variant="plateau"))
            for rows in grid.study.targets[target].more_rows:
                cells.append(grid.target(NONE, target, seed, training, None, variant=f"rows-{rows}", rows=rows))
            cells += [
                grid.target(arm, target, seed, training, starts[arm, seed])
                for arm in grid.real_arms()
                if grid.study.tried_on(grid.arms["arms"][arm]["block"], target)
            ]
    return cells
