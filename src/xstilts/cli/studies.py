"""Finding studies: the default one at the top level, all others below ``studies/``."""

import shutil
from pathlib import Path

from xstilts.config import Study, load_study
from xstilts.errors import XstiltsError, unknown
from xstilts.files import write_text
from xstilts.sections import check_name

DEFAULT = "quickstart"


def project_root() -> Path:
    """The project's root: the nearest folder upwards with a ``dvc.yaml`` beside ``sources.lock``.

    Raises:
        XstiltsError: outside a project.
    """
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "sources.lock").is_file() and (folder / "dvc.yaml").is_file():
            return folder
    raise XstiltsError(
        "This is no xstilts project",
        where=str(here),
        allowed="a clone of the repository, or a folder inside one",
        next_step="cd into the clone",
    )


def study_names(root: Path) -> list[str]:
    """All studies of a project, the default first."""
    return [DEFAULT, *sorted(path.parent.name for path in root.glob("studies/*/params.yaml"))]


def params_path(root: Path, name: str) -> str:
    """A study's ``params.yaml``, from the root."""
    if name not in study_names(root):
        raise unknown("study", name, study_names(root), where="the command line")
    return "params.yaml" if name == DEFAULT else f"studies/{name}/params.yaml"


def dvc_file(name: str) -> str:
    """A study's ``dvc.yaml``, from the root."""
    return "dvc.yaml" if name == DEFAULT else f"studies/{name}/dvc.yaml"


def named_study(root: Path, name: str) -> Study:
    """Load a study by name."""
    return load_study(root, params_path(root, name))


def new_study(root: Path, name: str, source: str) -> Path:
    """Make a study from another one's parameters.

    Returns:
        Its ``params.yaml``, from the root.
    """
    check_name("the study's name", name)
    folder = root / "studies" / name
    if folder.exists() or name == DEFAULT:
        raise XstiltsError(
            f"Study '{name}' is there already",
            where="studies/",
            next_step="choose another name, or edit its params.yaml",
        )
    text = (root / params_path(root, source)).read_text("utf-8")
    lines = []
    for line in text.splitlines():
        key = line.split(":", 1)[0]
        fresh = {"study": name, "wdir": "../..", "params": f"studies/{name}/params.yaml"}.get(key)
        lines.append(f"{key}: {fresh}" if fresh else line)
    try:
        write_text(folder / "params.yaml", "\n".join(lines) + "\n")
        (folder / "dvc.yaml").symlink_to("../../dvc.yaml")
        load_study(root, f"studies/{name}/params.yaml")
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return (folder / "params.yaml").relative_to(root)
