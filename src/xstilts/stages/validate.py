"""Stage ``validate``: Great Expectations suites inside one corpus; a corpus that fails stops the pipeline."""

from typing import Any

from xstilts.config import Study
from xstilts.families import family_of
from xstilts.files import Json, replaced_folder, sha256_of, write_json
from xstilts.guards import check_corpus, failure, load_waivers
from xstilts.guards.waivers import waivers_file
from xstilts.layout import Layout
from xstilts.sources.corpora import corpus_named
from xstilts.sources.corpus import Corpus, language_of
from xstilts.sources.normalise import KEYS, normalised_rows, splits_of
from xstilts.tables import write_rows
from xstilts.tasks import TASKS


def run(study: Study, layout: Layout, corpus: str) -> None:
    """Write ``data/<study>/validate/<corpus>/`` and ``results/<study>/validate/<corpus>/``.

    Raises:
        XstiltsError: if a check that stops the run fails; Data Docs and summary are written all the same.
    """
    import pandas as pd

    facts = corpus_named(corpus, where="stage validate")
    rows = normalised_rows(facts, layout.data("fetch", corpus))
    with replaced_folder(layout.results("validate", corpus)) as docs:
        outcome = check_corpus(
            pd.DataFrame(rows),
            facts,
            TASKS[facts.task],
            expected_languages=_wanted_languages(study, corpus),
            docs_folder=docs / "data_docs",
            waivers=load_waivers(waivers_file(facts)),
            overlap_min_characters=study.validate.overlap_min_characters,
        )
        write_json(docs / "summary.json", outcome.summary)
    if not outcome.passed:
        raise failure(outcome, facts)
    dropped = set(outcome.dropped)
    kept = [row for row in rows if row["id"] not in dropped]
    _write(layout, facts, kept)
    told = sum(check.count for check in outcome.checks if not check.passed)
    print(
        f"validate: {corpus}, {len(kept)} rows, {len(dropped)} dropped by waiver, {told} defects told of in Data Docs"
    )


def _wanted_languages(study: Study, corpus: str) -> list[str]:
    wanted = {"en"} if any(block.corpus == corpus for block in study.arms.blocks.values()) else set()
    for target in study.targets.values():
        if target.corpus == corpus:
            wanted |= set(target.languages)
    return sorted(wanted)


def _write(layout: Layout, corpus: Corpus, rows: list[dict[str, Any]]) -> None:
    task = TASKS[corpus.task]
    family = family_of(task)
    parts: list[Json] = []
    inputs = ("id", *(key for key in KEYS if key not in ("id", "part", "split")), *family.inputs)
    with replaced_folder(layout.data("validate", corpus.name)) as folder:
        for part, split in splits_of(rows):
            mine = [row for row in rows if row["part"] == part and row["split"] == split]
            name = f"{part}.{split}.parquet"
            write_rows(folder / "inputs" / name, mine, inputs)
            write_rows(folder / "gold" / name, mine, ("id", family.gold))
            parts.append(
                {
                    "part": part,
                    "language": language_of(part),
                    "split": split,
                    "rows": len(mine),
                    "inputs_sha256": sha256_of(folder / "inputs" / name),
                    "gold_sha256": sha256_of(folder / "gold" / name),
                }
            )
        manifest = {"corpus": corpus.name, "task": task.name, "task_version": task.version, "parts": parts}
        write_json(folder / "manifest.json", manifest)
