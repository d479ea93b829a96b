"""A corpus's own rows to ours: one table with our column names, unique ids, documents, languages and splits."""

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from xstilts.errors import XstiltsError
from xstilts.families import family_of
from xstilts.files import Json, read_jsonl
from xstilts.sources.corpus import SPLITS, Corpus, language_of
from xstilts.sources.jsonl import corpus_files, part_and_split
from xstilts.tasks import Family, task_named

_MISSING = object()
KEYS = ("id", "part", "language", "split", "domain", "document")


def normalised_rows(corpus: Corpus, folder: Path) -> list[dict[str, Any]]:
    """Read a fetched corpus under our names.

    Args:
        corpus: its facts.
        folder: ``data/<study>/fetch/<corpus>/``.

    Returns:
        Rows with ``KEYS``, the family's input columns and its gold column. An id is ``<part>:<the source's id>``, or
        ``<part>.<split>:<the source's id>`` of a bitext.

    Raises:
        XstiltsError: if a row lacks a column; file, line and columns are named.
    """
    task = task_named(corpus.task, where=f"sources/corpora.py, {corpus.name}")
    if task.family is Family.BITEXT_MINING:
        return list(_bitexts(corpus, folder))
    family = family_of(task)
    ours = {theirs: split for split, theirs in corpus.splits.items()}
    document = re.compile(corpus.document) if corpus.document else None
    known = frozenset(task.labels)
    rows: list[dict[str, Any]] = []
    for name, path in corpus_files(folder).items():
        part, split = part_and_split(name)
        if split not in ours:
            continue
        for line, raw in _questions(corpus, path, name) if task.family is Family.SPAN_QA else _lines(path):
            rows.append(_row(corpus, (*family.inputs, family.gold), raw, f"{name}, line {line}", known))
            identity = str(raw["id"]) if "id" in raw else f"{ours[split]}-{raw.get('idx', line - 1)}"
            found = document.match(identity) if document else None
            own = str(raw.get("paragraph", identity))
            rows[-1] |= {
                "id": f"{part}:{identity}",
                "part": part,
                "language": language_of(part),
                "split": ours[split],
                "domain": raw.get(corpus.columns.get("domain", "domain")),
                "document": found.group(1) if found else f"{part}:{split}:{own}",
            }
    if task.family is Family.SENTENCE_RETRIEVAL:
        _hide_alignment(rows)
    return rows


def _lines(path: Path) -> Iterator[tuple[int, Mapping[str, Json]]]:
    yield from enumerate(read_jsonl(path), 1)


def _questions(corpus: Corpus, path: Path, name: str) -> Iterator[tuple[int, Mapping[str, Json]]]:
    """The questions of a file with a paragraph a line, as SQuAD has them, or with a question a line.

    A document is a paragraph: all questions on one context.
    """
    for line, raw in _lines(path):
        try:
            for each in raw.get("qas", [raw]):
                if "answer_starts" in each:
                    answers = list(zip(each["answers"], each["answer_starts"], strict=True))
                elif isinstance(each["answers"], dict):
                    answers = list(zip(each["answers"]["text"], each["answers"]["answer_start"], strict=True))
                else:
                    answers = [(one["text"], one["answer_start"]) for one in each["answers"]]
                yield (
                    line,
                    {
                        "id": each["id"],
                        "question": each["question"],
                        "context": raw["context"],
                        "answers": [{"text": str(text), "start": int(start)} for text, start in answers],
                        "domain": raw.get("domain"),
                        "paragraph": hashlib.sha256(str(raw["context"]).encode()).hexdigest()[:16],
                    },
                )
        except (KeyError, TypeError, ValueError) as error:
            raise XstiltsError(
                f"A row of corpus '{corpus.name}' holds no questions: {error!r}",
                where=f"{name}, line {line}",
                allowed='{"context", "qas": [{"id", "question", "answers": [{"text", "answer_start"}]}]}, or a '
                'question a line: {"id", "context", "question", "answers", "answer_starts"}',
                next_step="correct the row",
            ) from error


def _bitexts(corpus: Corpus, folder: Path) -> Iterator[dict[str, Any]]:
    """The sentences of both sides of each bitext, with the gold pairs at the sentences in the language.

    A bitext ``zh-en`` has three files a split: ``zh-en_zh``, ``zh-en_en`` and ``zh-en_gold``. Where a language has dev
    pairs beside its test pairs, those fit the threshold. Both splits number their sentences from one on, so that an id
    has its split in it.
    """
    files = corpus_files(folder)
    ours = {theirs: split for split, theirs in corpus.splits.items()}
    found = {(*part_and_split(name)[0].rpartition("_")[::2], part_and_split(name)[1]): name for name in files}
    for part, theirs in sorted({(part, split) for part, _, split in found if split in ours}):
        language, split = part.split("-")[0], ours[theirs]
        gold: dict[str, list[str]] = {}
        pairs = found.get((part, "gold", theirs))
        for line, raw in _lines(files[pairs]) if pairs else ():
            row = _columns(corpus, raw, (language, "en"), f"{pairs}, line {line}")
            gold.setdefault(row[language], []).append(row["en"])
        fits = split != "test" and (part, "gold", corpus.splits.get("test")) in found
        for side, column in (("source", language), ("english", "en")):
            name = found.get((part, column, theirs))
            if name is None or pairs is None:
                raise XstiltsError(
                    f"Corpus '{corpus.name}' has no file {part}_{column if pairs else 'gold'}.{theirs}.jsonl",
                    where=str(folder.name),
                    allowed=f"{part}_{language}, {part}_en and {part}_gold for each split",
                    next_step="fetch the corpus again, or remove what is left of that split",
                )
            for line, raw in _lines(files[name]):
                row = _columns(corpus, raw, ("id", "sentence"), f"{name}, line {line}")
                yield {
                    "id": f"{part}.{split}:{row['id']}",
                    "part": part,
                    "language": language,
                    "split": split,
                    "domain": None,
                    "document": f"{part}:{theirs}:{row['id']}",
                    "text": row["sentence"],
                    "sentence_id": row["id"],
                    "side": side,
                    "bitext": split,
                    "pairs": {
                        "english": gold.get(row["id"], []) if side == "source" else [],
                        "use": "threshold" if fits else "score",
                    },
                }


def _columns(corpus: Corpus, raw: Mapping[str, Json], names: tuple[str, ...], where: str) -> dict[str, Any]:
    missing = [name for name in names if not isinstance(raw.get(name), str)]
    if missing:
        raise XstiltsError(
            f"A row of corpus '{corpus.name}' has no text in column '{missing[0]}'",
            where=where,
            allowed=f"columns {', '.join(names)}",
            next_step="correct the row",
        )
    return {name: raw[name] for name in names}


def _row(
    corpus: Corpus, columns: tuple[str, ...], raw: Mapping[str, Json], where: str, known: Collection[str]
) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for column in columns:
        theirs = corpus.columns.get(column, column)
        if column == "match":
            continue
        values = [_value(raw, name) for name in theirs.split("+")]
        if _MISSING in values:
            missing = theirs.split("+")[values.index(_MISSING)]
            raise XstiltsError(
                f"A row of corpus '{corpus.name}' has no column '{missing}'",
                where=where,
                allowed=f"columns {', '.join(corpus.columns.get(name, name) for name in columns)}",
                next_step="correct the row, or the corpus's entry in sources/corpora.py",
            )
        if len(values) > 1:
            row[column] = values if column == "choices" else " ".join(map(str, values))
            continue
        value = values[0]
        if column == "label":
            value = corpus.labels.get(str(value), str(value))
        elif column == "tags" and (corpus.labels or corpus.other) and isinstance(value, list):
            tags = [corpus.labels.get(str(tag), str(tag)) for tag in value]
            value = [corpus.other if corpus.other and tag not in known else tag for tag in tags]
        row[column] = value
    return row


def _value(raw: Mapping[str, Json], name: str) -> Json:
    """A column's value; dots go into nested ones."""
    value: Json = raw
    for key in [name] if name in raw else name.split("."):
        if not isinstance(value, dict) or key not in value:
            return _MISSING
        value = value[key]
    return value


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
