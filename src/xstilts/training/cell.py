"""One cell: read its rows, train, look at English dev, predict every language, write it all down."""

import contextlib
import ctypes
import datetime
import gc
import json
import os
import platform
import resource
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from xstilts.cells.spec import CellSpec
from xstilts.cells.store import CellStore
from xstilts.errors import XstiltsError
from xstilts.families import family_of
from xstilts.faults import fault
from xstilts.files import Json, write_json, write_jsonl
from xstilts.tables import read_rows
from xstilts.tasks import Task, task_with
from xstilts.training.batches import Batch, Collator, batches_of_parts, micro_batches
from xstilts.training.encoded import Encoded, Encoder
from xstilts.training.layers import above, freeze, frozen_in, keep_layers, read_off
from xstilts.training.loop import DivergedError, Trained, train
from xstilts.training.model import TaskModel, load_model, save_state, swap_vocabulary, trained_state
from xstilts.training.predict import predict
from xstilts.training.resume import checkpoints_for
from xstilts.training.states import FrozenStates, can_be_kept
from xstilts.training.vocabulary import Marks, Vocabulary, vocabulary_for

MICRO_BATCH_TOKENS = {"cpu": 384, "cuda": 16384}
"""Padded subwords in one forward pass of training; larger batches are cut and their gradients added up."""


def device_for(asked: str) -> torch.device:
    """The device to use: ``auto`` takes a GPU when there is one."""
    return torch.device("cuda" if asked != "cpu" and torch.cuda.is_available() else "cpu")


def give_memory_back() -> None:
    """Return freed memory to the system: between cells, the allocator would keep it in pieces."""
    gc.collect()
    with contextlib.suppress(AttributeError):  # not glibc
        ctypes.CDLL(None).malloc_trim(0)


def peak_rss_mb() -> float:
    """This process's highest resident memory so far, in MiB.

    Linux' ``getrusage`` would give a worker the peak of the driver that started it, when that is higher.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        return next(int(row.split()[1]) for row in status.read_text().splitlines() if row.startswith("VmHWM")) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 1024


def run_cell(spec: CellSpec, store_folder: Path) -> None:
    """Train a cell and put it into the store.

    Raises:
        XstiltsError: if its training diverges or its input is damaged; nothing is stored then.
    """
    torch.set_num_threads(1)
    if spec.identity["deterministic"]:
        torch.use_deterministic_algorithms(True, warn_only=True)
    store = CellStore(store_folder)
    manifest = {"identity": dict(spec.identity), "settings": dict(spec.identity["settings"])}
    give_memory_back()  # what the cell before had would stand beside the tokenizer of this one
    gc.freeze()  # what lives now is libraries: to walk through them again takes a tenth of a small cell
    with store.building(spec.key, manifest) as folder:
        cell = _Cell(spec, store_folder, folder)
        cell.run()
    if cell.checkpoints:
        cell.checkpoints.discard()


class _Cell:
    """The state of one run of a cell."""

    def __init__(self, spec: CellSpec, store: Path, folder: Path) -> None:
        self.spec, self.folder, self.identity = spec, folder, spec.identity
        self.task: Task = task_with(self.identity["task"]["name"], self.identity["task"]["labels"])
        self.family = family_of(self.task)
        self.settings = SimpleNamespace(**self.identity["settings"])
        self.precision = torch.bfloat16 if self.identity["precision"] == "bfloat16" else torch.float32
        self.device = device_for(spec.device)
        self.base = Path(spec.files["base"])
        self.start = Path(spec.files["start"]) if spec.files.get("start") else None
        length = self.settings.max_length
        encoding = (self.identity["encoder"], self.identity["versions"], self.task.name, self.task.version, length)
        self.states = FrozenStates(store.parent / "encoded", encoding, self.precision)
        self.encoder = Encoder(
            store.parent / "encoded",
            self.base,
            encoding,
            lambda rows, tokenizer: self.family.encode(rows, tokenizer, self.task, length),
        )
        self.checkpoints = checkpoints_for(store, spec.key, spec.cost)
        self.events: list[dict[str, Json]] = []

    def run(self) -> None:
        began, started = time.perf_counter(), datetime.datetime.now(datetime.UTC)
        rows = {
            name: read_rows(Path(self.spec.files[name])) for name in self.spec.files if name not in ("base", "start")
        }
        examples = {name: self.encoder.encoded(self._content(name), rows[name]) for name in sorted(rows)}
        marks = self.encoder.marks()
        self.encoder.forget()
        give_memory_back()
        layers = self.settings.frozen_layers if self.settings.steps else 0
        kept = layers if can_be_kept(self.base, self.start, layers) else 0
        vocabulary = self._vocabulary(marks, examples.values() if kept else [examples.get("train", Encoded.of([]))])
        model, report = load_model(self.base, self.start, vocabulary, self.task, self.identity["seeds"]["head"])
        model.to(self.device)
        freeze(model.encoder, layers)
        embedding = self.identity.get("embedding")
        keep_layers(model.encoder, embedding["layer"] if embedding else 0)
        pooling = (embedding or self.identity["settings"])["pooling"]
        read_off(model, pooling)
        collate = Collator(marks, vocabulary, self.device, pooling)
        if kept:
            content = {name: self._content(name) for name in examples}
            examples = self.states.added(model, layers, examples, content, collate)
        train_examples = examples.pop("train", Encoded.of([]))
        with above(model, kept):
            trained = self._train(model, train_examples, collate) if self.settings.steps else Trained(0, 0, 0.0, 0.0)
        trained_s = time.perf_counter() - began
        state = trained_state(model, vocabulary, self.start)
        if self.identity["keeps_weights"]:
            fault("weights")
            save_state(state, self.folder / "weights.safetensors", {"task": self.task.name})
        if not kept and not self.family.whole_vocabulary(self.task):
            collate = Collator(marks, self._vocabulary(marks, examples.values()), self.device, pooling)
            swap_vocabulary(model, self.base, state, collate.vocabulary)
        with above(model, kept):
            model.for_prediction(self.precision)
            found = predict(model, examples, rows, self.task, collate)
        self._write(report.as_json(), trained, rows, found)
        tokens = sum(sum(group.lengths) for group in examples.values())
        self._write_record(started, began, trained_s, trained, tokens)

    def event(self, step: int, name: str, value: float) -> None:
        """Note a point of a curve."""
        self.events.append({"step": step, "name": name, "value": round(value, 6), "time": round(time.time(), 3)})

    def _vocabulary(self, marks: Marks, groups: Iterable[Encoded]) -> Vocabulary:
        return vocabulary_for(self.base, self.family, self.task, marks, groups)

    def _content(self, name: str) -> Json:
        return self.identity["inputs"][name.removeprefix("inputs/")] if "/" in name else self.identity[name]

    def _train(self, model: TaskModel, examples: Encoded, collate: Collator) -> Trained:
        seeds, room, steps = self.identity["seeds"], MICRO_BATCH_TOKENS[self.device.type], self.settings.steps
        rng = np.random.default_rng(seeds["order"])
        order = batches_of_parts(examples.parts, examples.lengths, examples.items, self.settings.batch_size, steps, rng)

        def batches(step: int) -> list[Batch]:
            return [collate(part) for part in micro_batches([examples[index] for index in order[step]], room)]

        try:
            with frozen_in(model, self.precision):
                return train(
                    model, batches, steps, self.settings, precision=self.precision, dropout_seed=seeds["dropout"],
                    on_event=self.event, checkpoints=self.checkpoints,
                )  # fmt: skip
        except DivergedError as error:
            raise XstiltsError(
                f"Training diverged: {error}",
                where=f"cell {self.spec.labels.path} of {self.spec.labels.phase}",
                next_step="lower learning_rate in params.yaml, or the upper end of tune.learning_rate",
            ) from error

    def _write(
        self, transfer: Json, trained: Trained, rows: dict[str, list[dict[str, Any]]], found: dict[str, list[Any]]
    ) -> None:
        for name, values in found.items():
            file = "dev.jsonl" if name == "dev" else f"predictions/{name.removeprefix('inputs/')}.jsonl"
            pairs = zip(rows[name], values, strict=True)
            write_jsonl(self.folder / file, ({"id": row["id"], "prediction": value} for row, value in pairs))
        score = None
        if "dev" in found:
            metrics = self.family.score(found["dev"], [row[self.family.gold] for row in rows["dev"]], self.task)
            score = next(float(metric.value_pct) for metric in metrics if metric.name == self.task.main_metric)
            self.event(trained.steps, "dev_score", score)
        dev = {"metric": self.task.main_metric, "rows": len(rows.get("dev", [])), "score": score}
        write_json(
            self.folder / "result.json",
            {"dev": dev, "steps": trained.steps, "train_tokens": trained.tokens, "transfer": transfer},
        )

    def _write_record(
        self, started: datetime.datetime, began: float, trained_s: float, trained: Trained, predicted: int
    ) -> None:
        wall = time.perf_counter() - began
        text = "".join(json.dumps(event, sort_keys=True) + "\n" for event in self.events)
        (self.folder / "events.jsonl").write_text(text, "utf-8")
        write_json(
            self.folder / "record.json",
            {
                "study": self.spec.labels.study,
                "labels": self.spec.index_row(),
                "started": started.isoformat(timespec="milliseconds"),
                "wall_s": round(wall, 3),
                "train_s": round(trained_s, 3),
                "loop_s": round(trained.wall_s, 3),
                "predict_s": round(wall - trained_s, 3),
                "tokens_per_s": round(trained.tokens / trained_s, 1),
                "predicted_tokens": predicted,
                "host": platform.node(),
                "processor": platform.processor() or platform.machine(),
                "device": str(self.device),
                "pid": os.getpid(),
                "peak_rss_mb": round(peak_rss_mb(), 1),
                "versions": self.identity["versions"],
            },
        )
