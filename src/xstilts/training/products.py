"""Float32 matrix products by oneDNN where torch's default, MKL, is slow: on AMD processors it leaves out AVX-512.

The arithmetic stays float32. Measured on a Zen 5 core: 230 to 260 GFLOP/s instead of 110. Where there is AVX2
alone, MKL is the faster one by a fifth (docs/performance.md).
"""

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

VENDOR = "AuthenticAMD"


class _Linear(torch.autograd.Function):
    """x W^T + b with all three products by oneDNN."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return _product(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        of_x, of_weight, of_bias = ctx.needs_input_grad
        rows = gradient.reshape(-1, gradient.shape[-1])
        return (
            _product(gradient, weight.t(), None) if of_x else None,
            _product(rows.t(), x.reshape(-1, x.shape[-1]).t(), None) if of_weight else None,
            rows.sum(0) if of_bias else None,
        )


def _product(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    result: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return result


class OneDnnProducts(TorchFunctionMode):
    """While active, linear layers multiply float32 matrices by oneDNN."""

    def __torch_function__(
        self, func: Any, types: Sequence[Any], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if func is functional.linear:
            return _linear(*args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))


def _linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Any:
    if weight.dtype is not torch.float32 or input.dtype is not torch.float32:
        return functional.linear(input, weight, bias)
    return _Linear.apply(input, weight, bias)  # type: ignore[no-untyped-call]


def products(device: torch.device, precision: torch.dtype) -> contextlib.AbstractContextManager[object]:
    """The fast way to multiply on this device: oneDNN for float32 on AMD's AVX-512, else what torch does."""
    if device.type == "cpu" and precision is torch.float32 and _left_out() and torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return OneDnnProducts()
    return contextlib.nullcontext()


def _left_out() -> bool:
    """Whether this processor has AVX-512 and MKL does not use it."""
    try:
        amd = VENDOR in Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return False
    return amd and "AVX512" in torch.backends.cpu.get_cpu_capability()
