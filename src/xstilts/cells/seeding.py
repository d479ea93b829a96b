"""Filling the store from DVC's cache, so that a plain ``dvc repro`` in a fresh clone trains only what is new.

While a stage's command runs, ``dvc.lock`` still holds the stage's previous entry: the hash of its old output folder,
whose files lie in DVC's cache (after ``dvc pull``) or on its remote.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from xstilts.cells.store import MANIFEST, CellStore, damaged_files, link_or_copy
from xstilts.config import read_yaml
from xstilts.files import Json, read_jsonl


def seed_store(store: CellStore, root: Path, wanted: Iterable[str]) -> int:
    """Take wanted cells of the stage's previous output into the store.

    Args:
        store: to fill.
        root: the project's root.
        wanted: keys that the store lacks.

    Returns:
        How many cells were taken in; 0 outside ``dvc repro``.
    """
    missing = set(wanted)
    stage = os.environ.get("DVC_STAGE", "")
    outs = _previous_outs(root, stage) if stage and missing else []
    if not outs:
        return 0
    cache = _cache_folder(root)
    taken = 0
    for out in outs:
        listing = _object(cache, out)
        if not listing.is_file():
            _dvc(root, "fetch", stage)
        if listing.is_file():
            taken += _take(store, cache, json.loads(listing.read_text("utf-8")), missing)
    return taken


def adopt_cells(store: CellStore, out: Path, wanted: Iterable[str]) -> int:
    """Take wanted cells of a stage's output in the workspace into the store, as after ``dvc pull``.

    Args:
        store: to fill.
        out: an output folder with an ``index.jsonl``.
        wanted: keys that the store lacks.

    Returns:
        How many cells were taken in; damaged ones are not.
    """
    missing = set(wanted)
    index = out / "index.jsonl"
    taken = 0
    for row in read_jsonl(index) if missing and index.is_file() else []:
        folder = out / row["path"]
        if row["key"] in missing and (folder / MANIFEST).is_file():
            members = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
            taken += _adopt(store, row["key"], members)
    return taken


def _previous_outs(root: Path, stage: str) -> list[str]:
    file, _, name = stage.rpartition(":")
    lock = (root / file).with_name("dvc.lock") if file else root / "dvc.lock"
    if not lock.is_file():
        return []
    entry = read_yaml(lock).get("stages", {}).get(name, {})
    return [str(out["md5"]) for out in entry.get("outs", []) if str(out.get("md5", "")).endswith(".dir")]


def _dvc(root: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "dvc", *arguments]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False).stdout


def _cache_folder(root: Path) -> Path:
    return Path((_dvc(root, "cache", "dir").strip().splitlines() or [str(root / ".dvc" / "cache")])[-1]) / "files/md5"


def _object(cache: Path, md5: str) -> Path:
    return cache / md5[:2] / md5[2:]


def _take(store: CellStore, cache: Path, listing: list[dict[str, str]], missing: set[str]) -> int:
    objects = {entry["relpath"]: _object(cache, entry["md5"]) for entry in listing}
    taken = 0
    for path, manifest_object in objects.items():
        if not path.endswith(f"/{MANIFEST}") or not manifest_object.is_file():
            continue
        manifest: Json = json.loads(manifest_object.read_text("utf-8"))
        key, prefix = manifest["key"], path.removesuffix(MANIFEST)
        members = {name.removeprefix(prefix): place for name, place in objects.items() if name.startswith(prefix)}
        if key in missing and all(place.is_file() for place in members.values()):
            taken += _adopt(store, key, members)
    return taken


def _adopt(store: CellStore, key: str, members: dict[str, Path]) -> int:
    store.folder.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=store.folder, prefix=f".building-{os.getpid()}-"))
    try:
        for name, place in members.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            link_or_copy(place, folder / name)
        if damaged_files(folder):
            return 0
        store.adopt(key, folder)
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
