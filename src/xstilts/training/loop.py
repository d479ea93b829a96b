"""The train loop: fixed optimizer steps, linear warm-up and decay, the loss weighed by labelled items."""

import contextlib
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import nn

from xstilts.families.base import IGNORED
from xstilts.faults import fault
from xstilts.training.batches import Batch
from xstilts.training.dropout import MaskPool
from xstilts.training.model import TaskModel
from xstilts.training.products import products
from xstilts.training.resume import Checkpoints

CLIP_NORM = 1.0


class Settings(Protocol):
    """What the loop needs to know; ``sections.Training`` has it."""

    learning_rate: float
    warmup_fraction: float
    weight_decay: float


class Events(Protocol):
    """Where curves go."""

    def __call__(self, step: int, name: str, value: float) -> None:
        """Record one value."""


@dataclass(frozen=True, slots=True)
class Trained:
    """What a training did.

    Attributes:
        steps: optimizer steps.
        tokens: real (unpadded) subwords seen.
        loss: mean loss of the last step, per labelled item.
        wall_s: seconds in the loop.
    """

    steps: int
    tokens: int
    loss: float
    wall_s: float


class DivergedError(Exception):
    """The loss is no longer a number."""


def parameter_groups(model: nn.Module, embedding: nn.Parameter, weight_decay: float) -> list[dict[str, object]]:
    """Weight decay on matrices only: not on biases, LayerNorms, or the word embedding (trimming is exact thereby)."""
    trained = [tensor for tensor in model.parameters() if tensor.requires_grad]
    decayed = [tensor for tensor in trained if tensor.ndim > 1 and tensor is not embedding]
    rest = [tensor for tensor in trained if tensor.ndim <= 1 or tensor is embedding]
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": rest, "weight_decay": 0.0}]


def rate_at(step: int, steps: int, warmup_fraction: float) -> float:
    """Share of the peak learning rate: linear from 0 during warm-up, then linear to 0 at the end."""
    warmup = warmup_fraction * steps
    if step < warmup:
        return (step + 1) / (warmup + 1)
    return (steps - step) / max(1.0, steps - warmup)


def train(
    model: TaskModel,
    batches: Callable[[int], Sequence[Batch]],
    steps: int,
    settings: Settings,
    *,
    precision: torch.dtype,
    dropout_seed: int,
    on_event: Events,
    checkpoints: Checkpoints | None = None,
) -> Trained:
    """Train in place.

    Args:
        model: on its device.
        batches: gives the micro-batches of an optimizer step; it is asked for rising steps.
        steps: optimizer steps.
        settings: learning rate, warm-up, weight decay.
        precision: float32, or bfloat16 for autocast.
        dropout_seed: of all dropout masks.
        on_event: takes the curves (``loss``, ``learning_rate``).
        checkpoints: of a long cell: training goes on from the last one, and writes one now and then.

    Raises:
        DivergedError: if the loss stops being finite.
    """
    embedding = model.encoder.get_input_embeddings().weight  # type: ignore[operator]
    groups = parameter_groups(model, embedding, settings.weight_decay)
    optimizer = torch.optim.AdamW(groups, lr=settings.learning_rate, fused=True)
    device = embedding.device
    masks = _masks(device, dropout_seed)
    faster = products(device, precision)
    pool = masks if isinstance(masks, MaskPool) else None
    found = checkpoints.restore(model, optimizer, pool) if checkpoints else None
    first, tokens = (int(found["step"]), int(found["tokens"])) if found else (0, 0)
    model.train()
    began = time.perf_counter()
    value, every = math.nan, max(1, steps // 20)
    for step in range(first, steps):
        rate = settings.learning_rate * rate_at(step, steps, settings.warmup_fraction)
        for group in optimizer.param_groups:
            group["lr"] = rate
        micro_batches = batches(step)
        labelled = max(1, sum(int((batch.targets != IGNORED).sum()) for batch in micro_batches))
        total = torch.zeros((), device=device)
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision is torch.bfloat16):
            for batch in micro_batches:  # in one context: each weight is cast once a step
                with masks, faster:
                    logits = model(batch)
                    loss = model.family.batch_loss(logits.float(), batch) / labelled
                loss.backward()  # type: ignore[no-untyped-call]
                total += loss.detach()
                tokens += batch.tokens
        fault("step")
        nn.utils.clip_grad_norm_(model.parameters(), CLIP_NORM)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if step % every == 0 or step == steps - 1:
            value = total.item()
            if not math.isfinite(value):
                raise DivergedError(f"the loss is {value} at step {step}")
            on_event(step + 1, "loss", value)
            on_event(step + 1, "learning_rate", rate)
        if checkpoints and step + 1 < steps and checkpoints.due():
            checkpoints.save(model, optimizer, pool, {"step": step + 1, "tokens": tokens})
    return Trained(steps, tokens, value, time.perf_counter() - began)


def _masks(device: torch.device, seed: int) -> contextlib.AbstractContextManager[object]:
    """Dropout masks that repeat for a seed: from a pool on a CPU, from the device's own generator elsewhere."""
    if device.type == "cpu":
        return MaskPool(seed)
    torch.manual_seed(seed)
    return contextlib.nullcontext()
