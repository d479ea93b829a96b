"""Stage ``arms``: draws arms and target sets, matched and free of overlap, and stamps them."""

from typing import Any

from xstilts.arms.build import build
from xstilts.arms.stamp import write_stamp
from xstilts.config import Study
from xstilts.files import read_json, replaced_folder, sha256_of, write_json, write_jsonl
from xstilts.layout import Layout
from xstilts.tables import read_rows, write_rows


def run(study: Study, layout: Layout) -> None:
    """Write ``data/<study>/arms/``."""
    manifests = {corpus: layout.data("validate", corpus, "manifest.json") for corpus in study.corpora}
    parts = {corpus: read_json(path)["parts"] for corpus, path in manifests.items()}

    def read(corpus: str, split: str, with_gold: bool) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        for part in (each for each in parts[corpus] if each["split"] == split):
            if with_gold and part["language"] != "en":
                continue
            name = f"{part['part']}.{split}.parquet"
            found = read_rows(layout.data("validate", corpus, "inputs", name))
            gold = read_rows(layout.data("validate", corpus, "gold", name)) if with_gold else found
            rows += [{**row, **right, "part": part["part"]} for row, right in zip(found, gold, strict=True)]
        return rows

    built = build(study, read)
    with replaced_folder(layout.data("arms")) as folder:
        for name, (columns, rows) in built.tables.items():
            write_rows(folder / name, rows, columns)
        write_json(folder / "arms.json", {"arms": built.arms, "targets": built.targets})
        write_jsonl(folder / "removed.jsonl", built.removed)
        write_stamp(folder, study, {corpus: sha256_of(path) for corpus, path in manifests.items()})
    for arm, facts in built.arms.items():
        train = facts["train"]
        print(
            f"arms: {arm}: {train['labelled_items']} labelled items, {train['rows']} rows, "
            f"{train['documents']} documents, length distance {facts['length_distance']:.2f}"
        )
    print(f"arms: {len(built.removed)} rows removed for overlap with target text")
