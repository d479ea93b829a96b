"""Overlap of arms with target text: what is scored must not have been trained on."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from xstilts.families import FamilyCode
from xstilts.tables import Rows


def comparable(text: str) -> str:
    """A text as it is compared: NFKC, case folded, runs of white space as one blank."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


@dataclass(frozen=True, slots=True)
class TargetText:
    """Comparable texts of all targets.

    Attributes:
        held_out: text that some target is scored or chosen on (dev and test, every language).
        training: English training text of the targets.
    """

    held_out: frozenset[str]
    training: frozenset[str]


def comparable_texts(rows: Rows, family: FamilyCode, min_characters: int) -> frozenset[str]:
    """Comparable texts of rows, without the short ones."""
    texts = (comparable(text) for row in rows for text in family.held_texts(row))
    return frozenset(text for text in texts if len(text) >= min_characters)


@dataclass(frozen=True, slots=True)
class Removed:
    """A row that was taken out of an arm's pool, and why."""

    id: str
    document: str
    why: str


def without_overlap(
    rows: Rows, family: FamilyCode, target: TargetText, remove: Literal["document", "row"]
) -> tuple[list[dict[str, Any]], list[Removed]]:
    """Take out what overlaps with target text.

    Args:
        rows: an arm's pool.
        family: reads the text.
        target: text of all targets.
        remove: whether a row that overlaps with held-out text takes its whole document with it.

    Returns:
        The rows that stay, and those removed.
    """
    texts = [frozenset(comparable(text) for text in family.held_texts(row)) for row in rows]
    held_out = {row["document"] for row, found in zip(rows, texts, strict=True) if found & target.held_out}
    kept: list[dict[str, Any]] = []
    removed: list[Removed] = []
    for row, found in zip(rows, texts, strict=True):
        why = _reason(found, target, remove == "document" and row["document"] in held_out)
        if why:
            removed.append(Removed(str(row["id"]), str(row["document"]), why))
        else:
            kept.append(dict(row))
    return kept, removed


def _reason(texts: frozenset[str], target: TargetText, document: bool) -> str:
    if texts & target.held_out:
        return "held-out target text"
    if document:
        return "a document with held-out target text"
    return "target training text" if texts & target.training else ""


def distinct(rows: Iterable[dict[str, Any]], family: FamilyCode) -> list[dict[str, Any]]:
    """Rows without later copies of the same text."""
    seen: set[str] = set()
    kept = []
    for row in rows:
        text = comparable(family.text(row))
        if text not in seen:
            seen.add(text)
            kept.append(row)
    return kept


def bare_id(identity: str) -> str:
    """The source's own id: parallel rows share it over languages."""
    return identity.split(":", 1)[1]


def by_draw(rows: Sequence[dict[str, Any]], order: Sequence[int], count: int) -> list[dict[str, Any]]:
    """The first ``count`` rows of an order, in their original order; all of them when ``count`` is 0."""
    chosen = sorted(order[: count or len(order)])
    return [rows[index] for index in chosen]
