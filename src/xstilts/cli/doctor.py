"""``xstilts doctor``: what a long run needs, checked before it starts."""

import importlib.metadata
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from xstilts.cli.studies import named_study, study_names
from xstilts.errors import XstiltsError
from xstilts.layout import Layout, data_folder
from xstilts.sources.corpora import CORPORA
from xstilts.sources.jsonl import check_locked, corpus_folder
from xstilts.sources.lock import locked_corpus

Finding = tuple[str, bool, str]
FREE_GB = 10.0


def examine(root: Path) -> bool:
    """Print a table of checks.

    Returns:
        Whether everything that the default study needs is in order; data of other studies is only told.
    """
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
        _data,
    )
    for check in checks:
        for name, good, found in check(root):
            table.add_row(name, "[green]ok[/]" if good else "[red]no[/]", found)
            fine = fine and (good or check is _data)
    Console().print(table)
    return fine


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


def _data(root: Path) -> Iterator[Finding]:
    lock = Layout(root, "").lock_file
    corpora = sorted({corpus for name in study_names(root) for corpus in _corpora(root, name)})
    for name in corpora:
        corpus = CORPORA[name]
        try:
            entry = locked_corpus(lock, corpus)
            if corpus.source == "jsonl":
                check_locked(corpus, corpus_folder(corpus, data_folder()), entry)
            yield f"corpus {name}", True, f"as locked; licence: {corpus.licence}"
        except XstiltsError as error:
            yield f"corpus {name}", False, error.what


def _corpora(root: Path, name: str) -> tuple[str, ...]:
    try:
        return named_study(root, name).corpora
    except XstiltsError:
        return ()
