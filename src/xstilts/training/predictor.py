"""A trained model by itself: load a folder, predict rows. What a registered model runs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from xstilts.errors import XstiltsError
from xstilts.families import family_of
from xstilts.files import Json, read_json
from xstilts.tasks import task_with
from xstilts.training.batches import Collator
from xstilts.training.cell import device_for
from xstilts.training.layers import read_off
from xstilts.training.model import TaskModel, load_model, swap_vocabulary
from xstilts.training.predict import predict
from xstilts.training.vocabulary import Marks, vocabulary_for


class Predictor:
    """A task's model on its base encoder.

    Args:
        folder: holds ``model.json`` (task, max_length, pooling, precision), ``cell/weights.safetensors``, ``encoder/``.
    """

    def __init__(self, folder: Path) -> None:
        facts: Json = read_json(folder / "model.json")
        self.task = task_with(facts["task"], facts["labels"])
        self.family = family_of(self.task)
        self.max_length = int(facts["max_length"])
        self.pooling = str(facts.get("pooling", "mean"))  # models from before there was a choice
        self.precision = torch.bfloat16 if facts["precision"] == "bfloat16" else torch.float32
        self.base, self.weights = folder / "encoder", folder / "cell" / "weights.safetensors"
        self.state = load_file(self.weights)
        self.tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(self.base, trust_remote_code=False)
        self.marks = Marks.of(self.tokenizer)
        self.device = device_for("auto")
        self._model: TaskModel | None = None

    @classmethod
    def load(cls, folder: Path) -> "Predictor":
        """Load a model folder."""
        return cls(Path(folder))

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> list[Any]:
        """Predict each row.

        Args:
            rows: with the family's input columns (``tokens``, or ``text``, or ``text_a`` and ``text_b``).

        Returns:
            For each row a list of tags, or a label.

        Raises:
            XstiltsError: if a row lacks a column.
        """
        for number, row in enumerate(rows):
            for column in self.family.inputs:
                if column not in row:
                    raise XstiltsError(
                        f"Row {number} has no column '{column}'",
                        where=f"input of a {self.task.name} model",
                        allowed=f"columns {', '.join(self.family.inputs)}",
                    )
        if not rows:
            return []
        plain = [{column: row[column] for column in self.family.inputs} for row in rows]
        examples = self.family.encode(plain, self.tokenizer, self.task, self.max_length)
        vocabulary = vocabulary_for(self.base, self.family, self.task, self.marks, [examples])
        if self._model is None:
            self._model, _ = load_model(self.base, self.weights, vocabulary, self.task, 0, keep_head=True)
            self._model.to(self.device)
            read_off(self._model, self.pooling)
            self._model.for_prediction(self.precision)
        elif not self.family.whole_vocabulary(self.task):
            swap_vocabulary(self._model, self.base, self.state, vocabulary)
        collate = Collator(self.marks, vocabulary, self.device, self.pooling)
        return predict(self._model, {"rows": examples}, {"rows": plain}, self.task, collate)["rows"]
