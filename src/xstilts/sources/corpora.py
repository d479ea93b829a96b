"""Facts about each corpus: its task, where it lies, how its columns and splits are called.

A fetched corpus is a folder with one file for each part and split, ``<part>.<split>.jsonl.gz``; a part is a language,
or a language and a section such as ``en_gum``.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from xstilts.errors import unknown

Split = Literal["train", "dev", "test"]
SPLITS: tuple[Split, ...] = ("train", "dev", "test")
PART = "{part}"
Reader = Literal["tagging", "pairs", "questions", "retrieval", "sentences", "gold_pairs"]


@dataclass(frozen=True, slots=True)
class Files:
    """Files of a source that become one split.

    Attributes:
        pattern: path inside the source; ``{part}`` stands for the part, ``*`` for anything inside one name.
        split: ours.
        part: the part that they become; ``{part}`` stands for what the pattern found.
        reader: their format, in a folder that XTREME's scripts left; hub files tell it by their name.
        gold: the file that holds the labels, where the files themselves have none; ``{part}`` as above.
        beside: a second file that belongs to each.
    """

    pattern: str
    split: Split
    part: str = PART
    reader: Reader = "pairs"
    gold: str = ""
    beside: str = ""

    def found(self, paths: Iterable[str], parts: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
        """Match paths.

        Args:
            paths: in the source.
            parts: the source's name of a part to ours; empty when they are the same and all are wanted.

        Yields:
            Path, the source's part, and ours.
        """
        expression, known = "", False
        for piece in re.split(r"(\{part\}|\*)", self.pattern):
            if piece == PART:
                expression += "(?P=part)" if known else "(?P<part>[A-Za-z0-9_-]+)"
                known = True
            else:
                expression += "[^/]*" if piece == "*" else re.escape(piece)
        for path in sorted(paths):
            match = re.fullmatch(expression, path)
            theirs = match["part"] if match and known else ""
            if match and (not parts or not known or theirs in parts):
                yield path, theirs, self.part.replace(PART, parts.get(theirs, theirs))


@dataclass(frozen=True, slots=True)
class Corpus:
    """One corpus.

    Attributes:
        name: its folder's name below ``XSTILTS_DATA``, and its name everywhere else.
        task: whose labels it carries (a key of ``TASKS``).
        source: ``jsonl`` (a folder below ``XSTILTS_DATA``), ``xtreme`` (the folder that XTREME's download script
            leaves, as ``XSTILTS_DATA/xtreme``), ``hub`` (files of a data set repository), or ``generator`` (made by
            this project).
        licence: what was read; "unknown" where nothing was.
        splits: our split to the corpus's own name of it.
        columns: our column to the corpus's own name of it, dotted inside a nested one (``answers.text``); a column that
            is not named keeps its name. Names with ``+`` between them are put together: joined by a blank, or to the
            list of ``choices``.
        labels: the corpus's own label or tag to the task's, where they differ.
        document: a regular expression on the row's id whose first group is its document; empty when every row is a
            document of its own.
        push: whether its licence lets it go to a DVC remote.
        note: what stands for an official split, where something does.
        repository: ``owner/name`` on the hub.
        files: where its files are, on the hub or in XTREME's folder.
        parts: the source's name of a part to ours; empty when they are the same and all are wanted.
    """

    name: str
    task: str
    source: Literal["jsonl", "generator", "hub", "xtreme"]
    licence: str
    splits: Mapping[str, str] = field(default_factory=lambda: {split: split for split in SPLITS})
    columns: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    document: str = ""
    push: bool = False
    note: str = ""
    repository: str = ""
    files: tuple[Files, ...] = ()
    parts: Mapping[str, str] = field(default_factory=dict)


def language_of(part: str) -> str:
    """The language of a part: ``en`` for ``en_gum``, ``zh`` for the bitext ``zh-en``."""
    return part.split("_", 1)[0].removesuffix("-en")


def _same(names: str) -> dict[str, str]:
    return {name: name for name in names.split()}


def _hub_files(folder: str) -> tuple[Files, ...]:
    """English train, and dev and test of every part, as repositories that were converted to Parquet have them."""
    return (
        Files(f"{folder.replace(PART, 'en')}/train-*.parquet", "train", part="en"),
        Files(f"{folder}/validation-*.parquet", "dev"),
        Files(f"{folder}/test-*.parquet", "test"),
    )


def _english_files(folder: str, held_out: str = "validation", train: str = "train") -> tuple[Files, ...]:
    """English train and dev of a repository that was converted to Parquet."""
    return (
        Files(f"{folder}/{train}-*.parquet", "train", part="en"),
        Files(f"{folder}/{held_out}-*.parquet", "dev", part="en"),
    )


def _xtreme_files(task: str, reader: Reader) -> tuple[Files, ...]:
    """English train, and dev and test of every language, as XTREME's scripts name them."""
    return (
        Files(f"{task}/train-en.tsv", "train", part="en", reader=reader),
        Files(f"{task}/dev-{{part}}.tsv", "dev", reader=reader),
        Files(f"{task}/test-{{part}}.tsv", "test", reader=reader, gold=f"labels/{task}/test-{{part}}.tsv"),
    )


_OF_TYPE = {
    "PER": "person politician researcher scientist writer musicalartist",
    "ORG": "organisation university politicalparty band",
    "LOC": "location country",
    "": "academicjournal album algorithm astronomicalobject award book chemicalcompound chemicalelement conference "
    "discipline election enzyme event field literarygenre magazine metrics misc musicalinstrument musicgenre poem "
    "product programlang protein song task theory",
}
_CROSSNER = {
    f"{mark}-{name}": f"{mark}-{kind}" if kind else "O"
    for kind, names in _OF_TYPE.items()
    for name in names.split()
    for mark in "BI"
}
_UNKNOWN_WIKIANN = "unknown (Wikipedia text CC BY-SA 3.0)"
_FROM_XTREME = (
    ("udpos", "Universal Dependencies: one licence for each treebank, several non-commercial",
     _xtreme_files("udpos", "tagging")),
    ("panx", _UNKNOWN_WIKIANN, _xtreme_files("panx", "tagging")),
    ("xnli", "CC BY-NC 4.0", _xtreme_files("xnli", "pairs")),
    ("pawsx", "free for any purpose, with thanks to the source", _xtreme_files("pawsx", "pairs")),
    ("xquad", "CC BY-SA 4.0",
     (Files("squad/train-v1.1.json", "train", part="en", reader="questions"),
      Files("xquad/xquad.{part}.json", "test", reader="questions", gold="labels/xquad/test-{part}.json"))),
    ("mlqa", "CC BY-SA 3.0",
     (Files("squad/train-v1.1.json", "train", part="en", reader="questions"),
      Files("mlqa/MLQA_V1/dev/dev-context-{part}-question-{part}.json", "dev", reader="questions"),
      Files("mlqa/MLQA_V1/test/test-context-{part}-question-{part}.json", "test", reader="questions",
            gold="labels/mlqa/test-{part}.json"))),
    ("tydiqa", "Apache-2.0 (Wikipedia text CC BY-SA 3.0)",
     (Files("tydiqa/tydiqa-goldp-v1.1-train/tydiqa.goldp.en.train.json", "train", part="en", reader="questions"),
      Files("tydiqa/tydiqa-goldp-v1.1-dev/tydiqa.goldp.{part}.dev.json", "test", reader="questions",
            gold="labels/tydiqa/test-{part}.json"))),
    ("tatoeba", "CC BY 2.0 FR",
     (Files("tatoeba/{part}-en.{part}", "test", reader="retrieval", beside="tatoeba/{part}-en.en",
            gold="labels/tatoeba/test-{part}.tsv"),)),
    ("bucc2018", "unknown (for research)",
     (*(Files(f"bucc2018/{{part}}-en.{split}.{side}", split, part=f"{{part}}-en_{part}", reader="sentences")
        for split in ("dev", "test") for side, part in (("{part}", "{part}"), ("en", "en"))),
      Files("bucc2018/{part}-en.dev.gold", "dev", part="{part}-en_gold", reader="gold_pairs"),
      Files("labels/bucc2018/test-{part}.tsv", "test", part="{part}-en_gold", reader="gold_pairs"))),
)  # fmt: skip

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
        licence=_UNKNOWN_WIKIANN,
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
    Corpus(name="clinc150", task="intent", source="jsonl", licence="CC BY 3.0", note="out-of-scope rows left out"),
    Corpus(
        name="crossner",
        task="panx",
        source="jsonl",
        licence="MIT (Wikipedia text CC BY-SA)",
        labels=_CROSSNER,
        note="fine types as WikiANN's: person, organisation and location; all others are no entity",
    ),
    Corpus(name="sib200", task="topic", source="jsonl", licence="CC BY-SA 4.0 (text)"),
    Corpus(
        name="bucc",
        task="bucc2018",
        source="jsonl",
        licence="unknown (for research)",
        splits={"test": "dev"},
        note="the official dev set stands for the test set; the threshold of each half comes from the other half",
    ),
    Corpus(
        name="tatoeba",
        task="tatoeba",
        source="jsonl",
        licence="CC BY 2.0 FR",
        columns={"text_a": "sentence", "text_b": "english"},
    ),
    *(
        Corpus(name=f"xtreme-{task}", task=task, source="xtreme", licence=licence, files=files)
        for task, licence, files in _FROM_XTREME
    ),
    Corpus(
        name="hub-xnli",
        task="xnli",
        source="hub",
        repository="facebook/xnli",
        licence="CC BY-NC 4.0",
        files=_hub_files("{part}"),
        parts=_same("ar bg de el en es fr hi ru sw th tr ur vi zh"),
        columns={"text_a": "premise", "text_b": "hypothesis"},
    ),
    Corpus(
        name="hub-pawsx",
        task="pawsx",
        source="hub",
        repository="google-research-datasets/paws-x",
        licence="free for any purpose, with thanks to the source",
        files=_hub_files("{part}"),
        parts=_same("de en es fr ja ko zh"),
        columns={"text_a": "sentence1", "text_b": "sentence2"},
    ),
    Corpus(
        name="hub-panx",
        task="panx",
        source="hub",
        repository="google/xtreme",
        licence=_UNKNOWN_WIKIANN,
        files=_hub_files("PAN-X.{part}"),
        columns={"tags": "ner_tags"},
    ),
    Corpus(
        name="hub-mnli",
        task="xnli",
        source="hub",
        repository="nyu-mll/multi_nli",
        licence="OANC terms for most of it, several CC and public-domain works",
        files=_english_files("data", "validation_matched"),
        columns={"text_a": "premise", "text_b": "hypothesis", "domain": "genre"},
        note="English alone, by genre; the matched development set",
    ),
    Corpus(
        name="hub-anli",
        task="xnli",
        source="hub",
        repository="facebook/anli",
        licence="CC BY-NC 4.0",
        files=tuple(
            files
            for number in (1, 2, 3)
            for files in _english_files("plain_text", f"dev_r{number}", f"train_r{number}")
        ),
        columns={"text_a": "premise", "text_b": "hypothesis"},
        note="all three rounds",
    ),
    Corpus(
        name="hub-qqp",
        task="pawsx",
        source="hub",
        repository="nyu-mll/glue",
        licence="unknown (Quora's terms)",
        files=_english_files("qqp"),
        columns={"text_a": "question1", "text_b": "question2"},
        labels={"not_duplicate": "0", "duplicate": "1"},
    ),
    Corpus(
        name="hub-sst2",
        task="sentiment",
        source="hub",
        repository="nyu-mll/glue",
        licence="unknown",
        files=_english_files("sst2"),
        columns={"text": "sentence"},
    ),
    Corpus(
        name="hub-squad",
        task="xquad",
        source="hub",
        repository="rajpurkar/squad",
        licence="CC BY-SA 4.0",
        files=_english_files("plain_text"),
        note="SQuAD v1.1; XQuAD's paragraphs are from its development set",
    ),
    Corpus(
        name="hub-squad-v2",
        task="squad_v2",
        source="hub",
        repository="rajpurkar/squad_v2",
        licence="CC BY-SA 4.0",
        files=_english_files("squad_v2"),
        note="a third of the questions has no answer; its answerable ones are those of SQuAD v1.1",
    ),
    Corpus(
        name="hub-hellaswag",
        task="hellaswag",
        source="hub",
        repository="Rowan/hellaswag",
        licence="MIT",
        files=_english_files("data"),
        columns={"text": "ctx", "choices": "endings"},
    ),
    Corpus(
        name="hub-commonsenseqa",
        task="commonsenseqa",
        source="hub",
        repository="tau/commonsense_qa",
        licence="MIT",
        files=_english_files("data"),
        columns={"text": "question", "choices": "choices.text", "label": "answerKey"},
        labels={"A": "0", "B": "1", "C": "2", "D": "3", "E": "4"},
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
