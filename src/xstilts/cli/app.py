"""The commands of ``xstilts``."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from xstilts import __version__
from xstilts.cli.studies import DEFAULT, named_study, new_study, project_root, study_names
from xstilts.errors import XstiltsError, unknown

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Does intermediate-task training still help when its domain moves away from the target's? "
    "Start with `xstilts plan`, then `xstilts repro`.",
)
study_app = typer.Typer(no_args_is_help=True, help="List studies, or make a new one.")
app.add_typer(study_app, name="study")

StudyName = Annotated[str, typer.Argument(help="The study's name; `xstilts study list` shows all.")]
STAGES = (
    "encoder", "fetch", "validate", "arms", "diverge", "tune", "intermediate", "target", "evaluate", "analyse",
    "report", "register",
)  # fmt: skip


def main() -> None:
    """Run the command line; a user's mistake ends in one paragraph and exit code 1."""
    try:
        app(standalone_mode=True)
    except XstiltsError as error:
        Console(stderr=True, soft_wrap=True, highlight=False, markup=False).print(f"Error: {error}")
        sys.exit(1)


def _version(asked: bool) -> None:
    if asked:
        print(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Options of all commands."""


@app.command()
def stage(
    name: Annotated[str, typer.Argument(help="One of: " + ", ".join(STAGES) + ".")],
    params: Annotated[str, typer.Option(help="The study's params.yaml, from the project's root.")] = "params.yaml",
    encoder: Annotated[str, typer.Option(help="For stages that run once for each encoder.")] = "",
    corpus: Annotated[str, typer.Option(help="For stages that run once for each corpus.")] = "",
    reuse: Annotated[bool, typer.Option(help="Take finished cells as they are, or train all again.")] = True,
) -> None:
    """Run one stage of the pipeline: what dvc.yaml calls."""
    import importlib

    from xstilts.config import load_study
    from xstilts.layout import Layout
    from xstilts.locks import stage_lock
    from xstilts.quiet import quiet

    if name not in STAGES:
        raise unknown("stage", name, STAGES, where="the command line")
    quiet()
    root = project_root()
    study = load_study(root, params)
    options: dict[str, object] = {}
    for key, value, known in (("encoder", encoder, study.encoders), ("corpus", corpus, study.corpora)):
        if value:
            if value not in known:
                raise unknown(key, value, known, where=params)
            options[key] = value
    if not reuse:
        options["reuse"] = False
    run = importlib.import_module(f"xstilts.stages.{name}").run
    layout = Layout(root, study.study)
    try:
        with stage_lock(layout, "-".join(part for part in (name, encoder, corpus) if part)):
            run(study, layout, **options)
    except TypeError as error:
        if "argument" not in str(error) or "run()" not in str(error):
            raise
        raise XstiltsError(
            f"Stage '{name}' was called with the wrong options: {error}",
            where="the command line",
            next_step="see its cmd in dvc.yaml",
        ) from error


@app.command()
def plan(study: StudyName = DEFAULT) -> None:
    """Dry run: cells to train and already there, tokens, minutes, disk. Changes nothing."""
    from xstilts.cli.plan import show_plan

    root = project_root()
    show_plan(named_study(root, study), root)


@app.command()
def repro(
    study: StudyName = DEFAULT,
    sync_runs: Annotated[bool, typer.Option("--sync/--no-sync", help="Mirror the runs to MLflow.")] = True,
    results_to: Annotated[
        str, typer.Option(help="Copy results/<study> to this folder at the end ('keep': do not).")
    ] = "keep",
) -> None:
    """Run a study: dvc repro, then sync to MLflow and a summary."""
    from xstilts.cli.repro import reproduce

    root = project_root()
    reproduce(root, named_study(root, study), sync_runs=sync_runs, results_to=results_to)


@study_app.command("list")
def study_list() -> None:
    """List the studies of this project."""
    from rich.table import Table

    root = project_root()
    table = Table("study", "asks", "report")
    for name in study_names(root):
        report = root / "results" / name / "report" / "index.html"
        table.add_row(name, named_study(root, name).title, str(report.relative_to(root)) if report.exists() else "-")
    Console().print(table)


@study_app.command("new")
def study_new(
    name: Annotated[str, typer.Argument(help="Name of the new study: letters, digits, '.', '-', '_'.")],
    source: Annotated[str, typer.Option("--from", help="The study whose params.yaml is copied.")] = DEFAULT,
) -> None:
    """Make a study from another one's parameters."""
    path = new_study(project_root(), name, source)
    print(f"Made {path}. Next: edit it, then `xstilts plan {name}` and `xstilts repro {name}`.")


@app.command()
def sync(
    study: StudyName = DEFAULT,
    follow: Annotated[bool, typer.Option(help="Go on until the study's stages have ended.")] = False,
    tracking_uri: Annotated[str, typer.Option(help="Instead of MLFLOW_TRACKING_URI or ./mlflow.db.")] = "",
) -> None:
    """Mirror a study's cells, scores and models to MLflow. Safe to repeat."""
    from xstilts.cli.repro import mirror

    root = project_root()
    mirror(root, named_study(root, study), tracking_uri or None, follow=follow)


@app.command()
def ui(
    port: Annotated[int, typer.Option(help="Port on this machine.")] = 5000,
    host: Annotated[str, typer.Option(help="Address to listen on; loopback unless told otherwise.")] = "127.0.0.1",
    tracking_uri: Annotated[str, typer.Option(help="Instead of MLFLOW_TRACKING_URI or ./mlflow.db.")] = "",
) -> None:
    """Open the MLflow UI on this project's runs."""
    from xstilts.tracking.ui import serve_ui

    serve_ui(project_root(), tracking_uri or None, host=host, port=port)


@app.command()
def lock(
    corpus: Annotated[list[str] | None, typer.Option(help="Corpora to lock again.")] = None,
    encoder: Annotated[list[str] | None, typer.Option(help="Encoders to lock again.")] = None,
) -> None:
    """Record in sources.lock what sources give now: sha256, rows, revisions."""
    from xstilts.cli.lock import relock
    from xstilts.quiet import quiet

    quiet()
    relock(project_root(), corpus or [], encoder or [])


@app.command()
def doctor(
    study: Annotated[str, typer.Argument(help="A study whose sources are checked, and nothing else.")] = "",
) -> None:
    """Check what a long run needs: tools, disk, stores, tracking server, and where each corpus and encoder is."""
    from xstilts.cli.doctor import examine
    from xstilts.quiet import quiet

    quiet()
    if not examine(project_root(), study):
        raise typer.Exit(1)


@app.command()
def score(
    predictions: Annotated[Path, typer.Argument(metavar="DIR", help="Predictions in XTREME's layout.")],
    gold: Annotated[Path, typer.Option(help="Gold in the same layout.")],
    json: Annotated[Path | None, typer.Option("--json", help="Write all figures to this file.")] = None,
) -> None:
    """Score a folder of predictions as XTREME does: tasks, languages, groups, and the transfer gap."""
    from xstilts.cli.score import show_scores

    if not show_scores(predictions, gold, json):
        raise typer.Exit(1)


@app.command()
def submission(
    study: StudyName = DEFAULT,
    out: Annotated[Path | None, typer.Option(help="The folder; by default below build/submission/.")] = None,
    encoder: Annotated[str, typer.Option(help="Whose predictions; a study's only one by default.")] = "",
    arm: Annotated[str, typer.Option(help="Whose predictions.")] = "none",
    seed: Annotated[int | None, typer.Option(help="Whose predictions; the study's first by default.")] = None,
    check: Annotated[Path | None, typer.Option(metavar="DIR", help="Write nothing; check this folder.")] = None,
    gold: Annotated[Path | None, typer.Option(metavar="DIR", help="With --check: lines and ids too.")] = None,
) -> None:
    """Write XTREME's folder from a study's predictions, or check such a folder."""
    from xstilts.cli.submission import check_submission, chosen, write_submission

    if check:
        if not check_submission(check, gold):
            raise typer.Exit(1)
        return
    if gold:
        raise XstiltsError("--gold serves --check alone", where="the command line", next_step="leave it out")
    root = project_root()
    parameters = named_study(root, study)
    choice = chosen(parameters, encoder, arm, seed)
    below = root / "build" / "submission" / study / f"{choice.encoder}-{choice.arm}-seed-{choice.seed}"
    write_submission(parameters, root, choice, out or below)


@app.command()
def prune(
    really: Annotated[bool, typer.Option("--yes", help="Delete; without it, only tell.")] = False,
) -> None:
    """Delete finished cells that no study's current output uses (those of earlier settings)."""
    from xstilts.cli.prune import prune_store

    prune_store(project_root(), really=really)
