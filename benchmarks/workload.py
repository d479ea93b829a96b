"""What the benchmarks share: the work (tagged English sentences, the wheel encoder), the two sides, the table."""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
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


Side = Callable[[Workload, Any], dict[str, float]]


def prepare(folder: Path) -> Workload:
    """Write rows and encoder below a folder.

    Sentences come from ``udpos_domain`` in ``XSTILTS_DATA`` where it is there (English treebank text), else from the
    project's generator, joined to lengths like those of treebanks.
    """
    from xstilts.encoders.checkpoint import write_checkpoint
    from xstilts.encoders.facts import encoder_named
    from xstilts.sources.lock import read_lock
    from xstilts.tables import write_rows

    rows = tagged_rows()
    for name, part in (("train", rows[:ROWS]), ("dev", rows[ROWS : ROWS + DEV_ROWS])):
        write_rows(folder / f"{name}.parquet", part, ("id", "tokens", "tags"))
    encoder = folder / "encoder"
    encoder.mkdir()
    name = "e5-small-q4"
    write_checkpoint(
        encoder_named(name, {}, where="benchmark"), read_lock(ROOT / "sources.lock")["encoders"][name], encoder, ROOT
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


def specs_for(
    work: Workload, steps: int, batch_size: int, precision: str, seeds: Iterable[int], *, predicts: bool = False
) -> list[Any]:
    """Cells that train a tagger on the workload, one for each seed; with ``predicts``, they tag its training rows."""
    from xstilts.cells.spec import CellSpec, Labels
    from xstilts.tasks import TASKS

    task = TASKS["udpos"]
    cells = []
    for seed in seeds:
        identity: dict[str, Any] = {
            "precision": precision, "deterministic": True, "phase": "intermediate", "encoder": str(work.encoder),
            "train": str(work.train), "dev": str(work.dev), "inputs": {},
            "task": {"name": task.name, "version": task.version, "labels": list(task.labels)},
            "settings": {"learning_rate": work.learning_rate, "batch_size": batch_size, "steps": steps,
                         "warmup_fraction": 0.0, "weight_decay": 0.0, "max_length": work.max_length,
                         "frozen_layers": 0},
            "seeds": {name: seed for name in ("head", "order", "dropout")}, "keeps_weights": False, "versions": {},
        }  # fmt: skip
        files = {"base": str(work.encoder), "train": str(work.train), "dev": str(work.dev)}
        if predicts:
            identity["inputs"] = {"en": str(work.train)}
            files = {"base": str(work.encoder), "train": str(work.train), "inputs/en": str(work.train)}
        labels = Labels("benchmark", "intermediate", "wheel", "arm", "block", "", "", seed)
        cells.append(CellSpec(labels, identity, files, "cpu", cost=float(steps)))
    return cells


class PeerRows:
    """Encoded rows as ``Trainer`` takes them, from the project's own encoder of rows: the same work on both sides."""

    def __init__(self, work: Workload, tokenizer: Any, path: Path) -> None:
        from xstilts.families import family_of
        from xstilts.tables import read_rows
        from xstilts.tasks import TASKS

        task = TASKS["udpos"]
        examples = family_of(task).encode(read_rows(path), tokenizer, task, work.max_length)
        self.rows = [
            {
                "input_ids": example.input_ids.tolist(),
                "attention_mask": [1] * len(example.input_ids),
                "labels": example.targets.tolist(),
            }
            for example in examples
        ]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self.rows[index]


def compare(description: str, script: str, sides: Mapping[str, Side], options: Mapping[str, tuple[int, str]]) -> None:
    """Measure both sides in turn, each in a process of its own; print a table, a JSON line, and the ratio.

    Args:
        description: the script's help.
        script: the script's file, to start it again for one side.
        sides: ``peer`` and ``ours``: a function of the workload and the chosen options that gives ``tokens_per_s``.
        options: further options with a whole number: name to default and help.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--precision", choices=("auto", "float32", "bfloat16"), default="auto", help="of our side")
    parser.add_argument("--rounds", type=int, default=2)
    for name, (default, text) in options.items():
        parser.add_argument(name, type=int, default=default, help=text)
    parser.add_argument("--side", choices=tuple(sides), help=argparse.SUPPRESS)
    parser.add_argument("--work", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    from xstilts.cells.grid import resolved_precision
    from xstilts.quiet import quiet

    quiet()
    chosen.precision = resolved_precision(chosen.precision)
    if chosen.side:
        print(json.dumps(sides[chosen.side](Workload.read(Path(chosen.work)), chosen)))
        return
    settings = {name.removeprefix("--").replace("-", "_"): name for name in ("--precision", *options)}
    passed = [text for key, name in settings.items() for text in (name, str(getattr(chosen, key)))]
    found: dict[str, list[dict[str, float]]] = {side: [] for side in sides}
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder))
        for number in range(chosen.rounds):
            for side, rows in found.items():
                rows.append(_measured([sys.executable, script, "--side", side, "--work", folder, *passed]))
                print(f"round {number + 1}, {side}: {rows[-1]['tokens_per_s']:.0f} tokens/s", file=sys.stderr)
    rates = {side: statistics.median(row["tokens_per_s"] for row in rows) for side, rows in found.items()}
    _print_table(chosen.precision, found, rates)
    facts = {key: getattr(chosen, key) for key in (*settings, "rounds")}
    ratio = rates["ours"] / rates["peer"]
    print(json.dumps({"machine": machine(), **facts, "tokens_per_s": rates, "runs": found, "ratio": ratio}))
    print(f"ratio {ratio:.2f}")


def _measured(command: list[str]) -> dict[str, float]:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-3000:])
    row: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return row


def _print_table(precision: str, found: Mapping[str, list[dict[str, float]]], rates: Mapping[str, float]) -> None:
    cores = len(os.sched_getaffinity(0))
    shapes = {"peer": ("Hugging Face Trainer, defaults", 1, cores), "ours": (f"xstilts, {precision}", cores, 1)}
    line = "{:<34}{:>8}{:>8}{:>10}{:>9}{:>8}{:>10}"
    print(line.format("side", "workers", "threads", "tokens/s", "spread", "dev %", "peak MB"))
    for side, (name, workers, threads) in shapes.items():
        rows = found[side]
        all_rates = [row["tokens_per_s"] for row in rows]
        spread = f"{100 * (max(all_rates) / min(all_rates) - 1):.0f} %"
        dev = f"{statistics.fmean(row['dev'] for row in rows):.1f}" if "dev" in rows[0] else "-"
        peak = f"{max(row['peak_rss_mb'] for row in rows):.0f}" if "peak_rss_mb" in rows[0] else "-"
        print(line.format(name, workers, threads, f"{rates[side]:.0f}", spread, dev, peak))


def machine() -> dict[str, Any]:
    """What a reader needs to know of the machine; the rates of single matrix products are the floor of a step."""
    import torch

    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return {
        "processor": names[0] if names else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "amx": torch.cpu._is_amx_tile_supported(),
        "avx512_bf16": torch.cpu._is_avx512_bf16_supported(),
        "torch": torch.__version__,
        "gflops_float32": round(product_rate(torch.float32)),
        "gflops_bfloat16": round(product_rate(torch.bfloat16)),
    }


def product_rate(dtype: Any, rows: int = 512, repeats: int = 30) -> float:
    """Best rate of one core on a feed-forward product of the wheel encoder, in GFLOP/s."""
    import torch

    torch.set_num_threads(1)
    left, right = torch.randn(rows, 384).to(dtype), torch.randn(1536, 384).to(dtype)
    best = 0.0
    for _ in range(5):
        began = time.perf_counter()
        for _ in range(repeats):
            torch.nn.functional.linear(left, right)
        best = max(best, 2 * rows * 384 * 1536 * repeats / (time.perf_counter() - began) / 1e9)
    return best
