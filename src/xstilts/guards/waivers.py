"""Known public defects of corpora: rows that a check may pass over, each with a reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xstilts.errors import XstiltsError, unknown
from xstilts.guards.suites import SUITES
from xstilts.sources.corpus import Corpus

if TYPE_CHECKING:
    import pandas as pd

FOLDER = Path(__file__).parent / "waivers"


@dataclass(frozen=True, slots=True)
class Waiver:
    """Rows of a corpus whose defect is known.

    Attributes:
        check: the check that passes over them.
        ids: the rows, ``<part>:<the source's id>``.
        reason: why they stay unmended.
        repeats: for overlap, the dev or test rows whose text they repeat. Where none of these is in the data, as in
            a subset of the languages, the waiver is passed over.
    """

    check: str
    ids: tuple[str, ...]
    reason: str
    repeats: tuple[str, ...] = ()


def waivers_file(corpus: Corpus) -> Path:
    """Where a corpus's waivers stand, whether it has any or not."""
    return FOLDER / f"{corpus.name}.yaml"


def load_waivers(path: Path) -> tuple[Waiver, ...]:
    """Read a file of waivers; a missing file holds none.

    Raises:
        XstiltsError: if an entry is not ``{check, ids, reason}``, with ``repeats`` or without, or its check is
            unknown or cannot be waived.
    """
    from ruamel.yaml import YAML

    if not path.exists():
        return ()
    waivers = []
    for number, entry in enumerate(YAML(typ="safe").load(path) or []):
        if not _well_formed(entry):
            raise XstiltsError(
                f"Entry {number} is no waiver",
                where=str(path),
                allowed="{check: name, ids: [row ids, each once], reason: text}, and where wanted repeats: [row ids]",
                next_step="correct the entry",
            )
        waivers.append(Waiver(entry["check"], tuple(entry["ids"]), entry["reason"], tuple(entry.get("repeats", ()))))
    waivable = {check.name for checks in SUITES.values() for check in checks if check.waivable}
    for waiver in waivers:
        if waiver.check not in waivable:
            raise unknown("waivable check", waiver.check, waivable, where=str(path))
    return tuple(waivers)


def _well_formed(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and {"check", "ids", "reason"} <= entry.keys() <= {"check", "ids", "reason", "repeats"}
        and all(isinstance(entry[key], str) and entry[key].strip() for key in ("check", "reason"))
        and all(_row_ids(entry[key]) for key in ("ids", "repeats") if key in entry)
    )


def _row_ids(value: Any) -> bool:
    return (
        isinstance(value, list)
        and all(isinstance(identity, str) for identity in value)
        and 0 < len(value) == len(set(value))
    )


def waived(table: pd.DataFrame, waivers: Sequence[Waiver], corpus: Corpus) -> tuple[pd.DataFrame, dict[str, list[str]]]:
    """Take the waived defects out of a flag table.

    Args:
        table: see ``flag_table``; it is not changed.
        waivers: those of the corpus; a row that is not in the table is passed over.
        corpus: named in messages.

    Returns:
        The table without the waived defects, and for each check the ids that were waived.

    Raises:
        XstiltsError: if a waived row is in the table and has no such defect (any more), or the corpus's family has no
            such check.
    """
    known = set(table["id"])
    table, before = table.copy(), table
    done: dict[str, list[str]] = {}
    for waiver in waivers:
        if waiver.check not in table.columns:
            raise unknown("check of this corpus", waiver.check, _checks(table), where=str(waivers_file(corpus)))
        if waiver.repeats and known.isdisjoint(waiver.repeats):
            continue
        mine = table["id"].isin(waiver.ids)
        _refuse_stale(waiver, before[mine], corpus)
        mine &= table[waiver.check]
        done[waiver.check] = done.get(waiver.check, []) + table.loc[mine, "id"].tolist()
        table.loc[mine, waiver.check] = False
    return table, done


def _checks(table: pd.DataFrame) -> list[str]:
    return sorted({check.name for checks in SUITES.values() for check in checks if check.waivable} & set(table))


def _refuse_stale(waiver: Waiver, rows: pd.DataFrame, corpus: Corpus) -> None:
    """Overlap is judged at any length here: a higher ``overlap_min_characters`` makes no waiver stale."""
    defect = "repeats_held_out" if waiver.check == "train_test_overlap" else waiver.check
    stale = rows.loc[~rows[defect], "id"].tolist()
    if stale:
        raise XstiltsError(
            f"Check '{waiver.check}' finds nothing wrong with waived rows of corpus '{corpus.name}': "
            f"{', '.join(stale[:10])}",
            where=str(waivers_file(corpus)),
            allowed="waivers for rows that are defective",
            next_step="delete these ids from the waiver",
        )
