"""Token tagging: one label for each word, read off the word's first subword that carries text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from xstilts.families.base import IGNORED, Example, Labelling, Row
from xstilts.scoring import score_tagging
from xstilts.tasks import Task

if TYPE_CHECKING:
    from torch import Tensor, nn
    from transformers import PreTrainedTokenizerBase

    from xstilts.training.batches import Batch

BARE_BOUNDARIES = frozenset({"▁", "Ġ"})


class TokenTagging(Labelling):
    """Rows with ``tokens`` and ``tags``."""

    inputs = ("tokens",)
    gold = "tags"
    item = "tokens"

    def text(self, row: Row) -> str:
        return " ".join(row["tokens"])

    def items(self, row: Row) -> int:
        return len(row["tokens"])

    def length(self, row: Row) -> int:
        return len(row["tokens"])

    def encode(
        self, rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase, task: Task, max_length: int
    ) -> list[Example]:
        words = sorted({word for row in rows for word in row["tokens"]})
        pieces = dict(zip(words, _pieces(words, tokenizer), strict=True))
        labels = {label: index for index, label in enumerate(task.labels)}
        frame = _frame(tokenizer)
        room = max_length - len(frame[0]) - len(frame[1])
        examples: list[Example] = []
        for number, row in enumerate(rows):
            tags = [labels[tag] for tag in row["tags"]] if self.gold in row else None
            for start, end in _windows([len(pieces[word][0]) for word in row["tokens"]], room):
                chunk = [(pieces[word][0][:room], pieces[word][1]) for word in row["tokens"][start:end]]
                examples.append(_example(number, chunk, tags[start:end] if tags else None, frame))
        return examples

    def logits(self, hidden: Tensor, batch: Batch, head: nn.Module) -> Tensor:
        result: Tensor = head(hidden)
        return result

    def decode(self, best: NDArray[np.int64], example: Example, task: Task) -> list[str]:
        return [task.labels[index] for index in best[example.positions]]

    def joined(self, parts: Sequence[Any], row: Row) -> list[str]:
        return [tag for part in parts for tag in part]

    def score(self, predictions: Sequence[Any], gold: Sequence[Any], task: Task, language: str = "en") -> list[Any]:
        return score_tagging(predictions, gold, task)


def _pieces(words: Sequence[str], tokenizer: PreTrainedTokenizerBase) -> list[tuple[list[int], int]]:
    """Each word's subword ids, and which of them is labelled.

    The first subword of a word may be a bare boundary mark (Chinese, Japanese, Thai): it carries no text, so the next
    one is labelled. A word without any subword becomes the unknown one.
    """
    if not words:
        return []
    found = tokenizer([[word] for word in words], is_split_into_words=True, add_special_tokens=False)["input_ids"]
    result = []
    for ids in found:
        ids = ids or [tokenizer.unk_token_id]
        bare = len(ids) > 1 and tokenizer.convert_ids_to_tokens(ids[0]) in BARE_BOUNDARIES
        result.append((ids, 1 if bare else 0))
    return result


def _windows(sizes: Sequence[int], room: int) -> list[tuple[int, int]]:
    """Cut a sentence between words into stretches that fit; a word longer than the room stands alone."""
    windows, start, used = [], 0, 0
    for index, size in enumerate(sizes):
        if used + size > room and index > start:
            windows.append((start, index))
            start, used = index, 0
        used += size
    return [*windows, (start, len(sizes))] if sizes else []


def _frame(tokenizer: PreTrainedTokenizerBase) -> tuple[list[int], list[int]]:
    """The special subwords before and after a single sequence, wherever the encoder wants them."""
    bare = tokenizer("a", add_special_tokens=False)["input_ids"]
    framed = tokenizer("a")["input_ids"]
    lead = next(at for at in range(len(framed)) if framed[at : at + len(bare)] == bare)
    return framed[:lead], framed[lead + len(bare) :]


def _example(
    row: int,
    chunk: Sequence[tuple[list[int], int]],
    tags: Sequence[int] | None,
    frame: tuple[list[int], list[int]],
) -> Example:
    lead, trail = frame
    sequence = [*lead, *(piece for ids, _ in chunk for piece in ids), *trail]
    starts = np.cumsum([len(lead), *(len(ids) for ids, _ in chunk[:-1])])
    positions = (starts + np.array([labelled for _, labelled in chunk])).astype(np.int64)
    targets = np.full(0 if tags is None else len(sequence), IGNORED, np.int64)
    if tags is not None:
        targets[positions] = tags
    return Example(
        row=row,
        input_ids=np.array(sequence, np.int64),
        type_ids=np.zeros(len(sequence), np.int64),
        targets=targets,
        positions=positions,
    )
