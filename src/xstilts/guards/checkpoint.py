"""Run a corpus through its suite and write the Data Docs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xstilts.errors import XstiltsError
from xstilts.families import family_of
from xstilts.files import Json, write_text
from xstilts.guards.data_docs import data_docs_page
from xstilts.guards.flags import flag_table
from xstilts.guards.suites import Check, checks_of, suite_of
from xstilts.guards.waivers import Waiver, waived, waivers_file
from xstilts.sources.corpus import Corpus
from xstilts.tasks import Task

if TYPE_CHECKING:
    import great_expectations as gx
    import pandas as pd

NAMED_IDS = 10


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one check found, waived rows apart.

    Attributes:
        name: the check.
        means: what must hold.
        passed: whether it holds.
        stops: whether the run ends when it does not.
        count: defective rows; for ``expected_languages``, missing languages.
        ids: the first of them, at most ``NAMED_IDS``.
    """

    name: str
    means: str
    passed: bool
    stops: bool
    count: int
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The judgement on a corpus.

    Attributes:
        checks: each check's result, in the suite's order.
        dropped: ids of the training rows that are waived, and so must be left out of training.
        summary: what was checked, waived, dropped and counted, as JSON.
    """

    checks: tuple[CheckResult, ...]
    dropped: tuple[str, ...]
    summary: Json

    @property
    def passed(self) -> bool:
        """Whether nothing was found that stops the run."""
        return not self.faults

    @property
    def faults(self) -> tuple[CheckResult, ...]:
        """The checks that stop the run."""
        return tuple(check for check in self.checks if check.stops and not check.passed)


def check_corpus(
    frame: pd.DataFrame,
    corpus: Corpus,
    task: Task,
    *,
    expected_languages: Sequence[str],
    docs_folder: Path,
    waivers: Sequence[Waiver],
    overlap_min_characters: int = 20,
) -> Outcome:
    """Judge one corpus and write ``index.html`` into ``docs_folder``.

    Args:
        frame: [n] all rows: ``sources.normalise.KEYS``, the family's input columns and its gold column.
        corpus: its facts.
        task: its task.
        expected_languages: languages that must have rows, ISO 639-1.
        docs_folder: for the Data Docs: one page that shows ids and counts, no text, and needs no network.
        waivers: the corpus's known public defects.
        overlap_min_characters: see ``flag_table``.

    Returns:
        The outcome, passed or not; ``failure`` makes an error of it.

    Raises:
        XstiltsError: if there are no rows, a column is missing, or a waiver is out of date.
    """
    if frame.empty:
        raise XstiltsError(f"Corpus '{corpus.name}' has no rows", next_step="check its files and run `dvc repro` again")
    table = flag_table(frame, task, overlap_min_characters=overlap_min_characters)
    table, passed_over = waived(table, waivers, corpus)
    validation = _validate(table, task, expected_languages, corpus.name)
    results = {result.expectation_config.meta["check"]: result for result in validation.results}
    checks = tuple(_judged(check, results[check.name]) for check in checks_of(task))
    write_text(docs_folder / "index.html", data_docs_page(validation, corpus.name, _verdict(checks)))
    gone = {identity for ids in passed_over.values() for identity in ids}
    dropped = tuple(table.loc[(table["split"] == "train") & table["id"].isin(gone), "id"])
    summary = {
        "corpus": corpus.name,
        "task": task.name,
        "rows": len(table),
        "passed": all(check.passed or not check.stops for check in checks),
        "checks": [asdict(check) | {"ids": list(check.ids)} for check in checks],
        "waived": [
            {"check": waiver.check, "ids": sorted(set(waiver.ids) & gone), "reason": waiver.reason}
            for waiver in waivers
        ],
        "dropped": list(dropped),
        "counts": _counts(table, frame[family_of(task).gold], task),
    }
    return Outcome(checks, dropped, summary)


def failure(outcome: Outcome, corpus: Corpus) -> XstiltsError:
    """The error for an outcome that has not passed: checks, rows and what to do, in one paragraph."""
    found = "; ".join(
        f"check '{check.name}' ({check.means}): {check.count} found, {_named(check)}" for check in outcome.faults
    )
    return XstiltsError(
        f"Corpus '{corpus.name}' must not be trained on or scored with. {found[:1].upper()}{found[1:]}",
        next_step=f"mend these rows in the source of '{corpus.name}'; only for a defect that the corpus is known for, "
        f"waive the row with a reason in guards/waivers/{waivers_file(corpus).name}",
    )


def _verdict(checks: Sequence[CheckResult]) -> str:
    stopping = [check.name for check in checks if check.stops and not check.passed]
    told = [check.name for check in checks if not check.stops and not check.passed]
    found = f"Stopped by {', '.join(stopping)}." if stopping else "Passed: nothing was found that stops a run."
    return found + (f" Told only: {', '.join(told)}." if told else "")


def _named(check: CheckResult) -> str:
    return ", ".join(check.ids) + (", ..." if check.count > len(check.ids) else "")


def _validate(
    table: pd.DataFrame, task: Task, expected_languages: Sequence[str], name: str
) -> gx.ExpectationSuiteValidationResult:
    """Run the suite in memory, without project folder or progress bars.

    Each flag is handed over as the row's id where it is true and as nothing where it is not, so that what a failing
    expectation shows are ids.
    """
    import great_expectations as gx
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(), progress_bars=ProgressBarsConfig(globally=False)
    )
    context = gx.get_context(project_config=config, mode="ephemeral")
    asset = context.data_sources.add_pandas("corpora").add_dataframe_asset(name)
    flags = [check.name for check in checks_of(task) if check.name in table.columns]
    table = table.assign(**{flag: table["id"].where(table[flag], None) for flag in flags})
    rows = asset.add_batch_definition_whole_dataframe("rows").get_batch({"dataframe": table})
    return rows.validate(
        suite_of(task, expected_languages, name=name),
        result_format={"result_format": "SUMMARY", "partial_unexpected_count": NAMED_IDS},
    )


def _judged(check: Check, result: gx.ExpectationValidationResult) -> CheckResult:
    """One expectation's result in plain Python values."""
    details = result.result
    count, ids = 0, []
    if not result.success and "partial_missing_list" in details:
        count, ids = details["missing_count"], sorted(details["partial_missing_list"])
    elif not result.success and "partial_unexpected_list" in details:
        count, ids = details["unexpected_count"], details["partial_unexpected_list"]
    elif not result.success:
        raise RuntimeError(f"expectation {check.name} did not run: {result.exception_info}")
    first = tuple(dict.fromkeys(str(identity) for identity in ids))
    return CheckResult(check.name, check.means, bool(result.success), check.stops, int(count), first)


def _counts(table: pd.DataFrame, gold: Iterable[Any], task: Task) -> dict[str, dict[str, Json]]:
    """Rows and labels of each language and split: ``{language: {split: {"rows", "labels": {label: count}}}}``."""
    counts: dict[str, dict[str, Json]] = {}
    for language, split, value in zip(table["language"], table["split"], gold, strict=True):
        entry = counts.setdefault(str(language), {}).setdefault(str(split), {"rows": 0, "labels": Counter()})
        entry["rows"] += 1
        if family_of(task).classed:
            entry["labels"].update([value] if isinstance(value, str) or not isinstance(value, Iterable) else value)
    return {
        language: {split: {"rows": entry["rows"], "labels": _plain(entry["labels"])} for split, entry in splits.items()}
        for language, splits in sorted(counts.items())
    }


def _plain(labels: Mapping[Any, int]) -> dict[str, int]:
    return {str(label): count for label, count in sorted(labels.items(), key=lambda pair: str(pair[0]))}
