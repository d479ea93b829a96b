"""The corpora that are read from folders as others leave them."""

from xstilts.sources.corpus import Corpus, Files, Reader
from xstilts.tasks.supertags import OTHER


def _xtreme_files(task: str, reader: Reader) -> tuple[Files, ...]:
    """English train, and dev and test of every language, as XTREME's scripts name them."""
    return (
        Files(f"{task}/train-en.tsv", "train", part="en", reader=reader),
        Files(f"{task}/dev-{{part}}.tsv", "dev", reader=reader),
        Files(f"{task}/test-{{part}}.tsv", "test", reader=reader, gold=f"labels/{task}/test-{{part}}.tsv"),
    )


UNKNOWN_WIKIANN = "unknown (Wikipedia text CC BY-SA 3.0)"
_FROM_XTREME = (
    ("udpos", "Universal Dependencies: one licence for each treebank, several non-commercial",
     _xtreme_files("udpos", "tagging")),
    ("panx", UNKNOWN_WIKIANN, _xtreme_files("panx", "tagging")),
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

IN_FOLDERS = (
    *(
        Corpus(name=f"xtreme-{task}", task=task, source="xtreme", licence=licence, files=files)
        for task, licence, files in _FROM_XTREME
    ),
    Corpus(
        name="ccgbank",
        task="ccg",
        source="ccgbank",
        licence="restricted (LDC2005T13, LDC's user agreement)",
        document=r"^(.*)\.\d+$",
        files=(
            Files("train.auto", "train", part="en", reader="derivations"),
            Files("dev.auto", "dev", part="en", reader="derivations"),
        ),
        other=OTHER,
        note="rarer categories than the 425 are one",
    ),
)
