"""The local executor: one warm process for each core, one thread each, under a supervisor.

A worker that is killed costs its cell one retry and nobody else anything; workers die with their driver.
"""

import ctypes
import multiprocessing
import os
import signal
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path

from xstilts.cells.spec import CellSpec
from xstilts.errors import XstiltsError

ATTEMPTS = 2
_PR_SET_PDEATHSIG = 1
ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")} | {
    "TOKENIZERS_PARALLELISM": "false"
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one cell ended: ``error`` is empty when it is in the store."""

    spec: CellSpec
    error: str = ""


def workers_for(asked: int, device: str) -> int:
    """Processes to use: one a core on a CPU, one in all on a GPU, unless a number is asked for."""
    if asked:
        return asked
    if device != "cpu":
        import torch

        if torch.cuda.is_available():
            return 1
    return len(os.sched_getaffinity(0))


def run_cells(specs: Sequence[CellSpec], store: Path, workers: int) -> Iterator[Outcome]:
    """Train cells, longest first, and tell of each as it ends.

    Args:
        specs: what to train; their keys differ.
        store: folder of finished cells.
        workers: processes.
    """
    queue = sorted(specs, key=lambda spec: (-spec.cost, spec.key))
    attempts = dict.fromkeys((spec.key for spec in queue), 0)
    crew = [_Worker(store) for _ in range(min(workers, len(queue)))]
    try:
        while queue or any(worker.spec for worker in crew):
            for number, worker in enumerate(crew):
                if worker.spec is None and queue:
                    crew[number] = worker = worker if worker.alive else _Worker(store)
                    attempts[queue[0].key] += 1
                    worker.begin(queue.pop(0))
            busy = {worker.pipe: worker for worker in crew if worker.spec}
            for pipe in wait(list(busy)):
                worker = busy[pipe]  # type: ignore[index]
                spec, error, died = worker.finish()
                if died and attempts[spec.key] < ATTEMPTS:
                    queue.insert(0, spec)
                else:
                    yield Outcome(spec, error)
    finally:
        for worker in crew:
            worker.stop()


class _Worker:
    """One process and the pipe to it."""

    def __init__(self, store: Path) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.spec: CellSpec | None = None
        before = {name: os.environ.get(name) for name in ONE_THREAD}
        os.environ.update(ONE_THREAD)
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
        self.pipe.send(spec)

    def finish(self) -> tuple[CellSpec, str, bool]:
        """The cell, its error, and whether the process died under it."""
        spec, self.spec = self.spec, None
        assert spec is not None
        try:
            return spec, str(self.pipe.recv()), False
        except (EOFError, ConnectionResetError):
            self.process.join(timeout=10)
            code = self.process.exitcode
            cause = f"signal {signal.Signals(-code).name}" if code and code < 0 else f"exit code {code}"
            return spec, f"its worker died ({cause}); SIGKILL often means that memory ran out", True

    def stop(self) -> None:
        self.process.kill()
        self.process.join()
        self.pipe.close()


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
        except Exception:
            pipe.send(traceback.format_exc())
