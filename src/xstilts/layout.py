"""Where everything lies: ``<data|models|results>/<study>/<stage>/...``. No other module spells a path."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Layout:
    """The folders of one study.

    Attributes:
        root: the project's root.
        study: the study's name.
    """

    root: Path
    study: str

    def data(self, *parts: str) -> Path:
        """Below ``data/<study>/``."""
        return self.root.joinpath("data", self.study, *parts)

    def models(self, *parts: str) -> Path:
        """Below ``models/<study>/``."""
        return self.root.joinpath("models", self.study, *parts)

    def results(self, *parts: str) -> Path:
        """Below ``results/<study>/``."""
        return self.root.joinpath("results", self.study, *parts)

    @property
    def lock_file(self) -> Path:
        """``sources.lock``: what each source gave on first contact."""
        return self.root / "sources.lock"

    @property
    def hidden(self) -> Path:
        """``.xstilts/``: locks, live lists of cells; never an output."""
        return self.root / ".xstilts"

    @property
    def store(self) -> Path:
        """Finished cells by key; ``XSTILTS_STORE`` moves it to another disk."""
        return Path(os.environ.get("XSTILTS_STORE") or self.hidden / "cells").resolve()


def data_folder() -> Path | None:
    """The folder of JSONL corpora, from ``XSTILTS_DATA``."""
    value = os.environ.get("XSTILTS_DATA")
    return Path(value) if value else None
