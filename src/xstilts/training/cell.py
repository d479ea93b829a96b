"""One cell: read its rows, train, look at English dev, predict every language, write it all down."""

import datetime
import functools
import json
import os
import platform
import resource
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from xstilts.cells.spec import CellSpec
from xstilts.cells.store import CellStore
from xstilts.errors import XstiltsError
from xstilts.families import family_of
from xstilts.faults import fault
from xstilts.files import Json, write_json, write_jsonl
from xstilts.tables import read_rows
from xstilts.tasks import TASKS, Task
from xstilts.training.batches import Batch, Collator, micro_batches, training_batches
from xstilts.training.encoded import Encoded, encoded_once
from xstilts.training.loop import DivergedError, Trained, train
from xstilts.training.model import TaskModel, load_model, save_state, swap_vocabulary, trained_state
from xstilts.training.predict import predict
from xstilts.training.resume import LONG_CELL, Checkpoints
from xstilts.training.vocabulary import Vocabulary, vocabulary_of

MICRO_BATCH_TOKENS = {"cpu": 1024, "cuda": 16384}
"""Padded subwords in one forward pass of training; larger batches are cut and their gradients added up."""


def device_for(asked: str) -> torch.device:
    """The device to use: ``auto`` takes a GPU when there is one."""
    return torch.device("cuda" if asked != "cpu" and torch.cuda.is_available() else "cpu")


@functools.lru_cache(maxsize=2)
def tokenizer_of(folder: str, *, identity_of: str) -> PreTrainedTokenizerBase:
    """An encoder's tokenizer; a warm worker parses each once (seconds, for 250,000 pieces).

    Args:
        folder: the checkpoint.
        identity_of: the encoder's sha256, so that another encoder in the same folder is read again.
    """
    tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    return tokenizer


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
    with store.building(spec.key, manifest) as folder:
        cell = _Cell(spec, store_folder, folder)
        cell.run()
    if cell.checkpoints:
        cell.checkpoints.discard()


class _Cell:
    """The state of one run of a cell."""

    def __init__(self, spec: CellSpec, store: Path, folder: Path) -> None:
        self.spec, self.folder, self.identity = spec, folder, spec.identity
        self.encoded = store.parent / "encoded"
        self.task: Task = TASKS[self.identity["task"]["name"]]
        self.family = family_of(self.task)
        self.settings = SimpleNamespace(**self.identity["settings"])
        self.precision = torch.bfloat16 if self.identity["precision"] == "bfloat16" else torch.float32
        self.device = device_for(spec.device)
        self.base = Path(spec.files["base"])
        self.start = Path(spec.files["start"]) if spec.files.get("start") else None
        self.tokenizer = tokenizer_of(str(self.base), identity_of=self.identity["encoder"])
        self.checkpoints = Checkpoints(store / ".checkpoints" / spec.key) if spec.cost > LONG_CELL else None
        self.events: list[dict[str, Json]] = []

    def run(self) -> None:
        began, started = time.perf_counter(), datetime.datetime.now(datetime.UTC)
        train_examples = self._encode("train", self._rows("train"))
        vocabulary = vocabulary_of(self.tokenizer, train_examples)
        model, report = load_model(self.base, self.start, vocabulary, self.task, self.identity["seeds"]["head"])
        model.to(self.device)
        trained = self._train(model, train_examples, vocabulary) if self.settings.steps else Trained(0, 0, 0.0, 0.0)
        trained_s = time.perf_counter() - began
        state = trained_state(model, vocabulary, self.start)
        if self.identity["keeps_weights"]:
            fault("weights")
            save_state(state, self.folder / "weights.safetensors", {"task": self.task.name})
        rows = {name: self._rows(name) for name in self.spec.files if name == "dev" or name.startswith("inputs/")}
        found, tokens = self._predict(model, state, rows)
        self._write(report.as_json(), trained, rows, found)
        self._write_record(started, began, trained_s, trained, tokens)

    def event(self, step: int, name: str, value: float) -> None:
        """Note a point of a curve."""
        self.events.append({"step": step, "name": name, "value": round(value, 6), "time": round(time.time(), 3)})

    def _rows(self, name: str) -> list[dict[str, Any]]:
        return read_rows(Path(self.spec.files[name])) if name in self.spec.files else []

    def _encode(self, name: str, rows: list[dict[str, Any]]) -> Encoded:
        content = self.identity["inputs"][name.removeprefix("inputs/")] if "/" in name else self.identity[name]
        length = self.settings.max_length
        return encoded_once(
            self.encoded, lambda: self.family.encode(rows, self.tokenizer, self.task, length),
            content, self.identity["encoder"], self.identity["versions"], self.task.name, self.task.version, length,
        )  # fmt: skip

    def _train(self, model: TaskModel, examples: Encoded, vocabulary: Vocabulary) -> Trained:
        collate = Collator(self.tokenizer, vocabulary, self.device)
        seeds, room, steps = self.identity["seeds"], MICRO_BATCH_TOKENS[self.device.type], self.settings.steps
        rng = np.random.default_rng(seeds["order"])
        order = training_batches(examples.lengths, self.settings.batch_size, steps, rng)

        def batches(step: int) -> list[Batch]:
            return [collate(part) for part in micro_batches([examples[index] for index in order[step]], room)]

        try:
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

    def _predict(
        self, model: TaskModel, state: dict[str, torch.Tensor], rows: dict[str, list[dict[str, Any]]]
    ) -> tuple[dict[str, list[Any]], int]:
        """Predictions by file, and how many subwords they took."""
        groups = {name: self._encode(name, rows[name]) for name in sorted(rows)}
        if not groups:
            return {}, 0
        vocabulary = vocabulary_of(self.tokenizer, *groups.values())
        swap_vocabulary(model, self.base, state, vocabulary)
        model.for_prediction(self.precision)
        collate = Collator(self.tokenizer, vocabulary, self.device)
        found = predict(model, groups, {name: len(rows[name]) for name in groups}, self.task, collate)
        return found, sum(sum(group.lengths) for group in groups.values())

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
                "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
                "versions": self.identity["versions"],
            },
        )
