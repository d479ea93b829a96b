"""Places where a test can make a process die, to show that nothing is lost there; no-ops unless a variable is set."""

import os
import signal
from pathlib import Path

VARIABLE = "XSTILTS_FAULT"
"""``<point>:<n>:<marker file>``: at the n-th pass of the point the process kills itself, once for each marker file."""
POINTS = ("step", "weights", "checkpoint", "manifest", "place")

_passes: dict[str, int] = {}


def fault(point: str) -> None:
    """Die here, if a test asks for it.

    Args:
        point: one of ``POINTS``: amid an optimizer step, before weights are written, while a checkpoint is written,
            before a cell's manifest, before a stage's output is put in place.
    """
    asked = os.environ.get(VARIABLE, "")
    if not asked.startswith(f"{point}:"):
        return
    _, number, marker = asked.split(":", 2)
    _passes[point] = _passes.get(point, 0) + 1
    if _passes[point] == int(number):
        try:
            Path(marker).touch(exist_ok=False)
        except FileExistsError:
            return
        os.kill(os.getpid(), signal.SIGKILL)
