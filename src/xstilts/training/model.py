"""An encoder with a head, loaded with an account of every tensor.

Weights of a cell are kept trimmed: all encoder tensors but the embedding, the embedding's trained rows with their
ids, and the head.
"""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel
from transformers.initialization import no_init_weights

from xstilts.errors import XstiltsError
from xstilts.families import FamilyCode, family_of
from xstilts.files import Json
from xstilts.tasks import Task
from xstilts.training.batches import Batch
from xstilts.training.lm_head import LMHead
from xstilts.training.vocabulary import Vocabulary

ROW_IDS, ROWS = "embedding.ids", "embedding.rows"
HEAD, ENCODER = "head.", "encoder."
TENSORS = "tensors"


@dataclass(frozen=True, slots=True)
class TransferReport:
    """What happened to each tensor when an encoder was moved into a task's model.

    Attributes:
        copied: tensors of the encoder, and of the head that it was pretrained with, that were taken over.
        trained_rows: embedding rows that came from the start, over those of the base encoder.
        new: tensors that were initialised afresh (the head).
        unused: tensors of the source that the model has no place for (the source task's head, a pooler).
    """

    copied: int
    trained_rows: int
    new: tuple[str, ...]
    unused: tuple[str, ...]

    def as_json(self) -> Json:
        """For ``result.json``."""
        return asdict(self)


class Given:
    """Stands for the embeddings and the frozen layers: gives what they gave before."""

    hidden: Tensor

    def __call__(self, *_: object, **__: object) -> Tensor:
        return self.hidden


class TaskModel(nn.Module):
    """Encoder, head, and the family that reads logits from hidden states."""

    def __init__(self, encoder: nn.Module, head: nn.Module, family: FamilyCode) -> None:
        super().__init__()
        self.encoder, self.head, self.family = encoder, head, family
        self.given: Given | None = None

    def forward(self, batch: Batch) -> Tensor:
        """Logits of a batch, float32 outside of autocast: [b, s, k] for tagging, [b, k] for classification."""
        if self.given is not None and batch.hidden is not None:
            self.given.hidden = batch.hidden.to(next(self.encoder.parameters()).dtype)
        hidden = self.encoder(**batch.inputs).last_hidden_state
        return self.family.logits(hidden.float(), batch, self.head)

    def train(self, mode: bool = True) -> "TaskModel":
        """Switch to training: all but frozen modules, which run as in prediction, without dropout."""
        super().train(mode)
        for module in self.modules() if mode else ():
            tensors = list(module.parameters())
            if tensors and not any(tensor.requires_grad for tensor in tensors):
                module.eval()
        return self

    def for_prediction(self, precision: torch.dtype) -> "TaskModel":
        """Hold the encoder in the precision it predicts in; the head stays float32. It is not to be trained on."""
        self.encoder.to(precision)
        return self.eval()


def embedding_name(encoder: nn.Module) -> str:
    """The name of the word embedding's weight, whatever the architecture calls it."""
    weight = encoder.get_input_embeddings().weight  # type: ignore[operator]
    return next(name for name, tensor in encoder.named_parameters() if tensor is weight)


_STORED = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


def embedding_rows(base: Path, name: str, vocabulary: Vocabulary) -> Tensor:
    """[v, h] float32 rows of the base encoder's embedding.

    Only these rows are read: safetensors itself reads a whole tensor, hundreds of megabytes here, or contiguous slices.
    The layout (eight bytes of length, a JSON header, the data) is that of the format's specification.
    """
    with (base / "model.safetensors").open("rb", buffering=0) as file:
        header_bytes = int.from_bytes(file.read(8), "little")
        facts = json.loads(file.read(header_bytes))[name]
        kind, start = _STORED[facts["dtype"]], 8 + header_bytes + facts["data_offsets"][0]
        width = facts["shape"][1] * kind.itemsize
        rows = b"".join(os.pread(file.fileno(), width, start + width * number) for number in vocabulary.ids.tolist())
    return torch.frombuffer(bytearray(rows), dtype=kind).view(-1, facts["shape"][1]).float()


def load_model(
    base: Path, start: Path | None, vocabulary: Vocabulary, task: Task, head_seed: int, *, keep_head: bool = False
) -> tuple[TaskModel, TransferReport]:
    """Build a task's model on a base encoder, or on what an earlier cell made of it.

    Args:
        base: checkpoint folder of the base encoder.
        start: weights of an earlier cell that go over the base, or nothing.
        vocabulary: embedding rows to hold.
        task: decides the head.
        head_seed: of the head's initialisation; the global random state is left as it was.
        keep_head: take the head from ``start`` too (to predict with a trained model).

    Raises:
        XstiltsError: if an encoder tensor is missing from its source.
    """
    config = AutoConfig.from_pretrained(base)
    config.vocab_size = len(vocabulary.ids)
    with torch.random.fork_rng(devices=[]):
        with no_init_weights():  # all of them are loaded below
            encoder = AutoModel.from_config(config, attn_implementation="eager", dtype=torch.float32)
        torch.manual_seed(head_seed)
        head = family_of(task).head_on(encoder, base, task)
    if hasattr(encoder, "pooler"):
        encoder.pooler = None
    name = embedding_name(encoder)
    source, unused, trained_rows = _source_tensors(base, start, name, vocabulary)
    model = TaskModel(encoder, head, family_of(task))
    wanted = {ENCODER + key for key in encoder.state_dict()}
    missing = sorted(wanted - source.keys())
    if missing:
        raise XstiltsError(
            f"{len(missing)} encoder tensors are missing, the first is {missing[0]}",
            where=str(start or base),
            allowed="every tensor of the encoder",
            next_step="delete the folder and run `dvc repro` again",
        )
    heads = {key: tensor for key, tensor in source.items() if key.startswith(HEAD)}
    chosen = {key: source[key] for key in wanted} | (heads if keep_head else {})
    pretrained = tuple(name and f"{name}." for name, module in head.named_modules() if isinstance(module, LMHead))
    given = {key for key in head.state_dict() if key.startswith(pretrained)}
    new = tuple(sorted(HEAD + key for key in head.state_dict().keys() - given)) if not keep_head else ()
    model.load_state_dict(chosen, strict=keep_head)
    extra = sorted((source.keys() - chosen.keys()) | unused)
    return model, TransferReport(len(wanted) + len(given), trained_rows, new, tuple(extra))


def _source_tensors(
    base: Path, start: Path | None, embedding: str, vocabulary: Vocabulary
) -> tuple[dict[str, Tensor], set[str], int]:
    """Tensors under the task model's names, those without a place there, and the number of trained rows."""
    rows = embedding_rows(base, embedding, vocabulary)
    tensors: dict[str, Tensor] = {}
    trained = 0
    if start:
        with safe_open(start, "pt") as file:
            facts = json.loads((file.metadata() or {}).get("facts", "{}"))
            wanted = int(facts.get(TENSORS, len(file.keys())))
            if len(file.keys()) != wanted:
                raise XstiltsError(
                    f"{len(file.keys())} tensors where {wanted} were kept",
                    where=str(start),
                    allowed="every tensor that the cell trained",
                    next_step="delete the folder and run `dvc repro` again",
                )
            for key in sorted(set(file.keys()) - {ROW_IDS, ROWS}):
                tensors[key] = file.get_tensor(key).float()
            trained = put_rows(rows, vocabulary, file.get_tensor(ROW_IDS).numpy(), file.get_tensor(ROWS))
    with safe_open(base / "model.safetensors", "pt") as file:
        for key in sorted(set(file.keys()) - {embedding}):
            if ENCODER + key not in tensors:  # what the earlier cell left frozen, it did not keep
                tensors[ENCODER + key] = file.get_tensor(key).float()
    unused = {key for key in tensors if key.startswith(ENCODER + "pooler.")}
    tensors = {key: tensor for key, tensor in tensors.items() if key not in unused}
    tensors[ENCODER + embedding] = rows
    return tensors, set() if start else unused, trained


def put_rows(
    rows: Tensor, vocabulary: Vocabulary, ids: "np.ndarray[tuple[int], np.dtype[np.int64]]", new: Tensor
) -> int:
    """Put trained rows over those of the base encoder, in place.

    Args:
        rows: [v, h] rows of ``vocabulary``; changed.
        vocabulary: which ids they are.
        ids: [m] ids of the trained rows.
        new: [m, h].

    Returns:
        How many of them are in the vocabulary.
    """
    _, here, there = np.intersect1d(vocabulary.ids, ids, return_indices=True)
    rows[torch.from_numpy(here)] = new[torch.from_numpy(there)].float()
    return len(here)


def trained_state(model: TaskModel, vocabulary: Vocabulary, earlier: Path | None) -> dict[str, Tensor]:
    """What a cell keeps: tensors and embedding rows that it, or a cell before it, trained; the rest is the base's."""
    name = embedding_name(model.encoder)
    state = {key: tensor.detach().cpu().contiguous() for key, tensor in model.state_dict().items()}
    ids, rows = vocabulary.ids, state.pop(ENCODER + name)
    frozen = {key for key, tensor in model.named_parameters() if not tensor.requires_grad}
    if ENCODER + name in frozen:
        ids, rows = ids[:0], rows[:0]
    if earlier:
        with safe_open(earlier, "pt") as file:
            frozen -= set(file.keys())
            old_ids, old_rows = file.get_tensor(ROW_IDS).numpy(), file.get_tensor(ROWS)
        kept = ~np.isin(old_ids, ids)
        ids = np.concatenate([ids, old_ids[kept]])
        rows = torch.cat([rows, old_rows[torch.from_numpy(kept)]])
    state = {key: tensor for key, tensor in state.items() if key not in frozen}
    order = np.argsort(ids)
    state[ROW_IDS] = torch.from_numpy(ids[order])
    state[ROWS] = rows[torch.from_numpy(order)].contiguous()
    return state


def trained_from(weights: Path) -> int:
    """The lowest layer that the weights of a cell hold; 0 when they hold the embedding or something beside layers."""
    with safe_open(weights, "pt") as file:
        names = sorted(set(file.keys()))
        found = [re.search(r"\.layer\.(\d+)\.", name) for name in names if name.startswith(ENCODER)]
        rows = file.get_slice(ROW_IDS).get_shape()[0]
    return 0 if rows or None in found else min(int(match[1]) for match in found if match)


def save_state(state: Mapping[str, Tensor], path: Path, facts: Mapping[str, Json]) -> None:
    """Write a cell's weights; equal tensors give equal bytes."""
    whole = {**facts, TENSORS: len(state)}  # one key of metadata: the order of several is random
    save_file(dict(state), path, metadata={"facts": json.dumps(whole, sort_keys=True)})


def swap_vocabulary(model: TaskModel, base: Path, state: Mapping[str, Tensor], vocabulary: Vocabulary) -> None:
    """Give the model the embedding rows of another vocabulary: the base encoder's, with the trained rows over them."""
    encoder = model.encoder
    old = encoder.get_input_embeddings()  # type: ignore[operator]
    rows = embedding_rows(base, embedding_name(encoder), vocabulary)
    put_rows(rows, vocabulary, state[ROW_IDS].numpy(), state[ROWS])
    weight = rows.to(old.weight.device, old.weight.dtype)
    new = nn.Embedding(len(vocabulary.ids), rows.shape[1], padding_idx=old.padding_idx, _weight=weight)
    encoder.set_input_embeddings(new)  # type: ignore[operator]
