"""The stamp: proof that the tables below ``data/<study>/arms/`` passed the checks and are the ones that were drawn."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from xstilts.config import Study
from xstilts.errors import XstiltsError
from xstilts.files import Json, read_json, sha256_of, sha256_of_json, write_json

STAMP = "stamp.json"


def plain(value: object) -> Json:
    """A configuration value as JSON."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {entry.name: plain(getattr(value, entry.name)) for entry in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return value


def drawn_from(study: Study) -> str:
    """SHA-256 of the parameters that decide the draw."""
    return sha256_of_json({"arms": plain(study.arms), "targets": plain(study.targets)})


def write_stamp(folder: Path, study: Study, validated: Mapping[str, str]) -> None:
    """Stamp a folder of arms.

    Args:
        folder: with all its tables.
        study: whose arms they are.
        validated: corpus to the sha256 of its validated manifest.
    """
    files = {
        path.relative_to(folder).as_posix(): sha256_of(path) for path in sorted(folder.rglob("*")) if path.is_file()
    }
    write_json(folder / STAMP, {"files": files, "validated": dict(validated), "drawn_from": drawn_from(study)})


def check_stamp(folder: Path, study: Study) -> Json:
    """Refuse to train on tables that are not the stamped ones.

    Returns:
        ``arms.json``.

    Raises:
        XstiltsError: if the stamp is missing, or a table or the parameters changed since.
    """
    if not (folder / STAMP).is_file():
        raise _stale("there is no stamp")
    stamp = read_json(folder / STAMP)
    if stamp["drawn_from"] != drawn_from(study):
        raise _stale("arms or targets in params.yaml changed since the arms were drawn")
    for name, sha256 in stamp["files"].items():
        if not (folder / name).is_file() or sha256_of(folder / name) != sha256:
            raise _stale(f"{name} is not the file that was checked")
    return read_json(folder / "arms.json")


def _stale(why: str) -> XstiltsError:
    return XstiltsError(
        f"The stamp on the arms is stale: {why}",
        where=f"data/<study>/arms/{STAMP}",
        allowed="only tables that stage arms has checked and stamped",
        next_step="run `xstilts repro`, which draws and checks them again; never edit files below data/ by hand",
    )
