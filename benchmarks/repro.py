"""Seconds of a ``dvc repro`` that has nothing to do, beside plain DVC pipelines of 1, 10 and 40 trivial stages.

    python benchmarks/repro.py [--rounds 3]

Run it in a project whose default study is up to date (``make repro``). The peer is DVC itself on stages that copy one
small file; the ratio is the peer's time at as many stages as the default study has, over ours.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from workload import ROOT, machine

SIZES = (1, 10, 40)


def dvc(folder: Path, *arguments: str) -> str:
    """Run DVC and give what it says."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    environment = os.environ | {"DVC_NO_ANALYTICS": "1", "PATH": path}
    command = [sys.executable, "-m", "dvc", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    return done.stdout


def trivial(folder: Path, count: int) -> None:
    """A pipeline of stages that copy a file."""
    (folder / "in.txt").write_text("x\n")
    stages = "".join(
        f"  s{number}:\n    cmd: cp in.txt out{number}.txt\n    deps: [in.txt]\n    outs: [out{number}.txt]\n"
        for number in range(count)
    )
    (folder / "dvc.yaml").write_text(f"stages:\n{stages}")
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    dvc(folder, "init", "-q")
    dvc(folder, "repro", "-q")


def no_op(folder: Path) -> float:
    """Seconds of one repro that must run nothing."""
    began = time.perf_counter()
    said = dvc(folder, "repro")
    wall = time.perf_counter() - began
    if "Running stage" in said:
        raise SystemExit("stages ran: bring the default study up to date first (`make repro`)")
    return wall


def main() -> None:
    """Measure in turn, print a table, a JSON line and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    stages = dvc(ROOT, "stage", "list", "--name-only").split()
    sizes = sorted({*SIZES, len(stages)})
    with tempfile.TemporaryDirectory() as name:
        folders = {size: Path(name) / str(size) for size in sizes}
        for size, folder in folders.items():
            folder.mkdir()
            trivial(folder, size)
        found: dict[str, list[float]] = {}
        for _ in range(rounds):
            for size, folder in folders.items():
                found.setdefault(f"DVC, {size} trivial stages", []).append(no_op(folder))
            found.setdefault(f"xstilts, {len(stages)} stages", []).append(no_op(ROOT))
    middle = {side: statistics.median(seconds) for side, seconds in found.items()}
    for side, seconds in middle.items():
        print(f"{side:<34}{seconds:>8.2f} s")
    ratio = middle[f"DVC, {len(stages)} trivial stages"] / middle[f"xstilts, {len(stages)} stages"]
    print(json.dumps({"machine": machine(), "rounds": rounds, "seconds": found, "ratio": ratio}))
    print(f"ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
