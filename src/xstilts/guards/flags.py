"""Defects of single rows, as columns of true and false: what a table check cannot express on lists of tokens.

The table holds ids and flags but no text of the corpus, so that nothing made from it can show licensed text.
"""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from xstilts.errors import XstiltsError
from xstilts.families import family_of
from xstilts.sources.corpus import SPLITS
from xstilts.sources.normalise import KEYS
from xstilts.tasks import Family, Task

if TYPE_CHECKING:
    import pandas as pd

CONSTANT_FROM_ROWS = 20
PLACEHOLDERS = frozenset({"NS", "N/A", "nan", "null", "None"})
REPLACEMENT = "\ufffd"

Flags = list[bool]


def comparable(text: str) -> str:
    """Text as it is compared: NFKC, case-folded, white space collapsed to single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def flag_table(frame: pd.DataFrame, task: Task, *, overlap_min_characters: int) -> pd.DataFrame:
    """Find the defects of every row.

    Args:
        frame: [n] rows of one corpus: ``KEYS``, the family's input columns and its gold column.
        task: the corpus's task.
        overlap_min_characters: shorter comparable text is not held against a training row, unless the row also
            carries the id of the dev or test row it repeats.

    Returns:
        [n] rows in the same order: ``id``, ``part``, ``language``, ``split``, ``tested_language`` (the language,
        where the row is one that counts for it: a test row, or any row in a corpus without a test split), one boolean
        column for each defect, named as its check, and ``repeats_held_out``: overlap at any length.

    Raises:
        XstiltsError: if a column is missing.
    """
    import pandas as pd

    family = family_of(task)
    _require(frame, (*KEYS, *family.inputs, family.gold))
    keys = {column: frame[column].tolist() for column in KEYS}
    inputs = [frame[column].tolist() for column in family.inputs]
    gold = frame[family.gold].tolist()
    tested = {"test"} if "test" in keys["split"] else set(keys["split"])
    columns: dict[str, Any] = {key: keys[key] for key in ("id", "part", "language", "split")}
    columns["tested_language"] = [
        language if split in tested else None for language, split in zip(keys["language"], keys["split"], strict=True)
    ]
    columns["unknown_split"] = [split not in SPLITS for split in keys["split"]]
    if task.family is Family.TOKEN_TAGGING:
        texts = [_strings(value) or [] for value in inputs[0]]
        columns |= _tagging(inputs[0], gold, keys, task)
    elif task.family is Family.MULTIPLE_CHOICE:
        choices = [_strings(value) for value in inputs[1]]
        texts = [[text if isinstance(text, str) else "", *(found or [""])]
                 for text, found in zip(inputs[0], choices, strict=True)]  # fmt: skip
        columns["row_types"] = [not isinstance(text, str) or found is None
                                for text, found in zip(inputs[0], choices, strict=True)]  # fmt: skip
        columns |= _classification(texts, gold, keys, task)
        columns["unknown_labels"] = [
            label not in task.labels or int(label) >= len(found or ())
            for label, found in zip(gold, choices, strict=True)
        ]
    elif task.family is Family.PAIR_REGRESSION:
        texts = [[value if isinstance(value, str) else "" for value in row] for row in zip(*inputs, strict=True)]
        columns["row_types"] = [not all(isinstance(value, str) for value in row) for row in zip(*inputs, strict=True)]
        columns |= _numbers(texts, gold, keys, task)
    elif task.family is Family.BITEXT_MINING:
        texts = [[value if isinstance(value, str) else ""] for value in inputs[0]]
        columns["row_types"] = [not all(isinstance(value, str) for value in row) for row in zip(*inputs, strict=True)]
        columns["gold_pairs"] = _wrong_pairs(inputs, gold, keys["part"])
    elif task.family is Family.SPAN_QA:
        texts = [[value if isinstance(value, str) else "" for value in row] for row in zip(*inputs, strict=True)]
        columns |= _answers(inputs, gold, keys, overlap_min_characters)
    else:
        texts = [[value if isinstance(value, str) else "" for value in row] for row in zip(*inputs, strict=True)]
        columns["row_types"] = [not all(isinstance(value, str) for value in row) for row in zip(*inputs, strict=True)]
        columns |= _retrieval(gold, keys["part"]) if not task.labels else _classification(texts, gold, keys, task)
    columns["empty_text"] = [not row or any(not text.strip() for text in row) for row in texts]
    columns["control_characters"] = [any(map(_has_control_character, row)) for row in texts]
    columns |= _repeats([comparable(" ".join(row)) for row in texts], keys, overlap_min_characters)
    return pd.DataFrame(columns)


def _require(frame: pd.DataFrame, columns: Sequence[str]) -> None:
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise XstiltsError(
            f"Columns are missing: {', '.join(missing)}",
            where="the rows of the corpus",
            allowed=", ".join(columns),
            next_step="correct the column names of the corpus in sources/corpora.py",
        )


def _strings(value: Any) -> list[str] | None:
    """A list of text as such; nothing for any other value."""
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        return None
    found = list(value)
    return found if all(isinstance(item, str) for item in found) else None


def _tagging(
    tokens: Sequence[Any], tags: Sequence[Any], keys: Mapping[str, Sequence[Any]], task: Task
) -> dict[str, Flags]:
    words = [_strings(value) for value in tokens]
    labels = [_strings(value) for value in tags]
    flags = {
        "row_types": [word is None or label is None for word, label in zip(words, labels, strict=True)],
        "tag_count": [len(word or ()) != len(label or ()) for word, label in zip(words, labels, strict=True)],
        "broken_tokens": [any(token.split() != [token] for token in word or ()) for word in words],
        "unknown_labels": [not set(task.labels).issuperset(label or ()) for label in labels],
        "constant_labels": _constant([label or () for label in labels], keys),
    }
    if "O" in task.labels:
        flags["bio_order"] = [_bad_bio(label or ()) for label in labels]
    return flags


def _classification(
    texts: Sequence[Sequence[str]], gold: Sequence[Any], keys: Mapping[str, Sequence[Any]], task: Task
) -> dict[str, Flags]:
    return {
        "unknown_labels": [label not in task.labels for label in gold],
        "constant_labels": _constant([(label,) for label in gold], keys),
        "placeholder_text": [any(text.strip() in PLACEHOLDERS for text in row) for row in texts],
    }


def _numbers(
    texts: Sequence[Sequence[str]], gold: Sequence[Any], keys: Mapping[str, Sequence[Any]], task: Task
) -> dict[str, Flags]:
    low, high = map(float, task.labels)
    fine = [isinstance(value, int | float) and low <= value <= high for value in gold]
    return {
        "score_range": [not each for each in fine],
        "constant_labels": _constant([(value,) for value in gold], keys),
        "placeholder_text": [any(text.strip() in PLACEHOLDERS for text in row) for row in texts],
    }


def _answers(
    inputs: Sequence[Sequence[Any]], gold: Sequence[Any], keys: Mapping[str, Sequence[Any]], least: int
) -> dict[str, Flags]:
    """Spans that are not in the context, questions without an answer, and training contexts that are held out."""
    questions, contexts = inputs
    answers = [list(value) if value is not None else [] for value in gold]
    strings = [isinstance(question, str) and isinstance(context, str)
               for question, context in zip(questions, contexts, strict=True)]  # fmt: skip
    texts = [comparable(context) if fine else "" for context, fine in zip(contexts, strings, strict=True)]
    held_out = {text for text, split in zip(texts, keys["split"], strict=True) if split != "train"}
    return {
        "row_types": [not fine for fine in strings],
        "no_answer": [not found for found in answers],
        "answer_span": [
            fine and any(context[each["start"] : each["start"] + len(each["text"])] != each["text"] for each in found)
            for context, found, fine in zip(contexts, answers, strings, strict=True)
        ],
        "held_out_context": [
            split == "train" and len(text) >= least and text in held_out
            for text, split in zip(texts, keys["split"], strict=True)
        ],
    }


def _retrieval(gold: Sequence[Any], parts: Sequence[str]) -> dict[str, Flags]:
    """A gold index is wrong when it is no place in its part, or when another row of the part has it too."""
    places = list(zip(parts, gold, strict=True))
    sizes, taken = Counter(parts), Counter(places)
    return {"match_range": [place[1] not in range(sizes[place[0]]) or taken[place] > 1 for place in places]}


def _wrong_pairs(inputs: Sequence[Sequence[Any]], gold: Sequence[Any], parts: Sequence[str]) -> Flags:
    """Rows with a pair whose English sentence is not there, and all rows of a bitext without pairs."""
    _, names, sides, bitexts = inputs
    groups = list(zip(parts, bitexts, strict=True))
    english = {(*group, name) for group, name, side in zip(groups, names, sides, strict=True) if side == "english"}
    paired = {group for group, each in zip(groups, gold, strict=True) if len(each["english"])}
    return [
        group not in paired or any((*group, name) not in english for name in each["english"])
        for group, each in zip(groups, gold, strict=True)
    ]


def _constant(labels: Sequence[Iterable[Hashable]], keys: Mapping[str, Sequence[Any]]) -> Flags:
    """Rows of a language and split in which every label is one: the mark of blanked gold."""
    groups = list(zip(keys["language"], keys["split"], strict=True))
    sizes = Counter(groups)
    seen: dict[tuple[str, str], set[Hashable]] = defaultdict(set)
    for group, row in zip(groups, labels, strict=True):
        seen[group].update(row)
    return [sizes[group] >= CONSTANT_FROM_ROWS and len(seen[group]) <= 1 for group in groups]


def _bad_bio(tags: Sequence[str]) -> bool:
    """Whether an ``I-`` tag follows neither ``B-`` nor ``I-`` of its type."""
    return any(
        tag.startswith("I-") and before[2:] != tag[2:] for before, tag in zip(("O", *tags), (*tags, "O"), strict=True)
    )


def _has_control_character(text: str) -> bool:
    """Whether text has a control character (Cc), half a surrogate pair (Cs) or the replacement character."""
    unprintable = not text.isprintable() and any(unicodedata.category(char) in ("Cc", "Cs") for char in text)
    return unprintable or REPLACEMENT in text


def _repeats(texts: Sequence[str], keys: Mapping[str, Sequence[Any]], least: int) -> dict[str, Flags]:
    """Training rows whose text stands in another training row, or in a dev or test row of any language.

    Every language is held against the English training text, since every language is scored.
    """
    own = [str(identity).split(":", 1)[-1] for identity in keys["id"]]
    rows = list(zip(texts, own, keys["language"], keys["split"], strict=True))
    held_out: dict[str, set[str]] = defaultdict(set)
    for text, identity, _, split in rows:
        if split != "train":
            held_out[text].add(identity)
    times = Counter((text, language) for text, _, language, split in rows if split == "train")
    repeated = [split == "train" and text in held_out for text, _, _, split in rows]
    return {
        "train_duplicates": [split == "train" and times[text, language] > 1 for text, _, language, split in rows],
        "repeats_held_out": repeated,
        "train_test_overlap": [
            found and (len(text) >= least or identity in held_out[text])
            for found, (text, identity, _, _) in zip(repeated, rows, strict=True)
        ],
    }
