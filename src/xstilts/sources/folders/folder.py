"""Finding a task in XTREME's download folder, or a corpus in one that is read like it: lock and rows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from xstilts.errors import XstiltsError
from xstilts.files import Json, sha256_of
from xstilts.sources.corpus import PART, Corpus, Files
from xstilts.sources.folders.readers import READERS, Rows

FOLDERS = {
    "xtreme": "run XTREME's scripts/download_data.sh and link its download folder there (docs/sources.md)",
    "ccgbank": "put train.auto and dev.auto of a licensed copy of CCGbank there (docs/sources.md)",
}
"""Sources that are a folder of that name below ``XSTILTS_DATA``, and how each comes to be."""


@dataclass(frozen=True, slots=True)
class Group:
    """Files that are read together, and what they become.

    Attributes:
        part: ours.
        files: their entry.
        texts: paths in the folder, as the reader wants them.
        gold: path of the labels that stand apart, or nothing.
    """

    part: str
    files: Files
    texts: tuple[str, ...]
    gold: str

    def rows(self, folder: Path) -> Rows:
        """Read the files."""
        gold = folder / self.gold if self.gold else None
        return READERS[self.files.reader]([folder / text for text in self.texts], gold)


def source_folder(corpus: Corpus, data: Path | None) -> Path:
    """The folder below ``XSTILTS_DATA`` that has the name of the corpus's source: for ``xtreme`` XTREME's ``download``.

    Raises:
        XstiltsError: if ``XSTILTS_DATA`` is not set or has no such folder.
    """
    name = corpus.source
    if data is None or not (data / name).is_dir():
        raise XstiltsError(
            f"Corpus '{corpus.name}' is read from a folder '{name}', and there is none",
            where=f"XSTILTS_DATA, {name}/",
            allowed=f"XSTILTS_DATA=<folder> with <folder>/{name}/, or a link of that name",
            next_step=FOLDERS[name],
        )
    return data / name


def groups(corpus: Corpus, folder: Path) -> list[Group]:
    """The corpus's files in the folder.

    Raises:
        XstiltsError: if there are none, or one of a pair is missing.
    """
    found: list[Group] = []
    for files in corpus.files:
        pattern = files.pattern.replace(PART, "*")
        paths = [path.relative_to(folder).as_posix() for path in folder.glob(pattern) if path.is_file()]
        for path, theirs, part in files.found(paths, corpus.parts):
            texts = (path, files.beside.replace(PART, theirs)) if files.beside else (path,)
            for text in texts:
                if not (folder / text).is_file():
                    raise _missing(corpus, folder / text)
            gold = files.gold.replace(PART, theirs)
            found.append(Group(part, files, texts, gold if gold and (folder / gold).is_file() else ""))
    if not found:
        raise _missing(corpus, folder / corpus.files[0].pattern)
    return found


def observed(corpus: Corpus, folder: Path) -> Json:
    """What ``sources.lock`` records: sha256 of each file, and the rows that it becomes."""
    entry: dict[str, Json] = {}
    for group in groups(corpus, folder):
        rows = len(group.rows(folder))
        for path in (*group.texts, *([group.gold] if group.gold else [])):
            entry[path] = {"sha256": sha256_of(folder / path), "rows": rows}
    return entry


def check_folder(corpus: Corpus, folder: Path, locked: Mapping[str, Json]) -> None:
    """Compare the corpus's files with the lock, byte by byte.

    Raises:
        XstiltsError: if one is missing, new or different.
    """
    present = {
        path for group in groups(corpus, folder) for path in (*group.texts, *([group.gold] if group.gold else []))
    }
    for path in sorted(present | locked.keys()):
        if path not in present:
            change = "is missing"
        elif path not in locked:
            change = "is not locked"
        elif sha256_of(folder / path) != locked[path]["sha256"]:
            change = f"has another sha256 than locked ({locked[path]['rows']} rows)"
        else:
            continue
        raise XstiltsError(
            f"Corpus '{corpus.name}' is not the locked one: {path} {change}",
            where=f"XSTILTS_DATA, {corpus.source}/ and sources.lock",
            allowed="exactly the locked files",
            next_step=f"restore the file, or run `xstilts lock --corpus {corpus.name}` if the change is meant",
        )


def folder_rows(corpus: Corpus, folder: Path) -> Iterator[tuple[str, str, Rows]]:
    """Part, split and rows of each group."""
    for group in groups(corpus, folder):
        yield group.part, group.files.split, group.rows(folder)


def _missing(corpus: Corpus, path: Path) -> XstiltsError:
    return XstiltsError(
        f"Corpus '{corpus.name}' has no file {path.name}",
        where=str(path.parent),
        allowed=", ".join(files.pattern for files in corpus.files),
        next_step=FOLDERS[corpus.source],
    )
