"""The store of finished cells: ``<store>/<key>/``, complete or absent, never written in place."""

import contextlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from xstilts.faults import fault
from xstilts.files import Json, read_json, sha256_of, told_when_full, write_json

MANIFEST = "cell.json"
RECORDS = ("events.jsonl", "record.json")
_READ_ONLY = stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH


class CellStore:
    """Finished cells by key.

    Args:
        folder: the store.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, key: str) -> Path:
        """Where a cell lies, or would."""
        return self.folder / key

    def intact(self, key: str) -> bool:
        """Whether a cell is finished and every payload file has the sha256 of its manifest."""
        return (self.path(key) / MANIFEST).is_file() and not damaged_files(self.path(key))

    def discard(self, key: str) -> None:
        """Remove a damaged cell."""
        shutil.rmtree(self.path(key), ignore_errors=True)

    @contextlib.contextmanager
    def building(self, key: str, manifest: Mapping[str, Json]) -> Iterator[Path]:
        """A folder to fill; on success it is sealed and takes the cell's place, on failure it disappears.

        Args:
            key: the cell's.
            manifest: what ``cell.json`` holds besides the files.
        """
        with told_when_full(self.folder.parent):
            self.folder.mkdir(parents=True, exist_ok=True)
            temporary = Path(tempfile.mkdtemp(dir=self.folder, prefix=f".building-{os.getpid()}-"))
            try:
                yield temporary
                self._seal(key, temporary, manifest)
            finally:
                shutil.rmtree(temporary, ignore_errors=True)

    def _seal(self, key: str, folder: Path, manifest: Mapping[str, Json]) -> None:
        payload = {}
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                name = path.relative_to(folder).as_posix()
                if name not in RECORDS:
                    payload[name] = {"sha256": sha256_of(path), "bytes": path.stat().st_size}
        fault("manifest")
        write_json(folder / MANIFEST, {**manifest, "key": key, "files": payload})
        self.adopt(key, folder)

    def adopt(self, key: str, folder: Path) -> None:
        """Take a complete folder in under its key; if another process was first, its cell stays."""
        for path in folder.rglob("*"):
            if path.is_file():
                path.chmod(_READ_ONLY)
        folder.chmod(0o755)
        if self.path(key).exists() and not self.intact(key):
            self.discard(key)
        with contextlib.suppress(OSError):
            folder.rename(self.path(key))
        if not self.intact(key):
            raise OSError(f"cell {key} could not be moved into the store")

    def sweep(self) -> None:
        """Remove what killed builders left; call it only under the stage's lock."""
        for path in (*self.folder.glob(".building-*"), *self.folder.glob(".checkpoints/.building-*")):
            pid = int(path.name.split("-")[1])
            if not Path(f"/proc/{pid}").exists():
                shutil.rmtree(path, ignore_errors=True)


def damaged_files(folder: Path) -> list[str]:
    """Payload files that are missing or have another sha256 than the manifest says."""
    manifest = read_json(folder / MANIFEST)
    wrong = []
    for name, facts in manifest["files"].items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != facts["bytes"] or sha256_of(path) != facts["sha256"]:
            wrong.append(name)
    return wrong


def link_tree(source: Path, target: Path) -> None:
    """Hard-link every file of a cell to another place on the same disk; copy where links are refused."""
    for path in sorted(source.rglob("*")):
        place = target / path.relative_to(source)
        if path.is_dir():
            place.mkdir(parents=True, exist_ok=True)
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        link_or_copy(path, place)


def link_or_copy(source: Path, place: Path) -> None:
    """Hard-link one file, or copy it where links are refused."""
    try:
        os.link(os.path.realpath(source), place)
    except OSError:
        with told_when_full(place.parent):
            shutil.copyfile(source, place)
            place.chmod(_READ_ONLY)
