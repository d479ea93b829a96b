"""The default study, made smaller, finds what was planted: the effect where there is one, and none where there is none.

Whole default studies over ten generator seeds are run by ``benchmarks/planted_answer.py``.
"""

import shutil
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.conftest import ROOT, Project
from xstilts.files import read_json

pytestmark = pytest.mark.slow


def smaller(params: dict[str, Any], seed: int) -> dict[str, Any]:
    """Untuned, without the learning curve and the control, half the test text, two seeds."""
    params["fetch"] |= {"seed": seed, "rows": {"train": 2600, "dev": 500, "test": 120}}
    params["tune"]["trials"] = 0
    params["arms"]["controls"] = []
    params["seeds"] = [0, 1]
    for target in params["targets"].values():
        target["dev_rows"] = 500
        target.pop("more_rows", None)
    return params


@pytest.mark.parametrize("seed", [0])
def test_the_planted_answer_is_found(seed: int, tmp_path: Path) -> None:
    for name in ("dvc.yaml", "sources.lock", ".dvcignore", ".gitignore"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    YAML().dump(smaller(YAML().load(ROOT / "params.yaml"), seed), tmp_path / "params.yaml")
    project = Project(tmp_path, tmp_path)
    project.run("git", "init", "-q")
    project.dvc("init", "-q")
    project.dvc("repro", "analyse")
    analysis = read_json(tmp_path / "results" / "quickstart" / "analyse" / "analysis.json")
    found = {question["corpus"]: question for question in analysis["encoders"]["e5-small-q4"]["questions"]}
    effect, null = found["synthetic-reviews"], found["synthetic-reviews-fixed"]
    assert (effect["planted"]["expects"], null["planted"]["expects"]) == ("degrades", "no effect")
    assert effect["verdict"] == "degrades", effect["because"]
    assert null["verdict"] not in ("degrades", "improves", "not judged"), null["because"]
    assert null["matched_gain"]["estimate"] > 0
