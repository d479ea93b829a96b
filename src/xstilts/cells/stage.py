"""A grid stage: reuse what is finished, train what is missing, put the whole output in place at the end."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from xstilts.cells.executor import LocalExecutor, Outcome, workers_for
from xstilts.cells.seeding import adopt_cells, seed_store
from xstilts.cells.spec import CellSpec
from xstilts.cells.store import CellStore, link_tree
from xstilts.config import Study
from xstilts.errors import XstiltsError
from xstilts.faults import fault
from xstilts.files import read_json, replaced_folder, write_jsonl
from xstilts.layout import Layout


@contextmanager
def local_executor(study: Study, layout: Layout) -> Iterator[LocalExecutor]:
    """The workers of a stage, with the study's runtime settings."""
    runtime = study.runtime
    with LocalExecutor(layout.store, workers_for(runtime.workers, runtime.device)) as executor:
        yield executor


def ensure_cells(
    specs: Sequence[CellSpec],
    layout: Layout,
    name: str,
    executor: LocalExecutor,
    *,
    reuse: bool = True,
    may_fail: bool = False,
    beside: Sequence[Path] = (),
) -> None:
    """Bring every cell into the store; each key is trained once.

    Args:
        specs: wanted cells.
        layout: tells the store and the project's root.
        name: of the stage, for messages and failures.
        executor: trains what is missing.
        reuse: whether finished cells are taken as they are; otherwise all are trained again.
        may_fail: whether a failed cell is only told of; tuning learns from it.
        beside: outputs of other stages that may hold wanted cells, as after ``dvc pull`` without a store.

    Raises:
        XstiltsError: after all others have ended, if any cell failed; it names each and the command that reruns them.
    """
    store = CellStore(layout.store)
    wanted = {spec.key: spec for spec in specs}
    store.sweep()
    write_jsonl(layout.hidden / "live" / layout.study / f"{name}.jsonl", (spec.index_row() for spec in specs))
    if not reuse:
        for key in wanted:
            store.discard(key)
    missing = [key for key in wanted if not store.intact(key)]
    seeded = 0
    if reuse:
        seeded = sum(adopt_cells(store, out, missing) for out in beside)
        seeded += seed_store(store, layout.root, [key for key in missing if not store.intact(key)])
    missing = [key for key in missing if not store.intact(key)]
    for key in missing:
        store.discard(key)
    reused = len(wanted) - len(missing)
    print(
        f"{name}: {len(wanted)} cells, {reused} reused{f' ({seeded} from DVC)' if seeded else ''}, "
        f"{len(missing)} to train",
        flush=True,
    )
    failed = _train([wanted[key] for key in missing], store, name, executor)
    if failed and not may_fail:
        raise _failure(failed, layout, name, len(wanted))


def _train(specs: Sequence[CellSpec], store: CellStore, name: str, executor: LocalExecutor) -> list[Outcome]:
    if not specs:
        return []
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        TextColumn("left"), TimeRemainingColumn(),
    )  # fmt: skip
    console = Console(stderr=True)
    failed = []
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task(name, total=sum(spec.cost for spec in specs) or 1.0)
        for number, outcome in enumerate(executor.run(specs), 1):
            progress.update(bar, advance=outcome.spec.cost, description=f"{name} {number}/{len(specs)}")
            _tell(outcome, store, number, len(specs))
            if outcome.error:
                failed.append(outcome)
    return failed


def _tell(outcome: Outcome, store: CellStore, number: int, total: int) -> None:
    path = outcome.spec.labels.path
    if outcome.error:
        last = outcome.error.strip().splitlines()[-1]
        print(f"  [{number}/{total}] {path} FAILED: {last}", file=sys.stderr, flush=True)
        return
    folder = store.path(outcome.spec.key)
    record, dev = read_json(folder / "record.json"), read_json(folder / "result.json")["dev"]
    score = "" if dev["score"] is None else f", English dev {dev['metric']} {dev['score']:.1f}"
    print(f"  [{number}/{total}] {path}: {record['wall_s']:.0f} s{score}", flush=True)


def _failure(failed: Sequence[Outcome], layout: Layout, name: str, total: int) -> XstiltsError:
    shown = "; ".join(f"{each.spec.labels.path}: {each.error.strip().splitlines()[-1]}" for each in failed[:5])
    file = layout.hidden / "failures" / f"{layout.study}-{name}.txt"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n\n".join(f"{each.spec.labels.path}\n{each.error}" for each in failed), "utf-8")
    kept = total - len(failed)
    return XstiltsError(
        f"{len(failed)} of {total} cells failed: {shown}",
        where=f"stage {name}; whole errors in {file.relative_to(layout.root)}",
        next_step=f"mend the cause and run `xstilts repro {layout.study}`: the {kept} finished cells are kept, only "
        "the failed ones are trained",
    )


def place_cells(specs: Sequence[CellSpec], layout: Layout, out: Path) -> None:
    """Put the cells' folders and their index into a stage's output, all at once."""
    store = CellStore(layout.store)
    with replaced_folder(out) as building:
        for spec in specs:
            link_tree(store.path(spec.key), building / spec.labels.path)
        write_jsonl(building / "index.jsonl", (spec.index_row() for spec in specs))
        fault("place")
