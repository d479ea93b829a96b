"""The fact sheets of the tasks.

Languages and their order are those of XTREME's ``evaluate.py`` (google-research/xtreme at 838c13b). A label's
place in ``labels`` is its class id.
"""

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from xstilts.errors import unknown


class Family(enum.StrEnum):
    """What kind of input a task has and what is predicted for it."""

    TOKEN_TAGGING = "token_tagging"
    PAIR_CLASSIFICATION = "pair_classification"
    SENTENCE_CLASSIFICATION = "sentence_classification"
    SENTENCE_RETRIEVAL = "sentence_retrieval"
    BITEXT_MINING = "bitext_mining"
    SPAN_QA = "span_qa"
    MULTIPLE_CHOICE = "multiple_choice"
    PAIR_REGRESSION = "pair_regression"

    @property
    def trained(self) -> bool:
        """Whether its tasks are trained on; sentences that are compared are embedded as they are."""
        return self not in (Family.SENTENCE_RETRIEVAL, Family.BITEXT_MINING)


@dataclass(frozen=True, slots=True)
class Task:
    """One task's facts.

    Attributes:
        name: the field's name for it; XTREME's own key where it is one of its nine tasks.
        family: decides input columns, head, loss and metrics.
        languages: every language that XTREME scores, ISO 639-1.
        labels: class names; the index is the class id. Empty for retrieval; the ends of the range for regression.
        main_metric: the metric of the headline, in percent.
        version: raised when any score could change.
        in_xtreme: whether it is one of XTREME's nine tasks.
        kind: tasks of one kind predict the same sort of label; an arm and a target of one kind are "same-task".
    """

    name: str
    family: Family
    languages: tuple[str, ...]
    labels: tuple[str, ...]
    main_metric: str
    version: int
    in_xtreme: bool
    kind: str


def _languages(text: str) -> tuple[str, ...]:
    return tuple(text.split())


UPOS = (
    "ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN", "NUM", "PART", "PRON", "PROPN", "PUNCT", "SCONJ",
    "SYM", "VERB", "X",
)  # fmt: skip
WIKIANN = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC")

_ENTRIES = (
    Task(
        name="xnli",
        family=Family.PAIR_CLASSIFICATION,
        languages=_languages("ar bg de el en es fr hi ru sw th tr ur vi zh"),
        labels=("contradiction", "entailment", "neutral"),
        main_metric="accuracy",
        version=1,
        in_xtreme=True,
        kind="natural language inference",
    ),
    Task(
        name="pawsx",
        family=Family.PAIR_CLASSIFICATION,
        languages=_languages("de en es fr ja ko zh"),
        labels=("0", "1"),
        main_metric="accuracy",
        version=1,
        in_xtreme=True,
        kind="paraphrase identification",
    ),
    Task(
        name="udpos",
        family=Family.TOKEN_TAGGING,
        languages=_languages(
            "af ar bg de el en es et eu fa fi fr he hi hu id it ja kk ko mr nl pt ru ta te th tl tr ur vi yo zh"
        ),
        labels=UPOS,
        main_metric="token_accuracy",
        version=1,
        in_xtreme=True,
        kind="part-of-speech tagging",
    ),
    Task(
        name="panx",
        family=Family.TOKEN_TAGGING,
        languages=_languages(
            "ar he vi id jv ms tl eu ml ta te af nl en de el bn hi mr ur fa fr it pt es bg ru ja ka ko th sw yo my "
            "zh kk tr et fi hu"
        ),
        labels=WIKIANN,
        main_metric="span_f1",
        version=1,
        in_xtreme=True,
        kind="named-entity recognition",
    ),
    Task(
        name="tatoeba",
        family=Family.SENTENCE_RETRIEVAL,
        languages=_languages(
            "ar he vi id jv tl eu ml ta te af nl de el bn hi mr ur fa fr it pt es bg ru ja ka ko th sw zh kk tr et "
            "fi hu"
        ),
        labels=(),
        main_metric="accuracy",
        version=1,
        in_xtreme=True,
        kind="sentence retrieval",
    ),
    Task(
        name="bucc2018",
        family=Family.BITEXT_MINING,
        languages=_languages("de fr ru zh"),
        labels=(),
        main_metric="f1",
        version=1,
        in_xtreme=True,
        kind="bitext mining",
    ),
    *(
        Task(
            name=name,
            family=Family.SPAN_QA,
            languages=_languages(languages),
            labels=("start", "end"),
            main_metric="f1",
            version=1,
            in_xtreme=True,
            kind="extractive question answering",
        )
        for name, languages in (
            ("xquad", "en es de el ru tr ar vi th zh hi"),
            ("mlqa", "en es de ar hi vi zh"),
            ("tydiqa", "en ar bn fi id ko ru sw te"),
        )
    ),
    Task(
        name="sentiment",
        family=Family.SENTENCE_CLASSIFICATION,
        languages=_languages("de en es fr"),
        labels=("negative", "positive"),
        main_metric="accuracy",
        version=1,
        in_xtreme=False,
        kind="sentiment",
    ),
    Task(
        name="tweet_sentiment",
        family=Family.SENTENCE_CLASSIFICATION,
        languages=_languages("ar de en es fr hi"),
        labels=("negative", "neutral", "positive"),
        main_metric="accuracy",
        version=1,
        in_xtreme=False,
        kind="sentiment",
    ),
    Task(
        name="topic",
        family=Family.SENTENCE_CLASSIFICATION,
        languages=_languages("ar de el en es fi fr he hi hu id it ja ko ru sw ta te th tr ur vi yo zh"),
        labels=(
            "entertainment",
            "geography",
            "health",
            "politics",
            "science/technology",
            "sports",
            "travel",
        ),
        main_metric="accuracy",
        version=1,
        in_xtreme=False,
        kind="topic classification",
    ),
    *(
        Task(
            name=name,
            family=Family.MULTIPLE_CHOICE,
            languages=_languages(languages),
            labels=tuple(str(place) for place in range(choices)),
            main_metric="accuracy",
            version=1,
            in_xtreme=False,
            kind="commonsense reasoning",
        )
        for name, languages, choices in (
            ("xcopa", "en et ht id it qu sw ta th tr vi zh", 2),
            ("cosmosqa", "en", 4),
            ("hellaswag", "en", 4),
            ("commonsenseqa", "en", 5),
            ("socialiqa", "en", 3),
        )
    ),
    Task(
        name="stsb",
        family=Family.PAIR_REGRESSION,
        languages=_languages("de en es fr it ja ko nl pl pt ru zh"),
        labels=("0", "5"),
        main_metric="spearman",
        version=1,
        in_xtreme=False,
        kind="semantic similarity",
    ),
    Task(
        name="word_order",
        family=Family.SENTENCE_CLASSIFICATION,
        languages=("en",),
        labels=("real", "shuffled"),
        main_metric="accuracy",
        version=1,
        in_xtreme=False,
        kind="word-order control",
    ),
)


def _registry(entries: Iterable[Task]) -> Mapping[str, Task]:
    found: dict[str, Task] = {}
    for entry in entries:
        if entry.name in found:
            raise ValueError(f"task {entry.name!r} is registered twice")
        found[entry.name] = entry
    return MappingProxyType(found)


TASKS: Mapping[str, Task] = _registry(_ENTRIES)


def task_named(name: str, *, where: str = "") -> Task:
    """Look a task up; an unknown name is answered with the nearest known one."""
    if name not in TASKS:
        raise unknown("task", name, TASKS, where=where)
    return TASKS[name]
