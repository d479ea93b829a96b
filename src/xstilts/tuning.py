"""Hyperparameters by Optuna, asked and told from one process in batches, so that a study repeats.

Trials are cells like any other: they are stored, reused, and trained by the same executor. The intermediate phase is
tuned on a set drawn evenly from all domains of a task's blocks (controls take its setting), the target phase on
``none`` and on that pooled set's checkpoint with equal trials, and one setting serves all arms: no arm is favoured by
its own tuning.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from xstilts.cells.executor import LocalExecutor
from xstilts.cells.grid import NONE, Grid, tuned
from xstilts.cells.spec import CellSpec
from xstilts.cells.stage import ensure_cells
from xstilts.cells.store import CellStore
from xstilts.errors import XstiltsError
from xstilts.files import Json, read_json
from xstilts.sections import Training, TuneSection
from xstilts.seeds import derived_seed
from xstilts.tasks import TASKS

if TYPE_CHECKING:
    import optuna

TRIAL_COLUMNS = (
    "phase", "name", "number", "learning_rate", "warmup_fraction", "dev_none", "dev_pooled", "objective", "state",
)  # fmt: skip
SEARCHED = ("learning_rate", "warmup_fraction")

Cells = Callable[[Training, str], dict[str, CellSpec]]
"""(settings, trial's name) to the cells of a trial, by the start they have."""


@dataclasses.dataclass(frozen=True, slots=True)
class Tuned:
    """What tuning found.

    Attributes:
        best: phase to task or target to settings; empty mappings when ``tune.trials`` is 0.
        trials: a row for each trial.
        cells: every finished cell of the trials, and the pooled checkpoints that the target phase was tuned on.
    """

    best: Json
    trials: list[dict[str, Json]]
    cells: list[CellSpec]


def tune_study(grid: Grid, executor: LocalExecutor) -> Tuned:
    """Tune both phases for one encoder.

    Raises:
        XstiltsError: if every trial of a search fails.
    """
    found = Tuned({"intermediate": {}, "target": {}}, [], [])
    if grid.study.tune.trials == 0:
        return found
    seed = grid.study.seeds[0]
    starts: dict[str, CellSpec] = {}
    for arm, facts in grid.arms["arms"].items():
        task = facts["task"]
        if facts["block"] == "pooled":

            def of_arm(training: Training, trial: str, arm: str = arm) -> dict[str, CellSpec]:
                return {"pooled": grid.intermediate(arm, seed, training, variant=trial, keeps_weights=False)}

            best = _search(grid, "intermediate", task, grid.study.intermediate, of_arm, found, executor)
            starts[task] = grid.intermediate(arm, seed, tuned(grid.study.intermediate, best))
            _train(grid, executor, f"intermediate-{task}", [starts[task]], may_fail=False)
            found.cells.append(starts[task])
    start = next(iter(starts.values()))
    for target, facts in grid.arms["targets"].items():
        if not TASKS[facts["task"]].family.trained:
            continue

        def of_target(training: Training, trial: str, target: str = target) -> dict[str, CellSpec]:
            return {
                name: grid.target(arm, target, seed, training, begin, variant=trial, predicts=False)
                for name, arm, begin in (("none", NONE, None), ("pooled", start.labels.arm, start))
            }

        _search(grid, "target", target, grid.study.target.training(target), of_target, found, executor)
    return found


def _search(
    grid: Grid, phase: str, name: str, default: Training, cells: Cells, found: Tuned, executor: LocalExecutor
) -> dict[str, float]:
    """One Optuna study; its first trial is the default. What it finds goes into ``found``."""
    import optuna

    settings = grid.study.tune
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    failed = optuna.trial.TrialState.FAIL
    sampler = optuna.samplers.TPESampler(
        seed=derived_seed(settings.seed, "tune", phase, name) % 2**32, n_startup_trials=4
    )
    study = optuna.create_study(direction="maximize", sampler=sampler)
    untuned = {key: float(getattr(default, key)) for key in SEARCHED}
    space = search_space(settings, phase)
    inside = all(space[key].low <= value <= space[key].high for key, value in untuned.items())
    if inside:
        study.enqueue_trial(untuned)
    rows: list[dict[str, Json]] = []

    def run(params: Sequence[Mapping[str, float]]) -> list[dict[str, float]]:
        numbers = range(len(rows), len(rows) + len(params))
        groups = [
            cells(dataclasses.replace(default, **each), f"trial-{number}")  # type: ignore[arg-type]
            for number, each in zip(numbers, params, strict=True)
        ]
        scores = _dev_scores(grid, executor, f"{phase}-{name}", groups, found)
        rows.extend(
            _row(phase, name, number, each, one) for number, each, one in zip(numbers, params, scores, strict=True)
        )
        return scores

    while len(rows) < settings.trials:
        asked = [study.ask(dict(space)) for _ in range(min(settings.batch, settings.trials - len(rows)))]
        for trial, scores in zip(asked, run([trial.params for trial in asked]), strict=True):
            study.tell(trial, _objective(scores) if scores else None, state=None if scores else failed)
    if not inside:
        run([untuned])
    found.trials.extend(rows)
    finished = [row for row in rows if row["state"] == "COMPLETE"]
    if not finished:
        raise XstiltsError(
            f"Every trial of {phase} {name} diverged",
            where="stage tune",
            next_step="lower the upper end of tune.learning_rate in params.yaml",
        )
    best = max(finished, key=lambda row: (float(row["objective"]), -int(row["number"])))
    found.best[phase][name] = {key: float(best[key]) for key in SEARCHED}
    return dict(found.best[phase][name])


def search_space(settings: TuneSection, phase: str) -> "Mapping[str, optuna.distributions.FloatDistribution]":
    """What is searched in a phase, ``intermediate`` or ``target``."""
    import optuna

    own = settings.intermediate_learning_rate if phase == "intermediate" else ()
    low, high = own or settings.learning_rate
    return {
        "learning_rate": optuna.distributions.FloatDistribution(low, high, log=True),
        "warmup_fraction": optuna.distributions.FloatDistribution(*settings.warmup_fraction),
    }


def _train(grid: Grid, executor: LocalExecutor, name: str, cells: Sequence[CellSpec], *, may_fail: bool) -> None:
    ensure_cells(cells, grid.layout, f"tune-{name}-{grid.encoder}", executor, may_fail=may_fail)


def _dev_scores(
    grid: Grid, executor: LocalExecutor, name: str, groups: Sequence[dict[str, CellSpec]], found: Tuned
) -> list[dict[str, float]]:
    """English dev score of each start of each trial; nothing for a trial with a diverged cell."""
    _train(grid, executor, name, [spec for group in groups for spec in group.values()], may_fail=True)
    store = CellStore(grid.layout.store)
    scores = []
    for group in groups:
        paths = {start: store.path(spec.key) / "result.json" for start, spec in group.items()}
        finished = [spec for start, spec in group.items() if paths[start].is_file()]
        found.cells.extend(finished)
        whole = len(finished) == len(group)
        scores.append({start: float(read_json(path)["dev"]["score"]) for start, path in paths.items()} if whole else {})
    return scores


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
