"""Does the default study find the answer that was planted? Whole studies, each on corpora of another generator seed.

    python benchmarks/planted_answer.py [--seeds 10] [--first 0] [--keep FOLDER] [--workers N]

Every seed runs the pipeline to its analysis by ``dvc repro``, in a clone of this repository's last commit, as a user
would, without what no verdict reads: the control arm, and the larger training sets of ``none``, whose texts then are in
the arms' pools (``--whole`` keeps both). The block `bound` must be answered "degrades", the block `fixed` neither
"degrades" nor "improves". A study takes minutes; with ``--keep`` finished ones are not run again. The ratio is that of
right answers to all, the peer the truth.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from workload import ROOT, machine

LINE = "{:>4} {:<8}{:<22}{:>8}{:>22}{:>8}{:>8}{:>8}  {}"


def study(seed: int, folder: Path, chosen: argparse.Namespace) -> dict[str, Any]:
    """Run the default study on another seed's corpora; its analysis, and the minutes it took."""
    clone = folder / f"seed-{seed}"
    done = clone / "done.json"
    if not done.is_file():
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        file = clone / "params.yaml"
        params = YAML().load(file)
        params["fetch"]["seed"] = seed
        params["runtime"]["workers"] = chosen.workers
        if not chosen.whole:
            params["arms"]["controls"] = []
            for target in params["targets"].values():
                target["more_rows"] = []
        YAML().dump(params, file)
        began = time.perf_counter()
        with (clone / "log.txt").open("w", encoding="utf-8") as log:
            command = [sys.executable, "-m", "dvc", "repro", "analyse"]
            own = {**os.environ, "PYTHONPATH": str(clone / "src")}
            subprocess.run(command, cwd=clone, env=own, check=True, stdout=log, stderr=subprocess.STDOUT)
        minutes = (time.perf_counter() - began) / 60
        analysis = json.loads((clone / "results" / params["study"] / "analyse" / "analysis.json").read_text("utf-8"))
        done.write_text(json.dumps({"minutes": minutes, "analysis": analysis}), "utf-8")
    found: dict[str, Any] = json.loads(done.read_text("utf-8"))
    return found


def answers(seed: int, found: dict[str, Any]) -> list[dict[str, Any]]:
    """One row for each question with a planted answer."""
    rows = []
    for encoder in found["analysis"]["encoders"].values():
        for question in encoder["questions"]:
            expected = question["planted"]["expects"]
            verdict = question["verdict"]
            right = verdict == "degrades" if expected == "degrades" else verdict not in ("degrades", "improves")
            keys = ("slope", "matched_gain", "far_gain")
            rows.append(
                {"seed": seed, "expected": expected, "verdict": verdict, "right": right, "minutes": found["minutes"]}
                | {key: question[key] for key in keys}
            )
    return rows


def main() -> None:
    """Run, print the table, one JSON line, and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first one")
    parser.add_argument("--keep", type=Path, help="where the studies stay; default: nowhere")
    parser.add_argument("--workers", type=int, default=0, help="of each study; 0: one a core")
    parser.add_argument("--whole", action="store_true", help="with the control and the larger training sets")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = (chosen.keep or Path(scratch)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        print(LINE.format("seed", "planted", "verdict", "slope", "interval", "p", "matched", "far", "right"))
        rows = []
        for seed in range(chosen.first, chosen.first + chosen.seeds):
            for row in answers(seed, study(seed, folder, chosen)):
                rows.append(row)
                print(_line(row), flush=True)
    print(json.dumps({"machine": machine(), "answers": rows}))
    print(f"ratio {sum(row['right'] for row in rows) / len(rows):.2f}")


def _line(row: dict[str, Any]) -> str:
    slope = row["slope"] or {}
    ends = f"{_number(slope.get('low'))} to {_number(slope.get('high'))}"
    planted = "effect" if row["expected"] == "degrades" else "none"
    levels = [_number((row[key] or {}).get("estimate")) for key in ("matched_gain", "far_gain")]
    p, right = _number(slope.get("p"), 3), "yes" if row["right"] else "NO"
    return LINE.format(row["seed"], planted, row["verdict"], _number(slope.get("estimate")), ends, p, *levels, right)


def _number(value: float | None, digits: int = 1) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


if __name__ == "__main__":
    main()
