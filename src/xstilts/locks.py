"""One process for a stage: an orphan of a killed ``dvc repro`` and its successor must not meet in an output."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from xstilts.layout import Layout


@contextmanager
def stage_lock(layout: Layout, name: str) -> Iterator[None]:
    """Hold a stage's lock; a second process waits until the first has gone.

    Args:
        layout: tells the study.
        name: of the stage, with its encoder or corpus.
    """
    path = layout.hidden / "locks" / f"{layout.study}-{name}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"{name}: another process runs this stage; waiting for it", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
