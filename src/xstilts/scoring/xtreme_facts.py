"""What XTREME's evaluator wants of each task: languages, files, metrics.

All is that of ``evaluate.py`` in google-research/xtreme at 838c13b.
A folder of predictions or gold has ``<task>/test-<language>.<extension>``, 162 files in all.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from xstilts.tasks import TASKS


class Group(enum.StrEnum):
    """The four groups whose means XTREME gives."""

    SENTENCE_PAIR = "sentence-pair"
    STRUCTURED = "structured"
    QA = "QA"
    RETRIEVAL = "retrieval"

    @property
    def key(self) -> str:
        """The group's name in ``evaluate.py``."""
        return {"sentence-pair": "classification", "structured": "tagging", "QA": "qa"}.get(self.value, self.value)


class Content(enum.Enum):
    """What stands in a task's files."""

    LABELS = "one label a line"
    INDICES = "one index a line, from 0, into the sorted English sentences"
    TAGS = "one tag a line, an empty line between sentences"
    PAIRS = "xx-000000001<TAB>en-000000002, one pair a line"
    ANSWERS = "one JSON object, question id to answer"


@dataclass(frozen=True, slots=True)
class XtremeTask:
    """One of the nine tasks.

    Attributes:
        name: XTREME's key, and the name of its folder.
        group: whose mean it enters.
        languages: in ``evaluate.py``'s order.
        content: of its files.
        labels: what a line may say; empty where there are no labels.
        official: the metrics that ``evaluate.py`` gives.
        main: the metrics whose mean over languages is the task's score; of two, their mean.
    """

    name: str
    group: Group
    languages: tuple[str, ...]
    content: Content
    labels: tuple[str, ...]
    official: tuple[str, ...]
    main: tuple[str, ...]

    @property
    def extension(self) -> str:
        """Without its dot."""
        return "json" if self.content is Content.ANSWERS else "tsv"

    def file(self, language: str) -> str:
        """A language's file, from the folder of all tasks."""
        return f"{self.name}/test-{language}.{self.extension}"


def _known(name: str, group: Group, content: Content, official: str) -> XtremeTask:
    """A task whose languages and labels stand in its fact sheet."""
    task, metrics = TASKS[name], tuple(official.split())
    if content is Content.ANSWERS:
        return XtremeTask(name, group, task.languages, content, (), metrics, metrics)
    return XtremeTask(name, group, task.languages, content, task.labels, metrics, metrics[:1])


_PARTS = ("f1", "precision", "recall")
XTREME: Mapping[str, XtremeTask] = MappingProxyType(
    {
        task.name: task
        for task in (
            _known("pawsx", Group.SENTENCE_PAIR, Content.LABELS, "accuracy"),
            _known("xnli", Group.SENTENCE_PAIR, Content.LABELS, "accuracy"),
            _known("panx", Group.STRUCTURED, Content.TAGS, "f1 precision recall"),
            _known("udpos", Group.STRUCTURED, Content.TAGS, "f1 precision recall"),
            XtremeTask("bucc2018", Group.RETRIEVAL, TASKS["bucc2018"].languages, Content.PAIRS, (), _PARTS, ("f1",)),
            _known("tatoeba", Group.RETRIEVAL, Content.INDICES, "accuracy"),
            _known("xquad", Group.QA, Content.ANSWERS, "exact_match f1"),
            _known("mlqa", Group.QA, Content.ANSWERS, "exact_match f1"),
            _known("tydiqa", Group.QA, Content.ANSWERS, "exact_match f1"),
        )
    }
)
FILES: tuple[str, ...] = tuple(task.file(language) for task in XTREME.values() for language in task.languages)
"""All 162, in ``evaluate.py``'s order."""
