"""What frozen layers make of a text: computed once for each text, kept on disk, shared by all cells that freeze alike.

Frozen layers run as in prediction: without dropout, in the precision of prediction, each row without padding. What they
give then depends on their weights and on the text alone, so a further pass, seed or arm need not compute it again.
"""

import copy
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from xstilts.files import Json, read_json, sha256_of_json, told_when_full
from xstilts.training.batches import Collator, equal_length_batches
from xstilts.training.encoded import Encoded
from xstilts.training.model import TaskModel, stack_of, trained_from
from xstilts.training.products import products

FORMAT = 2
"""Raised when the same text and layers would give other bits."""
TOKEN_BUDGET = 2048
States = NDArray[np.int16] | NDArray[np.float32]
ALIKE = ("bert", "roberta", "xlm-roberta")
"""Model types whose layers take hidden states [b, s, h] and return them so; others run their frozen layers anew."""


def can_be_kept(base: Path, start: Path | None, frozen_layers: int) -> bool:
    """Whether states from disk can stand for an encoder's frozen layers, and other cells can share them.

    They cannot when the cell before trained one of these layers: each cell would then write states of its own.

    Args:
        base: checkpoint folder of the base encoder.
        start: weights of an earlier cell, or nothing.
        frozen_layers: how many of the lowest.
    """
    if not frozen_layers or read_json(base / "config.json")["model_type"] not in ALIKE:
        return False
    return start is None or trained_from(start) >= frozen_layers


class FrozenStates:
    """Hidden states above the frozen layers, from disk or computed and put there.

    Args:
        folder: where they are; what is in it can be deleted at any time between runs.
        identity: what decides how a row becomes subwords, the base encoder's hash among it.
        precision: of prediction.
    """

    def __init__(self, folder: Path, identity: Sequence[object], precision: torch.dtype) -> None:
        self.folder, self.identity, self.precision = folder, tuple(identity), precision

    def added(
        self,
        model: TaskModel,
        layers: int,
        groups: Mapping[str, Encoded],
        content: Mapping[str, Json],
        collate: Collator,
    ) -> dict[str, Encoded]:
        """The groups with their states.

        Args:
            model: with ``layers`` of the base encoder frozen; it is left as it was.
            layers: how many of the lowest are frozen.
            groups: encoded rows of each group.
            content: hash of each group's rows.
            collate: pads with the model's vocabulary, which covers all groups.

        Returns:
            For each group its rows, an example's ``hidden`` being [s, h].
        """
        identity = (FORMAT, *self.identity, layers, str(self.precision), collate.device.type)
        found: dict[str, Encoded] = {}
        lower: TaskModel | None = None
        for name, group in groups.items():
            file = self.folder / f"{sha256_of_json([*identity, content[name]])[:40]}.npy"
            if not file.is_file():
                lower = lower or copy.deepcopy(model).for_prediction(self.precision)
                self._write(file, _states(lower, layers, group, collate))
            found[name] = group.with_hidden(np.load(file, mmap_mode="r"))
        return found

    def _write(self, file: Path, states: States) -> None:
        with told_when_full(self.folder.parent):
            self.folder.mkdir(parents=True, exist_ok=True)
            handle, building = tempfile.mkstemp(dir=self.folder, prefix=f".building-{os.getpid()}-", suffix=".npy")
            try:
                with os.fdopen(handle, "wb") as stream:
                    np.save(stream, states)
                os.replace(building, file)  # another worker may have been first: with the same bytes
            finally:
                Path(building).unlink(missing_ok=True)


@torch.inference_mode()
def _states(model: TaskModel, layers: int, group: Encoded, collate: Collator) -> States:
    """[t, h] states of all subwords, one example after another; bfloat16 as the int16 of the same bits."""
    del stack_of(model.encoder)[layers:]
    width = int(model.encoder.config.hidden_size)  # type: ignore[union-attr,arg-type]
    bounds = np.concatenate([[0], np.cumsum(group.lengths)])
    short = next(model.encoder.parameters()).dtype is torch.bfloat16
    shape = (int(bounds[-1]), width)
    found: States = np.empty(shape, np.int16) if short else np.empty(shape, np.float32)
    faster = products(collate.device, next(model.encoder.parameters()).dtype)
    for indices in equal_length_batches(group.lengths, TOKEN_BUDGET):
        with faster:
            hidden = model.encoder(**collate([group[index] for index in indices]).inputs).last_hidden_state.cpu()
        values = (hidden.view(torch.int16) if short else hidden).numpy()
        for index, value in zip(indices, values, strict=True):
            found[bounds[index] : bounds[index + 1]] = value
    return found
