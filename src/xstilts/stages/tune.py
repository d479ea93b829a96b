"""Stage ``tune``: one Optuna study for each phase; only English dev is looked at."""

from xstilts.arms.stamp import check_stamp
from xstilts.cells.grid import Grid, resolved_precision
from xstilts.cells.stage import local_executor, place_cells
from xstilts.config import Study
from xstilts.files import replaced_folder, write_csv, write_json
from xstilts.layout import Layout
from xstilts.tuning import TRIAL_COLUMNS, tune_study


def run(study: Study, layout: Layout, encoder: str) -> None:
    """Write ``best.json`` and ``trials.csv`` below ``results/``, and the trials' cells below ``models/``."""
    arms = check_stamp(layout.data("arms"), study)
    grid = Grid(study, layout, encoder, arms, resolved_precision(study.precision))
    with local_executor(study, layout) as executor:
        found = tune_study(grid, executor)
    place_cells(found.cells, layout, layout.models("tune", encoder))
    with replaced_folder(layout.results("tune", encoder)) as out:
        write_json(out / "best.json", found.best)
        write_csv(out / "trials.csv", found.trials, TRIAL_COLUMNS)
    for phase, chosen in found.best.items():
        for name, settings in chosen.items():
            print(f"tune: {phase} {name}: " + ", ".join(f"{key} {value:.3g}" for key, value in settings.items()))
