"""The local executor: one warm process for each core, one thread each, under a supervisor.

A worker that is killed costs its cell one retry and nobody else anything; workers die with their driver.
"""

import contextlib
import ctypes
import multiprocessing
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path

from xstilts.cells.spec import CellSpec
from xstilts.errors import XstiltsError

ATTEMPTS = 2
OUT_OF_MEMORY = 77
"""Exit code of a worker that found no more memory: it ends, which gives all of it back, and its cell is tried again."""
WORKER_MB = 1600
"""Memory that a worker is planned with."""
_PR_SET_PDEATHSIG = 1
WORKER_ENVIRONMENT = {name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")} | {
    "TOKENIZERS_PARALLELISM": "false",
    "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "24",
    "GLIBC_TUNABLES": "glibc.malloc.mmap_threshold=33554432:glibc.malloc.trim_threshold=2147483648:"
    "glibc.malloc.top_pad=67108864",
}
"""One thread; an allocator that keeps freed memory instead of faulting it in again at every step; and room for few
compiled products: batches have ever new shapes, and a thousand kernels take half a gigabyte without saving time."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one cell ended: ``error`` is empty when it is in the store."""

    spec: CellSpec
    error: str = ""


def workers_for(asked: int, device: str) -> int:
    """Processes to use: one a core and one for each 1.6 GB of free memory on a CPU, one in all on a GPU.

    Args:
        asked: a number that is taken as it is; 0 to decide here.
        device: ``auto``, ``cpu`` or ``cuda``.
    """
    if asked:
        return asked
    if device != "cpu":
        import torch

        if torch.cuda.is_available():
            return 1
    return max(1, min(len(os.sched_getaffinity(0)), _available_mb() // WORKER_MB))


def _available_mb() -> int:
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
    except OSError:
        return sys.maxsize
    return next((int(line.split()[1]) // 1024 for line in lines if line.startswith("MemAvailable:")), sys.maxsize)


class LocalExecutor:
    """Warm workers: they start when the first cell needs them and stay for the next batch of cells.

    Args:
        store: folder of finished cells.
        workers: processes at most.
    """

    def __init__(self, store: Path, workers: int) -> None:
        self.store, self.workers = store, workers
        self._crew: list[_Worker] = []

    def __enter__(self) -> "LocalExecutor":
        return self

    def __exit__(self, *exc: object) -> None:
        for worker in self._crew:
            worker.stop()
        self._crew.clear()

    def run(self, specs: Sequence[CellSpec]) -> Iterator[Outcome]:
        """Train cells and tell of each as it ends.

        The first cell on each text comes first, since it encodes what the others read, then the longest.

        Args:
            specs: what to train; their keys differ.
        """
        queue = ordered(specs)
        attempts = dict.fromkeys((spec.key for spec in queue), 0)
        while len(self._crew) < min(self.workers, len(queue)):
            self._crew.append(_Worker(self.store))
        while queue or any(worker.spec for worker in self._crew):
            for number, worker in enumerate(self._crew):
                if worker.spec is None and queue:
                    if not worker.alive:
                        worker.stop()
                        self._crew[number] = worker = _Worker(self.store)
                    attempts[queue[0].key] += 1
                    worker.begin(queue.pop(0))
            busy = {worker.pipe: worker for worker in self._crew if worker.spec}
            for pipe in wait(list(busy)):
                worker = busy[pipe]  # type: ignore[index]
                spec, error, died = worker.finish()
                if died and attempts[spec.key] < ATTEMPTS:
                    queue.insert(0, spec)
                else:
                    yield Outcome(spec, error)


def ordered(specs: Sequence[CellSpec]) -> list[CellSpec]:
    """The first cell on each text, then the others; among either the longest first."""
    longest = sorted(specs, key=lambda spec: (-spec.cost, spec.key))
    first = {_texts(spec): spec.key for spec in reversed(longest)}
    return sorted(longest, key=lambda spec: first[_texts(spec)] != spec.key)


def _texts(spec: CellSpec) -> frozenset[str]:
    return frozenset(file for name, file in spec.files.items() if name not in ("base", "start"))


class _Worker:
    """One process and the pipe to it."""

    def __init__(self, store: Path) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.spec: CellSpec | None = None
        before = {name: os.environ.get(name) for name in WORKER_ENVIRONMENT}
        os.environ.update(WORKER_ENVIRONMENT)
        try:
            self.process: SpawnProcess = context.Process(target=_work, args=(theirs, store, os.getpid()), daemon=True)
            self.process.start()
        finally:
            for name, value in before.items():
                _restore(name, value)
        theirs.close()

    @property
    def alive(self) -> bool:
        return self.process.is_alive()

    def begin(self, spec: CellSpec) -> None:
        self.spec = spec
        with contextlib.suppress(BrokenPipeError):  # it died while it waited: `finish` tells
            self.pipe.send(spec)

    def finish(self) -> tuple[CellSpec, str, bool]:
        """The cell, its error, and whether the process died under it."""
        spec, self.spec = self.spec, None
        assert spec is not None
        try:
            return spec, str(self.pipe.recv()), False
        except (EOFError, ConnectionResetError):
            self.process.join(timeout=10)
            return spec, _cause_of_death(self.process.exitcode), True

    def stop(self) -> None:
        self.process.kill()
        self.process.join()
        self.pipe.close()


def _cause_of_death(code: int | None) -> str:
    remedy = "run fewer at a time with runtime.workers in params.yaml, or free memory"
    if code == OUT_OF_MEMORY:
        return f"its worker ran out of memory: {remedy}"
    if code == -signal.SIGKILL:
        return f"its worker was killed (SIGKILL), often by the system when memory runs out: {remedy}"
    cause = f"signal {signal.Signals(-code).name}" if code and code < 0 else f"exit code {code}"
    return f"its worker died ({cause})"


def out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory ran out: Python's, PyTorch's on a GPU, or its allocator's on a CPU."""
    name = type(error).__name__
    return isinstance(error, MemoryError) or name == "OutOfMemoryError" or "can't allocate memory" in str(error)


def _restore(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


def die_with(parent: int) -> None:
    """Ask Linux to kill this process when its parent dies; elsewhere the closed pipe ends it between cells."""
    libc = getattr(ctypes.CDLL(None), "prctl", None)
    if libc is not None:
        libc(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _work(pipe: Connection, store: Path, parent: int) -> None:
    die_with(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from xstilts.training.cell import run_cell

    run: Callable[[CellSpec, Path], None] = run_cell
    while True:
        try:
            spec = pipe.recv()
        except EOFError:
            return
        try:
            run(spec, store)
            pipe.send("")
        except XstiltsError as error:
            pipe.send(str(error))
        except Exception as error:
            if out_of_memory(error):
                os._exit(OUT_OF_MEMORY)
            pipe.send(traceback.format_exc())
