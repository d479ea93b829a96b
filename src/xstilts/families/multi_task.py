"""Several tasks at once: one encoder, a head for each task, batches of one task each.

A row holds another task's row as JSON, so that one table can mix token tags, labels, answers and numbers.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from xstilts.families.base import Example, FamilyCode, Row
from xstilts.scoring import Metric
from xstilts.tasks import TASKS, Family, Task

if TYPE_CHECKING:
    from torch import Tensor, nn
    from transformers import PreTrainedTokenizerBase

    from xstilts.training.batches import Batch


class MultiTask(FamilyCode):
    """Rows with ``task`` and ``content``, the JSON of its input columns; gold is ``gold``, the JSON of its gold.

    Args:
        families: the code of every other family.
        names: the tasks; an example's ``part`` is an index into them.
    """

    inputs = ("task", "content")
    gold = "gold"
    item = "labelled items"
    classed = False

    def __init__(self, families: Mapping[Family, FamilyCode], names: Sequence[str] = ()) -> None:
        self.families, self.names = families, tuple(names)
        self.pooled = bool(names) and all(self.of(name).pooled for name in names)

    def of(self, name: str) -> FamilyCode:
        """The family of one of the tasks."""
        return self.families[TASKS[name].family]

    def rows_of(self, name: str, rows: Sequence[Row]) -> list[dict[str, Any]]:
        """A task's own rows as rows of this family."""
        family = self.of(name)
        found = []
        for row in rows:
            content = {column: row[column] for column in family.inputs}
            found.append({**row, "task": name, "content": _text(content), "gold": _text(row[family.gold])})
        return found

    def text(self, row: Row) -> str:
        return self.of(row["task"]).text(json.loads(row["content"]))

    def items(self, row: Row) -> int:
        return self.of(row["task"]).items(self._own(row))

    def length(self, row: Row) -> int:
        return self.of(row["task"]).length(json.loads(row["content"]))

    def encode(
        self, rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase, task: Task, max_length: int
    ) -> list[Example]:
        found = []
        for part, name in enumerate(task.labels):
            places = [place for place, row in enumerate(rows) if row["task"] == name]
            own = [self._own(rows[place]) for place in places]
            for example in self.of(name).encode(own, tokenizer, TASKS[name], max_length):
                found.append(dataclasses.replace(example, row=places[example.row], part=part))
        return sorted(found, key=lambda example: example.row)

    def whole_vocabulary(self, task: Task) -> bool:
        return any(self.of(name).whole_vocabulary(TASKS[name]) for name in task.labels)

    def head_on(self, encoder: nn.Module, base: Path, task: Task) -> nn.Module:
        from torch import nn

        return nn.ModuleDict({name: self.of(name).head_on(encoder, base, TASKS[name]) for name in task.labels})

    def logits(self, hidden: Tensor, batch: Batch, head: nn.Module) -> Tensor:
        name = self.names[batch.part]
        return self.of(name).logits(hidden, batch, head[name])  # type: ignore[index]

    def batch_loss(self, logits: Tensor, batch: Batch) -> Tensor:
        return self.of(self.names[batch.part]).batch_loss(logits, batch)

    def outputs(self, logits: Tensor, batch: Batch, task: Task) -> list[Any]:
        name = self.names[batch.part]
        return self.of(name).outputs(logits, batch, TASKS[name])

    def joined(self, parts: Sequence[Any], row: Row) -> Any:
        return {"task": row["task"], "prediction": self.of(row["task"]).joined(parts, json.loads(row["content"]))}

    def score(self, predictions: Sequence[Any], gold: Sequence[Any], task: Task, language: str = "en") -> list[Any]:
        """Each task's main metric, under its name, and their plain mean."""
        found = []
        for name in task.labels:
            places = [place for place, predicted in enumerate(predictions) if predicted["task"] == name]
            if places:
                own = [predictions[place]["prediction"] for place in places]
                right = [json.loads(gold[place]) for place in places]
                metrics = self.of(name).score(own, right, TASKS[name], language)
                main = next(metric for metric in metrics if metric.name == TASKS[name].main_metric)
                found.append(dataclasses.replace(main, name=name))
        mean = fmean(metric.value_pct for metric in found)
        return [Metric(task.main_metric, mean, float("nan"), sum(metric.n for metric in found)), *found]

    def _own(self, row: Row) -> dict[str, Any]:
        """A task's own row, with its gold where there is one."""
        content: dict[str, Any] = json.loads(row["content"])
        return content | ({self.of(row["task"]).gold: json.loads(row["gold"])} if "gold" in row else {})


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=_plain)


def _plain(value: Any) -> Any:
    """What a table gives for lists and numbers."""
    return value.tolist()
