"""One reader for each format of XTREME's folder and of CCGbank: files to rows, and nothing is skipped.

XTREME takes the labels out of its test files. They are looked for in a second file, in the form that its
``evaluate.py`` reads: a label a line, with blank lines between sentences for tags; an index a line for Tatoeba; SQuAD's
JSON for questions. Where there is one, it is the gold. Text without labels, or with one label throughout, is refused.
"""

import csv
import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from xstilts.errors import XstiltsError
from xstilts.files import Json
from xstilts.sources.corpus import Reader

Rows = list[dict[str, Any]]


def bad_line(path: Path, line: int, what: str, allowed: str) -> XstiltsError:
    """The error for a line that is not of its format."""
    return XstiltsError(
        what, where=f"{path}, line {line}", allowed=allowed, next_step="copy the file again, or mend the line"
    )


def without_gold(path: Path, what: str) -> XstiltsError:
    """The error for text whose labels were taken out."""
    return XstiltsError(
        f"{path.name} has no gold: {what}",
        where=str(path),
        allowed="text with its labels; XTREME's scripts take them out of test files",
        next_step="put the labels below xtreme/labels/ as XTREME's evaluate.py reads them (docs/sources.md), or put a "
        "labelled file in its place, or remove it and do without this split",
    )


def read_lines(path: Path) -> list[str]:
    """Lines as they are: cut at line feeds alone, so that no white space of a token is lost.

    Raises:
        XstiltsError: if the file is not UTF-8.
    """
    content = path.read_bytes()
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise bad_line(path, line, "The line is not UTF-8", "UTF-8 text") from error
    lines = text.split("\n")
    return [line.removesuffix("\r") for line in (lines[:-1] if lines[-1] == "" else lines)]


def tagging_rows(paths: Sequence[Path], gold: Path | None) -> Rows:
    """Sentences with tags: ``token<TAB>tag`` a line, a blank line between sentences.

    A token is all that stands before the last tab: XTREME's own scripts cut at any white space and so lose the tag of a
    token with a non-breaking space.

    Args:
        paths: one file.
        gold: tags a line, with the same blank lines; or nothing.

    Returns:
        Rows ``id`` (number of the sentence), ``tokens``, ``tags``.

    Raises:
        XstiltsError: for a bad line, or text without gold.
    """
    (path,) = paths
    lines = read_lines(path)
    if gold:
        lines = _joined(path, [line.rpartition("\t")[0] or line for line in lines], gold)
    elif not any("\t" in line for line in lines):
        raise without_gold(path, "its lines hold a token alone")
    rows: Rows = []
    tokens: list[str] = []
    tags: list[str] = []
    for number, line in enumerate([*lines, ""], 1):
        if line:
            token, tab, tag = line.rpartition("\t")
            if not (token and tab and tag):
                raise bad_line(path, number, f"The line {line!r} lacks its token or its tag", "token<TAB>tag")
            tokens.append(token)
            tags.append(tag)
        elif tokens:
            rows.append({"id": str(len(rows)), "tokens": tokens, "tags": tags})
            tokens, tags = [], []
    _refuse_constant(path, len(rows), {tag for row in rows for tag in row["tags"]})
    return rows


def _joined(path: Path, lines: Sequence[str], gold: Path) -> list[str]:
    """Tokens and tags of two files as lines of one."""
    tags = read_lines(gold)
    tokens = list(lines)
    while tokens and not tokens[-1]:
        tokens.pop()
    while tags and not tags[-1]:
        tags.pop()
    for number, (token, tag) in enumerate(zip(tokens, tags, strict=False), 1):
        if bool(token) != bool(tag):
            raise bad_line(gold, number, f"The sentences of {path.name} end elsewhere", "its blank lines")
    if len(tokens) != len(tags):
        raise bad_line(gold, len(tags), f"The file ends here, {path.name} has {len(tokens)} lines", "a tag a token")
    return [f"{token}\t{tag}" if token else "" for token, tag in zip(tokens, tags, strict=True)]


def pair_rows(paths: Sequence[Path], gold: Path | None) -> Rows:
    """Pairs of texts with a label, as Python's ``csv`` writes them with tabs.

    Args:
        paths: one file.
        gold: a label a line; or nothing.

    Returns:
        Rows ``id`` (number of the record), ``text_a``, ``text_b``, ``label``.
    """
    (path,) = paths
    records: list[list[str]] = []
    read_lines(path)
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file, delimiter="\t", strict=True)
        try:
            for record in reader:
                if any("\n" in value for value in record):
                    raise bad_line(path, reader.line_num, "A quoted text runs over lines", "one record a line")
                if len(record) not in (2, 3) or (records and len(record) != len(records[0])):
                    what = f"The line has {len(record)} columns"
                    raise bad_line(path, reader.line_num, what, "text, text and label; the same number in every line")
                records.append(record)
        except csv.Error as error:
            raise bad_line(path, reader.line_num, f"No record: {error}", "tab-separated values") from error
    if gold:
        labels = _labels(path, len(records), gold)
        records = [[*record[:2], label] for record, label in zip(records, labels, strict=True)]
    elif records and len(records[0]) == 2:
        raise without_gold(path, "its lines hold two texts alone")
    _refuse_constant(path, len(records), {record[2] for record in records})
    return [
        {"id": str(number), "text_a": first, "text_b": second, "label": label}
        for number, (first, second, label) in enumerate(records)
    ]


def _labels(path: Path, count: int, gold: Path) -> list[str]:
    labels = read_lines(gold)
    if len(labels) != count:
        raise bad_line(gold, len(labels), f"The file ends here, {path.name} has {count} rows", "a label a row")
    if "" in labels:
        raise bad_line(gold, labels.index("") + 1, "The line is empty", "a label a row")
    return labels


def _refuse_constant(path: Path, rows: int, labels: set[str]) -> None:
    if rows > 1 and len(labels) == 1:
        raise without_gold(path, f"the label of all {rows} rows is {next(iter(labels))!r}")


def question_rows(paths: Sequence[Path], gold: Path | None) -> Rows:
    """Questions with their answers, from SQuAD's JSON.

    Args:
        paths: one file.
        gold: a second file with the answers, by question id; or nothing.

    Returns:
        One row a question: ``id``, ``context``, ``question``, ``answers`` (list of text) and ``answer_starts`` (list of
        int, counted in characters of the context).

    Raises:
        XstiltsError: for a bad file, an answer that is not where it says, or answers that were taken out.
    """
    (path,) = paths
    rows = _questions(path)
    if gold:
        known = {row["id"]: row for row in _questions(gold)}
        for row in rows:
            if row["id"] not in known:
                raise XstiltsError(f"Question {row['id']} of {path.name} has no answer", where=str(gold))
            row |= {key: known[row["id"]][key] for key in ("answers", "answer_starts")}
    elif rows and not any(text for row in rows for text in row["answers"]):
        raise without_gold(path, "every answer is empty")
    for row in rows:
        for text, start in zip(row["answers"], row["answer_starts"], strict=True):
            if not text or start < 0 or row["context"][start : start + len(text)] != text:
                raise XstiltsError(
                    f"The answer {text!r} of question {row['id']} is not at character {start} of its context",
                    where=str(path),
                    next_step="copy the file again",
                )
    return rows


def _questions(path: Path) -> Rows:
    rows: Rows = []
    place = ""
    try:
        data = json.loads("\n".join(read_lines(path)))["data"]
        for at, document in enumerate(data):
            for nr, paragraph in enumerate(document["paragraphs"]):
                for index, found in enumerate(paragraph["qas"]):
                    place = f", data[{at}].paragraphs[{nr}].qas[{index}]"
                    rows.append(_question(paragraph["context"], found))
    except json.JSONDecodeError as error:
        raise bad_line(path, error.lineno, f"Damaged JSON: {error.msg}", "SQuAD's JSON") from error
    except (KeyError, TypeError, ValueError) as error:
        raise XstiltsError(
            f"No question in SQuAD's form: {type(error).__name__} {error}",
            where=f"{path}{place}",
            allowed="data[].paragraphs[].{context, qas[].{id, question, answers[].{text, answer_start}}}",
            next_step="copy the file again",
        ) from error
    return rows


def _question(context: Json, found: Json) -> dict[str, Any]:
    answers = [(answer["text"], answer["answer_start"]) for answer in found["answers"]]
    texts = [context, found["id"], found["question"], *(text for text, _ in answers)]
    if not all(isinstance(text, str) for text in texts) or not all(type(start) is int for _, start in answers):
        raise ValueError("a text is no text, or a place is no whole number")
    return {
        "id": found["id"],
        "context": context,
        "question": found["question"],
        "answers": [text for text, _ in answers],
        "answer_starts": [start for _, start in answers],
    }


def retrieval_rows(paths: Sequence[Path], gold: Path | None) -> Rows:
    """Sentences with their translations, from two files of which the English one is sorted.

    Args:
        paths: the language's file and the English one.
        gold: for each sentence the line, from 0, of its translation; XTREME's scripts do not write it.

    Returns:
        Rows ``id``, ``text_a``, ``text_b`` (its translation).
    """
    path, other = paths
    sentences, english = read_lines(path), read_lines(other)
    if len(sentences) != len(english):
        raise bad_line(other, len(english), f"The file ends here, {path.name} has {len(sentences)} lines", "as many")
    if not gold:
        raise without_gold(path, "the English side is sorted, and no script of XTREME's writes which line is which")
    rows: Rows = []
    left = set(range(len(english)))
    for number, index in enumerate(_labels(path, len(sentences), gold)):
        if not index.isdecimal() or int(index) not in left:
            what = f"{index!r} is no line of {other.name}, or was used before"
            raise bad_line(gold, number + 1, what, f"each of 0 to {len(english) - 1} once")
        left.remove(int(index))
        rows.append({"id": str(number), "text_a": sentences[number], "text_b": english[int(index)]})
    return rows


def sentence_rows(paths: Sequence[Path], gold: Path | None) -> Rows:
    """Sentences of one side of BUCC, ``id<TAB>sentence`` a line.

    Returns:
        Rows ``id``, ``sentence``.
    """
    return [{"id": first, "sentence": second} for first, second in _two(paths[0], "id<TAB>sentence")]


def gold_pair_rows(paths: Sequence[Path], gold: Path | None) -> Rows:
    """Gold pairs of BUCC, ``<language>-id<TAB>en-id`` a line.

    Returns:
        Rows of the two ids, under ``<language>`` and ``en``.
    """
    return [{first.split("-")[0]: first, "en": second} for first, second in _two(paths[0], "id<TAB>id")]


def _two(path: Path, form: str) -> list[tuple[str, str]]:
    found = []
    for number, line in enumerate(read_lines(path), 1):
        first, _, second = line.partition("\t")
        if not (first and second):
            raise bad_line(path, number, f"The line {line!r} has not two columns", form)
        found.append((first, second))
    return found


_LEAF = re.compile(r"<L (?P<category>\S+) \S+ \S+ (?P<token>\S+) \S+>")
_ESCAPED = {"-LRB-": "(", "-RRB-": ")", "-LCB-": "{", "-RCB-": "}", "-LSB-": "[", "-RSB-": "]"}


def derivation_rows(paths: Sequence[Path], gold: Path | None) -> Rows:
    """Tokens and lexical categories of CCGbank's derivations (``.auto``): a line ``ID=...``, then one derivation.

    A leaf is ``(<L category tag tag token predicate>)``. The Penn Treebank's escapes of brackets and slashes in a token
    are undone, as an encoder was pretrained on plain text.

    Args:
        paths: one file.
        gold: nothing; the files have their categories.

    Returns:
        Rows ``id`` (``wsj_0001.1``), ``tokens``, ``tags``.

    Raises:
        XstiltsError: for a line that is neither.
    """
    (path,) = paths
    rows: Rows = []
    name = ""
    for number, line in enumerate(read_lines(path), 1):
        if line.startswith("ID=") and not name:
            name = line.split()[0].removeprefix("ID=")
            continue
        leaves = list(_LEAF.finditer(line))
        if not (name and leaves and len(leaves) == line.count("<L ")):
            allowed = "a line ID=..., then a line with its derivation"
            raise bad_line(path, number, "The line is no part of a derivation", allowed)
        tokens = [_ESCAPED.get(leaf["token"], leaf["token"].replace("\\/", "/")) for leaf in leaves]
        rows.append({"id": name, "tokens": tokens, "tags": [leaf["category"] for leaf in leaves]})
        name = ""
    if name:
        raise bad_line(path, number, f"The file ends before the derivation of {name}", "a derivation after each ID")
    return rows


READERS: Mapping[Reader, Callable[[Sequence[Path], Path | None], Rows]] = MappingProxyType(
    {
        "tagging": tagging_rows,
        "pairs": pair_rows,
        "questions": question_rows,
        "retrieval": retrieval_rows,
        "sentences": sentence_rows,
        "gold_pairs": gold_pair_rows,
        "derivations": derivation_rows,
    }
)
