"""JSONL folders: finding a corpus below ``XSTILTS_DATA`` and holding it to ``sources.lock``."""

from collections.abc import Mapping
from pathlib import Path

from xstilts.errors import XstiltsError
from xstilts.files import Json, read_jsonl, sha256_of
from xstilts.sources.corpus import Corpus

SUFFIXES = (".jsonl.gz", ".jsonl")


def corpus_folder(corpus: Corpus, data: Path | None) -> Path:
    """The corpus's folder.

    Raises:
        XstiltsError: if ``XSTILTS_DATA`` is not set or has no such folder.
    """
    if data is None:
        raise XstiltsError(
            f"Corpus '{corpus.name}' is a JSONL folder, and XSTILTS_DATA is not set",
            where="stage fetch",
            allowed=f"XSTILTS_DATA=<folder> with <folder>/{corpus.name}/<part>.<split>.jsonl.gz",
            next_step="export XSTILTS_DATA and run again, or run the default study, which needs no data",
        )
    folder = data / corpus.name
    if not folder.is_dir():
        raise XstiltsError(
            f"No folder for corpus '{corpus.name}'",
            where=f"XSTILTS_DATA, {folder.name}/",
            allowed=f"a folder {corpus.name}/ with <part>.<split>.jsonl.gz below the folder that XSTILTS_DATA names",
            next_step="correct XSTILTS_DATA or copy the corpus there",
        )
    return folder


def corpus_files(folder: Path) -> dict[str, Path]:
    """The corpus's data files by name."""
    return {path.name: path for path in sorted(folder.iterdir()) if path.name.endswith(SUFFIXES)}


def part_and_split(name: str) -> tuple[str, str]:
    """``("en_gum", "train")`` for ``en_gum.train.jsonl.gz``."""
    part, split, *_ = name.split(".")
    return part, split


def observed(folder: Path) -> dict[str, Json]:
    """What ``sources.lock`` records of a folder: sha256 and rows of each file."""
    return {
        name: {"sha256": sha256_of(path), "rows": len(read_jsonl(path))} for name, path in corpus_files(folder).items()
    }


def check_locked(corpus: Corpus, folder: Path, lock: Mapping[str, Json]) -> None:
    """Compare a folder with its lock, byte by byte.

    Raises:
        XstiltsError: if a file is missing, new or different. Rows of a changed training file that also stand in a
            dev or test file are named by id.
    """
    wanted = lock.get("files", {})
    found = corpus_files(folder)
    for name in sorted(wanted.keys() - found.keys()):
        raise _differs(corpus, f"{name} is missing")
    for name in sorted(found):
        if name not in wanted:
            raise _differs(corpus, f"{name} is not locked")
        if sha256_of(found[name]) != wanted[name]["sha256"]:
            rows = read_jsonl(found[name])
            change = f"{name} has {len(rows)} rows and another sha256 than locked ({wanted[name]['rows']} rows)"
            leaked = leaked_ids(corpus, name, rows, found)
            if leaked:
                change += f"; rows that also stand in a dev or test file: {', '.join(leaked[:10])}"
            raise _differs(corpus, change)


def leaked_ids(corpus: Corpus, name: str, rows: list[dict[str, Json]], files: Mapping[str, Path]) -> list[str]:
    """Ids of a training file's rows that are word for word rows of a held-out file of the same part."""
    part, split = part_and_split(name)
    if split != corpus.splits.get("train"):
        return []
    held_out = [
        row
        for other, path in files.items()
        if part_and_split(other)[0] == part and part_and_split(other)[1] != split
        for row in read_jsonl(path)
    ]
    known = {_content(row) for row in held_out}
    return [str(row.get("id")) for row in rows if _content(row) in known]


def _content(row: Mapping[str, Json]) -> str:
    return repr(sorted((key, value) for key, value in row.items() if key not in ("id", "domain")))


def _differs(corpus: Corpus, change: str) -> XstiltsError:
    return XstiltsError(
        f"Corpus '{corpus.name}' is not the locked one: {change}",
        where="XSTILTS_DATA and sources.lock",
        allowed="exactly the locked files",
        next_step=f"restore the file; or, if the change is meant, run `xstilts lock --corpus {corpus.name}` and commit "
        "sources.lock: the checks of stage validate then judge the new rows",
    )
