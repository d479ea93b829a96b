"""Checkpoints inside a long cell, so that a kill costs minutes and the result keeps every bit.

A checkpoint holds the model, the optimizer, the dropout pool and the step; the order of the batches follows from its
seed and the step. Short cells have none: training them again is cheaper than writing them down.
"""

import json
import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from xstilts.faults import fault
from xstilts.files import Json, told_when_full
from xstilts.training.dropout import MaskPool

LONG_CELL = 600_000.0
"""Planned subwords above which a cell keeps checkpoints: ten minutes at 1,000 a second."""
INTERVAL_S = 300.0


def checkpoints_for(store: Path, key: str, cost: float) -> "Checkpoints | None":
    """The checkpoints of a cell that is planned to be long; nothing for a short one.

    ``XSTILTS_CHECKPOINT_S`` sets the seconds between two, for long and short cells alike.

    Args:
        store: folder of finished cells.
        key: the cell's.
        cost: planned subwords.
    """
    asked = os.environ.get("XSTILTS_CHECKPOINT_S")
    if cost <= LONG_CELL and asked is None:
        return None
    return Checkpoints(store / ".checkpoints" / key, INTERVAL_S if asked is None else float(asked))


class Checkpoints:
    """The checkpoint of one cell.

    Args:
        folder: of the cell's checkpoint.
        interval_s: seconds between two.
    """

    def __init__(self, folder: Path, interval_s: float = INTERVAL_S) -> None:
        self.folder, self.interval_s = folder, interval_s
        self._last = time.monotonic()

    def due(self) -> bool:
        """Whether the last one is old enough."""
        return time.monotonic() - self._last >= self.interval_s

    def save(
        self, model: nn.Module, optimizer: torch.optim.Optimizer, masks: MaskPool | None, facts: Mapping[str, Json]
    ) -> None:
        """Write a checkpoint; the one before stays until this one is written."""
        tensors = {f"model/{name}": tensor for name, tensor in model.state_dict().items()}
        for number, state in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer/{number}/{name}": tensor for name, tensor in state.items()}
        if masks is not None:
            state = masks.state()
            tensors |= {"masks/random": state["random"], "masks/cuts": torch.tensor(state["cuts"])}
            tensors |= {f"masks/pools/{name}": pool for name, pool in state["pools"].items()}
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        with told_when_full(self.folder.parent):
            building = Path(tempfile.mkdtemp(dir=self.folder.parent, prefix=f".building-{os.getpid()}-"))
            try:
                save_file(
                    {name: tensor.contiguous() for name, tensor in tensors.items()}, building / "state.safetensors"
                )
                fault("checkpoint")
                (building / "facts.json").write_text(json.dumps(facts), "utf-8")
                self.discard()
                building.rename(self.folder)
            finally:
                shutil.rmtree(building, ignore_errors=True)
        self._last = time.monotonic()

    def restore(
        self, model: nn.Module, optimizer: torch.optim.Optimizer, masks: MaskPool | None
    ) -> dict[str, Json] | None:
        """Put the last checkpoint's state in place; nothing when there is none.

        Returns:
            The facts it was saved with.
        """
        if not (self.folder / "facts.json").is_file():
            return None
        tensors = load_file(self.folder / "state.safetensors")
        model.load_state_dict(_below(tensors, "model/"))
        state: dict[int, dict[str, Tensor]] = {}
        for name, tensor in _below(tensors, "optimizer/").items():
            number, key = name.split("/")
            state.setdefault(int(number), {})[key] = tensor
        optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
        if masks is not None:
            found: dict[str, Any] = {"random": tensors["masks/random"], "cuts": int(tensors["masks/cuts"])}
            masks.restore({**found, "pools": _below(tensors, "masks/pools/")})
        facts: dict[str, Json] = json.loads((self.folder / "facts.json").read_text("utf-8"))
        return facts

    def discard(self) -> None:
        """Forget the checkpoint: its cell is finished, or a newer one is there."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
