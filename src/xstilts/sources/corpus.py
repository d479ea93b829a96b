"""What is known of a corpus: its task, where it lies, how its columns and splits are called.

A fetched corpus is a folder with one file for each part and split, ``<part>.<split>.jsonl.gz``; a part is a language,
or a language and a section such as ``en_gum``.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

Split = Literal["train", "dev", "test"]
SPLITS: tuple[Split, ...] = ("train", "dev", "test")
PART = "{part}"
Reader = Literal["tagging", "pairs", "questions", "retrieval", "sentences", "gold_pairs", "derivations"]


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


CONVERTED = "refs/convert/parquet"


@dataclass(frozen=True, slots=True)
class Corpus:
    """One corpus.

    Attributes:
        name: its folder's name below ``XSTILTS_DATA``, and its name everywhere else.
        task: whose labels it carries (a key of ``TASKS``).
        source: ``jsonl`` (a folder below ``XSTILTS_DATA``), ``xtreme`` (the folder that XTREME's download script
            leaves, as ``XSTILTS_DATA/xtreme``), ``ccgbank`` (files of CCGbank, in ``XSTILTS_DATA/ccgbank``), ``hub``
            (files of a data set repository), or ``generator`` (made by this project).
        licence: what was read; "unknown" where nothing was.
        splits: our split to the corpus's own name of it.
        columns: our column to the corpus's own name of it, dotted inside a nested one (``answers.text``); a column that
            is not named keeps its name. Names with ``+`` between them are put together: joined by a blank, or to the
            list of ``choices``.
        labels: the corpus's own label or tag to the task's, where they differ.
        other: the task's label for every tag that is none of its labels; without one such a tag is an error.
        document: a regular expression on the row's id whose first group is its document; empty when every row is a
            document of its own.
        push: whether its licence lets it go to a DVC remote.
        note: what stands for an official split, where something does.
        repository: ``owner/name`` on the hub.
        branch: of the repository, when it is not the main one. ``CONVERTED`` is the branch on which the hub keeps data
            that it made of a repository whose own files are a script.
        files: where its files are, on the hub or in its source's folder.
        parts: the source's name of a part to ours; empty when they are the same and all are wanted.
    """

    name: str
    task: str
    source: Literal["jsonl", "generator", "hub", "xtreme", "ccgbank"]
    licence: str
    splits: Mapping[str, str] = field(default_factory=lambda: {split: split for split in SPLITS})
    columns: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    other: str = ""
    document: str = ""
    push: bool = False
    note: str = ""
    repository: str = ""
    branch: str = ""
    files: tuple[Files, ...] = ()
    parts: Mapping[str, str] = field(default_factory=dict)


def language_of(part: str) -> str:
    """The language of a part: ``en`` for ``en_gum``, ``zh`` for the bitext ``zh-en``."""
    return part.split("_", 1)[0].removesuffix("-en")
