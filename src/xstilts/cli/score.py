"""``xstilts score``: XTREME's scores of a folder of predictions."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from xstilts.files import write_json
from xstilts.scoring.xtreme import XTREME, Fault, FolderScores, Group, TaskScores, score_folder

TITLES = {"f1_by_language": "F1 by language", "exact_match": "exact match", "f1": "F1", "macro_f1": "macro F1"}


def show_scores(predictions: Path, gold: Path, report: Path | None) -> bool:
    """Print the scores, and write them where asked.

    Returns:
        Whether every file could be scored.
    """
    scores = score_folder(predictions, gold)
    console = Console()
    console.print(_summary(scores))
    console.print(_languages(scores))
    show_faults(console, scores.faults)
    whole = not any(fault.stops for fault in scores.faults)
    if scores.overall is None:
        missing = [name for name in XTREME if name not in scores.tasks or scores.tasks[name].score is None]
        console.print(f"No score of the whole: incomplete are {', '.join(missing)}.", soft_wrap=True)
    if report:
        write_json(report, scores.report())
        console.print(f"Wrote {report}.", soft_wrap=True)
    return whole


def show_faults(console: Console, faults: Sequence[Fault]) -> None:
    """Print each fault: where, what, and what would have been right."""
    if not faults:
        return
    table = Table(title=f"{len(faults)} faults")
    table.add_column("file", no_wrap=True)
    table.add_column("line", no_wrap=True)
    table.add_column("fault")
    table.add_column("expected")
    for fault in faults:
        style = None if fault.stops else "dim"
        table.add_row(
            *(_plain(text) for text in (fault.file, str(fault.line or ""), fault.what, fault.expected)), style=style
        )
    console.print(table)


def _summary(scores: FolderScores) -> Table:
    """A row for each task's score and each metric: the mean, English, the others, the gap."""
    table = Table("task", "metric", "mean", "English", "others", "gap", "languages", title="XTREME, percent")
    for task, found in scores.tasks.items():
        there = len(found.task.languages) - len(found.missing)
        languages = f"{there} of {len(found.task.languages)}"
        if len(found.task.main) > 1:
            table.add_row(task, "score", _figure(found.score), "", "", "", languages)
        for metric in found.metrics:
            table.add_row(*_metric_row(found, metric, languages))
        table.add_section()
    for group in Group:
        table.add_row(group.value, "mean of its tasks", _figure(scores.group(group)))
    table.add_row("all nine", "mean of the tasks", _figure(scores.overall), style="bold")
    table.caption = "Metrics in brackets are not XTREME's. XTREME's means have English in them; the others do not."
    return table


def _metric_row(found: TaskScores, metric: str, languages: str) -> list[str]:
    title = TITLES.get(metric, metric.replace("_", " "))
    return [
        found.task.name,
        title if metric in found.task.official else f"({title})",
        *(_figure(value) for value in (found.mean(metric), found.english(metric), found.others(metric))),
        _figure(found.gap(metric)),
        languages,
    ]


def _languages(scores: FolderScores) -> Table:
    """Each task's main metrics in every language."""
    table = Table("task", "metric", "by language", title="By language, percent with standard error")
    for task, found in scores.tasks.items():
        for metric in found.task.main:
            figures = []
            for language in found.task.languages:
                each = found.metrics[metric].get(language)
                error = f"±{each.standard_error:.1f}" if each and each.standard_error == each.standard_error else ""
                figures.append(f"{language}={each.value_pct:.1f}{error}" if each else f"{language}=-")
            table.add_row(task, TITLES.get(metric, metric), "  ".join(figures))
    return table


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _plain(text: str) -> str:
    """Text of a user's file in a table: no markup, and control characters made visible."""
    from rich.markup import escape

    return escape("".join(char if char.isprintable() else repr(char)[1:-1] for char in text))
