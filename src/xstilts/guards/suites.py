"""The expectation suite of each task family: which checks it has, what they mean, and which of them stop a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from xstilts.tasks import Family, Task

if TYPE_CHECKING:
    import great_expectations as gx


@dataclass(frozen=True, slots=True)
class Check:
    """One check of a corpus.

    Attributes:
        name: also the column of the flag table in which its defects are true, where it has one.
        means: what must hold.
        stops: whether a defect ends the run; otherwise it is told.
        waivable: whether a known public defect may be waived, row by row.
    """

    name: str
    means: str
    stops: bool = True
    waivable: bool = False


TABLE_CHECKS = (
    Check("unique_ids", "an id occurs once in the corpus"),
    Check("unknown_split", "a row belongs to train, dev or test"),
    Check("expected_languages", "every expected language has rows, and test rows where the corpus has a test split"),
)
ROW_TYPES = Check("row_types", "inputs are text or lists of text, gold is what the family wants")
EMPTY_TEXT = Check("empty_text", "no input is empty", waivable=True)
CONTROL_CHARACTERS = Check("control_characters", "text has no control or replacement characters", stops=False)
LABELS = (
    Check("unknown_labels", "every label is one of the task's"),
    Check("constant_labels", "the gold of a language and split has more than one label"),
)
REPEATS = (
    Check("train_duplicates", "no two training rows of a language have one text", stops=False),
    Check("train_test_overlap", "no training text stands in a dev or test split, of any language", waivable=True),
)
CLASSIFICATION = (
    *TABLE_CHECKS,
    ROW_TYPES,
    EMPTY_TEXT,
    *LABELS,
    Check("placeholder_text", "no text is a placeholder such as NS", stops=False),
    CONTROL_CHARACTERS,
    *REPEATS,
)
SUITES: Mapping[Family, Sequence[Check]] = MappingProxyType(
    {
        Family.TOKEN_TAGGING: (
            *TABLE_CHECKS,
            ROW_TYPES,
            EMPTY_TEXT,
            Check("broken_tokens", "no token is empty or bears white space", waivable=True),
            Check("tag_count", "a row has one tag for each token"),
            *LABELS,
            Check("bio_order", "an I- tag follows a tag of its own type", stops=False),
            CONTROL_CHARACTERS,
            *REPEATS,
        ),
        Family.SENTENCE_CLASSIFICATION: CLASSIFICATION,
        Family.PAIR_CLASSIFICATION: CLASSIFICATION,
        Family.MULTIPLE_CHOICE: CLASSIFICATION,
        Family.PAIR_REGRESSION: (
            *TABLE_CHECKS,
            ROW_TYPES,
            EMPTY_TEXT,
            Check("score_range", "a score is a number in the task's range"),
            Check("constant_labels", "the gold of a language and split has more than one score"),
            Check("placeholder_text", "no text is a placeholder such as NS", stops=False),
            CONTROL_CHARACTERS,
            *REPEATS,
        ),
        Family.SPAN_QA: (
            *TABLE_CHECKS,
            ROW_TYPES,
            EMPTY_TEXT,
            Check("answer_span", "an answer is what stands at its place in the context", waivable=True),
            Check("no_answer", "a question has an answer", waivable=True),
            Check("held_out_context", "no training context stands in a dev or test split", waivable=True),
            CONTROL_CHARACTERS,
            *REPEATS,
        ),
        Family.BITEXT_MINING: (
            *TABLE_CHECKS,
            ROW_TYPES,
            EMPTY_TEXT,
            Check("gold_pairs", "a gold pair's sentences are in the bitext, and every bitext has pairs"),
            CONTROL_CHARACTERS,
        ),
        Family.SENTENCE_RETRIEVAL: (
            *TABLE_CHECKS,
            ROW_TYPES,
            EMPTY_TEXT,
            Check("match_range", "gold indices are a permutation of a part's candidates"),
            CONTROL_CHARACTERS,
        ),
    }
)


def checks_of(task: Task) -> tuple[Check, ...]:
    """The checks that a corpus of this task goes through."""
    left_out = {"bio_order"} if "O" not in task.labels else set()
    if task.unanswerable:
        left_out.add("no_answer")
    return tuple(check for check in SUITES[task.family] if check.name not in left_out)


def suite_of(task: Task, expected_languages: Sequence[str], *, name: str) -> gx.ExpectationSuite:
    """The Great Expectations suite for a corpus's flag table, with ids where flags are true and nulls elsewhere.

    Args:
        task: the corpus's task.
        expected_languages: languages that must have rows.
        name: of the suite.

    Returns:
        One expectation for each check, with the check's name in ``meta`` and its weight as severity.
    """
    import great_expectations as gx
    from great_expectations import expectations as gxe

    expectations: list[gx.expectations.Expectation] = []
    for check in checks_of(task):
        common = {
            "meta": {"check": check.name},
            "severity": "critical" if check.stops else "warning",
            "description": f"{check.name} ({'stops' if check.stops else 'told'}): {check.means}",
        }
        if check.name == "unique_ids":
            expectations.append(gxe.ExpectColumnValuesToBeUnique(column="id", **common))
        elif check.name == "expected_languages":
            expectations.append(
                gxe.ExpectColumnDistinctValuesToContainSet(
                    column="tested_language", value_set=sorted(expected_languages), **common
                )
            )
        else:
            expectations.append(gxe.ExpectColumnValuesToBeNull(column=check.name, **common))
    return gx.ExpectationSuite(name=name, expectations=expectations)
