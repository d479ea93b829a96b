"""``xstilts lock``: first contact with sources."""

from collections.abc import Sequence
from pathlib import Path

from xstilts.cli.studies import named_study, study_names
from xstilts.encoders.facts import encoder_named
from xstilts.errors import XstiltsError
from xstilts.layout import Layout, data_folder
from xstilts.sources.corpora import corpus_named
from xstilts.sources.lock import contact_corpus, contact_encoder, read_lock, write_lock


def relock(root: Path, corpora: Sequence[str], encoders: Sequence[str]) -> None:
    """Contact the named sources and write what they give.

    Raises:
        XstiltsError: if none is named, or a source does not answer; the lock stays as it was then.
    """
    if not corpora and not encoders:
        raise XstiltsError(
            "Nothing to lock is named", where="the command line", next_step="give --corpus NAME or --encoder NAME"
        )
    path = Layout(root, "").lock_file
    lock = read_lock(path)
    local: dict[str, str] = {}
    for name in study_names(root):
        local |= dict(named_study(root, name).encoder.local)
    for name in corpora:
        lock["corpora"][name] = contact_corpus(corpus_named(name, where="the command line"), data_folder())
        print(f"lock: corpus {name}")
    for name in encoders:
        lock["encoders"][name] = contact_encoder(encoder_named(name, local, where="the command line"), root)
        print(f"lock: encoder {name}")
    write_lock(path, lock)
