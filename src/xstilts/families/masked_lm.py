"""Masked language modelling: English text without labels, the encoder's own objective.

Masks follow BERT (Devlin et al. 2019, section 3.1): 15 % of a text's subwords are predicted; of them 80 % are replaced
by the mask, 10 % by a random subword, 10 % stay. They are drawn once for each text, from the text: every pass, arm and
seed sees the same ones, and what frozen layers make of a text can be kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xstilts.families.base import IGNORED, Example, FamilyCode, Row
from xstilts.scoring.metrics import ratio
from xstilts.seeds import generator
from xstilts.tasks import Task

if TYPE_CHECKING:
    from torch import Tensor, nn
    from transformers import PreTrainedTokenizerBase

    from xstilts.training.batches import Batch

PREDICTED, MASKED, RANDOM = 0.15, 0.8, 0.1


class MaskedLM(FamilyCode):
    """Rows with ``text``, which is its own gold. The head is the encoder's, so the whole vocabulary is held."""

    inputs = ("text",)
    gold = "text"
    item = "sentences"
    classed = False

    def text(self, row: Row) -> str:
        return str(row["text"])

    def whole_vocabulary(self, task: Task) -> bool:
        return True

    def encode(
        self, rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase, task: Task, max_length: int
    ) -> list[Example]:
        if not rows:
            return []
        texts = [self.text(row) for row in rows]
        encoded = tokenizer(texts, truncation=True, max_length=max_length, return_token_type_ids=True)
        special = np.unique(np.array(tokenizer.all_special_ids, np.int64))
        plain = np.setdiff1d(np.arange(len(tokenizer), dtype=np.int64), special)
        mask = int(tokenizer.mask_token_id)
        examples = []
        for number, (ids, types) in enumerate(zip(encoded["input_ids"], encoded["token_type_ids"], strict=True)):
            shown, targets = _masked(np.array(ids, np.int64), special, plain, mask, texts[number])
            places = np.flatnonzero(targets != IGNORED)
            examples.append(Example(number, shown, np.array(types, np.int64), targets, places))
        return examples

    def head_on(self, encoder: nn.Module, base: Path, task: Task) -> nn.Module:
        from xstilts.training.lm_head import load_lm_head

        return load_lm_head(base, encoder)

    def logits(self, hidden: Tensor, batch: Batch, head: nn.Module) -> Tensor:
        """[m, v] of the m subwords of the batch that are predicted, row by row."""
        result: Tensor = head(hidden[batch.targets != IGNORED])
        return result

    def batch_loss(self, logits: Tensor, batch: Batch) -> Tensor:
        return self.loss(logits, batch.targets[batch.targets != IGNORED])

    def outputs(self, logits: Tensor, batch: Batch, task: Task) -> list[dict[str, int]]:
        wanted = batch.targets != IGNORED
        right = (logits.argmax(-1) == batch.targets[wanted]).cpu().numpy()
        ends = np.cumsum(wanted.sum(1).cpu().numpy())[:-1]
        return [{"right": int(part.sum()), "masked": len(part)} for part in np.split(right, ends)]

    def score(self, predictions: Sequence[Any], gold: Sequence[Any], task: Task, language: str = "en") -> list[Any]:
        right, masked = ([each[key] for each in predictions] for key in ("right", "masked"))
        return [ratio(task.main_metric, right, masked, sum(masked))]


def _masked(
    ids: np.ndarray[Any, np.dtype[np.int64]],
    special: np.ndarray[Any, np.dtype[np.int64]],
    plain: np.ndarray[Any, np.dtype[np.int64]],
    mask: int,
    text: str,
) -> tuple[np.ndarray[Any, np.dtype[np.int64]], np.ndarray[Any, np.dtype[np.int64]]]:
    """[s] what the encoder is shown, and [s] what it must predict; of a text with any subword at least one."""
    rng = generator(0, "masked_lm", text)
    inner = np.flatnonzero(~np.isin(ids, special))
    shown, targets = ids.copy(), np.full(len(ids), IGNORED, np.int64)
    if len(inner):
        count = max(1, round(PREDICTED * len(inner)))
        places = np.sort(rng.choice(inner, count, replace=False))
        targets[places] = ids[places]
        fate = rng.random(count)
        shown[places[fate < MASKED]] = mask
        changed = places[(fate >= MASKED) & (fate < MASKED + RANDOM)]
        shown[changed] = rng.choice(plain, len(changed))
    return shown, targets
