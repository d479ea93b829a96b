"""Places where a test can make a process die, to show that nothing is lost there; no-ops unless a variable is set."""

import os
import resource
import signal
from pathlib import Path

VARIABLE = "XSTILTS_FAULT"
"""``<point>:<n>:<marker file>[:memory]``, several with ``;`` between them: at the n-th pass of the point, once for each
marker file, the process kills itself, or it finds no more memory."""
POINTS = ("step", "weights", "checkpoint", "manifest", "place")

_passes: dict[str, int] = {}


def fault(point: str) -> None:
    """Die here, or run out of memory, if a test asks for it.

    Args:
        point: one of ``POINTS``: amid an optimizer step, before weights are written, while a checkpoint is written,
            before a cell's manifest, before a stage's output is put in place.

    Raises:
        MemoryError: the operating system's own, if the test asks for ``memory``.
    """
    asked = [each.split(":") for each in os.environ.get(VARIABLE, "").split(";") if each.startswith(f"{point}:")]
    if not asked:
        return
    _passes[point] = _passes.get(point, 0) + 1
    for _, number, marker, *how in asked:
        if _passes[point] == int(number) and _first(Path(marker)):
            if how == ["memory"]:
                _exhaust_memory()
            os.kill(os.getpid(), signal.SIGKILL)


def _first(marker: Path) -> bool:
    try:
        marker.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def _exhaust_memory() -> None:
    """Close the address space at its present size and take what is left of it."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize(), resource.RLIM_INFINITY))
    taken = []
    while True:
        taken.append(bytearray(1 << 20))
