"""Examples to padded batches: length-bucketed for training, sorted under a token budget for prediction."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from xstilts.families.base import IGNORED, Example
from xstilts.training.pooling import Pooling
from xstilts.training.vocabulary import Marks, Vocabulary

POOL = 8  # batches whose examples are sorted by length together


@dataclass(frozen=True, slots=True)
class Batch:
    """Padded examples.

    Attributes:
        inputs: what the encoder takes, each [b, s] int64.
        targets: [b, s] or [b, 1] int64, ``IGNORED`` where there is no label; [b, 0] without gold.
        examples: the examples, in order.
        offsets: [b] where each example starts in its padded row.
        hidden: [b, s, h] what stands for the encoder's frozen layers, or nothing.
        part: which of several tasks all of its examples belong to.
        pooling: makes one vector of each example.
    """

    inputs: dict[str, Tensor]
    targets: Tensor
    examples: tuple[Example, ...]
    offsets: tuple[int, ...]
    hidden: Tensor | None = None
    part: int = 0
    pooling: Pooling = field(default_factory=Pooling)

    def pooled(self, hidden: Tensor) -> Tensor:
        """[b, s, h] hidden states to [b, h]; s may be 1 where nothing but the classification subword was computed."""
        return self.pooling(hidden, self.inputs["attention_mask"])

    @property
    def tokens(self) -> int:
        """Real subwords."""
        return sum(len(example.input_ids) for example in self.examples)


class Collator:
    """Pads examples the way an encoder wants them.

    Args:
        marks: the padding's side and id, and which inputs the encoder takes.
        vocabulary: maps subword ids to rows of the trimmed embedding.
        device: where the batch goes.
        pooling: ``mean`` or ``cls``, for families that read one vector of a sequence.
    """

    def __init__(self, marks: Marks, vocabulary: Vocabulary, device: torch.device, pooling: str = "mean") -> None:
        self.marks, self.vocabulary, self.device = marks, vocabulary, device
        self.pooling = Pooling(pooling, last=marks.left)

    def __call__(self, examples: Sequence[Example]) -> Batch:
        lengths = [len(example.input_ids) for example in examples]
        width = max(lengths)
        offsets = tuple(width - length if self.marks.left else 0 for length in lengths)
        shape = (len(examples), width)
        ids, types = np.full(shape, self.marks.pad_id, np.int64), np.zeros(shape, np.int64)
        mask = np.zeros(shape, np.int64)
        per_subword = any(len(example.targets) == len(example.input_ids) > 1 for example in examples)
        columns = width if per_subword else max(len(example.targets) for example in examples)
        targets = np.full((len(examples), columns), IGNORED, np.int64)
        for number, (example, offset, length) in enumerate(zip(examples, offsets, lengths, strict=True)):
            span = slice(offset, offset + length)
            ids[number, span], types[number, span], mask[number, span] = example.input_ids, example.type_ids, 1
            if len(example.targets):
                targets[number, span if per_subword else slice(None)] = example.targets
        inputs = {"input_ids": self.vocabulary.rows_of(ids), "attention_mask": mask}
        if self.marks.with_types:
            inputs["token_type_ids"] = types
        return Batch(
            inputs={name: torch.from_numpy(array).to(self.device) for name, array in inputs.items()},
            targets=torch.from_numpy(targets).to(self.device),
            examples=tuple(examples),
            offsets=offsets,
            hidden=self._hidden(examples, offsets, width),
            part=examples[0].part,
            pooling=self.pooling,
        )

    def _hidden(self, examples: Sequence[Example], offsets: Sequence[int], width: int) -> Tensor | None:
        states = [example.hidden for example in examples if example.hidden is not None]
        if not states:
            return None
        found = np.zeros((len(examples), width, states[0].shape[1]), states[0].dtype)
        for number, (state, offset) in enumerate(zip(states, offsets, strict=True)):
            found[number, offset : offset + len(state)] = state
        padded = torch.from_numpy(found).to(self.device)
        return padded.view(torch.bfloat16) if padded.dtype is torch.int16 else padded


def training_batches(
    lengths: Sequence[int], items: Sequence[int], batch_size: int, steps: int, rng: np.random.Generator
) -> list[list[int]]:
    """The examples of every optimizer step: each pass shuffles, sorts pools of a few batches by length, and shuffles.

    A pool is cut so that its batches hold equally many labelled items: a step's loss is a mean over them, so they weigh
    the same in every step. Batches of equally many sentences would give a word in short sentences a multiple of the
    weight of a word in long ones, and cost 2.4 points in a short training of a tagger (docs/performance.md).

    Args:
        lengths: subwords of each example.
        items: labelled items of each example: 1 for a class, its words for tagging.
        batch_size: examples of a batch, on average over a pool.
        steps: optimizer steps.
        rng: decides the order.

    Returns:
        For each step the indices of its examples.
    """
    by_length, by_items = np.asarray(lengths), np.asarray(items)
    found: list[list[int]] = []
    while len(found) < steps:
        order = rng.permutation(len(by_length))
        batches: list[NDArray[np.int64]] = []
        for start in range(0, len(order), batch_size * POOL):
            pool = order[start : start + batch_size * POOL]
            pool = pool[np.argsort(by_length[pool], kind="stable")]
            parts, upto = math.ceil(len(pool) / batch_size), np.cumsum(by_items[pool])
            cuts = np.searchsorted(upto, upto[-1] * np.arange(1, parts) / parts, side="right")
            batches += [part for part in np.split(pool, cuts) if len(part)]
        found += [batches[index].tolist() for index in rng.permutation(len(batches))]
    return found[:steps]


def batches_of_parts(
    parts: Sequence[int],
    lengths: Sequence[int],
    items: Sequence[int],
    batch_size: int,
    steps: int,
    rng: np.random.Generator,
) -> list[list[int]]:
    """``training_batches`` of several tasks: each has steps in proportion to its examples, in random order.

    Args:
        parts: the task of each example.
        lengths: subwords of each example.
        items: labelled items of each example.
        batch_size: examples of a batch.
        steps: optimizer steps in all.
        rng: decides the order.

    Returns:
        For each step the indices of its examples, all of one task.
    """
    by_part = [np.flatnonzero(np.asarray(parts) == part) for part in sorted(set(parts))]
    if len(by_part) < 2:
        return training_batches(lengths, items, batch_size, steps, rng)
    bounds = np.round(steps * np.cumsum([0, *map(len, by_part)]) / len(parts)).astype(int)
    found: list[list[int]] = []
    for places, share in zip(by_part, np.diff(bounds), strict=True):
        own = [np.asarray(values)[places].tolist() for values in (lengths, items)]
        found += [places[batch].tolist() for batch in training_batches(own[0], own[1], batch_size, int(share), rng)]
    return [found[step] for step in rng.permutation(len(found))]


def micro_batches(examples: Sequence[Example], token_budget: int) -> list[list[Example]]:
    """Cut one optimizer step's examples into parts of like length that fit a budget of padded subwords each."""
    lengths = [len(example.input_ids) for example in examples]
    return [[examples[index] for index in indices] for indices in budget_batches(lengths, token_budget)]


def equal_length_batches(lengths: Sequence[int], token_budget: int) -> Iterator[list[int]]:
    """Batches for prediction: of equal length, so without padding, longest first, as many as fit the budget.

    Without padding a row's prediction does not depend on the rows beside it: the kernels of matrix products, softmax
    and LayerNorm work row by row (tested), and only a padded width would change their last bits.

    Args:
        lengths: subwords of each example.
        token_budget: subwords in a batch at most; one longer example stands alone.

    Yields:
        Indices; every example exactly once.
    """
    by_length: dict[int, list[int]] = {}
    for index, length in enumerate(lengths):
        by_length.setdefault(length, []).append(index)
    for length in sorted(by_length, reverse=True):
        size = max(1, token_budget // max(1, length))
        yield from (by_length[length][at : at + size] for at in range(0, len(by_length[length]), size))


def budget_batches(lengths: Sequence[int], token_budget: int) -> Iterator[list[int]]:
    """Batches under a token budget: longest first, as many as fit when padded.

    Args:
        lengths: subwords of each example.
        token_budget: padded subwords in a batch at most; one longer example stands alone.

    Yields:
        Indices; every example exactly once.
    """
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda at: (-lengths[at], at)):
        if batch and lengths[batch[0]] * (len(batch) + 1) > token_budget:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch
