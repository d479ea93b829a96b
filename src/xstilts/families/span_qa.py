"""Span question answering: the answer is a stretch of the context, found as a start and an end.

A long context is read in overlapping windows. A window without the whole answer is taught to point at the sequence's
CLS subword, as in the reference scripts of SQuAD; in prediction the best span over all windows wins, or no answer where
a task has unanswerable questions and every window points at CLS more than at any span.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from xstilts.families.base import IGNORED, Example, FamilyCode, Row
from xstilts.scoring import score_answers
from xstilts.tasks import Task

if TYPE_CHECKING:
    from torch import Tensor, nn
    from transformers import PreTrainedTokenizerBase

    from xstilts.training.batches import Batch

START, END, BOTH = 0, 1, 2
"""Targets of a subword: the answer's first one, its last one, its only one."""
LONGEST = 30
"""Subwords of an answer at most, as in XTREME's scripts."""
GUESSED_WORDS = 3


class SpanQA(FamilyCode):
    """Rows with ``question`` and ``context``; gold is ``answers``, each with ``text`` and the character ``start``.

    An example's ``positions`` are the places of CLS and of its first context subword, then start and end character of
    each context subword. An unanswerable question has no answers in gold, and an empty prediction.
    """

    inputs = ("question", "context")
    gold = "answers"
    item = "questions"
    classed = False

    def text(self, row: Row) -> str:
        return f"{row['question']} {row['context']}"

    def held_texts(self, row: Row) -> tuple[str, ...]:
        return (self.text(row), str(row["context"]))

    def encode(
        self, rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase, task: Task, max_length: int
    ) -> list[Example]:
        if not rows:
            return []
        encoded = tokenizer(
            _cut_questions([str(row["question"]) for row in rows], tokenizer, max_length // 2),
            [str(row["context"]) for row in rows],
            truncation="only_second",
            max_length=max_length,
            stride=max_length // 3,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
            return_token_type_ids=True,
        )
        examples = []
        for number, row in enumerate(encoded["overflow_to_sample_mapping"]):
            ids = np.array(encoded["input_ids"][number], np.int64)
            places = [at for at, side in enumerate(encoded.sequence_ids(number)) if side == 1]
            spans = np.array([encoded["offset_mapping"][number][at] for at in places], np.int64).reshape(-1, 2)
            gold = rows[row].get(self.gold)
            cls = int(np.flatnonzero(ids == tokenizer.cls_token_id)[0])
            targets = np.zeros(0, np.int64)
            if gold is not None and (len(gold) or task.unanswerable):
                targets = _targets(len(ids), places, spans, gold[0] if len(gold) else None, cls)
            examples.append(
                Example(
                    row=row,
                    input_ids=ids,
                    type_ids=np.array(encoded["token_type_ids"][number], np.int64),
                    targets=targets,
                    positions=np.concatenate([[cls, places[0] if places else 0], spans.ravel()]).astype(np.int64),
                )
            )
        return examples

    def logits(self, hidden: Tensor, batch: Batch, head: nn.Module) -> Tensor:
        """[b, s, 2] of being the answer's start and end; padding is never either."""
        padding = batch.inputs["attention_mask"].unsqueeze(-1) == 0
        result: Tensor = head(hidden).masked_fill(padding, -1e4)
        return result

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        from torch.nn.functional import cross_entropy

        total = logits.new_zeros(())
        for column, mark in ((0, START), (1, END)):
            place = ((targets == mark) | (targets == BOTH)).float().argmax(dim=1)
            total = total + cross_entropy(logits[..., column], place, reduction="sum")
        return total

    def outputs(self, logits: Tensor, batch: Batch, task: Task) -> list[Any]:
        """For each example the score of its best span, the span's start and end character, and the score of CLS."""
        values = logits.float().cpu().numpy()
        found = []
        for number, (example, offset) in enumerate(zip(batch.examples, batch.offsets, strict=True)):
            own = values[number, offset : offset + len(example.input_ids)]
            nothing = float(own[example.positions[0]].sum()) if task.unanswerable else float("-inf")
            found.append((*best_span(own, example.positions), nothing))
        return found

    def joined(self, parts: Sequence[Any], row: Row) -> str:
        """The text of the best span over a row's windows; an earlier window wins a tie.

        No answer wins where its score is higher in every window, as in SQuAD 2.0's reference scripts.
        """
        score, start, end, _ = max(parts, key=lambda part: part[0])
        if min(part[3] for part in parts) > score:
            return ""
        return str(row["context"])[start:end]

    def baseline(self, train_gold: Sequence[Any], rows: Sequence[Row]) -> list[Any]:
        """The context's first three words: what can be had without reading the question."""
        return [" ".join(str(row["context"]).split()[:GUESSED_WORDS]) for row in rows]

    def score(self, predictions: Sequence[Any], gold: Sequence[Any], task: Task, language: str = "en") -> list[Any]:
        texts = [[str(answer["text"]) for answer in answers] for answers in gold]
        if task.unanswerable:
            texts = [each or [""] for each in texts]
        return score_answers(predictions, texts, task, language=language)


def best_span(logits: NDArray[np.float32], positions: NDArray[np.int64]) -> tuple[float, int, int]:
    """The span with the highest sum of start and end logit, at most ``LONGEST`` subwords, inside the context.

    Args:
        logits: [s, 2] of one example, without padding.
        positions: as in ``Example``.

    Returns:
        Score, start character and end character (past the last); an empty context gives an empty span.
    """
    first, spans = int(positions[1]), positions[2:].reshape(-1, 2)
    count = len(spans)
    if not count:
        return float("-inf"), 0, 0
    starts, ends = logits[first : first + count, 0], logits[first : first + count, 1]
    sums = starts[:, None] + ends[None, :]
    allowed = np.triu(np.ones((count, count), bool)) & ~np.triu(np.ones((count, count), bool), LONGEST)
    start, end = divmod(int(np.where(allowed, sums, -np.inf).argmax()), count)
    return float(sums[start, end]), int(spans[start, 0]), int(spans[end, 1])


def round_trip(rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase, task: Task, max_length: int) -> list[bool]:
    """Whether each row's first answer comes back, character by character, from the subwords that stand for it.

    A tokenizer that cuts elsewhere than the annotators (Chinese, Japanese, Thai, digits, clitics) can never predict
    such an answer exactly.

    Args:
        rows: with gold.
        tokenizer: a fast tokenizer.
        task: theirs.
        max_length: of the windows.

    Returns:
        [n] booleans; also false where no window holds the answer as a whole.
    """
    found = [False] * len(rows)
    family = SpanQA()
    for example in family.encode(rows, tokenizer, task, max_length):
        row, spans = rows[example.row], example.positions[2:].reshape(-1, 2)
        marks = example.targets[int(example.positions[1]) :][: len(spans)]
        start = np.flatnonzero((marks == START) | (marks == BOTH))
        end = np.flatnonzero((marks == END) | (marks == BOTH))
        if len(start) and len(end):
            text = str(row["context"])[spans[start[0], 0] : spans[end[0], 1]]
            found[example.row] |= text.strip() == str(row["answers"][0]["text"]).strip()
    return found


def _targets(
    length: int, places: Sequence[int], spans: NDArray[np.int64], answer: Mapping[str, Any] | None, cls: int
) -> NDArray[np.int64]:
    """[s] marks of the answer's subwords, or of CLS when the window does not hold all of it or there is none."""
    targets = np.full(length, IGNORED, np.int64)
    begin = int(answer["start"]) if answer else 0
    end = begin + len(answer["text"]) if answer else 0
    inside = np.flatnonzero((spans[:, 0] < end) & (spans[:, 1] > begin)) if len(spans) else np.zeros(0, np.int64)
    whole = answer is not None and len(inside) > 0 and spans[0, 0] <= begin and spans[-1, 1] >= end
    first, last = (places[inside[0]], places[inside[-1]]) if whole else (cls, cls)
    targets[first], targets[last] = START, END
    if first == last:
        targets[first] = BOTH
    return targets


def _cut_questions(questions: Sequence[str], tokenizer: PreTrainedTokenizerBase, room: int) -> list[str]:
    """Questions of at most so many subwords, so that context has room beside them."""
    encoded = tokenizer(list(questions), add_special_tokens=False, return_offsets_mapping=True)
    spans = encoded["offset_mapping"]
    return [
        question if len(span) <= room else question[: span[room - 1][1]]
        for question, span in zip(questions, spans, strict=True)
    ]
