"""Stage ``target``: trains the target phase from every start and predicts every language, without gold."""

from xstilts.arms.stamp import check_stamp
from xstilts.cells.grid import Grid, intermediate_cells, resolved_precision, target_cells
from xstilts.cells.stage import ensure_cells, local_executor, place_cells
from xstilts.config import Study
from xstilts.files import read_json
from xstilts.layout import Layout


def run(study: Study, layout: Layout, encoder: str, *, reuse: bool = True) -> None:
    """Write ``models/<study>/target/<encoder>/``."""
    arms = check_stamp(layout.data("arms"), study)
    best = read_json(layout.results("tune", encoder, "best.json"))
    grid = Grid(study, layout, encoder, arms, resolved_precision(study.precision))
    starts = intermediate_cells(grid, best)
    trained = layout.models("intermediate", encoder)
    cells = target_cells(grid, best)
    with local_executor(study, layout) as executor:
        ensure_cells(starts, layout, f"intermediate-{encoder}", executor, beside=[trained])
        ensure_cells(cells, layout, f"target-{encoder}", executor, reuse=reuse)
    place_cells(cells, layout, layout.models("target", encoder))
