"""Stage ``intermediate``: trains the arms' checkpoints."""

from xstilts.arms.stamp import check_stamp
from xstilts.cells.grid import Grid, intermediate_cells, resolved_precision
from xstilts.cells.stage import ensure_cells, local_executor, place_cells
from xstilts.config import Study
from xstilts.files import read_json
from xstilts.layout import Layout


def run(study: Study, layout: Layout, encoder: str, *, reuse: bool = True) -> None:
    """Write ``models/<study>/intermediate/<encoder>/``."""
    arms = check_stamp(layout.data("arms"), study)
    best = read_json(layout.results("tune", encoder, "best.json"))
    grid = Grid(study, layout, encoder, arms, resolved_precision(study.precision))
    cells = intermediate_cells(grid, best)
    with local_executor(study, layout) as executor:
        ensure_cells(cells, layout, f"intermediate-{encoder}", executor, reuse=reuse)
    place_cells(cells, layout, layout.models("intermediate", encoder))
