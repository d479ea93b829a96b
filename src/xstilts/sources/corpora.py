"""The corpora that the project knows by name."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from xstilts.errors import unknown
from xstilts.sources.corpus import CONVERTED, PART, Corpus, Files
from xstilts.sources.folders.corpora import IN_FOLDERS, UNKNOWN_WIKIANN


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
        licence=UNKNOWN_WIKIANN,
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
    *IN_FOLDERS,
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
        licence=UNKNOWN_WIKIANN,
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
    *(
        Corpus(
            name=f"hub-{task}",
            task=task,
            source="hub",
            repository=repository,
            branch=CONVERTED,
            licence=licence,
            files=(
                Files("default/train/*.parquet", "train", part="en"),
                Files("default/validation/*.parquet", "dev", part="en"),
            ),
            columns={"text": "context+question", "choices": choices},
            labels=labels,
        )
        for task, repository, licence, choices, labels in (
            ("cosmosqa", "allenai/cosmos_qa", "CC BY 4.0", "answer0+answer1+answer2+answer3", {}),
            ("socialiqa", "allenai/social_i_qa", "unknown", "answerA+answerB+answerC", {"1": "0", "2": "1", "3": "2"}),
        )
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
