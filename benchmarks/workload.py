"""The work that benchmarks measure: tagged English sentences of mixed length, and the wheel encoder."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROWS, DEV_ROWS = 960, 200
LEARNING_RATE = 1e-4
MAX_LENGTH = 128


@dataclass(frozen=True)
class Workload:
    """Paths and settings of one workload."""

    encoder: Path
    train: Path
    dev: Path
    learning_rate: float = LEARNING_RATE
    max_length: int = MAX_LENGTH

    @classmethod
    def read(cls, folder: Path) -> "Workload":
        """The workload that ``prepare`` wrote."""
        values = json.loads((folder / "workload.json").read_text())
        return cls(*(Path(values[name]) for name in ("encoder", "train", "dev")))


def prepare(folder: Path) -> Workload:
    """Write rows and encoder below a folder.

    Sentences come from ``udpos_domain`` in ``XSTILTS_DATA`` where it is there (English treebank text), else from the
    project's generator, joined to lengths like those of treebanks.
    """
    from xstilts.encoders.checkpoint import write_checkpoint
    from xstilts.encoders.facts import encoder_named
    from xstilts.sources.lock import read_lock
    from xstilts.tables import write_rows

    root = Path(__file__).parents[1]
    rows = tagged_rows()
    for name, part in (("train", rows[:ROWS]), ("dev", rows[ROWS : ROWS + DEV_ROWS])):
        write_rows(folder / f"{name}.parquet", part, ("id", "tokens", "tags"))
    encoder = folder / "encoder"
    encoder.mkdir()
    name = "e5-small-q4"
    write_checkpoint(
        encoder_named(name, {}, where="benchmark"), read_lock(root / "sources.lock")["encoders"][name], encoder, root
    )
    work = Workload(encoder, folder / "train.parquet", folder / "dev.parquet")
    (folder / "workload.json").write_text(json.dumps({key: str(value) for key, value in asdict(work).items()}))
    return work


def tagged_rows() -> list[dict[str, Any]]:
    """Tagged English sentences in a fixed order."""
    from xstilts.files import read_jsonl
    from xstilts.layout import data_folder
    from xstilts.seeds import generator
    from xstilts.sources.synthetic import generate

    real = data_folder() / "udpos_domain" / "en_ewt.train.jsonl.gz" if data_folder() else None
    if real and real.is_file():
        rows = read_jsonl(real)
    else:
        made = generate("synthetic-tags", seed=0, rows={"train": 1200}, kappa=0.6)["en", "train"]
        rng = generator(0, "benchmark", "lengths")
        rows, at = [], 0
        while at < len(made):
            joined = made[at : at + int(rng.integers(1, 4))]
            at += len(joined)
            rows.append(
                {
                    "id": joined[0]["id"],
                    **{key: [item for row in joined for item in row[key]] for key in ("tokens", "tags")},
                }
            )
    order = generator(0, "benchmark", "order").permutation(len(rows))
    return [rows[index] for index in order]


def specs_for(work: Workload, steps: int, batch_size: int, precision: str, seeds: Iterable[int]) -> list[Any]:
    """Cells that train a tagger on the workload, one for each seed."""
    from xstilts.cells.spec import CellSpec, Labels
    from xstilts.tasks import TASKS

    task = TASKS["udpos"]
    cells = []
    for seed in seeds:
        identity = {
            "precision": precision, "deterministic": True, "phase": "intermediate", "encoder": str(work.encoder),
            "train": str(work.train), "dev": str(work.dev), "inputs": {},
            "task": {"name": task.name, "version": task.version, "labels": list(task.labels)},
            "settings": {"learning_rate": work.learning_rate, "batch_size": batch_size, "steps": steps,
                         "warmup_fraction": 0.0, "weight_decay": 0.0, "max_length": work.max_length},
            "seeds": {name: seed for name in ("head", "order", "dropout")}, "keeps_weights": False, "versions": {},
        }  # fmt: skip
        files = {"base": str(work.encoder), "train": str(work.train), "dev": str(work.dev)}
        labels = Labels("benchmark", "intermediate", "wheel", "arm", "block", "", "", seed)
        cells.append(CellSpec(labels, identity, files, "cpu", cost=float(steps)))
    return cells
