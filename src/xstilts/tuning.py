"""Hyperparameters by Optuna, asked and told from one process in batches, so that a study repeats.

Trials are cells like any other: they are stored, reused, and trained by the same executor. The intermediate phase is
tuned on a set drawn evenly from all domains of a task's blocks (controls take its setting), the target phase on
``none`` and on that pooled set's checkpoint with equal trials, and one setting serves all arms: no arm is favoured by
its own tuning.
"""

import contextlib
import dataclasses
from collections.abc import Callable, Generator, Mapping, Sequence
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

Cells = Callable[[str, Training, str], dict[str, CellSpec]]
"""(task or target, settings, trial's name) to the cells of a trial, by the start they have."""
Groups = list[dict[str, CellSpec]]
"""The cells of each trial of a batch."""
Scores = list[dict[str, float]]
"""English dev scores of each trial of a batch; empty for a trial with a diverged cell."""


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
    seed, intermediate = grid.study.seeds[0], grid.study.intermediate
    pooled = {facts["task"]: arm for arm, facts in grid.arms["arms"].items() if facts["block"] == "pooled"}

    def of_arm(task: str, training: Training, trial: str) -> dict[str, CellSpec]:
        return {"pooled": grid.intermediate(pooled[task], seed, training, variant=trial, keeps_weights=False)}

    _together(grid, executor, "intermediate", dict.fromkeys(pooled, intermediate), of_arm, found)
    starts = [
        grid.intermediate(arm, seed, tuned(intermediate, found.best["intermediate"][task]))
        for task, arm in pooled.items()
    ]
    _train(grid, executor, "intermediate", starts, may_fail=False)
    found.cells.extend(starts)

    def of_target(target: str, training: Training, trial: str) -> dict[str, CellSpec]:
        return {
            name: grid.target(arm, target, seed, training, begin, variant=trial, predicts=False)
            for name, arm, begin in (("none", NONE, None), ("pooled", starts[0].labels.arm, starts[0]))
        }

    targets = {
        target: grid.study.target.training(target)
        for target, facts in grid.arms["targets"].items()
        if TASKS[facts["task"]].family.trained
    }
    _together(grid, executor, "target", targets, of_target, found)
    return found


def _together(
    grid: Grid, executor: LocalExecutor, phase: str, defaults: Mapping[str, Training], cells: Cells, found: Tuned
) -> None:
    """One search for each name, side by side: a round trains what all ask for. What they find goes into ``found``.

    A search hears of its own trials alone, so it finds what it would find by itself.
    """
    searches = {name: _search(grid, phase, name, default, cells, found) for name, default in defaults.items()}
    asked = {name: next(search) for name, search in searches.items()}
    while asked:
        groups = [group for each in asked.values() for group in each]
        scores = iter(_dev_scores(grid, executor, phase, groups, found))
        answers = {name: [next(scores) for _ in each] for name, each in asked.items()}
        asked = {}
        for name, answer in answers.items():
            with contextlib.suppress(StopIteration):
                asked[name] = searches[name].send(answer)


def _search(
    grid: Grid, phase: str, name: str, default: Training, cells: Cells, found: Tuned
) -> Generator[Groups, Scores, None]:
    """One Optuna study; its first trial is the default. What it finds goes into ``found``.

    Yields:
        The cells of each trial of a batch, by the start that they have; it takes their English dev scores.
    """
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

    def run(params: Sequence[Mapping[str, float]]) -> Generator[Groups, Scores, Scores]:
        numbers = range(len(rows), len(rows) + len(params))
        scores = yield [
            cells(name, dataclasses.replace(default, **each), f"trial-{number}")  # type: ignore[arg-type]
            for number, each in zip(numbers, params, strict=True)
        ]
        rows.extend(
            _row(phase, name, number, each, one) for number, each, one in zip(numbers, params, scores, strict=True)
        )
        return scores

    while len(rows) < settings.trials:
        asked = [study.ask(dict(space)) for _ in range(min(settings.batch, settings.trials - len(rows)))]
        scores = yield from run([trial.params for trial in asked])
        for trial, each in zip(asked, scores, strict=True):
            study.tell(trial, _objective(each) if each else None, state=None if each else failed)
    if not inside:
        yield from run([untuned])
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


def _dev_scores(grid: Grid, executor: LocalExecutor, name: str, groups: Groups, found: Tuned) -> Scores:
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
