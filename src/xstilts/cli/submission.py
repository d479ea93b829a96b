"""``xstilts submission``: XTREME's folder from a study's stored predictions, and the check of such a folder."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from rich.console import Console
from rich.table import Table

from xstilts.cli.score import show_faults
from xstilts.config import Study
from xstilts.errors import XstiltsError, unknown
from xstilts.families.bitext_mining import chosen_pairs
from xstilts.files import Json, read_json, read_jsonl, replaced_folder, write_text
from xstilts.layout import Layout
from xstilts.scoring.xtreme import FILES, XTREME, Content, Group, XtremeTask, check_folder
from xstilts.scoring.xtreme_files import Found, check_alone, read_predictions
from xstilts.sources.corpora import CORPORA
from xstilts.sources.corpus import language_of
from xstilts.tables import read_rows

TEXTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {name: tuple(corpus for corpus in (name, f"xtreme-{name}", f"hub-{name}") if corpus in CORPORA) for name in XTREME}
)
"""The corpora that hold a task's own text; a target on any other corpus says nothing about XTREME's test set."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which cells' predictions are taken."""

    encoder: str
    arm: str
    seed: int


@dataclass(slots=True)
class Written:
    """What became of the 162 files.

    Attributes:
        files: those that were written, with their rows.
        why: those that were not, and the reason.
        notes: what must be known of a task's files.
    """

    files: dict[str, int] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)


def check_submission(folder: Path, gold: Path | None) -> bool:
    """Print every fault of a folder.

    Returns:
        Whether there is none.
    """
    for each in (folder, gold):
        if each and not each.is_dir():
            raise XstiltsError(
                "There is no such folder",
                where=str(each),
                allowed="a folder with " + ", ".join(XTREME),
                next_step="correct the path",
            )
    console = Console()
    faults = check_folder(folder, gold)
    show_faults(console, faults)
    if not faults:
        done = "" if gold else " Numbers of lines, sentences and question ids: give --gold DIR."
        console.print(f"{folder}: {len(FILES)} files, no fault.{done}", soft_wrap=True)
    return not faults


def write_submission(study: Study, root: Path, choice: Choice, out: Path) -> None:
    """Write a study's predictions as XTREME's folder, whole or not at all, and tell what is missing and why.

    Raises:
        XstiltsError: if the folder holds anything else, there is no such arm, no file can be written, or a prediction
            does not fit.
    """
    _refuse_other_content(out)
    layout = Layout(root, study.study)
    description = read_json(layout.data("arms", "arms.json"))
    if choice.arm not in (arms := ["none", *description["arms"]]):
        raise unknown("arm", choice.arm, arms, where=f"study {study.study}")
    written = Written()
    with replaced_folder(out.resolve()) as building:
        for task in XTREME.values():
            _write_task(study, layout, choice, description, task, building, written)
        if not written.files:
            raise XstiltsError(
                f"Study '{study.study}' has no predictions for XTREME: " + _reasons(written),
                where=str(layout.models("target", choice.encoder)),
                allowed="a target on " + ", ".join(name for names in TEXTS.values() for name in names),
                next_step=f"run `xstilts repro {study.study}`, or choose another study, --encoder, --arm or --seed",
            )
    _tell(written, out)


def chosen(study: Study, encoder: str, arm: str, seed: int | None) -> Choice:
    """The study's only encoder and first seed, unless told otherwise.

    Raises:
        XstiltsError: if the study has several encoders and none is named, or a name is not the study's.
    """
    if not encoder and len(study.encoders) > 1:
        raise XstiltsError(
            f"Study '{study.study}' has {len(study.encoders)} encoders",
            where="the command line",
            allowed=", ".join(study.encoders),
            next_step="name one with --encoder",
        )
    encoder = encoder or study.encoders[0]
    if encoder not in study.encoders:
        raise unknown("encoder", encoder, study.encoders, where=f"study {study.study}")
    seed = study.seeds[0] if seed is None else seed
    if seed not in study.seeds:
        raise unknown("seed", str(seed), map(str, study.seeds), where=f"study {study.study}")
    return Choice(encoder, arm, seed)


def _write_task(
    study: Study, layout: Layout, choice: Choice, description: Json, task: XtremeTask, folder: Path, written: Written
) -> None:
    """Write a task's languages, or note why not."""
    every = {language: task.file(language) for language in task.languages}
    mine = {name: facts for name, facts in description["targets"].items() if facts["task"] == task.name}
    target = next((name for name, facts in mine.items() if facts["corpus"] in TEXTS[task.name]), None)
    if target is None:
        reason = "the study has no such target"
        if mine:
            name, facts = next(iter(mine.items()))
            reason = f"target '{name}' is on corpus '{facts['corpus']}', which is not XTREME's text"
        written.why |= dict.fromkeys(every.values(), reason)
        return
    cell = _cell(layout, choice, target)
    for language, file in every.items():
        if language not in mine[target]["inputs"]:
            written.why[file] = f"target '{target}' has no such language"
        elif cell is None or not (path := cell / "predictions" / f"{language}.jsonl").is_file():
            written.why[file] = f"no cell of arm '{choice.arm}', seed {choice.seed} is there"
        else:
            rows = _in_source_order(layout, mine[target]["corpus"], language, read_jsonl(path))
            if task.content is Content.PAIRS:
                rows = _pairs(layout, mine[target]["corpus"], language, rows)
            write_text(folder / file, _text(task, rows, f"{path}"))
            written.files[file] = len(rows)
            _refuse_faults(folder, task, language, path)
    limit = study.targets[target].test_rows if target in study.targets else 0
    note = f"a sample of {limit} rows a language" if limit and task.group is not Group.RETRIEVAL else ""
    written.notes[task.name] = "; ".join(each for each in (note, CORPORA[mine[target]["corpus"]].note) if each)


def _cell(layout: Layout, choice: Choice, target: str) -> Path | None:
    """The folder of the chosen cell of a target."""
    folder = layout.models("target", choice.encoder)
    index = folder / "index.jsonl"
    wanted = {"arm": choice.arm, "target": target, "seed": choice.seed, "variant": "main"}
    for row in read_jsonl(index) if index.is_file() else []:
        if all(row[key] == value for key, value in wanted.items()):
            return folder / str(row["path"])
    return None


def _in_source_order(layout: Layout, corpus: str, language: str, rows: list[Json]) -> list[Json]:
    """Predictions in the order of the source's test file: a study draws its rows in an order of its own."""
    places: dict[str, int] = {}
    for path in sorted(layout.data("validate", corpus, "inputs").glob("*.test.parquet")):
        for row in read_rows(path) if language_of(path.name.split(".")[0]) == language else []:
            places.setdefault(row["id"], len(places))
    if not places.keys() >= {row["id"] for row in rows}:
        return rows
    return sorted(rows, key=lambda row: places[row["id"]])


def _pairs(layout: Layout, corpus: str, language: str, rows: list[Json]) -> list[Json]:
    """The mined pairs that reach the threshold."""
    gold = {
        row["id"]: row["pairs"]
        for path in sorted(layout.data("validate", corpus, "gold").glob(f"{language}-en.*.parquet"))
        for row in read_rows(path)
    }
    chosen = chosen_pairs([row["prediction"] for row in rows], [gold[row["id"]] for row in rows])
    return [{"id": rows[int(place)]["id"], "prediction": english} for place, english in chosen]


def _text(task: XtremeTask, rows: list[Json], where: str) -> str:
    """A file's text from its rows, by what stands in it."""
    values = [row["prediction"] for row in rows]
    try:
        if task.content is Content.ANSWERS:
            answers = {_source_id(row): row["prediction"] for row in rows}
            return json.dumps(answers, ensure_ascii=False, indent=1) + "\n"
        if task.content is Content.TAGS:
            return "\n".join("".join(f"{tag}\n" for tag in tags) for tags in values)
        if task.content is Content.PAIRS:
            lines = [f"{_source_id(row)}\t{row['prediction']}" for row in rows if row["prediction"]]
        else:
            lines = [str(value) for value in values]
    except TypeError as error:
        raise _odd(where, str(error)) from error
    return "".join(f"{line}\n" for line in lines)


def _source_id(row: Mapping[str, Any]) -> str:
    """The source's own id of a row ``<part>:<id>``."""
    return str(row["id"]).split(":", 1)[-1]


def _refuse_faults(folder: Path, task: XtremeTask, language: str, path: Path) -> None:
    """Read back what was written: a prediction of another form must not go out."""
    found: Found = read_predictions(folder, task, language)
    check_alone(found)
    if found.stops:
        fault = next(each for each in found.faults if each.stops)
        raise _odd(str(path), f"{fault.what}; {fault.expected} is expected")


def _odd(where: str, what: str) -> XstiltsError:
    return XstiltsError(
        f"A stored prediction does not fit into XTREME's file: {what}",
        where=where,
        next_step="look at the row; nothing was written",
    )


def _refuse_other_content(out: Path) -> None:
    """A folder that is replaced may hold a former submission, and nothing else."""
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        others = [out.name]
    else:
        there = [path.relative_to(out) for path in out.rglob("*") if not path.is_dir()] if out.exists() else []
        others = sorted(str(path) for path in there if path.as_posix() not in FILES)
    if others:
        raise XstiltsError(
            f"The folder would be replaced, and holds what is no submission: {others[0]}",
            where=str(out),
            allowed="a new folder, an empty one, or a former submission",
            next_step="choose another folder with --out",
        )


def _reasons(written: Written) -> str:
    by_task = {file.split("/")[0]: reason for file, reason in written.why.items()}
    return "; ".join(f"{task}: {reason}" for task, reason in by_task.items() if "no such target" not in reason) or (
        "it has no target of XTREME's"
    )


def _tell(written: Written, out: Path) -> None:
    """What was written, and which of the 162 files are missing for which reason."""
    table = Table("task", "files", "rows", "missing", "why", "note")
    for task in XTREME.values():
        files = [written.files[file] for file in map(task.file, task.languages) if file in written.files]
        reasons: dict[str, list[str]] = {}
        for language in task.languages:
            if (file := task.file(language)) in written.why:
                reasons.setdefault(written.why[file], []).append(language)
        why = "; ".join(
            reason if len(languages) == len(task.languages) else f"{' '.join(languages)}: {reason}"
            for reason, languages in reasons.items()
        )
        missing = len(task.languages) - len(files)
        table.add_row(
            task.name, str(len(files)), str(sum(files)), str(missing or ""), why, written.notes.get(task.name, "")
        )
    console = Console()
    console.print(table)
    missing = len(FILES) - len(written.files)
    console.print(f"Wrote {len(written.files)} of {len(FILES)} files to {out}; {missing} are missing.", soft_wrap=True)
    console.print(f"Next: `xstilts submission --check {out} --gold DIR`.", soft_wrap=True, highlight=False)
