"""What a cell is: its identity decides its key, its labels say where it stands in a study."""

import importlib.metadata
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path

from xstilts.files import Json, sha256_of_json

NUMERICS_VERSION = 5
"""Raised when the same identity would give other bits; golden tests hold it in place."""
FROZEN_NUMERICS_VERSION = 1
"""The same for what only cells with frozen layers compute."""

SUBWORDS_PER_WORD = 1.5
PREDICTED_SHARE = 1 / 3
"""What a predicted subword costs beside one of training: a forward pass alone."""


@dataclass(frozen=True)
class Labels:
    """Where a cell stands in its study; no part of the key, so that studies can share cells."""

    study: str
    phase: str
    encoder: str
    arm: str
    block: str
    domain: str
    target: str
    seed: int
    variant: str = "main"

    @property
    def path(self) -> str:
        """The cell's folder below its stage's output."""
        seed = f"seed-{self.seed}" + ("" if self.variant == "main" else f"-{self.variant}")
        return "/".join(part for part in (self.arm, self.target, seed) if part)


@dataclass(frozen=True)
class CellSpec:
    """One training to do.

    Attributes:
        labels: its place in the study.
        identity: all that decides its result; see ``identity_of``.
        files: paths that the worker reads (``base``, ``start``, ``train``, ``dev``, ``inputs/<language>``); their
            content is in the identity.
        device: ``auto``, ``cpu`` or ``cuda``.
        cost: expected real subwords in training plus a third of those predicted; longest first.
    """

    labels: Labels
    identity: Mapping[str, Json]
    files: Mapping[str, str]
    device: str = "auto"
    cost: float = 0.0
    extra: Mapping[str, Json] = field(default_factory=dict)

    @cached_property
    def key(self) -> str:
        """The cell's name in the store: 40 hex digits of its identity's SHA-256."""
        return sha256_of_json(self.identity)[:40]

    def index_row(self) -> dict[str, Json]:
        """The cell's line in ``index.jsonl``."""
        return {"key": self.key, **asdict(self.labels), "path": self.labels.path}


def library_versions() -> dict[str, str]:
    """Versions of the libraries whose arithmetic or segmentation decides a cell's bits."""
    return {name: importlib.metadata.version(name).split("+")[0] for name in ("torch", "transformers", "tokenizers")}


def start_weights(store: Path, key: str) -> Path:
    """Weights of a finished intermediate cell."""
    return store / key / "weights.safetensors"
