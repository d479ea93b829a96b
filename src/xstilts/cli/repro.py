"""``xstilts repro``: check the sources, run DVC, mirror to MLflow, summarise."""

import contextlib
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Column, Table

from xstilts.arms.stamp import plain
from xstilts.cli.studies import dvc_file
from xstilts.config import Study
from xstilts.errors import XstiltsError
from xstilts.files import read_json, sha256_of
from xstilts.layout import Layout, data_folder
from xstilts.quiet import quiet
from xstilts.sources.corpora import CORPORA
from xstilts.sources.lock import hold_to_lock, locked_corpus

FOLLOW_S = 20.0


def reproduce(root: Path, study: Study, *, sync_runs: bool, results_to: str) -> None:
    """Run a study to its report.

    Args:
        root: the project's root.
        study: its parameters.
        sync_runs: whether MLflow mirrors the cells while they run, and everything at the end.
        results_to: a folder that gets a copy of the results, or ``keep``.

    Raises:
        XstiltsError: if a source is not the locked one, or a stage fails.
    """
    quiet()
    check_sources(root, study)
    with _following(root, study) if sync_runs else contextlib.nullcontext():
        code = _dvc_repro(root, study)
    if code != 0:
        raise XstiltsError(
            f"`dvc repro` of study '{study.study}' ended with exit code {code}",
            where="the message of the failed stage stands above",
            next_step=f"mend it and run `xstilts repro {study.study}` again: finished stages and cells are kept",
        )
    if sync_runs:
        mirror(root, study, None, follow=False)
    if results_to != "keep":
        copied = Path(results_to).expanduser().resolve() / study.study
        shutil.copytree(Layout(root, study.study).results(), copied, dirs_exist_ok=True)
        print(f"Results copied to {copied}")
    summarise(root, study)


def check_sources(root: Path, study: Study) -> None:
    """Hold every source to ``sources.lock`` before DVC, which cannot see them."""
    layout = Layout(root, study.study)
    for name in study.corpora:
        corpus = CORPORA[name]
        lock = locked_corpus(layout.lock_file, corpus)
        if data_folder() or not layout.data("fetch", name).is_dir():
            hold_to_lock(corpus, lock, data_folder())


def _environment() -> dict[str, str]:
    """This process's environment, with its own ``bin`` first: stages find this xstilts and this Python."""
    return os.environ | {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])}


def _dvc_repro(root: Path, study: Study) -> int:
    command = [sys.executable, "-m", "dvc", "repro", dvc_file(study.study)]
    return subprocess.run(command, cwd=root, env=_environment(), check=False).returncode


@contextlib.contextmanager
def _following(root: Path, study: Study) -> Iterator[None]:
    """A process beside the run that mirrors finished cells; whatever happens to it, the run goes on."""
    command = [sys.executable, "-m", "xstilts", "sync", study.study, "--follow"]
    log = Layout(root, study.study).hidden / "logs" / f"{study.study}-sync.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as file:
        process = subprocess.Popen(
            command, cwd=root, env=_environment(), stdin=subprocess.PIPE, stdout=file, stderr=file
        )
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            process.stdin.close()  # type: ignore[union-attr]
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=60)
        process.kill()


def mirror(root: Path, study: Study, tracking_uri: str | None, *, follow: bool) -> None:
    """Mirror a study to MLflow; with ``follow``, until standard input closes."""
    quiet()
    from xstilts.tracking.sync import follow as follow_study
    from xstilts.tracking.sync import sync_study

    params_sha = sha256_of(root / study.params)
    parameters = flat(study)
    if follow:
        closed = threading.Event()

        def watch() -> None:
            sys.stdin.read()
            closed.set()

        threading.Thread(target=watch, daemon=True).start()
        follow_study(
            study.study, root, tracking_uri=tracking_uri, params=parameters, params_sha=params_sha,
            is_running=lambda: not closed.is_set(), interval_s=FOLLOW_S,
        )  # fmt: skip
        return
    print(sync_study(study.study, root, tracking_uri=tracking_uri, params=parameters, params_sha=params_sha))


def flat(study: Study) -> dict[str, object]:
    """A study's parameters with dotted keys."""
    found: dict[str, object] = {}

    def walk(prefix: str, value: object) -> None:
        if isinstance(value, dict):
            for key, item in value.items():
                walk(f"{prefix}.{key}" if prefix else key, item)
        else:
            found[prefix] = value

    walk("", plain(study))
    return found


def summarise(root: Path, study: Study) -> None:
    """Print the verdicts and where to look."""
    layout = Layout(root, study.study)
    analysis = read_json(layout.results("analyse", "analysis.json"))
    heads = ("encoder", "question", "targets", "verdict", r"slope \[interval], p")
    table = Table(*(Column(head, overflow="fold") for head in heads), title=f"Study {study.study}")
    for encoder, found in analysis["encoders"].items():
        for question in found["questions"]:
            table.add_row(
                encoder, question["name"], ", ".join(question["targets"]), question["verdict"], _slope(question)
            )
    Console().print(table)
    for found in analysis["encoders"].values():
        for question in found["questions"]:
            print(f"{question['name']}: {question['because']}")
    print(f"Report: {layout.results('report', 'index.html').relative_to(root)} (open it in a browser)")
    print("Runs:   xstilts ui  (the MLflow UI; `source .venv/bin/activate` first)")


def _slope(question: dict[str, object]) -> str:
    slope = question["slope"]
    if not isinstance(slope, dict):
        return "not estimated"
    low, high = slope["low"], slope["high"]
    interval = "no interval" if low is None else f"{low:+.2f} to {high:+.2f}"
    return f"{slope['estimate']:+.2f} [{interval}], p = {slope['p']:.3f}"
