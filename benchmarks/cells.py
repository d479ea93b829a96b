"""Cells an hour and the workers' busy share on a grid of short cells, beside a pool with a fresh process for each cell.

    python benchmarks/cells.py [--cells 12] [--steps 12] [--rounds 2]

The peer is ``concurrent.futures.ProcessPoolExecutor`` with as many one-thread processes as cores and one task for each
process: how a grid is usually run, a process a run. Ours is the executor with warm workers. Both run the same cells
from an empty store. Busy share: the cells' own seconds over workers times the time from the first start to the end.

    python benchmarks/cells.py --study pos-by-genre

tells both figures of a study that has run here, from its cells' records; no peer, no ratio.
"""

import argparse
import concurrent.futures
import datetime
import json
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from workload import machine, prepare, specs_for

Figures = dict[str, float]


def figures(records: list[dict[str, Any]], workers: int, wall: float | None = None) -> Figures:
    """Cells an hour, busy share and peak memory from the records of some cells."""
    starts = [datetime.datetime.fromisoformat(record["started"]).timestamp() for record in records]
    ends = [start + record["wall_s"] for start, record in zip(starts, records, strict=True)]
    span = wall if wall is not None else max(ends) - min(starts)
    return {
        "cells": len(records),
        "cells_per_hour": 3600 * len(records) / span,
        "busy_share": sum(record["wall_s"] for record in records) / (workers * span),
        "peak_rss_mb": max(record["peak_rss_mb"] for record in records),
    }


def run_alone(spec: Any, store: str) -> None:
    """What each process of the peer does."""
    from xstilts.training.cell import run_cell

    run_cell(spec, Path(store))


def measure(side: str, specs: list[Any], workers: int) -> Figures:
    """Run the cells from an empty store."""
    from xstilts.cells.executor import WORKER_ENVIRONMENT, LocalExecutor
    from xstilts.files import read_json

    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "cells"
        began = time.perf_counter()
        if side == "ours":
            with LocalExecutor(store, workers) as executor:
                errors = [outcome.error for outcome in executor.run(specs) if outcome.error]
        else:
            os.environ.update(WORKER_ENVIRONMENT)
            context = multiprocessing.get_context("spawn")
            pool = concurrent.futures.ProcessPoolExecutor(workers, context, max_tasks_per_child=1)
            with pool:
                done = [pool.submit(run_alone, spec, str(store)) for spec in specs]
                errors = [str(each.exception()) for each in done if each.exception()]
        if errors:
            raise SystemExit(errors[0])
        wall = time.perf_counter() - began
        return figures([read_json(store / spec.key / "record.json") for spec in specs], workers, wall)


def of_study(name: str) -> None:
    """Figures of a study's grid stages on this machine."""
    from xstilts.files import read_json, read_jsonl
    from xstilts.layout import Layout

    workers = len(os.sched_getaffinity(0))
    layout = Layout(Path.cwd(), name)
    for phase in ("tune", "intermediate", "target"):
        for index in sorted(layout.models(phase).glob("*/index.jsonl")):
            paths = sorted({str(index.parent / row["path"] / "record.json") for row in read_jsonl(index)})
            if paths:
                found = figures([read_json(Path(path)) for path in paths], workers)
                print(
                    f"{phase} {index.parent.name}: " + ", ".join(f"{key} {value:.2f}" for key, value in found.items())
                )


def main() -> None:
    """Measure both sides in turn, print a table, a JSON line and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=12)
    parser.add_argument("--steps", type=int, default=12, help="optimizer steps of each cell")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--study", help="tell the figures of a study that has run here")
    chosen = parser.parse_args()
    if chosen.study:
        of_study(chosen.study)
        return
    from xstilts.cells.grid import resolved_precision
    from xstilts.quiet import quiet

    quiet()
    workers = len(os.sched_getaffinity(0))
    found: dict[str, list[Figures]] = {"peer": [], "ours": []}
    with tempfile.TemporaryDirectory() as folder:
        specs = specs_for(prepare(Path(folder)), chosen.steps, 16, resolved_precision("auto"), range(chosen.cells))
        for _ in range(chosen.rounds):
            for side, rows in found.items():
                rows.append(measure(side, specs, workers))
                print(f"{side}: {rows[-1]['cells_per_hour']:.0f} cells an hour", file=sys.stderr)
    line = "{:<40}{:>12}{:>8}{:>10}"
    print(line.format("side", "cells/hour", "busy", "peak MB"))
    middle = {side: statistics.median(row["cells_per_hour"] for row in rows) for side, rows in found.items()}
    for side, name in (("peer", "ProcessPoolExecutor, a process a cell"), ("ours", "xstilts, warm workers")):
        busy = statistics.median(row["busy_share"] for row in found[side])
        peak = max(row["peak_rss_mb"] for row in found[side])
        print(line.format(name, f"{middle[side]:.0f}", f"{busy:.2f}", f"{peak:.0f}"))
    ratio = middle["ours"] / middle["peer"]
    facts = {"cells": chosen.cells, "steps": chosen.steps, "rounds": chosen.rounds}
    print(json.dumps({"machine": machine(), **facts, "runs": found, "ratio": ratio}))
    print(f"ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
