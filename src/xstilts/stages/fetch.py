"""Stage ``fetch``: a corpus from its source, held to ``sources.lock``."""

import gzip
import json
import shutil
from pathlib import Path

from xstilts.config import Study
from xstilts.files import replaced_folder, sha256_of, told_when_full, write_bytes, write_json
from xstilts.layout import Layout, data_folder
from xstilts.sources.corpora import Corpus, corpus_named
from xstilts.sources.jsonl import check_locked, corpus_files, corpus_folder
from xstilts.sources.lock import locked_corpus
from xstilts.sources.synthetic import generate


def run(study: Study, layout: Layout, corpus: str) -> None:
    """Write ``data/<study>/fetch/<corpus>/`` and its manifest."""
    facts = corpus_named(corpus, where="stage fetch")
    lock = locked_corpus(layout.lock_file, facts)
    with replaced_folder(layout.data("fetch", corpus)) as folder:
        rows = _generate(study, facts, folder) if facts.source == "generator" else _copy(facts, lock["files"], folder)
        files = {name: {"sha256": sha256_of(folder / name), "rows": count} for name, count in rows.items()}
        write_json(
            folder / "manifest.json",
            {"corpus": corpus, "task": facts.task, "licence": facts.licence, "files": files},
        )
    print(f"fetch: {corpus}, {len(rows)} files, {sum(rows.values())} rows")


def _generate(study: Study, corpus: Corpus, folder: Path) -> dict[str, int]:
    counts = {}
    made = generate(corpus.name, seed=study.fetch.seed, rows=dict(study.fetch.rows), kappa=study.fetch.kappa)
    for (part, split), rows in made.items():
        name = f"{part}.{split}.jsonl.gz"
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        write_bytes(folder / name, gzip.compress(text.encode("utf-8"), mtime=0))
        counts[name] = len(rows)
    return counts


def _copy(corpus: Corpus, locked: dict[str, dict[str, int]], folder: Path) -> dict[str, int]:
    source = corpus_folder(corpus, data_folder())
    check_locked(corpus, source, {"files": locked})
    with told_when_full(folder):
        for name, path in corpus_files(source).items():
            shutil.copyfile(path, folder / name)
    return {name: entry["rows"] for name, entry in locked.items()}
