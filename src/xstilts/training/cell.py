"""One cell: read its rows, train, look at English dev, predict every language, write it all down."""

import datetime
import functools
import json
import os
import platform
import resource
import time
from collections.abc import Iterator
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
from xstilts.families.base import Example
from xstilts.files import Json, write_json, write_jsonl
from xstilts.tables import read_rows
from xstilts.tasks import TASKS, Task
from xstilts.training.batches import Batch, Collator, training_batches
from xstilts.training.loop import DivergedError, Trained, train
from xstilts.training.model import TaskModel, load_model, save_state, swap_vocabulary, trained_state
from xstilts.training.predict import predict
from xstilts.training.vocabulary import vocabulary_of

TOKEN_BUDGET = 2048
"""Padded subwords in a batch of prediction; part of the numerics, since padding moves the last bits."""


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
        _Cell(spec, folder).run()


class _Cell:
    """The state of one run of a cell."""

    def __init__(self, spec: CellSpec, folder: Path) -> None:
        self.spec, self.folder, self.identity = spec, folder, spec.identity
        self.task: Task = TASKS[self.identity["task"]["name"]]
        self.family = family_of(self.task)
        self.settings = SimpleNamespace(**self.identity["settings"])
        self.precision = torch.bfloat16 if self.identity["precision"] == "bfloat16" else torch.float32
        self.device = device_for(spec.device)
        self.base = Path(spec.files["base"])
        self.start = Path(spec.files["start"]) if spec.files.get("start") else None
        self.tokenizer = tokenizer_of(str(self.base), identity_of=self.identity["encoder"])
        self.events: list[dict[str, Json]] = []
        self.dev_scores: dict[int, float] = {}
        self.dev_predictions: list[Any] = []

    def run(self) -> None:
        began, started = time.perf_counter(), datetime.datetime.now(datetime.UTC)
        train_rows, dev_rows = self._rows("train"), self._rows("dev")
        train_examples, dev_examples = self._encode(train_rows), self._encode(dev_rows)
        vocabulary = vocabulary_of(self.tokenizer, train_examples, dev_examples)
        seeds = self.identity["seeds"]
        model, report = load_model(self.base, self.start, vocabulary, self.task, seeds["head"])
        model.to(self.device)
        collate = Collator(self.tokenizer, vocabulary, self.device)

        def on_dev(step: int) -> None:
            self.dev_predictions = self._predict(model, dev_examples, len(dev_rows), collate)
            self.dev_scores[step] = self._dev_score(self.dev_predictions, dev_rows)
            self.event(step, "dev_score", self.dev_scores[step])

        trained = Trained(0, 0, 0.0)
        if self.settings.steps:
            batches = self._batches(train_examples, collate, seeds["order"])
            torch.manual_seed(seeds["dropout"])
            steps = self.settings.steps
            try:
                trained = train(
                    model, batches, steps, self.settings, precision=self.precision,
                    on_event=self.event, on_dev=on_dev, dev_steps=frozenset({steps}),
                )  # fmt: skip
            except DivergedError as error:
                raise XstiltsError(
                    f"Training diverged: {error}",
                    where=f"cell {self.spec.labels.path} of {self.spec.labels.phase}",
                    next_step="lower learning_rate in params.yaml, or the upper end of tune.learning_rate",
                ) from error
        trained_s = time.perf_counter() - began
        state = trained_state(model, vocabulary, self.start)
        if self.identity["keeps_weights"]:
            save_state(state, self.folder / "weights.safetensors", {"task": self.task.name})
        predicted = self._predict_languages(model, state)
        self._write(report.as_json(), trained, dev_rows)
        self._write_record(started, began, trained_s, trained, predicted)

    def event(self, step: int, name: str, value: float) -> None:
        """Note a point of a curve."""
        self.events.append({"step": step, "name": name, "value": round(value, 6), "time": round(time.time(), 3)})

    def _rows(self, split: str) -> list[dict[str, Any]]:
        return read_rows(Path(self.spec.files[split])) if split in self.spec.files else []

    def _encode(self, rows: list[dict[str, Any]]) -> list[Example]:
        return self.family.encode(rows, self.tokenizer, self.task, self.settings.max_length)

    def _batches(self, examples: list[Example], collate: Collator, seed: int) -> Iterator[Batch]:
        lengths = [len(example.input_ids) for example in examples]
        for indices in training_batches(lengths, self.settings.batch_size, np.random.default_rng(seed)):
            yield collate([examples[index] for index in indices])

    def _predict(self, model: TaskModel, examples: list[Example], rows: int, collate: Collator) -> list[Any]:
        return predict(model, examples, rows, self.task, collate, token_budget=TOKEN_BUDGET, precision=self.precision)

    def _dev_score(self, found: list[Any], rows: list[dict[str, Any]]) -> float:
        metrics = self.family.score(found, [row[self.family.gold] for row in rows], self.task)
        return next(float(metric.value_pct) for metric in metrics if metric.name == self.task.main_metric)

    def _predict_languages(self, model: TaskModel, state: dict[str, torch.Tensor]) -> int:
        names = sorted(name for name in self.spec.files if name.startswith("inputs/"))
        if not names:
            return 0
        rows = {name: read_rows(Path(self.spec.files[name])) for name in names}
        examples = {name: self._encode(rows[name]) for name in names}
        vocabulary = vocabulary_of(self.tokenizer, *examples.values())
        swap_vocabulary(model, self.base, state, vocabulary)
        collate = Collator(self.tokenizer, vocabulary, self.device)
        for name in names:
            found = self._predict(model, examples[name], len(rows[name]), collate)
            write_jsonl(
                self.folder / "predictions" / f"{name.removeprefix('inputs/')}.jsonl",
                ({"id": row["id"], "prediction": value} for row, value in zip(rows[name], found, strict=True)),
            )
        return sum(len(example.input_ids) for group in examples.values() for example in group)

    def _write(self, transfer: Json, trained: Trained, dev_rows: list[dict[str, Any]]) -> None:
        last = max(self.dev_scores, default=0)
        dev = {"metric": self.task.main_metric, "rows": len(dev_rows), "score": self.dev_scores.get(last)}
        pairs = zip(dev_rows, self.dev_predictions, strict=False)
        write_jsonl(self.folder / "dev.jsonl", ({"id": row["id"], "prediction": value} for row, value in pairs))
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
