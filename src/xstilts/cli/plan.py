"""``xstilts plan``: what a study would cost, from its parameters and from what is already there."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from xstilts.cells.spec import PREDICTED_SHARE, SUBWORDS_PER_WORD, CellSpec
from xstilts.cells.store import CellStore
from xstilts.config import Study
from xstilts.files import read_json
from xstilts.layout import Layout
from xstilts.sections import Target, Training
from xstilts.sources.corpora import CORPORA
from xstilts.tasks import TASKS, Family

if TYPE_CHECKING:
    from xstilts.cells.grid import Grid

WORDS_PER_SENTENCE = 16
WORDS_PER_MADE_SENTENCE = 8
"""Of the corpora that are made here."""
TOKENS_PER_S = {"float32": 500.0, "bfloat16": 1000.0}
"""Real subwords of training a second on one core, until own cells tell better: half to four fifths of what
docs/performance.md has."""
CHECKPOINT_MB = 110.0
"""Of a cell that trains all layers; less where some are frozen."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What some cells cost.

    Attributes:
        cells: how many.
        ready: how many of them are in the store; nothing while their inputs are not drawn yet.
        train_tokens: real subwords in training.
        predicted: sentences predicted.
        disk_mb: kept on disk.
    """

    name: str
    cells: int
    ready: int | None
    train_tokens: float
    predicted: float
    disk_mb: float


def show_plan(study: Study, root: Path) -> None:
    """Print the plan of a study; nothing is written."""
    layout = Layout(root, study.study)
    costs = exact_costs(study, layout) or estimated_costs(study)
    rate, measured = observed_rate(layout, study.precision)
    table = Table(
        "stage", "cells", "there", "training tokens", "predicted sentences", "disk MB", title=f"Study {study.study}"
    )
    for cost in costs:
        there = "?" if cost.ready is None else str(cost.ready)
        table.add_row(
            cost.name,
            str(cost.cells),
            there,
            f"{cost.train_tokens:,.0f}",
            f"{cost.predicted:,.0f}",
            f"{cost.disk_mb:,.0f}",
        )
    Console().print(table)
    left = sum(_work(cost) * (1 - (cost.ready or 0) / max(1, cost.cells)) for cost in costs)
    from xstilts.cells.executor import workers_for

    workers = workers_for(study.runtime.workers, "cpu")
    source = "measured on finished cells here" if measured else "a cautious guess until cells have run here"
    print(
        f"About {left / rate / workers / 60:.0f} minutes with {workers} workers at {rate:.0f} tokens/s each ({source})."
    )
    if any(cost.ready is None for cost in costs):
        print("What is already there can be told after stage arms has drawn the rows.")


def _work(cost: Cost) -> float:
    return cost.train_tokens + cost.predicted * WORDS_PER_SENTENCE * SUBWORDS_PER_WORD * PREDICTED_SHARE


def estimated_costs(study: Study) -> list[Cost]:
    """Costs from the parameters alone."""
    arms = sum(len(block.arms()) for block in study.arms.blocks.values())
    starts = arms + len(study.arms.controls)
    seeds = len(study.seeds)
    each = {name: _arm_tokens(study, name) for name in study.arms.blocks}
    arm_tokens = sum(len(study.arms.blocks[name].arms()) * tokens for name, tokens in each.items())
    arm_tokens += len(study.arms.controls) * max(each.values())
    tune = study.tune.trials
    rows = [
        Cost(
            "intermediate", starts * seeds, None, seeds * arm_tokens * study.intermediate.passes, 0,
            starts * seeds * CHECKPOINT_MB,
        )
    ]  # fmt: skip
    tokens = {name: _target_tokens(study, name, study.target.training(name)) for name in study.targets}
    train = sum(tokens.values())
    tried = {
        name: len(study.arms.controls)
        + sum(len(block.arms()) for key, block in study.arms.blocks.items() if study.tried_on(key, name))
        for name in study.targets
    }
    test = sum(
        (tried[name] + 1) * len(target.languages) * _test_rows(study, target) for name, target in study.targets.items()
    )
    more = sum(
        _target_tokens(study, name, study.target.training(name)) * sum(target.more_rows) / target.train_rows
        for name, target in study.targets.items()
        if target.more_rows
    )
    larger = sum(len(target.more_rows) for target in study.targets.values())
    cells = (sum(tried.values()) + 2 * len(study.targets) + larger) * seeds
    treated = sum((tried[name] + 1 + study.target.plateau_factor) * tokens[name] for name in study.targets)
    rows.append(Cost("target", cells, None, (treated + more) * seeds, seeds * test, cells * 1.0))
    trials = tune * max(each.values()) * study.intermediate.passes + 2 * tune * train
    count = tune + 2 * tune * len(study.targets)
    return [Cost("tune", count, None, trials, 0, tune * CHECKPOINT_MB), *rows]


def _test_rows(study: Study, target: Target) -> int:
    """Test rows of a language; a guess for corpora that are not made here."""
    made = CORPORA[target.corpus].source == "generator"
    return target.test_rows or (study.fetch.rows["test"] if made else 1000)


def _arm_tokens(study: Study, block: str) -> float:
    """Subwords of one arm of a block."""
    corpus = study.arms.blocks[block].corpus
    tagging = TASKS[CORPORA[corpus].task].family is Family.TOKEN_TAGGING
    return study.labelled_items(block) * (1 if tagging else _words(corpus)) * SUBWORDS_PER_WORD


def _target_tokens(study: Study, name: str, training: Training) -> float:
    target = study.targets[name]
    return target.train_rows * training.passes * _words(target.corpus) * SUBWORDS_PER_WORD


def _words(corpus: str) -> int:
    return WORDS_PER_MADE_SENTENCE if CORPORA[corpus].source == "generator" else WORDS_PER_SENTENCE


def exact_costs(study: Study, layout: Layout) -> list[Cost]:
    """Costs from the drawn rows and the store; nothing when the arms or the tuning are not there yet."""
    from xstilts.arms.stamp import check_stamp
    from xstilts.cells.grid import Grid, intermediate_cells, resolved_precision, target_cells
    from xstilts.errors import XstiltsError

    try:
        arms = check_stamp(layout.data("arms"), study)
    except XstiltsError:
        return []
    store = CellStore(layout.store)
    rows: list[Cost] = []
    for encoder in study.encoders:
        best = layout.results("tune", encoder, "best.json")
        if not best.is_file() or not layout.models("encoder", encoder, "encoder.json").is_file():
            return []
        grid = Grid(study, layout, encoder, arms, resolved_precision(study.precision))
        found = read_json(best)
        rows.append(_cost("intermediate", grid, intermediate_cells(grid, found), store, CHECKPOINT_MB))
        rows.append(_cost("target", grid, target_cells(grid, found), store, 1.0))
    return rows


def _cost(stage: str, grid: "Grid", cells: list[CellSpec], store: CellStore, disk_mb: float) -> Cost:
    ready = sum((store.path(cell.key) / "cell.json").is_file() for cell in cells)
    inputs = [
        grid.arms["targets"][cell.labels.target]["inputs"][language]
        for cell in cells
        for language in cell.identity["inputs"]
    ]
    predicted = sum(each["words"] for each in inputs) * SUBWORDS_PER_WORD * PREDICTED_SHARE
    tokens, sentences = sum(cell.cost for cell in cells) - predicted, sum(each["rows"] for each in inputs)
    return Cost(f"{stage} {grid.encoder}", len(cells), ready, tokens, sentences, len(cells) * disk_mb)


def observed_rate(layout: Layout, precision: str) -> tuple[float, bool]:
    """Median training tokens a second of this project's finished cells, and whether there are any."""
    from xstilts.cells.grid import resolved_precision

    rates = sorted(float(read_json(path)["tokens_per_s"]) for path in list(layout.store.glob("*/record.json"))[:200])
    rates = [rate for rate in rates if rate > 0]
    return (rates[len(rates) // 2], True) if rates else (TOKENS_PER_S[resolved_precision(precision)], False)
