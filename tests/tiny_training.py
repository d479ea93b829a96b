"""A tiny tagger, trained in a second: for the tests of the trainer."""

import contextlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from transformers import AutoTokenizer

from tests.conftest import sentences
from xstilts.families import family_of
from xstilts.tasks import TASKS
from xstilts.training.batches import Collator, micro_batches, training_batches
from xstilts.training.encoded import Encoded
from xstilts.training.layers import freeze, frozen_in
from xstilts.training.loop import train
from xstilts.training.model import load_model, swap_vocabulary
from xstilts.training.predict import predict
from xstilts.training.resume import Checkpoints
from xstilts.training.vocabulary import Marks, Vocabulary, vocabulary_of

CPU = torch.device("cpu")
SETTINGS = SimpleNamespace(learning_rate=2e-3, warmup_fraction=0.25, weight_decay=0.01)
UDPOS = TASKS["udpos"]


def train_tiny(
    base: Path,
    *,
    start: Path | None = None,
    full: bool = False,
    steps: int = 4,
    batch_size: int = 8,
    lr: float = 2e-3,
    room: int = 1024,
    dropout: bool = True,
    checkpoints: Checkpoints | None = None,
    frozen: int = 0,
    precision: torch.dtype = torch.float32,
    cast_once: bool = True,
) -> tuple[Any, Vocabulary, list[float], Any, list[dict[str, Any]]]:
    """Train the tiny encoder on a few sentences; with ``full``, with every row of the embedding in memory."""
    torch.set_num_threads(1)
    tokenizer = AutoTokenizer.from_pretrained(base)
    family = family_of(UDPOS)
    rows = sentences("en", 32, 5, "train")
    examples = family.encode(rows, tokenizer, UDPOS, 48)
    vocabulary = Vocabulary(np.arange(len(tokenizer))) if full else vocabulary_of(Marks.of(tokenizer), examples)
    model, report = load_model(base, start, vocabulary, UDPOS, head_seed=3)
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout) and not dropout:
            module.p = 0.0
    collate = Collator(Marks.of(tokenizer), vocabulary, CPU)
    losses: list[float] = []
    packed = Encoded.of(examples)
    order = training_batches(packed.lengths, packed.items, batch_size, steps, np.random.default_rng(1))
    freeze(model.encoder, frozen)
    with frozen_in(model, precision) if cast_once else contextlib.nullcontext():
        train(
            model,
            lambda step: [collate(part) for part in micro_batches([examples[index] for index in order[step]], room)],
            steps,
            SimpleNamespace(**{**vars(SETTINGS), "learning_rate": lr}),
            precision=precision,
            dropout_seed=11,
            on_event=lambda step, name, value: losses.append(value) if name == "loss" else None,
            checkpoints=checkpoints,
        )
    return model, vocabulary, losses, report, rows


def predicted(base: Path, model: Any, state: dict[str, torch.Tensor], rows: list[dict[str, Any]]) -> list[Any]:
    """Predict rows with a state as a cell keeps it."""
    tokenizer = AutoTokenizer.from_pretrained(base)
    examples = family_of(UDPOS).encode([{"tokens": row["tokens"]} for row in rows], tokenizer, UDPOS, 48)
    vocabulary = vocabulary_of(Marks.of(tokenizer), examples)
    swap_vocabulary(model, base, state, vocabulary)
    collate = Collator(Marks.of(tokenizer), vocabulary, CPU)
    model.for_prediction(torch.float32)
    return predict(model, {"rows": examples}, {"rows": rows}, UDPOS, collate)["rows"]
