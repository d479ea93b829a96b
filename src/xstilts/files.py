"""Reading and writing files: whole or not at all, and hashed by content."""

import contextlib
import errno
import gzip
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from xstilts.errors import XstiltsError

Json = Any


@contextlib.contextmanager
def told_when_full(path: Path) -> Iterator[None]:
    """Turn "no space left" into an error that names the place and the remedy."""
    try:
        yield
    except Exception as error:
        full = getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT)
        if not full and "No space left on device" not in str(error):  # safetensors has an error of its own
            raise
        free = shutil.disk_usage(path if path.is_dir() else path.parent).free
        raise XstiltsError(
            f"The disk is full: {free / 1e6:.1f} MB free",
            where=str(path),
            allowed="room for the file; `xstilts plan` tells how much a study needs",
            next_step="free space (`xstilts prune`, `dvc gc -w`) or set XSTILTS_STORE to another disk, then run the "
            "same command again; finished cells are kept",
        ) from error


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees all of it or the old one, also after a crash."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with told_when_full(path.parent):
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            os.chmod(name, 0o644)
            os.replace(name, path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name)
            raise


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text, whole or not at all."""
    write_bytes(path, text.encode("utf-8"))


def dump_json(value: Json) -> str:
    """JSON with sorted keys and a final newline, so that equal values give equal bytes."""
    return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True, allow_nan=False) + "\n"


def write_json(path: Path, value: Json) -> None:
    """Write canonical JSON."""
    write_text(path, dump_json(value))


def read_json(path: Path) -> Json:
    """Read a JSON file; a damaged one is told with its place."""
    try:
        return json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise XstiltsError(
            "The file does not exist; an earlier stage writes it",
            where=str(path),
            next_step="run `xstilts repro STUDY`, which runs all stages in order",
        ) from error
    except json.JSONDecodeError as error:
        raise XstiltsError(
            f"Damaged JSON: {error.msg}",
            where=f"{path}, line {error.lineno}",
            next_step="delete the file and run `dvc repro` again",
        ) from error


def write_jsonl(path: Path, rows: Iterable[Mapping[str, Json]]) -> None:
    """Write one JSON object a line."""
    write_text(path, "".join(json.dumps(row, ensure_ascii=False, sort_keys=True) + "\n" for row in rows))


def read_jsonl(path: Path) -> list[dict[str, Json]]:
    """Read one JSON object a line, gzipped or not.

    Raises:
        XstiltsError: if the file ends early or a line is not an object; the line is named.
    """
    rows: list[dict[str, Json]] = []
    try:
        with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8") as file:
            for line in file:
                row = json.loads(line)
                if not isinstance(row, dict):
                    raise ValueError("not a JSON object")
                rows.append(row)
    except (EOFError, gzip.BadGzipFile, ValueError) as error:
        raise XstiltsError(
            f"Truncated or damaged file: {error}",
            where=f"{path}, line {len(rows) + 1}",
            allowed="one JSON object a line, gzipped when the name ends in .gz",
            next_step="copy the file again from its source",
        ) from error
    return rows


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_of_json(value: Json) -> str:
    """SHA-256 of a value's canonical JSON, in hex."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


@contextlib.contextmanager
def replaced_folder(target: Path) -> Iterator[Path]:
    """Build a folder aside and rename it into place at the very end; one builder of a target at a time.

    What a killed builder of the same target left beside it is removed first.

    Yields:
        An empty folder beside ``target``; on success it takes the target's name, on failure it is removed and
        the target stays as it was.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    leftover = re.compile(rf"\.{re.escape(target.name)}\.[a-z0-9_]{{8}}")
    for path in target.parent.iterdir():
        if leftover.fullmatch(path.name):
            shutil.rmtree(path, ignore_errors=True)
    with told_when_full(target.parent):
        building = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
        os.chmod(building, 0o755)
        try:
            yield building
            if target.exists():
                shutil.rmtree(target)
            building.rename(target)
        except BaseException:
            shutil.rmtree(building, ignore_errors=True)
            raise


def write_csv(path: Path, rows: Sequence[Mapping[str, Json]], columns: Sequence[str]) -> None:
    """Write a table; floats keep their shortest exact form, so that equal tables give equal bytes."""
    import csv
    import io

    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n", extrasaction="raise")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())
