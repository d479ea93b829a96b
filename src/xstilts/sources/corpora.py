"""Facts about each corpus: its task, where it lies, how its columns and splits are called.

A corpus is a folder with one file for each part and split, ``<part>.<split>.jsonl.gz``; a part is a language, or a
language and a section such as ``en_gum``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from xstilts.errors import unknown

Split = Literal["train", "dev", "test"]
SPLITS: tuple[Split, ...] = ("train", "dev", "test")


@dataclass(frozen=True, slots=True)
class Corpus:
    """One corpus.

    Attributes:
        name: its folder's name below ``XSTILTS_DATA``, and its name everywhere else.
        task: whose labels it carries (a key of ``TASKS``).
        source: ``jsonl`` (a folder below ``XSTILTS_DATA``) or ``generator`` (made by this project).
        licence: what was read; "unknown" where nothing was.
        splits: our split to the corpus's own name of it.
        columns: our column to the corpus's own name of it; a column that is not named keeps its name. Names with
            ``+`` between them are put together: joined by a blank, or to the list of ``choices``.
        labels: the corpus's own label to the task's, where they differ.
        document: a regular expression on the row's id whose first group is its document; empty when every row is a
            document of its own.
        push: whether its licence lets it go to a DVC remote.
        note: what stands for an official split, where something does.
    """

    name: str
    task: str
    source: Literal["jsonl", "generator"]
    licence: str
    splits: Mapping[str, str] = field(default_factory=lambda: {split: split for split in SPLITS})
    columns: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    document: str = ""
    push: bool = False
    note: str = ""


def language_of(part: str) -> str:
    """The language of a part: ``en`` for ``en_gum``."""
    return part.split("_", 1)[0]


_ENTRIES = (
    Corpus(
        name="udpos",
        task="udpos",
        source="jsonl",
        licence="Universal Dependencies: one licence for each treebank, several non-commercial",
        note="seeded samples of the official splits; German test is UD_German-GSD alone",
    ),
    Corpus(
        name="udpos_domain",
        task="udpos",
        source="jsonl",
        licence="EWT CC BY-SA 4.0; GUM CC BY-NC-SA 4.0; PUD CC BY-SA 3.0",
        document=r"^(.*)-\d+$",
        note="not an XTREME split: English by genre, and PUD by news and wiki",
    ),
    Corpus(
        name="panx",
        task="panx",
        source="jsonl",
        licence="unknown (Wikipedia text CC BY-SA 3.0)",
        splits={"train": "train", "dev": "dev", "test": "devtest"},
        note="the second half of the official dev set stands for the test set",
    ),
    Corpus(
        name="xnli",
        task="xnli",
        source="jsonl",
        licence="CC BY-NC 4.0",
        columns={"text_a": "premise", "text_b": "hypothesis"},
    ),
    Corpus(
        name="mnli",
        task="xnli",
        source="jsonl",
        licence="OANC terms for most of it, several CC and public-domain works",
        columns={"text_a": "premise", "text_b": "hypothesis"},
    ),
    Corpus(
        name="pawsx",
        task="pawsx",
        source="jsonl",
        licence="free for any purpose, with thanks to the source",
        columns={"text_a": "sentence1", "text_b": "sentence2"},
    ),
    Corpus(
        name="amazon_mtl",
        task="sentiment",
        source="jsonl",
        licence="unknown",
        labels={"0": "negative", "1": "positive"},
    ),
    Corpus(
        name="umsab",
        task="tweet_sentiment",
        source="jsonl",
        licence="unknown",
        labels={"0": "negative", "1": "neutral", "2": "positive"},
    ),
    Corpus(
        name="xquad",
        task="xquad",
        source="jsonl",
        licence="CC BY-SA 4.0",
        note="100 of the 240 paragraphs, the same in every language",
    ),
    Corpus(
        name="mlqa",
        task="mlqa",
        source="jsonl",
        licence="CC BY-SA 3.0",
        splits={"test": "dev"},
        note="the official dev set stands for the test set",
    ),
    Corpus(
        name="tydiqa",
        task="tydiqa",
        source="jsonl",
        licence="Apache-2.0 (Wikipedia text CC BY-SA 3.0)",
        splits={"train": "train", "test": "dev"},
        note="samples; what XTREME calls the test set is the official dev set",
    ),
    Corpus(
        name="squadshifts",
        task="xquad",
        source="jsonl",
        licence="unknown",
        splits={"train": "train", "dev": "heldout"},
        note="published as test sets; stands for SQuAD v1.1 as English training data",
    ),
    Corpus(name="subjqa", task="xquad", source="jsonl", licence="unknown"),
    Corpus(
        name="xcopa",
        task="xcopa",
        source="jsonl",
        licence="CC BY 4.0",
        columns={"text": "premise+question", "choices": "choice1+choice2"},
    ),
    Corpus(
        name="cosmosqa",
        task="cosmosqa",
        source="jsonl",
        licence="CC BY 4.0",
        splits={"train": "valid"},
        columns={"text": "context+question"},
        note="a third of the official dev set",
    ),
    Corpus(
        name="stsb",
        task="stsb",
        source="jsonl",
        licence="restricted (research)",
        columns={"text_a": "sentence1", "text_b": "sentence2"},
        note="translations are made by machine",
    ),
    Corpus(name="sib200", task="topic", source="jsonl", licence="CC BY-SA 4.0 (text)"),
    Corpus(
        name="tatoeba",
        task="tatoeba",
        source="jsonl",
        licence="CC BY 2.0 FR",
        columns={"text_a": "sentence", "text_b": "english"},
    ),
    *(
        Corpus(
            name=name,
            task=task,
            source="generator",
            licence="Apache-2.0 (made by this project)",
            document=r"^(.*)-\d+$",
            push=True,
            note="synthetic text",
        )
        for name, task in (
            ("synthetic-reviews", "sentiment"),
            ("synthetic-reviews-fixed", "sentiment"),
            ("synthetic-tags", "udpos"),
            ("synthetic-parallel", "tatoeba"),
            ("synthetic-entities", "panx"),
        )
    ),
)


def _registry(entries: Iterable[Corpus]) -> Mapping[str, Corpus]:
    found: dict[str, Corpus] = {}
    for entry in entries:
        if entry.name in found:
            raise ValueError(f"corpus {entry.name!r} is registered twice")
        found[entry.name] = entry
    return MappingProxyType(found)


CORPORA: Mapping[str, Corpus] = _registry(_ENTRIES)


def corpus_named(name: str, *, where: str = "") -> Corpus:
    """Look a corpus up; an unknown name is answered with the nearest known one."""
    if name not in CORPORA:
        raise unknown("corpus", name, CORPORA, where=where)
    return CORPORA[name]
