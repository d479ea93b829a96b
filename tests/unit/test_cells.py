"""Cells: complete or absent, found damaged, trained once, whatever dies."""

import os
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from xstilts.cells import executor
from xstilts.cells.executor import LocalExecutor, Outcome
from xstilts.cells.spec import CellSpec, Labels
from xstilts.cells.store import CellStore, damaged_files, link_tree
from xstilts.errors import XstiltsError
from xstilts.files import read_json, told_when_full, write_text

LABELS = Labels("s", "target", "tiny", "arm", "block", "domain", "udpos", 0)


def spec(number: int, **files: str) -> CellSpec:
    return CellSpec(replace(LABELS, seed=number), {"number": number}, files, "cpu", cost=float(number))


def build(store: CellStore, key: str, text: str = "payload") -> Path:
    with store.building(key, {"identity": {}}) as folder:
        write_text(folder / "predictions" / "de.jsonl", text)
        write_text(folder / "record.json", "{}")
    return store.path(key)


def test_the_key_follows_the_identity_and_nothing_else() -> None:
    one = spec(1)
    assert one.key == replace(one, labels=replace(LABELS, study="other", arm="renamed"), cost=9.0).key
    assert one.key != spec(2).key


def test_a_cell_is_complete_or_absent(tmp_path: Path) -> None:
    store = CellStore(tmp_path / "cells")
    with pytest.raises(RuntimeError), store.building("a", {}) as folder:
        write_text(folder / "x", "half")
        raise RuntimeError
    assert not list(store.folder.iterdir())
    path = build(store, "a")
    assert store.intact("a")
    assert set(read_json(path / "cell.json")["files"]) == {"predictions/de.jsonl"}, "the record is not hashed"


def test_damage_is_found_by_content(tmp_path: Path) -> None:
    store = CellStore(tmp_path / "cells")
    payload = build(store, "a") / "predictions" / "de.jsonl"
    payload.chmod(0o644)
    payload.write_text("paYload")
    assert damaged_files(store.path("a")) == ["predictions/de.jsonl"]
    assert not store.intact("a")
    build(store, "a")
    assert store.intact("a"), "a rebuilt cell replaces the damaged one"


def test_the_first_cell_on_each_text_comes_first_then_the_longest() -> None:
    texts = {5: "a", 9: "a", 2: "b", 1: "b", 7: "c"}
    specs = [spec(cost, base="encoder", start=f"weights {cost}", train=text) for cost, text in texts.items()]
    assert [each.cost for each in executor.ordered(specs)] == [9, 7, 2, 5, 1]


def test_the_second_builder_of_a_key_changes_nothing(tmp_path: Path) -> None:
    store = CellStore(tmp_path / "cells")
    inode = (build(store, "a") / "predictions" / "de.jsonl").stat().st_ino
    build(store, "a", "payload")
    assert (store.path("a") / "predictions" / "de.jsonl").stat().st_ino == inode


def test_outputs_are_links_to_the_store(tmp_path: Path) -> None:
    store = CellStore(tmp_path / "cells")
    link_tree(build(store, "a"), tmp_path / "out")
    assert (tmp_path / "out" / "predictions" / "de.jsonl").stat().st_nlink == 2


def test_leftovers_of_the_dead_are_swept(tmp_path: Path) -> None:
    store = CellStore(tmp_path / "cells")
    (store.folder / ".building-999999999-x").mkdir(parents=True)
    (store.folder / f".building-{os.getpid()}-y").mkdir()
    store.sweep()
    assert [path.name for path in store.folder.iterdir()] == [f".building-{os.getpid()}-y"]


def fake_work(pipe: Any, store: Path, parent: int) -> None:
    """A worker that does what the cell's files tell: fail, die once, sleep, or write."""
    executor.die_with(parent)
    while True:
        try:
            task = pipe.recv()
        except EOFError:
            return
        marker = Path(task.files.get("marker", "/nonexistent"))
        if "fail" in task.files:
            pipe.send("it failed")
            continue
        if marker.name == "die" and not marker.exists():
            marker.write_text("died")
            os.kill(os.getpid(), signal.SIGKILL)
        if "always" in task.files:
            os.kill(os.getpid(), signal.SIGKILL)
        build(CellStore(store), task.key)
        pipe.send("")


def run_cells(specs: list[CellSpec], store: Path, workers: int) -> list[Outcome]:
    with LocalExecutor(store, workers) as executor:
        return list(executor.run(specs))


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executor, "_work", fake_work)


@pytest.mark.usefixtures("fake")
def test_a_killed_worker_costs_its_cell_one_retry(tmp_path: Path) -> None:
    specs = [spec(1), spec(2, marker=str(tmp_path / "die")), spec(3)]
    outcomes = list(run_cells(specs, tmp_path / "cells", 2))
    assert sorted(outcome.spec.labels.seed for outcome in outcomes) == [1, 2, 3]
    assert not any(outcome.error for outcome in outcomes)
    assert all(CellStore(tmp_path / "cells").intact(each.key) for each in specs)


@pytest.mark.usefixtures("fake")
def test_failures_are_collected_and_the_others_finish(tmp_path: Path) -> None:
    specs = [spec(1), spec(2, fail="1"), spec(3, always="1"), spec(4)]
    errors = {outcome.spec.labels.seed: outcome.error for outcome in run_cells(specs, tmp_path / "cells", 2)}
    assert errors[1] == errors[4] == ""
    assert errors[2] == "it failed"
    assert "SIGKILL" in errors[3]


def test_every_kind_of_exhausted_memory_is_known() -> None:
    import torch

    with pytest.raises(RuntimeError) as error:
        torch.empty(2**52)
    assert executor.out_of_memory(error.value)
    assert executor.out_of_memory(MemoryError())
    assert executor.out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))
    assert not executor.out_of_memory(RuntimeError("shapes differ"))


@pytest.mark.usefixtures("fake")
def test_the_longest_cells_come_first(tmp_path: Path) -> None:
    order = [outcome.spec.labels.seed for outcome in run_cells([spec(n) for n in (1, 5, 3)], tmp_path / "cells", 1)]
    assert order == [5, 3, 1]


def test_workers_die_with_their_driver(tmp_path: Path) -> None:
    import subprocess
    import sys

    code = (
        "import multiprocessing, os, sys, time\n"
        "from xstilts.cells.executor import die_with\n"
        "def work(parent):\n    die_with(parent)\n    print(os.getpid(), flush=True)\n    time.sleep(60)\n"
        "if __name__ == '__main__':\n"
        "    multiprocessing.get_context('spawn').Process(target=work, args=(os.getpid(),)).start()\n"
        "    time.sleep(60)\n"
    )
    (tmp_path / "driver.py").write_text(code)
    driver = subprocess.Popen([sys.executable, "driver.py"], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    assert driver.stdout is not None
    worker = int(driver.stdout.readline())
    driver.kill()
    driver.wait()
    deadline = time.time() + 5
    while Path(f"/proc/{worker}").exists() and "Z" not in Path(f"/proc/{worker}/stat").read_text().split()[2]:
        assert time.time() < deadline, "the worker outlived its driver"
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small tmpfs needs root")
def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    import subprocess

    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], check=False)
    if mounted.returncode:
        pytest.skip("mount is not allowed here")
    try:
        store = CellStore(disk / "cells")
        build(store, "small")
        with pytest.raises(XstiltsError) as error, store.building("large", {}) as folder:
            write_text(folder / "weights", "x" * 3_000_000)
        told = str(error.value)
        assert "The disk is full" in told
        assert "XSTILTS_STORE" in told
        assert [path.name for path in store.folder.iterdir()] == ["small"]
        assert store.intact("small")
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_is_known_from_other_libraries_too(tmp_path: Path) -> None:
    from safetensors import SafetensorError

    with pytest.raises(XstiltsError, match="The disk is full"), told_when_full(tmp_path):
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")
    with pytest.raises(SafetensorError), told_when_full(tmp_path):
        raise SafetensorError("Error while serializing: I/O error: Permission denied (os error 13)")
