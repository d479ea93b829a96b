"""What frozen layers make of a text: computed once for each text, kept on disk, shared by all cells that freeze alike.

Frozen layers run as in prediction: without dropout, in the precision of prediction, each row without padding. What they
give then depends on their weights and on the text alone, so a further pass, seed or arm need not compute it again.
"""

import copy
import hashlib
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from xstilts.files import Json, read_json, sha256_of_json, told_when_full
from xstilts.training.batches import Collator, equal_length_batches
from xstilts.training.encoded import Encoded, mapped
from xstilts.training.layers import ALIKE, stack_of
from xstilts.training.model import TaskModel, trained_from
from xstilts.training.products import products

FORMAT = 2
"""Raised when the same text and layers would give other bits."""
TOKEN_BUDGET = 2048
INDEX = ".texts.npy"
TEXT = np.dtype([("name", "S40"), ("start", np.int64), ("stop", np.int64)])
States = NDArray[np.int16] | NDArray[np.float32]


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

    Groups of one encoder, task and depth lie in one folder: ``<content>.npy`` with the states of all subwords, and
    ``<content>.texts.npy`` that says where each text begins and ends. A text that another group has is copied from it:
    arms that mix the same domains share most of theirs.

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
        identity = [FORMAT, *self.identity, layers, str(self.precision), collate.device.type]
        folder = self.folder / f"states-{sha256_of_json(identity)[:40]}"
        found: dict[str, Encoded] = {}
        lower: TaskModel | None = None
        for name, group in groups.items():
            file = folder / f"{sha256_of_json(content[name])[:40]}.npy"
            if not file.is_file():
                lower = lower or _lower(model, layers, self.precision)
                texts = _texts(group)
                with told_when_full(self.folder.parent):
                    folder.mkdir(parents=True, exist_ok=True)
                    _write(file, _states(lower, group, texts, folder, collate))
                    _write(file.with_suffix(INDEX), texts)
            found[name] = group.with_hidden(mapped(file))
        return found


def _lower(model: TaskModel, layers: int, precision: torch.dtype) -> TaskModel:
    """The frozen layers alone."""
    lower = copy.deepcopy(model).for_prediction(precision)
    del stack_of(lower.encoder)[layers:]
    return lower


def _texts(group: Encoded) -> NDArray[np.void]:
    """[n] what each example is, and where its subwords are in the group."""
    bounds = np.cumsum([0, *group.lengths])
    names = (hashlib.sha256(np.concatenate([each.input_ids, each.type_ids]).data).hexdigest()[:40] for each in group)
    return np.array(list(zip(names, bounds[:-1], bounds[1:], strict=True)), TEXT)


def _write(file: Path, values: NDArray[Any]) -> None:
    handle, building = tempfile.mkstemp(dir=file.parent, prefix=f".building-{os.getpid()}-", suffix=".npy")
    try:
        with os.fdopen(handle, "wb") as stream:
            np.save(stream, values)
        os.replace(building, file)  # another worker may have been first: with the same bytes
    finally:
        Path(building).unlink(missing_ok=True)


@torch.inference_mode()
def _states(lower: TaskModel, group: Encoded, texts: NDArray[np.void], folder: Path, collate: Collator) -> States:
    """[t, h] states of all subwords, one example after another; bfloat16 as the int16 of the same bits."""
    precision = next(lower.encoder.parameters()).dtype
    short = precision is torch.bfloat16
    shape = (int(texts["stop"][-1]) if len(texts) else 0, int(lower.encoder.config.hidden_size))  # type: ignore[union-attr,arg-type]
    found: States = np.empty(shape, np.int16) if short else np.empty(shape, np.float32)
    left = _copied(found, texts, folder)
    faster = products(collate.device, precision)
    for places in equal_length_batches((texts["stop"] - texts["start"])[left].tolist(), TOKEN_BUDGET):
        chosen = [left[place] for place in places]
        with faster:
            hidden = lower.encoder(**collate([group[index] for index in chosen]).inputs).last_hidden_state.cpu()
        for index, value in zip(chosen, (hidden.view(torch.int16) if short else hidden).numpy(), strict=True):
            found[texts["start"][index] : texts["stop"][index]] = value
    return found


def _copied(found: States, texts: NDArray[np.void], folder: Path) -> list[int]:
    """Copy what other groups have into ``found``; the places of the other texts."""
    left = np.arange(len(texts))
    for file in sorted(folder.glob(f"[!.]*{INDEX}")):
        theirs = np.load(file)
        _, mine, other = np.intersect1d(texts["name"][left], theirs["name"], return_indices=True)
        if len(mine):
            states = mapped(file.with_name(file.name.removesuffix(INDEX) + ".npy"))
            for text, source in zip(texts[left[mine]], theirs[other], strict=True):
                found[text["start"] : text["stop"]] = states[source["start"] : source["stop"]]
            left = np.delete(left, mine)
    places: list[int] = left.tolist()
    return places
