"""Parquet tables of rows, and hashes of their content."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from xstilts.errors import XstiltsError
from xstilts.files import sha256_of_json

Rows = Sequence[Mapping[str, Any]]


def write_rows(path: Path, rows: Rows, columns: Sequence[str]) -> None:
    """Write some columns of rows as parquet; equal rows give equal bytes."""
    import pyarrow
    import pyarrow.parquet

    path.parent.mkdir(parents=True, exist_ok=True)
    table = pyarrow.table({column: [row.get(column) for row in rows] for column in columns})
    pyarrow.parquet.write_table(table, path, compression="zstd")


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Read rows back as plain mappings.

    Raises:
        XstiltsError: if the file is missing or damaged.
    """
    import pyarrow
    import pyarrow.parquet

    try:
        rows: list[dict[str, Any]] = pyarrow.parquet.read_table(path).to_pylist()
    except (OSError, pyarrow.ArrowException) as error:
        raise XstiltsError(
            f"The table is missing or damaged: {str(error).splitlines()[0]}",
            where=str(path),
            next_step="delete the file and run `dvc repro` again",
        ) from error
    return rows


def content_sha256(rows: Rows, columns: Iterable[str]) -> str:
    """SHA-256 of some columns of rows, independent of how they are stored."""
    names = list(columns)
    return sha256_of_json([[row.get(name) for name in names] for row in rows])
