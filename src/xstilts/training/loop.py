"""The train loop: fixed optimizer steps, linear warm-up and decay, the loss weighed by labelled items."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import nn

from xstilts.families.base import IGNORED
from xstilts.training.batches import Batch
from xstilts.training.model import TaskModel

CLIP_NORM = 1.0


class Settings(Protocol):
    """What the loop needs to know; ``config.Training`` has it."""

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
    """

    steps: int
    tokens: int
    loss: float


class DivergedError(Exception):
    """The loss is no longer a number."""


def parameter_groups(model: nn.Module, embedding: nn.Parameter, weight_decay: float) -> list[dict[str, object]]:
    """Weight decay on matrices only: not on biases, LayerNorms, or the word embedding (trimming is exact thereby)."""
    decayed = [tensor for tensor in model.parameters() if tensor.ndim > 1 and tensor is not embedding]
    rest = [tensor for tensor in model.parameters() if tensor.ndim <= 1 or tensor is embedding]
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": rest, "weight_decay": 0.0}]


def rate_at(step: int, steps: int, warmup_fraction: float) -> float:
    """Share of the peak learning rate: linear from 0 during warm-up, then linear to 0 at the end."""
    warmup = warmup_fraction * steps
    if step < warmup:
        return (step + 1) / (warmup + 1)
    return (steps - step) / max(1.0, steps - warmup)


def train(
    model: TaskModel,
    batches: Iterator[Batch],
    steps: int,
    settings: Settings,
    *,
    precision: torch.dtype,
    on_event: Events,
    on_dev: Callable[[int], None],
    dev_steps: frozenset[int],
) -> Trained:
    """Train in place.

    Args:
        model: on its device.
        batches: without end; one batch is one optimizer step.
        steps: optimizer steps.
        settings: learning rate, warm-up, weight decay.
        precision: float32, or bfloat16 for autocast.
        on_event: takes the curves (``loss``, ``learning_rate``).
        on_dev: called after the steps in ``dev_steps`` with the step's number.
        dev_steps: when to look at English dev; it changes nothing in the training.

    Raises:
        DivergedError: if the loss stops being finite.
    """
    embedding = model.encoder.get_input_embeddings().weight  # type: ignore[operator]
    groups = parameter_groups(model, embedding, settings.weight_decay)
    optimizer = torch.optim.AdamW(groups, lr=settings.learning_rate, fused=True)
    device = embedding.device
    model.train()
    tokens, value, every = 0, math.nan, max(1, steps // 20)
    for step in range(steps):
        rate = settings.learning_rate * rate_at(step, steps, settings.warmup_fraction)
        for group in optimizer.param_groups:
            group["lr"] = rate
        batch = next(batches)
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision is torch.bfloat16):
            logits = model(batch)
        labelled = (batch.targets != IGNORED).sum().clamp(min=1)
        loss = model.family.loss(logits.float(), batch.targets) / labelled
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), CLIP_NORM)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        tokens += sum(len(example.input_ids) for example in batch.examples)
        if step % every == 0 or step == steps - 1:
            value = loss.item()
            if not math.isfinite(value):
                raise DivergedError(f"the loss is {value} at step {step}")
            on_event(step + 1, "loss", value)
            on_event(step + 1, "learning_rate", rate)
        if step + 1 in dev_steps:
            on_dev(step + 1)
            model.train()
    return Trained(steps, tokens, value)
