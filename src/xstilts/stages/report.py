"""Stage ``report``: one self-contained page."""

import csv
from pathlib import Path

from xstilts.config import Study
from xstilts.files import read_json, read_jsonl, replaced_folder, write_text
from xstilts.layout import Layout
from xstilts.reporting import build_report


def run(study: Study, layout: Layout) -> None:
    """Write ``results/<study>/report/index.html``."""
    scores = [row for encoder in study.encoders for row in _table(layout.results("evaluate", encoder, "scores.csv"))]
    page = build_report(
        read_json(layout.results("analyse", "analysis.json")),
        read_jsonl(layout.results("analyse", "claims.jsonl")),
        scores,
        _table(layout.results("diverge", "divergence.csv")),
        study=study.study,
    )
    with replaced_folder(layout.results("report")) as folder:
        write_text(folder / "index.html", page)
    print(f"report: {layout.results('report', 'index.html').relative_to(layout.root)}")


def _table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
