"""The pipeline's promises: one word for each stage, whole deps, no gold in training, no state at import."""

import ast
import dataclasses
import os
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import xstilts
from xstilts.cli.app import STAGES, app
from xstilts.config import Study, read_yaml

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "xstilts"
PIPELINE = read_yaml(ROOT / "dvc.yaml")["stages"]
FREE = {
    "config.py",
    "errors.py",
    "faults.py",
    "files.py",
    "layout.py",
    "locks.py",
    "quiet.py",
    "seeds.py",
    "tables.py",
    "typed.py",
    "__init__.py",
}
"""Plumbing that decides no stage's result by itself: names of files, messages, types."""


def imports(path: Path) -> set[str]:
    """Top-level names below ``xstilts`` that a module imports, also inside functions; type-checking blocks left out."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("xstilts."):
            found.add((node.module or "").split(".")[1])
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("xstilts.")}
    return found


def as_dep(name: str) -> str:
    return name if (SOURCE / name).is_dir() else f"{name}.py"


def test_the_twelve_stages_have_one_name() -> None:
    assert tuple(PIPELINE) == STAGES
    for name in STAGES:
        assert (SOURCE / "stages" / f"{name}.py").is_file()
        assert f"xstilts stage {name} " in PIPELINE[name]["cmd"]


def test_every_command_that_is_written_down_exists() -> None:
    commands = {command.name or getattr(command.callback, "__name__", "") for command in app.registered_commands}
    commands |= {group.name for group in app.registered_groups}
    texts = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "Makefile", ROOT / "MLproject", ROOT / "dvc.yaml"]
    texts += [*(ROOT / "docs").rglob("*.md"), *SOURCE.rglob("*.html"), *SOURCE.rglob("*.py")]
    told = {
        (word, path.name)
        for path in texts
        for word in re.findall(r"(?:`|<code>|> |\$ |/)xstilts ([a-z]+)", path.read_text("utf-8"))
    }
    assert len(told) > 20
    assert {word for word, _ in told} <= commands, told


@pytest.mark.parametrize("name", STAGES)
def test_a_stages_deps_name_the_code_it_imports(name: str) -> None:
    deps = {dep.removeprefix("src/xstilts/") for dep in PIPELINE[name]["deps"] if dep.startswith("src/xstilts/")}
    assert f"stages/{name}.py" in deps
    wanted = {as_dep(each) for each in imports(SOURCE / "stages" / f"{name}.py")} - FREE
    missing = wanted - deps
    assert not missing, f"stage {name} imports {missing}, which dvc.yaml does not name"


def test_every_params_section_is_typed_and_tracked_sections_exist() -> None:
    known = {entry.name for entry in dataclasses.fields(Study)}
    for path in (ROOT / "params.yaml", *ROOT.glob("studies/*/params.yaml")):
        values = read_yaml(path)
        assert set(values) == known, path
    for name, stage in PIPELINE.items():
        for entry in stage.get("params", []):
            for file, keys in entry.items():
                assert file in ("${params}", "sources.lock")
                if file == "${params}":
                    assert set(keys) <= known, name


def test_runtime_is_tracked_by_no_stage() -> None:
    assert "runtime" not in str([stage.get("params") for stage in PIPELINE.values()])


def test_training_sees_no_gold_of_the_target_languages() -> None:
    for name in ("tune", "intermediate", "target", "register"):
        assert not [dep for dep in PIPELINE[name]["deps"] if "/validate" in dep or "/fetch" in dep], name


def test_inputs_of_the_target_languages_carry_no_gold() -> None:
    from xstilts.arms.build import KEYS
    from xstilts.families import FAMILIES
    from xstilts.sources.corpora import CORPORA
    from xstilts.tasks import TASKS, Family

    for kind, family in FAMILIES.items():
        assert family.gold not in (*KEYS, *family.inputs) or kind is Family.MASKED_LM
    assert "masked_lm" not in {TASKS[corpus.task].name for corpus in CORPORA.values()}, "it is no target"


def test_what_holds_text_of_a_corpus_is_never_pushed() -> None:
    seen = set()
    for name, stage in PIPELINE.items():
        for out in stage["outs"]:
            path, facts = next(iter(out.items())) if isinstance(out, dict) else (out, {})
            if path.startswith("data/"):
                seen.add(name)
                assert facts.get("push") is False, path
    assert seen == {"fetch", "validate", "arms"}


def test_every_study_uses_the_one_pipeline() -> None:
    for path in ROOT.glob("studies/*"):
        assert (path / "dvc.yaml").resolve() == ROOT / "dvc.yaml"


def test_every_mlproject_parameter_is_used() -> None:
    for point in read_yaml(ROOT / "MLproject")["entry_points"].values():
        used = set(re.findall(r"\{(\w+)\}", point["command"]))
        assert used == set(point["parameters"])


def test_importing_any_module_changes_nothing(tmp_path: Path) -> None:
    names = [module.name for module in pkgutil.walk_packages(xstilts.__path__, "xstilts.")]
    names = [name for name in names if name not in ("xstilts.__main__", "xstilts.tracking.serving")]
    code = (
        "import importlib, os, random, sys\n"
        "import rich.progress, torch, transformers  # which set variables and draw numbers of their own\n"
        "before = (dict(os.environ), random.getstate(), sorted(os.listdir('.')))\n"
        f"for name in {names!r}:\n    importlib.import_module(name)\n"
        "assert (dict(os.environ), random.getstate(), sorted(os.listdir('.'))) == before\n"
        "assert 'mlflow' not in sys.modules, 'only tracking may import mlflow, and only inside functions'\n"
    )
    environment = os.environ | {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_help_needs_no_torch() -> None:
    code = "import sys; import xstilts.cli.app; assert not {'torch', 'mlflow', 'pandas'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_files_stay_short() -> None:
    long = {
        path.name: count for path in SOURCE.rglob("*.py") if (count := len(path.read_text("utf-8").splitlines())) > 500
    }
    assert not long


def test_public_functions_have_docstrings() -> None:
    bare = []
    for path in SOURCE.rglob("*.py"):
        for node in ast.parse(path.read_text("utf-8")).body:
            is_public = isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
            if is_public and not ast.get_docstring(node):  # type: ignore[arg-type]
                bare.append(f"{path.name}:{node.name}")  # type: ignore[union-attr]
    assert not bare


@pytest.mark.parametrize("name", ["training", "evaluation", "cells", "repro", "error_rates"])
def test_benchmarks_explain_themselves(name: str) -> None:
    command = [sys.executable, f"benchmarks/{name}.py", "--help"]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"benchmarks/{name}.py" in done.stdout
