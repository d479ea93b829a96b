"""Encoded rows on disk: tokenised once for each text, encoder, task and length, memory-mapped, shared by workers."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from xstilts.families.base import IGNORED, Example
from xstilts.files import read_json, sha256_of_json, told_when_full, write_json
from xstilts.tables import Rows
from xstilts.training.vocabulary import Marks

FORMAT = 3
"""Raised when a family encodes otherwise, or the arrays below change."""
FLAT = ("input_ids", "type_ids", "targets", "positions")

Array = NDArray[np.int64]


def mapped(file: Path) -> Array:
    """A file of numbers, mapped into memory; as a plain array, of which parts are taken twice as fast."""
    return np.asarray(np.load(file, mmap_mode="r"))


class Encoded(Sequence[Example]):
    """Examples as flat arrays with bounds; an example is a view of them.

    Args:
        arrays: ``row`` and ``part`` [n], and for each name of ``FLAT`` the values of all examples one after another,
            with ``<name>_bounds`` [n + 1].
        hidden: [t, h] states of all subwords, one example after another, or nothing.
    """

    def __init__(self, arrays: dict[str, Array], hidden: NDArray[Any] | None = None) -> None:
        self.arrays, self.hidden = arrays, hidden
        self._bounds = {name: arrays[f"{name}_bounds"].tolist() for name in FLAT}
        self._rows: list[int] = arrays["row"].tolist()
        self.parts: list[int] = arrays["part"].tolist()

    @classmethod
    def of(cls, examples: Sequence[Example]) -> "Encoded":
        """Pack examples."""
        arrays: dict[str, Array] = {
            name: np.array([getattr(example, name) for example in examples], np.int64) for name in ("row", "part")
        }
        for name in FLAT:
            parts = [getattr(example, name) for example in examples]
            arrays[name] = np.concatenate([np.zeros(0, np.int64), *parts])
            arrays[f"{name}_bounds"] = np.cumsum([0, *(len(part) for part in parts)])
        return cls(arrays)

    @classmethod
    def load(cls, folder: Path) -> "Encoded":
        """Map a folder that ``save`` wrote into memory."""
        names = ("row", "part", *FLAT, *(f"{name}_bounds" for name in FLAT))
        return cls({name: mapped(folder / f"{name}.npy") for name in names})

    def save(self, folder: Path) -> None:
        """Write one ``.npy`` an array."""
        for name, array in self.arrays.items():
            np.save(folder / f"{name}.npy", array)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Example:  # type: ignore[override]  # slices are not needed
        parts = {name: self.arrays[name][self._bounds[name][index] : self._bounds[name][index + 1]] for name in FLAT}
        bounds = self._bounds["input_ids"]
        hidden = None if self.hidden is None else self.hidden[bounds[index] : bounds[index + 1]]
        return Example(row=self._rows[index], hidden=hidden, part=self.parts[index], **parts)

    def with_hidden(self, hidden: NDArray[Any]) -> "Encoded":
        """The same examples with states [t, h] of all their subwords."""
        return Encoded(self.arrays, hidden)

    def __iter__(self) -> Iterator[Example]:
        return (self[index] for index in range(len(self)))

    @property
    def lengths(self) -> list[int]:
        """[n] subwords of each example."""
        result: list[int] = np.diff(self.arrays["input_ids_bounds"]).tolist()
        return result

    @property
    def items(self) -> list[int]:
        """[n] labelled items of each example."""
        upto = np.concatenate([[0], np.cumsum(self.arrays["targets"] != IGNORED)])
        result: list[int] = np.diff(upto[self.arrays["targets_bounds"]]).tolist()
        return result


class Encoder:
    """Encodes a cell's rows, or takes what an earlier cell or another worker encoded.

    The tokenizer is loaded only when some text is new, and forgotten by ``forget``.

    Args:
        folder: of all encoded text; what is in it can be deleted at any time between runs.
        base: the encoder's checkpoint, with its tokenizer.
        identity: what decides the encoding besides the rows: the encoder's hash, versions, task, length.
        encode: makes the examples of rows with a tokenizer.
    """

    def __init__(
        self,
        folder: Path,
        base: Path,
        identity: Sequence[object],
        encode: Callable[[Rows, PreTrainedTokenizerBase], Sequence[Example]],
    ) -> None:
        self.folder, self.base, self.identity = folder, base, tuple(identity)
        self._encode = encode
        self._tokenizer: PreTrainedTokenizerBase | None = None

    @property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        """The tokenizer, loaded when it is first asked for."""
        if self._tokenizer is None:
            self._tokenizer = AutoTokenizer.from_pretrained(self.base, trust_remote_code=False)
        return self._tokenizer

    def marks(self) -> Marks:
        """What batches need to know of the tokenizer."""
        file = self.folder / f"{sha256_of_json([FORMAT, 'marks', *self.identity])[:40]}.json"
        if not file.is_file():
            write_json(file, asdict(Marks.of(self.tokenizer)))
        values = read_json(file)
        return Marks(**{**values, "special_ids": tuple(values["special_ids"])})

    def encoded(self, content: object, rows: Rows) -> Encoded:
        """Rows as examples.

        Args:
            content: hash of the rows.
            rows: in order.
        """
        place = self.folder / sha256_of_json([FORMAT, content, *self.identity])[:40]
        if not place.is_dir():
            self._build(place, rows)
        return Encoded.load(place)

    def forget(self) -> None:
        """Let go of the tokenizer."""
        self._tokenizer = None

    def _build(self, place: Path, rows: Rows) -> None:
        with told_when_full(self.folder.parent):
            self.folder.mkdir(parents=True, exist_ok=True)
            building = Path(tempfile.mkdtemp(dir=self.folder, prefix=f".building-{os.getpid()}-"))
            try:
                Encoded.of(self._encode(rows, self.tokenizer)).save(building)
                building.chmod(0o755)
                os.rename(building, place)
            except OSError:
                if not place.is_dir():  # else another worker was first
                    raise
            finally:
                shutil.rmtree(building, ignore_errors=True)
