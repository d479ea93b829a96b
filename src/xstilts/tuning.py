"""Hyperparameters by Optuna, asked and told from one process in batches, so that a study repeats.

Trials are cells like any other: they are stored, reused, and trained by the same executor. The intermediate phase is
tuned on a set drawn evenly from all arms of a task (controls take its setting), the target phase on ``none`` and on
that pooled set's checkpoint with equal trials, and one setting serves all arms: no arm is favoured by its own tuning.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from xstilts.cells.grid import NONE, Grid, tuned
from xstilts.cells.spec import CellSpec
from xstilts.cells.stage import ensure_cells
from xstilts.cells.store import CellStore
from xstilts.config import Training, TuneSection
from xstilts.errors import XstiltsError
from xstilts.families import family_of
from xstilts.files import Json, read_json
from xstilts.seeds import derived_seed
from xstilts.tasks import TASKS

if TYPE_CHECKING:
    import optuna

TRIAL_COLUMNS = (
    "phase", "name", "number", "learning_rate", "warmup_fraction", "dev_none", "dev_pooled", "objective", "state",
)  # fmt: skip
SEARCHED = ("learning_rate", "warmup_fraction")

Cells = Callable[[Training], dict[str, CellSpec]]


def tune_study(grid: Grid) -> tuple[Json, list[dict[str, Json]]]:
    """Tune both phases for one encoder.

    Returns:
        ``best.json`` (phase to task or target to settings; empty mappings when ``tune.trials`` is 0), and the trials.

    Raises:
        XstiltsError: if the trials' cells fail.
    """
    best: Json = {"intermediate": {}, "target": {}}
    trials: list[dict[str, Json]] = []
    if grid.study.tune.trials == 0:
        return best, trials
    seed = grid.study.seeds[0]
    starts: dict[str, CellSpec] = {}
    for arm, facts in grid.arms["arms"].items():
        task = facts["task"]
        if facts["block"] == "pooled":

            def of_arm(training: Training, arm: str = arm) -> dict[str, CellSpec]:
                return {"pooled": grid.intermediate(arm, seed, training)}

            found, rows = _search(grid, "intermediate", task, grid.study.intermediate, of_arm)
            best["intermediate"][task] = found
            trials += rows
            starts[task] = grid.intermediate(arm, seed, tuned(grid.study.intermediate, found))
    start = next(iter(starts.values()))
    for target, facts in grid.arms["targets"].items():
        if not family_of(TASKS[facts["task"]]).trained:
            continue

        def of_target(training: Training, target: str = target) -> dict[str, CellSpec]:
            return {
                "none": grid.target(NONE, target, seed, training, None, predicts=False),
                "pooled": grid.target(start.labels.arm, target, seed, training, start, predicts=False),
            }

        found, rows = _search(grid, "target", target, grid.study.target.training(target), of_target)
        best["target"][target] = found
        trials += rows
    return best, trials


def _search(
    grid: Grid, phase: str, name: str, default: Training, cells: Cells
) -> tuple[dict[str, float], list[dict[str, Json]]]:
    """One Optuna study; its first trial is the default."""
    import optuna

    settings = grid.study.tune
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    failed = optuna.trial.TrialState.FAIL
    sampler = optuna.samplers.TPESampler(
        seed=derived_seed(settings.seed, "tune", phase, name) % 2**32, n_startup_trials=4
    )
    study = optuna.create_study(direction="maximize", sampler=sampler)
    untuned = {key: float(getattr(default, key)) for key in SEARCHED}
    space = _space(settings)
    inside = all(space[key].low <= value <= space[key].high for key, value in untuned.items())
    if inside:
        study.enqueue_trial(untuned)
    rows: list[dict[str, Json]] = []
    while len(rows) < settings.trials:
        asked = [study.ask(dict(space)) for _ in range(min(settings.batch, settings.trials - len(rows)))]
        found = _dev_scores(
            grid, f"{phase}-{name}", [cells(dataclasses.replace(default, **trial.params)) for trial in asked]
        )
        for trial, scores in zip(asked, found, strict=True):
            rows.append(_row(phase, name, trial.number, trial.params, scores))
            study.tell(trial, _objective(scores) if scores else None, state=None if scores else failed)
    if not inside:
        (scores,) = _dev_scores(grid, f"{phase}-{name}", [cells(default)])
        rows.append(_row(phase, name, len(rows), untuned, scores))
    finished = [row for row in rows if row["state"] == "COMPLETE"]
    if not finished:
        raise XstiltsError(
            f"Every trial of {phase} {name} diverged",
            where="stage tune",
            next_step="lower the upper end of tune.learning_rate in params.yaml",
        )
    best = max(finished, key=lambda row: (float(row["objective"]), -int(row["number"])))
    return {key: float(best[key]) for key in SEARCHED}, rows


def _space(settings: TuneSection) -> "Mapping[str, optuna.distributions.FloatDistribution]":
    import optuna

    return {
        "learning_rate": optuna.distributions.FloatDistribution(*settings.learning_rate, log=True),
        "warmup_fraction": optuna.distributions.FloatDistribution(*settings.warmup_fraction),
    }


def _dev_scores(grid: Grid, name: str, groups: Sequence[dict[str, CellSpec]]) -> list[dict[str, float]]:
    """English dev score of each start of each trial; nothing for a trial with a diverged cell."""
    wanted = [spec for group in groups for spec in group.values()]
    workers = grid.study.runtime.workers
    ensure_cells(wanted, grid.layout, f"tune-{name}-{grid.encoder}", workers, may_fail=True)
    store = CellStore(grid.layout.store)
    found = []
    for group in groups:
        paths = {start: store.path(spec.key) / "result.json" for start, spec in group.items()}
        whole = all(path.is_file() for path in paths.values())
        found.append({start: float(read_json(path)["dev"]["score"]) for start, path in paths.items()} if whole else {})
    return found


def _objective(scores: Mapping[str, float]) -> float:
    return sum(scores.values()) / len(scores)


def _row(
    phase: str, name: str, number: int, params: Mapping[str, float], scores: Mapping[str, float]
) -> dict[str, Json]:
    return {
        "phase": phase,
        "name": name,
        "number": number,
        **{key: params[key] for key in SEARCHED},
        "dev_none": scores.get("none", ""),
        "dev_pooled": scores.get("pooled", ""),
        "objective": _objective(scores) if scores else "",
        "state": "COMPLETE" if scores else "FAIL",
    }
