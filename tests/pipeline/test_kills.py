"""Kills: a study dies at named places and anywhere else, goes on, and ends with the bytes of an undisturbed run.

``python -m tests.pipeline.test_kills 100`` repeats them until there were that many kills, and prints the table.
"""

import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import new_project, write_tiny_data, write_tiny_encoder
from xstilts.files import sha256_of

pytestmark = pytest.mark.slow
HASHED = ("predictions", "weights.safetensors", "result.json", "dev.jsonl", "cell.json")
ORPHAN_S = 5.0


class Bench:
    """A project that was drawn once and is trained again and again from an empty store."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        data = write_tiny_data(folder / "data")
        encoder = write_tiny_encoder(folder / "tiny")
        self.project = new_project(folder / "project", data, encoder)
        self.project.write_study(domains="news, bio, court, essay")
        for corpus in ("udpos", "udpos_domain"):
            self.project.xstilts("stage", "fetch", "--corpus", corpus)
            self.project.xstilts("stage", "validate", "--corpus", corpus)
        self.project.xstilts("stage", "encoder", "--encoder", "tiny")
        self.project.xstilts("stage", "arms")
        self.project.xstilts("stage", "tune", "--encoder", "tiny")
        self.number = 0
        self.reference = self.trained()

    def fresh(self, below: Path | None = None) -> Path:
        """A new empty store; no outputs."""
        self.number += 1
        store = (below or self.folder) / f"store-{self.number}" / "cells"
        self.project.environment["XSTILTS_STORE"] = str(store)
        for phase in ("intermediate", "target"):
            self.project.run("rm", "-rf", f"models/quickstart/{phase}")
        return store

    def start(self, **environment: str) -> "subprocess.Popen[str]":
        """The driver: both grid stages in a process group of their own."""
        code = (
            "import sys; from xstilts.cli.app import app\n"
            "for name in ('intermediate', 'target'):\n"
            "    app(['stage', name, '--encoder', 'tiny'], standalone_mode=False)\n"
        )
        return subprocess.Popen(
            [sys.executable, "-c", code], cwd=self.project.root, env=self.project.environment | environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip

    def finish(self, **environment: str) -> dict[str, str]:
        """Run to the end and tell every payload file's sha256."""
        process = self.start(**environment)
        output, _ = process.communicate(timeout=300)
        assert process.returncode == 0, output
        return self.payload()

    def trained(self) -> dict[str, str]:
        """An undisturbed run from an empty store."""
        self.fresh()
        return self.finish()

    def forget_everything(self) -> None:
        """As a new clone: no store, no outputs, no lock file, an empty DVC cache."""
        self.fresh()
        self.project.run("rm", "-rf", "models", "data", "results", "dvc.lock", ".dvc/cache", ".dvc/tmp", ".xstilts")

    def start_dvc(self) -> "subprocess.Popen[str]":
        """``dvc repro`` in a process group of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "dvc", "repro"], cwd=self.project.root, env=self.project.environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip

    def payload(self) -> dict[str, str]:
        """Every payload file's sha256."""
        root = self.project.root / "models" / "quickstart"
        paths = [path for phase in ("intermediate", "target") for path in (root / phase).rglob("*") if path.is_file()]
        return {str(path.relative_to(root)): sha256_of(path) for path in paths if set(HASHED) & set(path.parts)}


def descendants(pid: int) -> list[int]:
    """Processes below one, deepest last."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z" and int(fields[1]) == pid:
            child = int(path.parent.name)
            found += [child, *descendants(child)]
    return found


def alive(pids: list[int]) -> list[int]:
    """Those that still run."""
    return [pid for pid in pids if Path(f"/proc/{pid}/stat").exists()
            and Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"]  # fmt: skip


def finished_cells(store: Path) -> set[str]:
    """Keys in the store, with the inode of their manifest: a cell that is trained again has another one."""
    return {f"{path.parent.name}:{path.stat().st_ino}" for path in store.glob("*/cell.json")}


FAULTS = 3
"""Deaths in one run, at a place; each worker or driver that follows dies at a later pass."""


def at_fault_point(bench: Bench, point: str, rng: random.Random, how: str = "") -> int:
    """Workers (or, for ``place``, drivers) die at a named place, one after the other; the run goes on by itself, and
    where a cell or the driver has died twice it is started again."""
    bench.fresh()
    last = {"step": 8, "checkpoint": 4, "place": 2}.get(point, 3)
    passes = sorted(rng.sample(range(1, last + 1), min(FAULTS, last)))
    markers = [bench.folder / f"died-{bench.number}-{number}" for number in passes]
    faults = (f"{point}:{number}:{marker}{how}" for number, marker in zip(passes, markers, strict=True))
    environment = {"XSTILTS_FAULT": ";".join(faults)}
    if point == "checkpoint":
        environment["XSTILTS_CHECKPOINT_S"] = "0"
    for _ in range(1 + FAULTS):
        process = bench.start(**environment)
        output, _ = process.communicate(timeout=300)
        if process.returncode == 0:
            break
    assert process.returncode == 0, output
    died = sum(marker.exists() for marker in markers)
    assert died, "the place was never passed"
    assert bench.payload() == bench.reference
    return died


def out_of_memory(bench: Bench, rng: random.Random) -> int:
    """A worker's address space is closed: it gives up, and its cell is trained by another."""
    return at_fault_point(bench, rng.choice(("step", "weights", "manifest")), rng, ":memory")


def on_full_disk(bench: Bench, rng: random.Random) -> int:
    """The store's disk fills up at some cell; the stage says so; with more room the same command goes on."""
    disk = bench.folder / "disk"
    disk.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o"]
    subprocess.run([*mount, f"size={rng.randint(100, 900)}k", "tmpfs", str(disk)], check=True)
    try:
        store = bench.fresh(below=disk)
        process = bench.start()
        output, _ = process.communicate(timeout=300)
        assert process.returncode != 0, "the disk was large enough"
        assert "The disk is full" in output, output
        kept = finished_cells(store)
        subprocess.run([*mount, "remount,size=512m", "tmpfs", str(disk)], check=True)
        assert bench.finish() == bench.reference
        assert kept <= finished_cells(store), "a finished cell was trained again"
    finally:
        subprocess.run(["umount", str(disk)], check=True)
    return 1


def at_any_time(bench: Bench, whom: str, rng: random.Random) -> int:
    """Kill the driver or a worker after a random while, some times over, then let it finish."""
    store = bench.fresh()
    kills = 0
    for _ in range(3):
        process = bench.start()
        time.sleep(rng.uniform(2.5, 7.0))
        workers = descendants(process.pid)
        before = finished_cells(store)
        if process.poll() is None:
            victim = process.pid if whom == "driver" or not workers else rng.choice(workers)
            os.kill(victim, signal.SIGKILL)
            kills += 1
        if whom == "worker":
            process.communicate(timeout=300)
            assert process.returncode == 0
            break
        process.wait()
        deadline = time.monotonic() + ORPHAN_S
        while alive(workers):
            assert time.monotonic() < deadline, f"orphans after {ORPHAN_S} s"
            time.sleep(0.05)
        assert process.stdout is not None
        process.stdout.close()
        assert before <= finished_cells(store), "a finished cell was lost or trained again"
    kept = finished_cells(store)
    assert bench.finish() == bench.reference
    assert kept <= finished_cells(store), "a finished cell was trained again"
    return kills


def in_dvc(bench: Bench, whom: str, rng: random.Random) -> int:
    """Kill ``dvc repro`` alone, or it and all below it, at any time from the first stage to its last commit."""
    bench.forget_everything()
    process = bench.start_dvc()
    time.sleep(rng.uniform(6.0, 20.0))
    below = descendants(process.pid)
    if process.poll() is not None:
        process.communicate()
        return 0
    os.kill(process.pid, signal.SIGKILL)
    for pid in below if whom == "all" else ():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()
    assert process.stdout is not None
    process.stdout.close()
    successor = bench.start_dvc()
    output, _ = successor.communicate(timeout=600)
    assert successor.returncode == 0, output
    assert bench.payload() == bench.reference
    return 1


KINDS: dict[str, Callable[[Bench, random.Random], int]] = {
    "mid-step": lambda bench, rng: at_fault_point(bench, "step", rng),
    "before weights are written": lambda bench, rng: at_fault_point(bench, "weights", rng),
    "while a checkpoint is written": lambda bench, rng: at_fault_point(bench, "checkpoint", rng),
    "before the manifest": lambda bench, rng: at_fault_point(bench, "manifest", rng),
    "before the output is in place": lambda bench, rng: at_fault_point(bench, "place", rng),
    "out of memory": out_of_memory,
    "full disk": on_full_disk,
    "driver, any time": lambda bench, rng: at_any_time(bench, "driver", rng),
    "worker, any time": lambda bench, rng: at_any_time(bench, "worker", rng),
    "dvc alone": lambda bench, rng: in_dvc(bench, "dvc", rng),
    "dvc and all below it, also while it commits": lambda bench, rng: in_dvc(bench, "all", rng),
}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    yield Bench(tmp_path_factory.mktemp("kills"))


def test_two_runs_from_empty_stores_are_the_same_bytes(bench: Bench) -> None:
    assert len(bench.reference) > 40
    assert bench.trained() == bench.reference


def test_neither_workers_nor_order_decide_a_byte(bench: Bench) -> None:
    params = bench.project.root / "params.yaml"
    text = params.read_text()
    try:
        params.write_text(text.replace("workers: 2", "workers: 1"))
        assert bench.trained() == bench.reference
        params.write_text(text.replace("workers: 2", "workers: 3"))
        assert bench.trained() == bench.reference
    finally:
        params.write_text(text)


@pytest.mark.parametrize("kind", KINDS)
def test_a_kill_loses_nothing_and_changes_nothing(bench: Bench, kind: str) -> None:
    if kind == "full disk" and os.geteuid() != 0:
        pytest.skip("mounting a small tmpfs needs root")
    assert KINDS[kind](bench, random.Random(kind)) >= 1


def main(wanted: int) -> None:
    """Repeat the kinds until there were so many kills; print the table."""
    rng = random.Random(0)
    table = {kind: [0, 0] for kind in KINDS}
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        while sum(kills for _, kills in table.values()) < wanted:
            for kind, row in table.items():
                row[1] += KINDS[kind](bench, rng)
                row[0] += 1
                print(f"{kind}: {row[0]} runs, {row[1]} kills", file=sys.stderr, flush=True)
    print("| where | runs | kills | lost | different |\n| --- | --- | --- | --- | --- |")
    for kind, (runs, kills) in table.items():
        print(f"| {kind} | {runs} | {kills} | 0 | 0 |")
    print(
        f"{sum(kills for _, kills in table.values())} kills; a lost or different byte would have ended this in an error"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
