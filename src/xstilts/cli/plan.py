"""``xstilts plan``: what a study would cost, from its parameters and from what is already there."""

import dataclasses
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from xstilts.cells.spec import PREDICTED_SHARE, SUBWORDS_PER_WORD, CellSpec
from xstilts.cells.store import CellStore
from xstilts.config import Study
from xstilts.encoders.facts import encoder_named
from xstilts.families import family_of
from xstilts.files import Json, read_json
from xstilts.layout import Layout
from xstilts.sections import Target
from xstilts.sources.corpora import CORPORA
from xstilts.tasks import TASKS, Family, Task, task_with

if TYPE_CHECKING:
    from xstilts.cells.grid import Grid

WORDS_PER_SENTENCE = 16
WORDS_PER_MADE_SENTENCE = 8
"""Of the corpora that are made here."""
WORDS: Mapping[Family, int] = MappingProxyType(
    {Family.PAIR_CLASSIFICATION: 30, Family.SPAN_QA: 150, Family.MULTIPLE_CHOICE: 120}
)
"""Of a row, all choices and the context included; ``WORDS_PER_SENTENCE`` for the other families."""
SHARE_OF_PRODUCT = 0.5
"""What a cell's training reaches of a bare matrix product's speed: 0.4 to 0.6 where it was measured."""
GPU_FLOPS = 100e12
"""What is assumed of an A100: a third of its bfloat16 peak, 312e12. Nothing was measured on one."""
MEASURED_S = 0.2
EMBEDDED = 16000
"""Rows of the word embedding that a cell's text uses."""
TRIAL_MB = 1.0
"""Of a cell that keeps predictions and no weights."""
CELL_S = 2.0
"""Reading rows and weights, writing results."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What some cells cost.

    Attributes:
        name: the stage, and the encoder where it is known.
        cells: how many.
        ready: how many of them are in the store; nothing while their inputs are not drawn yet.
        train_tokens: real subwords in training.
        predicted: sentences predicted.
        flops: floating-point operations, by ``Size``.
        disk_mb: kept on disk.
    """

    name: str
    cells: int
    ready: int | None
    train_tokens: float
    predicted: float
    flops: float
    disk_mb: float

    @property
    def left(self) -> float:
        """The share that is not there yet."""
        return 1 - (self.ready or 0) / max(1, self.cells)


@dataclass(frozen=True, slots=True)
class Size:
    """An encoder's size: layers and width of a hidden state."""

    layers: int
    hidden: int

    @classmethod
    def of(cls, study: Study, layout: Layout, encoder: str) -> "Size":
        """From its facts, or from its checkpoint where it is the user's; a base model's where neither tells."""
        facts = encoder_named(encoder, study.encoder.local)
        file = layout.models("encoder", encoder, "config.json")
        if not facts.layers and file.is_file():
            config = read_json(file)
            return cls(config.get("num_hidden_layers", 12), config.get("hidden_size", 768))
        return cls(facts.layers or 12, facts.hidden or 768)

    def work(self, tokens: float, frozen: int, alone: bool = False) -> float:
        """FLOPs of ``tokens`` subwords of training, forth and back through the layers that train.

        Args:
            tokens: real subwords.
            frozen: layers that do not train.
            alone: whether the last layer runs for the classification subword alone; counted as a sixth of a layer, for
                what a step costs beside its products.
        """
        layers = self.layers - min(frozen, self.layers - 1) - (5 / 6 if alone else 0)
        return tokens * 3 * self._forward * layers

    def frozen(self, tokens: float, frozen: int) -> float:
        """FLOPs of the frozen layers, which read each text once."""
        return tokens * self._forward * min(frozen, self.layers - 1)

    def checkpoint_mb(self, frozen: int) -> float:
        """Weights that a cell keeps, in float32; the word embedding's rows with them where all layers train."""
        trained = 12 * self.hidden**2 * (self.layers - min(frozen, self.layers - 1))
        return 4e-6 * (trained + (0 if frozen else EMBEDDED * self.hidden))

    @property
    def _forward(self) -> float:
        """FLOPs of one subword in one layer: two for each of its 12 h^2 weights.

        Attention's products of states are left out: s / (6 h) of that, 6 % for 128 subwords of a base model. Training
        takes three times as much: forth, and twice back.
        """
        return 24.0 * self.hidden**2


def show_plan(study: Study, root: Path) -> None:
    """Print the plan of a study; nothing is written."""
    from xstilts.cells.executor import workers_for

    layout = Layout(root, study.study)
    costs = exact_costs(study, layout) or estimated_costs(study, layout)
    rate, source = speed(study, layout)
    table = Table(
        "stage", "cells", "there", "training tokens", "predicted sentences", "PFLOP", "disk MB",
        title=f"Study {study.study}",
    )  # fmt: skip
    for cost in costs:
        there = "?" if cost.ready is None else str(cost.ready)
        numbers = [f"{value:,.0f}" for value in (cost.train_tokens, cost.predicted)]
        table.add_row(cost.name, str(cost.cells), there, *numbers, f"{cost.flops / 1e15:,.2f}", f"{cost.disk_mb:,.0f}")
    Console().print(table)
    left = sum(cost.flops * cost.left for cost in costs)
    waiting = CELL_S * sum(cost.cells * cost.left for cost in costs)
    workers = workers_for(study.runtime.workers, "cpu")
    minutes = (left / rate + waiting) / workers / 60
    print(f"About {_time(minutes)} with {workers} workers at {rate / 1e9:.0f} GFLOP/s each ({source}).")
    on_gpu = (left / GPU_FLOPS + waiting) / 3600
    print(f"On one A100 about {on_gpu:.1f} GPU hours: {GPU_FLOPS / 1e12:.0f} TFLOP/s are assumed, none was measured.")
    if any(cost.ready is None for cost in costs):
        print("What is already there can be told after stage arms has drawn the rows.")


def _time(minutes: float) -> str:
    return f"{minutes:.0f} minutes" if minutes < 120 else f"{minutes / 60:,.0f} hours"


def estimated_costs(study: Study, layout: Layout) -> list[Cost]:
    """Costs from the parameters alone."""
    return [cost for encoder in study.encoders for cost in _estimated(study, encoder, Size.of(study, layout, encoder))]


def _estimated(study: Study, encoder: str, size: Size) -> list[Cost]:
    arms = {name: len(block.arms()) for name, block in study.arms.blocks.items()}
    each = {name: _arm_tokens(study, name) for name in arms}
    controls, seeds, trials = len(study.arms.controls) + len(study.arms.combined), len(study.seeds), study.tune.trials
    frozen = study.intermediate.frozen_layers
    drawn = sum(arms[name] * tokens for name, tokens in each.items()) + controls * max(each.values())
    cells = (sum(arms.values()) + controls) * seeds
    trained = seeds * drawn * study.intermediate.passes
    alone = all(
        block.objective == "labels" and _alone(TASKS[CORPORA[block.corpus].task], study.intermediate.pooling)
        for block in study.arms.blocks.values()
    )
    flops, kept = size.work(trained, frozen, alone) + size.frozen(drawn, frozen), cells * size.checkpoint_mb(frozen)
    arms_cost = Cost(f"intermediate {encoder}", cells, None, trained, 0, flops, kept)
    tuned = trials * max(each.values()) * study.intermediate.passes
    tuning = Cost(f"tune {encoder}", trials, None, tuned, 0, size.work(tuned, frozen, alone), trials * TRIAL_MB)
    target_rows = []
    for name, target in study.targets.items():
        tried = controls + sum(count for block, count in arms.items() if study.tried_on(block, name))
        cost = _estimated_target(study, name, tried, size)
        target_rows.append(cost)
        if TASKS[CORPORA[target.corpus].task].family.trained:
            again = 2 * trials * _target_tokens(study, name)
            training, task = study.target.training(name), TASKS[CORPORA[target.corpus].task]
            more = size.work(again, training.frozen_layers, _alone(task, training.pooling))
            tuning = _sum([tuning, Cost("", 2 * trials, None, again, 0, more, 0)])
    champions = [_estimated_champion(study, name, size) for name in _trained_targets(study)]
    named = (("target", target_rows), ("register", champions))
    return [
        tuning,
        arms_cost,
        *(dataclasses.replace(_sum(rows), name=f"{stage} {encoder}") for stage, rows in named if rows),
    ]


def _trained_targets(study: Study) -> list[str]:
    return [name for name, target in study.targets.items() if TASKS[CORPORA[target.corpus].task].family.trained]


def _estimated_champion(study: Study, name: str, size: Size) -> Cost:
    """A target's champion, trained once more to keep its weights; what its frozen layers make of texts is there."""
    target, training = study.targets[name], study.target.training(name)
    tokens = _target_tokens(study, name)
    predicted = len(target.languages) * _test_rows(study, target) + target.dev_rows
    work = tokens + predicted * _words(target.corpus) * SUBWORDS_PER_WORD * PREDICTED_SHARE
    flops = size.work(work, training.frozen_layers, _alone(TASKS[CORPORA[target.corpus].task], training.pooling))
    return Cost("", 1, None, tokens, predicted, flops, size.checkpoint_mb(training.frozen_layers))


def _estimated_target(study: Study, name: str, tried: int, size: Size) -> Cost:
    """All cells of one target: every arm and ``none``, its plateau and its larger training sets."""
    target, training, seeds = study.targets[name], study.target.training(name), len(study.seeds)
    embedded = not TASKS[CORPORA[target.corpus].task].family.trained
    test = len(target.languages) * _test_rows(study, target)
    words = _words(target.corpus) * SUBWORDS_PER_WORD
    predicted = (tried + 1) * (test + target.dev_rows)
    if embedded:
        flops = seeds * predicted * 2 * words * PREDICTED_SHARE
        return Cost(
            "", (tried + 1) * seeds, None, 0, seeds * predicted, size.work(flops, 0), (tried + 1) * seeds * TRIAL_MB
        )
    larger = sum(target.more_rows) / target.train_rows
    tokens = (tried + 1 + study.target.plateau_factor + larger) * _target_tokens(study, name) * seeds
    cells = (tried + 2 + len(target.more_rows)) * seeds
    work = tokens + seeds * predicted * words * PREDICTED_SHARE
    texts = (test + target.dev_rows + max(target.train_rows, *target.more_rows, 0)) * words
    flops = size.work(work, training.frozen_layers, _alone(TASKS[CORPORA[target.corpus].task], training.pooling))
    flops += size.frozen(texts, training.frozen_layers)
    return Cost("", cells, None, tokens, seeds * predicted, flops, cells * TRIAL_MB)


def _sum(costs: list[Cost]) -> Cost:
    numbers = ("cells", "train_tokens", "predicted", "flops", "disk_mb")
    totals = {name: sum(getattr(cost, name) for cost in costs) for name in numbers}
    return dataclasses.replace(costs[0], **totals)


def _alone(task: Task, pooling: str) -> bool:
    """Whether the last layer runs for one subword; told of every encoder, though XLNet's and DeBERTa's run it whole."""
    return pooling == "cls" and family_of(task).pooled


def _alone_in(cell: Json) -> bool:
    """The same of a cell; one from before there was a choice says nothing of it."""
    task = cell["task"]
    return _alone(task_with(task["name"], task["labels"]), cell["settings"].get("pooling", "mean"))


def _test_rows(study: Study, target: Target) -> int:
    """Test rows of a language; a guess for corpora that are not made here."""
    made = CORPORA[target.corpus].source == "generator"
    return target.test_rows or (study.fetch.rows["test"] if made else 1000)


def _arm_tokens(study: Study, block: str) -> float:
    """Subwords of one arm of a block."""
    chosen = study.arms.blocks[block]
    words = chosen.objective == "labels" and TASKS[CORPORA[chosen.corpus].task].family is Family.TOKEN_TAGGING
    return study.labelled_items(block) * (1 if words else _words(chosen.corpus)) * SUBWORDS_PER_WORD


def _target_tokens(study: Study, name: str) -> float:
    target = study.targets[name]
    return target.train_rows * study.target.training(name).passes * _words(target.corpus) * SUBWORDS_PER_WORD


def _words(corpus: str) -> int:
    if CORPORA[corpus].source == "generator":
        return WORDS_PER_MADE_SENTENCE
    return WORDS.get(TASKS[CORPORA[corpus].task].family, WORDS_PER_SENTENCE)


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
        size = Size.of(study, layout, encoder)
        rows.append(_cost("intermediate", grid, intermediate_cells(grid, found), store, size))
        cells = target_cells(grid, found)
        rows.append(_cost("target", grid, cells, store, size))
        # Which cell is champion is not known yet: ``none`` stands for it, and trains as long as any.
        champions = [
            next(cell for cell in cells if cell.labels.target == name and cell.labels.variant == "main")
            for name in _trained_targets(study)
        ]
        if champions:
            registered = rows[-1].left == 0 and layout.results("register", "intents.json").is_file()
            there = len(champions) if registered else 0
            rows.append(dataclasses.replace(_cost("register", grid, champions, store, size), ready=there))
    return rows


def _cost(stage: str, grid: "Grid", cells: list[CellSpec], store: CellStore, size: Size) -> Cost:
    ready = sum((store.path(cell.key) / "cell.json").is_file() for cell in cells)
    predicted_words, sentences, flops, disk = 0.0, 0, 0.0, 0.0
    texts: dict[tuple[str, int], float] = {}
    for cell in cells:
        frozen = cell.identity["settings"]["frozen_layers"]
        facts = grid.arms["targets" if cell.labels.target else "arms"][cell.labels.target or cell.labels.arm]
        inputs = [facts["inputs"][language] for language in cell.identity["inputs"]]
        words = sum(each["words"] for each in inputs)
        predicted_words, sentences = predicted_words + words, sentences + sum(each["rows"] for each in inputs)
        flops += size.work(cell.cost, frozen, _alone_in(cell.identity))
        place = (cell.labels.target or cell.labels.arm, frozen)
        texts[place] = max(texts.get(place, 0.0), float(facts["train"]["words"] + facts["dev"]["words"] + words))
        disk += size.checkpoint_mb(frozen) if cell.identity["keeps_weights"] else TRIAL_MB
    flops += sum(size.frozen(SUBWORDS_PER_WORD * words, frozen) for (_, frozen), words in texts.items())
    tokens = sum(cell.cost for cell in cells) - predicted_words * SUBWORDS_PER_WORD * PREDICTED_SHARE
    return Cost(f"{stage} {grid.encoder}", len(cells), ready, tokens, sentences, flops, disk)


def speed(study: Study, layout: Layout) -> tuple[float, str]:
    """FLOPs a second of one worker, and where that is from: finished cells, or a matrix product here."""
    sizes = {name: Size.of(study, layout, name) for name in study.encoders}
    rates = []
    for path in list(layout.store.glob("*/record.json"))[:200]:
        record, cell = read_json(path), read_json(path.with_name("cell.json"))["identity"]
        size = sizes.get(record["labels"]["encoder"])
        tokens = record["tokens_per_s"] * record["train_s"]
        if size and tokens and record.get("loop_s"):
            work = size.work(tokens, cell["settings"]["frozen_layers"], _alone_in(cell))
            rates.append(work / record["loop_s"])
    if rates:
        return sorted(rates)[len(rates) // 2], "the median of finished cells here"
    from xstilts.cells.grid import resolved_precision

    hidden = max(size.hidden for size in sizes.values())
    return SHARE_OF_PRODUCT * _product_speed(hidden, resolved_precision(study.precision)), (
        "half the speed of a matrix product here, until cells have run"
    )


def _product_speed(hidden: int, precision: str) -> float:
    """FLOPs a second of a feed-forward layer's product on one thread."""
    import torch
    from torch.nn.functional import linear

    from xstilts.training.products import products

    kind = torch.bfloat16 if precision == "bfloat16" else torch.float32
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    rows, weight = torch.ones(256, hidden, dtype=kind), torch.ones(4 * hidden, hidden, dtype=kind)
    with torch.inference_mode(), products(rows.device, kind):
        linear(rows, weight)
        until, fastest = time.thread_time() + MEASURED_S, float("inf")  # other programs do not count
        while (began := time.thread_time()) < until:
            linear(rows, weight)
            fastest = min(fastest, time.thread_time() - began)
    torch.set_num_threads(threads)
    return 2.0 * rows.numel() * 4 * hidden / fastest
