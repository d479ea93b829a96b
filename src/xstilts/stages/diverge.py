"""Stage ``diverge``: the distance of each arm to each target's English text."""

from typing import Any

from xstilts.arms.stamp import check_stamp
from xstilts.config import Study
from xstilts.divergence import DivergenceSettings, Texts, divergence_table
from xstilts.families import FamilyCode, family_of
from xstilts.files import Json, replaced_folder, write_csv
from xstilts.layout import Layout
from xstilts.tables import read_rows
from xstilts.tasks import TASKS


def run(study: Study, layout: Layout) -> None:
    """Write ``results/<study>/diverge/divergence.csv``."""
    folder = layout.data("arms")
    description = check_stamp(folder, study)
    arms = {}
    for arm, facts in description["arms"].items():
        if facts["block"] in ("pooled", "control"):
            continue
        arms[arm] = _texts(read_rows(folder / "arms" / arm / "train.parquet"), family_of(TASKS[facts["task"]]))
    slices: dict[tuple[str, str], Texts] = {}
    for target, facts in description["targets"].items():
        slices |= _slices(study, layout, target, facts)
    chosen = study.diverge
    settings = DivergenceSettings(
        rows=chosen.rows, folds=chosen.folds, repeats=chosen.repeats, components=chosen.components,
        shuffles=chosen.shuffles, primary=chosen.primary,
    )  # fmt: skip
    table = divergence_table(arms, slices, settings=settings, seed=study.diverge.seed)
    with replaced_folder(layout.results("diverge")) as out:
        write_csv(out / "divergence.csv", [_plain(row) for row in table], tuple(table[0]))
    print(f"diverge: {len(arms)} arms x {len(slices)} target texts, {len(table)} distances")


def _plain(row: dict[str, Any]) -> dict[str, Json]:
    return {key: str(value).lower() if isinstance(value, bool) else value for key, value in row.items()}


def _texts(rows: list[dict[str, Any]], family: FamilyCode) -> Texts:
    return Texts(tuple(family.text(row) for row in rows), tuple(str(row["document"]) for row in rows))


def _slices(study: Study, layout: Layout, target: str, facts: Json) -> dict[tuple[str, str], Texts]:
    """A target's English text: training, dev and test inputs together, whole and by domain."""
    task = TASKS[facts["task"]]
    family = family_of(task)
    folder = layout.data("arms", "targets", target)
    if task.family.trained:
        rows = read_rows(folder / "inputs" / "en.parquet")
        rows += read_rows(folder / "train.parquet") + read_rows(folder / "dev.parquet")
    else:  # the English candidates of every language
        rows = [row for language in facts["inputs"] for row in read_rows(folder / "inputs" / f"{language}.parquet")]
        rows = [row for row in rows if family.in_english(row)]
    found = {(target, "all"): _texts(rows, family)}
    if study.targets[target].slices:
        for domain in sorted({row["domain"] for row in rows if row["domain"]}):
            found[target, domain] = _texts([row for row in rows if row["domain"] == domain], family)
    return found
