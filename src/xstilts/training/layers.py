"""Which layers of an encoder run, which of them train, and for which subwords."""

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, einsum, nn
from torch.nn.functional import dropout, softmax

from xstilts.errors import XstiltsError
from xstilts.training.model import Given, TaskModel

ALIKE = ("bert", "roberta", "xlm-roberta")
"""Model types whose layers take hidden states [b, s, h] and return them so, and are made of the same parts."""


def stack_of(encoder: nn.Module) -> nn.ModuleList:
    """The encoder's layers: its longest ``ModuleList``."""
    return max((module for module in encoder.modules() if isinstance(module, nn.ModuleList)), key=len)


@contextlib.contextmanager
def above(model: TaskModel, layers: int) -> Iterator[None]:
    """Let the states that a batch brings along stand for all below a layer; for nothing when that is the lowest.

    Args:
        model: of BERT's parts.
        layers: so many of the lowest layers, and the embeddings, do not run.
    """
    if not layers:
        yield
        return
    stack, embeddings = stack_of(model.encoder), model.encoder.embeddings
    every = list(stack)
    model.given = embeddings.forward = Given()  # type: ignore[union-attr]
    del stack[:layers]
    try:
        yield
    finally:
        model.given = None
        del embeddings.forward  # type: ignore[union-attr]  # the class's own is back
        del stack[:]
        stack.extend(every)


def freeze(encoder: nn.Module, layers: int) -> None:
    """Keep the embeddings and the lowest layers as they are: all that comes before the first layer that trains.

    Args:
        encoder: of any architecture.
        layers: how many; 0 freezes nothing.

    Raises:
        XstiltsError: if the encoder has no more layers than that.
    """
    if not layers:
        return
    stack = stack_of(encoder)
    if layers >= len(stack):
        raise XstiltsError(
            f"{layers} layers cannot be frozen: the encoder has {len(stack)}",
            where="params.yaml, frozen_layers",
            allowed=f"0 to {len(stack) - 1}",
            next_step="lower frozen_layers",
        )
    first = next(stack[layers].parameters())
    for parameter in encoder.parameters():
        if parameter is first:
            break
        parameter.requires_grad_(False)


def keep_layers(encoder: nn.Module, layers: int) -> None:
    """Read embeddings off so many of the lowest layers; 0 keeps all.

    Raises:
        XstiltsError: if the encoder has fewer.
    """
    stack = stack_of(encoder)
    if layers > len(stack):
        raise XstiltsError(
            f"Layer {layers} cannot be read: the encoder has {len(stack)}",
            where="params.yaml, targets.*.layer",
            allowed=f"0 for the last one, or 1 to {len(stack)}",
            next_step="lower it, or give it for the encoder at hand in a study of its own",
        )
    if layers:
        del stack[layers:]


def read_off(model: TaskModel, pooling: str) -> None:
    """Let the last layer compute no more than what the head reads: with ``cls``, each sequence's first subword.

    The state is what the whole layer gives there. Families that read each subword, and encoders not made of BERT's
    parts, run it whole.

    Args:
        model: all of whose layers are in place.
        pooling: ``mean`` or ``cls``.
    """
    architecture = model.encoder.config.model_type  # type: ignore[union-attr]
    if pooling != "cls" or not model.family.pooled or str(architecture) not in ALIKE:
        return
    layer: Any = stack_of(model.encoder)[-1]

    def forward(hidden_states: Tensor, attention_mask: Tensor | None = None, *_: object, **__: object) -> Tensor:
        first = hidden_states[:, :1].contiguous()  # oneDNN is slow on strided rows
        context = _seen_by_first(layer.attention.self, first, hidden_states, attention_mask)
        result: Tensor = layer.feed_forward_chunk(layer.attention.output(context, first))
        return result

    layer.forward = forward


def _seen_by_first(attention: Any, first: Tensor, hidden: Tensor, mask: Tensor | None) -> Tensor:
    """[b, 1, h] what attention gives the first subword, without a key and a value for each subword.

    A head's score q . (K x + k) is (K^T q) . x + q . k, and its sum of a (V x + v) is V (sum of a x) + v (sum of a):
    one product a sequence stands for one a subword.

    Args:
        attention: BERT's, with ``query``, ``key`` and ``value``.
        first: [b, 1, h].
        hidden: [b, s, h].
        mask: [b, 1, 1 or s, s], added to the scores.
    """
    heads = (attention.num_attention_heads, attention.attention_head_size)
    query = attention.query(first).unflatten(-1, heads).squeeze(1) * attention.scaling
    asked = einsum("bnd,ndh->bnh", query, attention.key.weight.unflatten(0, heads))
    scores = asked @ hidden.transpose(1, 2) + (query * attention.key.bias.view(heads)).sum(-1, keepdim=True)
    if mask is not None:
        scores = scores + mask[:, 0, :1]
    shares = dropout(softmax(scores, -1), attention.dropout.p, attention.training)
    context = einsum("bnh,ndh->bnd", shares @ hidden, attention.value.weight.unflatten(0, heads))
    result: Tensor = context + shares.sum(-1, keepdim=True) * attention.value.bias.view(heads)
    return result.flatten(1).unsqueeze(1)


@contextlib.contextmanager
def frozen_in(model: nn.Module, precision: torch.dtype) -> Iterator[None]:
    """Hold frozen matrices in the precision that autocast would cast them to at every step, and give them back after.

    The products keep their bits.
    """
    layers = [module for module in model.modules() if isinstance(module, nn.Linear)]
    kept = [(tensor, tensor.data) for layer in layers for tensor in layer.parameters() if not tensor.requires_grad]
    for tensor, values in kept:
        tensor.data = values.to(precision)
    try:
        yield
    finally:
        for tensor, values in kept:
            tensor.data = values
