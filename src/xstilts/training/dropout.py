"""Dropout that cuts its masks from a pool of random factors: on a CPU, drawing a fresh mask costs a tenth of a step."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

SMALLEST = 1 << 22
CUTS = 512
ALIGNED = 64


class MaskPool(TorchFunctionMode):
    """While active, ``torch.nn.functional.dropout`` multiplies by factors from a pool.

    A factor is 0 with probability p and 1 / (1 - p) otherwise, as in torch. A mask is a stretch of the pool at a random
    place; after ``CUTS`` masks the pool is drawn anew. It works for every module that calls torch's dropout, and
    repeats for a seed, whatever else draws random numbers.

    Args:
        seed: of the pool and of the places.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._random = torch.Generator().manual_seed(seed)
        self._pools: dict[tuple[float, torch.dtype], Tensor] = {}
        self._cuts = 0

    def __torch_function__(
        self, func: Any, types: Sequence[Any], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if func is functional.dropout:
            return self._dropout(*args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))

    def _dropout(self, input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
        if not training or p == 0.0:
            return input
        count = input.numel()
        pool = self._pool(p, input.dtype, count)
        places = (len(pool) - count) // ALIGNED + 1
        start = ALIGNED * int(torch.randint(places, (), generator=self._random))
        self._cuts += 1
        return input * pool[start : start + count].view(input.shape)

    def _pool(self, p: float, dtype: torch.dtype, count: int) -> Tensor:
        pool = self._pools.get((p, dtype))
        if pool is None or len(pool) < 2 * count or self._cuts >= CUTS:
            size = max(SMALLEST, 1 << (2 * count - 1).bit_length())
            if self._cuts >= CUTS:
                self._pools.clear()
                self._cuts = 0
            kept = torch.rand(size, generator=self._random) >= p
            pool = self._pools[p, dtype] = kept.to(dtype).div_(1.0 - p)
        return pool

    def state(self) -> dict[str, Any]:
        """What decides all further masks, for a checkpoint; a pool follows from it only together with its tensors."""
        pools = {f"{p}/{str(dtype).removeprefix('torch.')}": pool for (p, dtype), pool in self._pools.items()}
        return {"random": self._random.get_state(), "cuts": self._cuts, "pools": pools}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state``."""
        self._random.set_state(state["random"])
        self._cuts = int(state["cuts"])
        names = {name: name.split("/") for name in state["pools"]}
        self._pools = {(float(p), getattr(torch, dtype)): state["pools"][name] for name, (p, dtype) in names.items()}
