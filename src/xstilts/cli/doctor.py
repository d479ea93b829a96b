"""``xstilts doctor``: what a long run needs, checked before it starts."""

import contextlib
import importlib.metadata
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from xstilts.cli.sources import show_sources
from xstilts.cli.studies import DEFAULT, named_study, study_names
from xstilts.errors import XstiltsError

Finding = tuple[str, bool, str]
FREE_GB = 10.0


def examine(root: Path, study: str = "") -> bool:
    """Print a table of checks, and one of sources.

    Args:
        root: the project's root.
        study: its sources alone are looked at, and nothing else; empty for the machine and the sources of all studies.

    Returns:
        Whether everything that the study needs is in order; without one, the machine and the default study's sources.
    """
    if study:
        return show_sources(root, [named_study(root, study)])
    table = Table("check", "", "found")
    fine = True
    checks: tuple[Callable[[Path], Iterator[Finding]], ...] = (
        _python,
        _tools,
        _disk,
        _processor,
        _tracking,
        _remote,
        _studies,
    )
    for check in checks:
        for name, good, found in check(root):
            table.add_row(name, "[green]ok[/]" if good else "[red]no[/]", found)
            fine = fine and good
    Console().print(table)
    studies = []
    for name in study_names(root):
        with contextlib.suppress(XstiltsError):
            studies.append(named_study(root, name))
    return show_sources(root, studies, needed=DEFAULT) and fine


def _python(root: Path) -> Iterator[Finding]:
    yield "Python", sys.version_info >= (3, 11), sys.version.split()[0]
    for name in ("torch", "transformers", "dvc", "mlflow", "optuna", "great-expectations"):
        yield name, True, importlib.metadata.version(name)


def _tools(root: Path) -> Iterator[Finding]:
    for tool in ("git", "dvc", "xstilts"):
        found = shutil.which(tool)
        yield f"{tool} on PATH", found is not None, found or "activate the environment: source .venv/bin/activate"


def _disk(root: Path) -> Iterator[Finding]:
    free = shutil.disk_usage(root).free / 1e9
    yield "free disk", free >= FREE_GB, f"{free:.0f} GB (10 or more wanted)"


def _processor(root: Path) -> Iterator[Finding]:
    import torch

    from xstilts.cells.grid import resolved_precision

    device = "GPU" if torch.cuda.is_available() else f"{len(os.sched_getaffinity(0))} cores"
    yield "processor", True, f"{device}, precision {resolved_precision('auto')}"


def _tracking(root: Path) -> Iterator[Finding]:
    uri = os.environ.get("MLFLOW_TRACKING_URI", "")
    if not uri.startswith("http"):
        yield "MLflow", True, uri or "mlflow.db in the project"
        return
    import urllib.error
    import urllib.request

    try:
        with urllib.request.urlopen(uri.rstrip("/") + "/health", timeout=5) as answer:
            yield "MLflow", answer.status == 200, f"{uri} answers"
    except (urllib.error.URLError, OSError) as error:
        yield "MLflow", False, f"{uri} does not answer: {error}"


def _remote(root: Path) -> Iterator[Finding]:
    done = subprocess.run(
        [sys.executable, "-m", "dvc", "remote", "list"], cwd=root, capture_output=True, text=True, check=False
    )
    yield "DVC remote", True, done.stdout.strip() or "none (results stay on this machine)"


def _studies(root: Path) -> Iterator[Finding]:
    for name in study_names(root):
        try:
            named_study(root, name)
            yield f"study {name}", True, "params.yaml is valid"
        except XstiltsError as error:
            yield f"study {name}", False, str(error)
