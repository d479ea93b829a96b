"""``xstilts prune``: the store keeps what some study's current output uses, and nothing else."""

import shutil
from pathlib import Path

from xstilts.cells.store import CellStore
from xstilts.cli.studies import study_names
from xstilts.files import read_jsonl
from xstilts.layout import Layout


def prune_store(root: Path, *, really: bool) -> None:
    """Tell of, or delete, cells that no ``index.jsonl`` below ``models/`` names."""
    store = CellStore(Layout(root, "").store)
    used = set()
    for name in study_names(root):
        for index in Layout(root, name).models().glob("*/*/index.jsonl"):
            used |= {row["key"] for row in read_jsonl(index)}
    unused = sorted(path for path in store.folder.glob("[0-9a-f]*") if path.name not in used)
    alone = sum(
        file.stat().st_size
        for path in unused
        for file in path.rglob("*")
        if file.is_file() and file.stat().st_nlink == 1
    )
    encoded = store.folder.parent / "encoded"  # made again when a cell needs it
    verb = "deleted" if really else "would be deleted"
    for path in (*unused, encoded) if really else ():
        shutil.rmtree(path, ignore_errors=True)
    print(f"{len(unused)} cells {verb}, {alone / 1e6:.0f} MB; {len(used)} cells are in use.")
    if unused and not really:
        print("Next: `xstilts prune --yes`. A study that goes back to earlier settings would train them again.")
