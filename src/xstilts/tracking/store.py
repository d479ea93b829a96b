"""Opening a tracking store safely: initialised once, one writer, short time-outs."""

import contextlib
import fcntl
import hashlib
import logging
import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from xstilts.errors import XstiltsError

if TYPE_CHECKING:
    from mlflow import MlflowClient

TIMEOUTS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
"""MLflow's own defaults retry for minutes."""


@dataclass(frozen=True)
class Store:
    """An open tracking store.

    Attributes:
        client: speaks to it.
        uri: its address.
        artifacts: where artifacts go, or nothing when the server decides.
        outer_run: the run that ``mlflow run`` made around this process, or nothing.
    """

    client: "MlflowClient"
    uri: str
    artifacts: str | None
    outer_run: str | None


def tracking_uri_for(root: Path, asked: str | None) -> str:
    """The store to use: as asked, else ``MLFLOW_TRACKING_URI``, else ``mlflow.db`` in the project."""
    return asked or os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{root.resolve() / 'mlflow.db'}"


def artifacts_for(root: Path, uri: str) -> str | None:
    """Where artifacts go for a store without a server: beside a SQLite file."""
    if not uri.startswith("sqlite:///"):
        return None
    return (Path(uri.removeprefix("sqlite:///")).resolve().parent / "mlartifacts").as_uri()


@contextlib.contextmanager
def opened(root: Path, asked: str | None) -> Iterator[Store]:
    """Open the store as its only writer from this project.

    ``mlflow run`` hands ``MLFLOW_RUN_ID`` to every process below it, and all would re-open that one run: while the
    store is open it is out of the environment, and it becomes the parent of what is made here.

    Raises:
        XstiltsError: if the store does not answer; results stay on disk.
    """
    for name, value in TIMEOUTS.items():
        os.environ.setdefault(name, value)
    uri = tracking_uri_for(root, asked)
    lock = root / ".xstilts" / "locks" / f"mlflow-{hashlib.sha256(uri.encode()).hexdigest()[:12]}.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with _told(uri), _without_outer_run() as outer_run:
            import mlflow

            for name in ("mlflow", "alembic"):
                logging.getLogger(name).setLevel(logging.ERROR)
            warnings.filterwarnings("ignore", category=UserWarning, module="mlflow")
            mlflow.set_tracking_uri(uri)
            client = mlflow.MlflowClient(uri)
            client.search_experiments(max_results=1)
            yield Store(client, uri, artifacts_for(root, uri), outer_run)


@contextlib.contextmanager
def _without_outer_run() -> Iterator[str | None]:
    outer_run = os.environ.pop("MLFLOW_RUN_ID", None)
    try:
        yield outer_run
    finally:
        if outer_run:
            os.environ["MLFLOW_RUN_ID"] = outer_run


@contextlib.contextmanager
def _told(uri: str) -> Iterator[None]:
    import requests
    from mlflow.exceptions import MlflowException

    try:
        yield
    except (MlflowException, requests.RequestException) as error:
        raise XstiltsError(
            f"MLflow does not take the runs: {str(error).splitlines()[0][:300]}",
            where=f"tracking store {uri}",
            allowed="a store that answers; all results are safe on disk",
            next_step="start the server or correct MLFLOW_TRACKING_URI, then run `xstilts sync STUDY`",
        ) from error
