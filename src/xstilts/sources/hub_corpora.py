"""Corpora on the hub: plain data files of a data set repository at a locked revision. No script, no pickle."""

import csv
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from xstilts.errors import XstiltsError
from xstilts.files import Json, read_jsonl, sha256_of
from xstilts.sources.corpus import Corpus
from xstilts.sources.hub import Repository

if TYPE_CHECKING:
    import datasets

Rows = list[dict[str, Any]]


def contact_hub(corpus: Corpus) -> Json:
    """Resolve a corpus to a commit and look at each of its files.

    Returns:
        ``{"repository", "revision", "files": {path: {"sha256", "rows"}}}``.

    Raises:
        XstiltsError: if the hub does not answer, or has no data file for the corpus.
    """
    repository = Repository("dataset", corpus.repository)
    revision = repository.revision(corpus.branch)
    listed = repository.files(revision)
    files: dict[str, Json] = {}
    for _, _, path in _wanted(corpus, listed):
        local = repository.file(path, revision)
        sha256 = sha256_of(local)
        if listed[path] and listed[path] != sha256:
            raise _changed(corpus, f"{path} has sha256 {sha256}, the hub's own list says {listed[path]}", "try again")
        files[path] = {"sha256": sha256, "rows": len(read_rows(local, path))}
    return {"repository": corpus.repository, "revision": revision, "files": files}


def hub_rows(corpus: Corpus, lock: Mapping[str, Json]) -> Iterator[tuple[str, str, Rows]]:
    """Part, split and rows of a locked corpus; the rows of several files of one part and split follow each other.

    Raises:
        XstiltsError: if a file is not the locked one or is neither on the hub nor in the cache.
    """
    check_hub_lock(corpus, lock)
    repository = Repository("dataset", corpus.repository)
    parts: dict[tuple[str, str], Rows] = {}
    for part, split, path in _wanted(corpus, lock["files"]):
        local, wanted = repository.file(path, lock["revision"]), lock["files"][path]
        found = sha256_of(local)
        if found != wanted["sha256"]:
            change = f"{path} has sha256 {found}, locked is {wanted['sha256']}"
            raise _changed(corpus, change, f"do not use this download; delete {local} and run again")
        rows = read_rows(local, path)
        if len(rows) != wanted["rows"]:
            change = f"{path} has {len(rows)} rows, locked are {wanted['rows']}"
            raise _changed(corpus, change, f"run `xstilts lock --corpus {corpus.name}` and look at what changed")
        parts.setdefault((part, split), []).extend(rows)
    for (part, split), rows in sorted(parts.items()):
        yield part, split, rows


def check_hub_lock(corpus: Corpus, lock: Mapping[str, Json]) -> None:
    """Refuse a lock of another repository, or whose files are not those of the entry."""
    if lock.get("repository") != corpus.repository or not lock.get("revision") or not lock.get("files"):
        raise _changed(
            corpus,
            f"the lock is of {lock.get('repository')} at {lock.get('revision')}, the entry names {corpus.repository}",
            f"run `xstilts lock --corpus {corpus.name}` and commit sources.lock",
        )
    extra = lock["files"].keys() - {path for _, _, path in _wanted(corpus, lock["files"])}
    if extra:
        raise _changed(
            corpus,
            f"the entry has no use for {sorted(extra)[0]}",
            f"run `xstilts lock --corpus {corpus.name}` and commit sources.lock",
        )


def is_cached(corpus: Corpus, lock: Mapping[str, Json]) -> bool:
    """Whether every locked file is in the hub's cache on this machine."""
    repository = Repository("dataset", corpus.repository)
    return all(repository.cached(path, lock["revision"]) for path in lock["files"])


def _wanted(corpus: Corpus, paths: Mapping[str, Json]) -> list[tuple[str, str, str]]:
    """Part, split and path of each data file of the corpus."""
    found: list[tuple[str, str, str]] = [
        (part, files.split, path)
        for files in corpus.files
        for path, _, part in files.found((path for path in paths if _suffix(path) in READERS), corpus.parts)
    ]
    if found:
        return found
    scripts = sorted(path for path in paths if path.endswith(".py"))
    raise XstiltsError(
        f"{corpus.repository} has no data file for corpus '{corpus.name}'"
        + (f", only a loading script ({scripts[0]}), and scripts of others are never run" if scripts else ""),
        where="dataset on the hub",
        allowed=f"{', '.join(READERS)} at {', '.join(files.pattern for files in corpus.files)}",
        next_step="name a repository with plain files in the entry in sources/corpora.py, or bring the rows as a JSONL "
        "folder (XSTILTS_DATA)",
    )


def _suffix(path: str) -> str:
    name = PurePosixPath(path).name
    return ".jsonl.gz" if name.endswith(".jsonl.gz") else PurePosixPath(path).suffix


def read_rows(local: Path, path: str) -> Rows:
    """Rows of a data file, whose format its name on the hub tells."""
    return READERS[_suffix(path)](local)


def _parquet(path: Path) -> Rows:
    """Rows of a Parquet file; class ids become names where the file itself says which."""
    import datasets
    import pyarrow
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.read_table(path, memory_map=True)
    except (pyarrow.ArrowException, OSError) as error:
        raise XstiltsError(
            f"No Parquet file: {error}", where=str(path), next_step="delete it from the cache and run again"
        ) from error
    features = datasets.Features.from_arrow_schema(table.schema)
    columns = {
        name: [_named(value, features[name]) for value in table[name].to_pylist()] for name in table.schema.names
    }
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _named(value: Any, feature: "datasets.features.features.FeatureType") -> Any:
    import datasets

    if value is None:
        return None
    if isinstance(feature, datasets.ClassLabel):
        return feature.names[value] if 0 <= value < len(feature.names) else str(value)
    if isinstance(value, list):
        inner = feature[0] if isinstance(feature, list) else getattr(feature, "feature", None)
        return [_named(item, inner) for item in value]
    if isinstance(value, dict):
        return {
            key: _named(item, feature.get(key) if isinstance(feature, dict) else None) for key, item in value.items()
        }
    return value


def _separated(delimiter: str) -> Callable[[Path], Rows]:
    def read(path: Path) -> Rows:
        rows: Rows = []
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, delimiter=delimiter, strict=True, restkey="", restval=None)
            try:
                for row in reader:
                    if "" in row or None in row.values():
                        raise csv.Error("another number of columns than in the header")
                    rows.append(row)
            except (csv.Error, UnicodeDecodeError) as error:
                raise XstiltsError(
                    f"No table: {error}", where=f"{path}, line {reader.line_num}", next_step="report it to its owner"
                ) from error
        return rows

    return read


READERS: Mapping[str, Callable[[Path], Rows]] = MappingProxyType(
    {
        ".parquet": _parquet,
        ".jsonl": read_jsonl,
        ".jsonl.gz": read_jsonl,
        ".csv": _separated(","),
        ".tsv": _separated("\t"),
    }
)


def _changed(corpus: Corpus, change: str, next_step: str) -> XstiltsError:
    return XstiltsError(
        f"Corpus '{corpus.name}' is not the locked one: {change}",
        where=f"dataset {corpus.repository} and sources.lock",
        allowed="exactly the locked files",
        next_step=next_step,
    )
