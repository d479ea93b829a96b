"""A corpus's own rows to ours: one table with our column names, unique ids, documents, languages and splits."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from xstilts.errors import XstiltsError
from xstilts.families import family_of
from xstilts.files import Json, read_jsonl
from xstilts.sources.corpora import SPLITS, Corpus, language_of
from xstilts.sources.jsonl import corpus_files, part_and_split
from xstilts.tasks import TASKS, Family

KEYS = ("id", "part", "language", "split", "domain", "document")


def normalised_rows(corpus: Corpus, folder: Path) -> list[dict[str, Any]]:
    """Read a fetched corpus under our names.

    Args:
        corpus: its facts.
        folder: ``data/<study>/fetch/<corpus>/``.

    Returns:
        Rows with ``KEYS``, the family's input columns and its gold column. An id is ``<part>:<the source's id>``.

    Raises:
        XstiltsError: if a row lacks a column; file, line and columns are named.
    """
    task = TASKS[corpus.task]
    family = family_of(task)
    ours = {theirs: split for split, theirs in corpus.splits.items()}
    document = re.compile(corpus.document) if corpus.document else None
    rows: list[dict[str, Any]] = []
    for name, path in corpus_files(folder).items():
        part, split = part_and_split(name)
        if split not in ours:
            continue
        for line, raw in _questions(corpus, path, name) if task.family is Family.SPAN_QA else _lines(path):
            rows.append(_row(corpus, (*family.inputs, family.gold), raw, f"{name}, line {line}"))
            identity = str(raw.get("id", raw.get("idx", line - 1)))
            found = document.match(identity) if document else None
            own = str(raw.get("paragraph", identity))
            rows[-1] |= {
                "id": f"{part}:{identity}",
                "part": part,
                "language": language_of(part),
                "split": ours[split],
                "domain": raw.get("domain"),
                "document": found.group(1) if found else f"{part}:{split}:{own}",
            }
    if task.family is Family.SENTENCE_RETRIEVAL:
        _hide_alignment(rows)
    return rows


def _lines(path: Path) -> Iterator[tuple[int, Mapping[str, Json]]]:
    yield from enumerate(read_jsonl(path), 1)


def _questions(corpus: Corpus, path: Path, name: str) -> Iterator[tuple[int, Mapping[str, Json]]]:
    """The questions of a file with a paragraph a line, as SQuAD has them; a paragraph is a document."""
    for line, raw in _lines(path):
        try:
            for each in raw["qas"]:
                answers = [{"text": str(one["text"]), "start": int(one["answer_start"])} for one in each["answers"]]
                yield line, {
                    "id": each["id"], "question": each["question"], "context": raw["context"], "answers": answers,
                    "domain": raw.get("domain"), "paragraph": f"paragraph-{line}",
                }  # fmt: skip
        except (KeyError, TypeError, ValueError) as error:
            raise XstiltsError(
                f"A paragraph of corpus '{corpus.name}' is not as SQuAD has it: {error!r}",
                where=f"{name}, line {line}",
                allowed='{"context": ..., "qas": [{"id", "question", "answers": [{"text", "answer_start"}]}]}',
                next_step="correct the row",
            ) from error


def _row(corpus: Corpus, columns: tuple[str, ...], raw: Mapping[str, Json], where: str) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for column in columns:
        theirs = corpus.columns.get(column, column)
        if column == "match":
            continue
        missing = [name for name in theirs.split("+") if name not in raw]
        if missing:
            raise XstiltsError(
                f"A row of corpus '{corpus.name}' has no column '{missing[0]}'",
                where=where,
                allowed=f"columns {', '.join(corpus.columns.get(name, name) for name in columns)}",
                next_step="correct the row, or the corpus's entry in sources/corpora.py",
            )
        values = [raw[name] for name in theirs.split("+")]
        if len(values) == 1:
            row[column] = corpus.labels.get(str(values[0]), str(values[0])) if column == "label" else values[0]
        else:
            row[column] = values if column == "choices" else " ".join(map(str, values))
    return row


def _hide_alignment(rows: list[dict[str, Any]]) -> None:
    """Sort the English side of each part, as XTREME does, and keep the true places as gold."""
    for part in {row["part"] for row in rows}:
        mine = [row for row in rows if row["part"] == part]
        order = sorted(range(len(mine)), key=lambda index: (str(mine[index]["text_b"]), index))
        candidates = [mine[index]["text_b"] for index in order]
        for place, index in enumerate(order):
            mine[index]["match"] = place
        for row, candidate in zip(mine, candidates, strict=True):
            row["text_b"] = candidate


def splits_of(rows: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """(part, split) pairs that have rows, in order."""
    found = {(row["part"], row["split"]) for row in rows}
    return sorted(found, key=lambda pair: (pair[0], SPLITS.index(pair[1])))
