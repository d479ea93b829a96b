"""Stage ``fetch``: a corpus from its source, held to ``sources.lock``."""

import gzip
import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from xstilts.config import Study
from xstilts.errors import XstiltsError
from xstilts.files import Json, replaced_folder, sha256_of, told_when_full, write_bytes, write_json
from xstilts.layout import Layout, data_folder
from xstilts.sources.corpora import corpus_named
from xstilts.sources.corpus import Corpus
from xstilts.sources.folders.folder import FOLDERS, folder_rows, source_folder
from xstilts.sources.hub_corpora import hub_rows
from xstilts.sources.jsonl import corpus_files, corpus_folder
from xstilts.sources.lock import hold_to_lock, locked_corpus
from xstilts.sources.synthetic import generate


def run(study: Study, layout: Layout, corpus: str) -> None:
    """Write ``data/<study>/fetch/<corpus>/`` and its manifest."""
    facts = corpus_named(corpus, where="stage fetch")
    lock = locked_corpus(layout.lock_file, facts)
    with replaced_folder(layout.data("fetch", corpus)) as folder:
        rows = _rows(study, facts, lock, folder)
        files = {name: {"sha256": sha256_of(folder / name), "rows": count} for name, count in rows.items()}
        write_json(
            folder / "manifest.json",
            {"corpus": corpus, "task": facts.task, "licence": facts.licence, "files": files},
        )
    print(f"fetch: {corpus}, {len(rows)} files, {sum(rows.values())} rows")


def _rows(study: Study, corpus: Corpus, lock: Mapping[str, Json], folder: Path) -> dict[str, int]:
    """Write the corpus's files.

    Returns:
        Rows of each file.
    """
    if corpus.source == "generator":
        made = generate(corpus.name, seed=study.fetch.seed, rows=dict(study.fetch.rows), kappa=study.fetch.kappa)
        return _write(folder, ((part, split, rows) for (part, split), rows in made.items()))
    hold_to_lock(corpus, lock, data_folder())
    if corpus.source == "hub":
        return _write(folder, hub_rows(corpus, lock))
    if corpus.source in FOLDERS:
        return _write(folder, folder_rows(corpus, source_folder(corpus, data_folder())))
    return _copy(corpus, lock["files"], folder)


def _write(folder: Path, parts: Iterable[tuple[str, str, list[dict[str, Any]]]]) -> dict[str, int]:
    counts = {}
    for part, split, rows in parts:
        name = f"{part}.{split}.jsonl.gz"
        try:
            text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        except TypeError as error:
            raise XstiltsError(
                f"A column of {name} holds what is no text, number or list: {error}",
                where="stage fetch",
                next_step="the corpus cannot be used as it is; bring its rows as a JSONL folder (XSTILTS_DATA)",
            ) from error
        write_bytes(folder / name, gzip.compress(text.encode("utf-8"), mtime=0))
        counts[name] = len(rows)
    return counts


def _copy(corpus: Corpus, locked: Mapping[str, Json], folder: Path) -> dict[str, int]:
    with told_when_full(folder):
        for name, path in corpus_files(corpus_folder(corpus, data_folder())).items():
            shutil.copyfile(path, folder / name)
    return {name: entry["rows"] for name, entry in locked.items()}
