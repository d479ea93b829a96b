"""XTREME's scores of a folder of predictions, as ``evaluate.py`` gives them, and what they leave unsaid beside them.

A task's score is the plain mean over its languages, English among them; of question answering, the mean of exact match
and F1. A group has a mean when all its tasks are complete, the whole when all nine are. Beside that: English, the mean
of the other languages, and the transfer gap between the two; and token accuracy, macro F1 and F1 by language, where
XTREME's own measure is a strange one.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from xstilts.errors import XstiltsError
from xstilts.files import Json
from xstilts.scoring.answers import score_answers
from xstilts.scoring.bitext import score_bitext
from xstilts.scoring.chunks import chunks
from xstilts.scoring.metrics import Metric, ratio, score_labels, score_retrieval, score_tagging
from xstilts.scoring.xtreme_facts import FILES, XTREME, Content, Group, XtremeTask
from xstilts.scoring.xtreme_files import Fault, Found, check_folder, compared, folder_faults
from xstilts.tasks import TASKS

__all__ = [
    "FILES",
    "XTREME",
    "Content",
    "Fault",
    "FolderScores",
    "Group",
    "TaskScores",
    "XtremeTask",
    "check_folder",
    "score_folder",
]

OURS = MappingProxyType({"span_f1": "f1", "xtreme_f1": "f1"})
"""Our names of what ``evaluate.py`` calls otherwise."""


@dataclass(frozen=True, slots=True)
class TaskScores:
    """One task's scores.

    Attributes:
        task: its facts.
        metrics: by name, then by language; those that are not in ``task.official`` are ours.
        missing: languages that could not be scored.
    """

    task: XtremeTask
    metrics: Mapping[str, Mapping[str, Metric]]
    missing: tuple[str, ...]

    def of(self, metric: str, language: str) -> float | None:
        """One figure in percent; nothing where the language was not scored."""
        found = self.metrics.get(metric, {}).get(language)
        return found.value_pct if found else None

    def mean(self, metric: str, *, without: str = "") -> float | None:
        """A metric's mean over languages; nothing unless all are there."""
        return _mean(self.of(metric, language) for language in self.task.languages if language != without)

    def english(self, metric: str) -> float | None:
        """A metric in English; nothing where the task has no English."""
        return self.of(metric, "en")

    def others(self, metric: str) -> float | None:
        """A metric's mean over the languages other than English."""
        return self.mean(metric, without="en")

    def gap(self, metric: str) -> float | None:
        """The transfer gap: English minus the mean of the others, in points."""
        english, others = self.english(metric), self.others(metric)
        return None if english is None or others is None else english - others

    @property
    def score(self) -> float | None:
        """XTREME's score of the task."""
        return _mean(self.mean(metric) for metric in self.task.main)


@dataclass(frozen=True, slots=True)
class FolderScores:
    """Scores of a folder.

    Attributes:
        tasks: those whose folder is there on both sides, in ``evaluate.py``'s order.
        faults: whatever is wrong with a file of theirs.
    """

    tasks: Mapping[str, TaskScores]
    faults: tuple[Fault, ...]

    def group(self, group: Group) -> float | None:
        """A group's mean; nothing unless all its tasks are complete."""
        return _mean(self._score(task) for task in XTREME if XTREME[task].group is group)

    @property
    def overall(self) -> float | None:
        """The mean of the nine tasks; nothing unless all are complete."""
        return _mean(self._score(task) for task in XTREME)

    def _score(self, task: str) -> float | None:
        return self.tasks[task].score if task in self.tasks else None

    def official(self) -> dict[str, Json]:
        """The report that ``evaluate.py`` writes, of the tasks that are complete."""
        report: dict[str, Json] = {}
        for key, value in (("all_task", self.overall), *((group.key, self.group(group)) for group in Group)):
            if value is not None:
                report[key] = value
        for name, scores in self.tasks.items():
            if scores.score is not None:
                metrics = scores.task.official
                report[name] = {
                    metric: {language: scores.of(metric, language) for language in scores.task.languages}
                    for metric in metrics
                }
                report[name] |= {f"avg_{metric}": scores.mean(metric) for metric in metrics}
                report[name]["avg_metric"] = scores.score
        return report

    def report(self) -> dict[str, Json]:
        """Everything: ``official``, each task's figures with standard errors and gaps, what is missing, the faults."""
        tasks = {
            name: {
                "score": scores.score,
                "missing": list(scores.missing),
                "metrics": {metric: _metric_report(scores, metric) for metric in scores.metrics},
            }
            for name, scores in self.tasks.items()
        }
        return {
            "official": self.official(),
            "tasks": tasks,
            "faults": [dataclasses.asdict(fault) for fault in self.faults],
        }


def score_folder(predictions: Path, gold: Path) -> FolderScores:
    """Score a folder of predictions in XTREME's layout.

    Args:
        predictions: with a folder for each task.
        gold: the same of gold; a task is scored when both have its folder, as ``evaluate.py`` does.

    Returns:
        The scores; a language whose predictions or gold are missing or ill-formed has none, and its faults are named.

    Raises:
        XstiltsError: if a folder does not exist, or no task has its folder on both sides.
    """
    for folder in (predictions, gold):
        if not folder.is_dir():
            raise XstiltsError(
                "There is no such folder",
                where=str(folder),
                allowed="a folder with XTREME's tasks as folders: " + ", ".join(XTREME),
                next_step="correct the path",
            )
    shared = [task for task in XTREME.values() if all((side / task.name).is_dir() for side in (predictions, gold))]
    if not shared:
        raise XstiltsError(
            "No task has a folder on both sides",
            where=f"{predictions}, {gold}",
            allowed="folders " + ", ".join(XTREME),
            next_step="give the folders that hold the tasks' folders",
        )
    names = {task.name for task in shared}
    faults = [fault for fault in folder_faults(predictions, all_tasks=False) if fault.file.split("/")[0] in names]
    scores: dict[str, TaskScores] = {}
    for task in shared:
        by_language: dict[str, list[Metric]] = {}
        for language in task.languages:
            if not (predictions / task.file(language)).is_file():
                continue
            found, right, wrong = compared(predictions, gold, task, language)
            faults += wrong
            if not any(fault.stops for fault in wrong):
                by_language[language] = language_scores(found, right, task, language)
        scores[task.name] = _task_scores(task, by_language)
    return FolderScores(MappingProxyType(scores), tuple(faults))


def language_scores(found: Found, gold: Found, task: XtremeTask, language: str) -> list[Metric]:
    """Score one language's predictions, which ``compared`` has found whole.

    Returns:
        XTREME's metrics under ``evaluate.py``'s names, and ours.
    """
    where = f"{task.name}/{language}"
    match task.content:
        case Content.ANSWERS:
            answers, right = [found.answers.get(key) for key in gold.gold], list(gold.gold.values())
            return score_answers(answers, right, task, language=language, ids=list(gold.gold), where=where)
        case Content.TAGS:
            return _tagging([tags for _, tags in found.sentences], [tags for _, tags in gold.sentences], task, where)
        case Content.PAIRS:
            predicted, pairs = ([_pair(line) for line in side.lines] for side in (found, gold))
            return score_bitext(predicted, pairs, where=where)
        case Content.INDICES:
            chosen, places = ([int(line) for line in side.lines] for side in (found, gold))
            return score_retrieval(chosen, places, TASKS[task.name], where=where)
        case _:
            return score_labels(found.lines, gold.lines, TASKS[task.name], where=where)


def _pair(line: str) -> tuple[str, str]:
    ours, english = line.split("\t")
    return ours, english


def _tagging(predictions: list[list[str]], gold: list[list[str]], task: XtremeTask, where: str) -> list[Metric]:
    """F1 over chunks with its two parts, and token accuracy."""
    both = score_tagging(predictions, gold, TASKS[task.name], where=where)
    pairs = [(chunks(predicted), chunks(right)) for predicted, right in zip(predictions, gold, strict=True)]
    same, ours, theirs = (
        [len(predicted & right) for predicted, right in pairs],
        [len(predicted) for predicted, _ in pairs],
        [len(right) for _, right in pairs],
    )
    parts = [ratio("precision", same, ours, sum(theirs)), ratio("recall", same, theirs, sum(theirs))]
    return [*(dataclasses.replace(each, name=OURS.get(each.name, each.name)) for each in both), *parts]


def _task_scores(task: XtremeTask, by_language: Mapping[str, list[Metric]]) -> TaskScores:
    metrics: dict[str, dict[str, Metric]] = {name: {} for name in task.official}
    for language, found in by_language.items():
        for metric in found:
            metrics.setdefault(metric.name, {})[language] = metric
    missing = tuple(language for language in task.languages if language not in by_language)
    return TaskScores(task, MappingProxyType(metrics), missing)


def _metric_report(scores: TaskScores, metric: str) -> dict[str, Json]:
    languages = {
        language: {
            "value": each.value_pct,
            "standard_error": each.standard_error if each.standard_error == each.standard_error else None,
            "n": each.n,
        }
        for language, each in scores.metrics[metric].items()
    }
    return {
        "official": metric in scores.task.official,
        "mean": scores.mean(metric),
        "english": scores.english(metric),
        "others": scores.others(metric),
        "transfer_gap": scores.gap(metric),
        "languages": languages,
    }


def _mean(values: Iterable[float | None]) -> float | None:
    """The mean; nothing when a value is missing, or there are none."""
    found = list(values)
    known = [value for value in found if value is not None]
    return sum(known) / len(known) if known and len(known) == len(found) else None
