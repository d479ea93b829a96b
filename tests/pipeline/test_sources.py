"""Sources through the command line: a hub on loopback, offline from a filled cache, the doctor's table, and no push."""

import json
from collections.abc import Callable
from pathlib import Path

from tests.conftest import Project, write_tiny_encoder
from tests.loopback_hub import folder_files, running_hub
from tests.unit.test_hub import xnli_files
from xstilts.config import read_yaml
from xstilts.encoders.facts import ENCODERS
from xstilts.files import read_jsonl, sha256_of

Maker = Callable[[], Project]


def edit(path: Path, before: str, after: str) -> None:
    text = path.read_text("utf-8")
    assert before in text
    path.write_text(text.replace(before, after), "utf-8")


def with_hub_sources(project: Project, tmp_path: Path) -> Project:
    """The tiny study with one corpus and one encoder from the hub more; HF_HOME is a folder of the test's own."""
    edit(project.root / "params.yaml", "corpora: [udpos, udpos_domain]", "corpora: [udpos, udpos_domain, hub-xnli]")
    edit(project.root / "params.yaml", "encoders: [tiny]", "encoders: [tiny, xlm-r-base]")
    project.environment |= {"HF_HOME": str(tmp_path / "hf"), "COLUMNS": "240"}
    for name in ("HF_TOKEN", "HF_HUB_CACHE", "HF_HUB_OFFLINE"):
        project.environment.pop(name, None)
    return project


def doctor(project: Project, **environment: str) -> tuple[int, dict[str, str]]:
    """Exit code, and the line of each source."""
    done = project.xstilts("doctor", "quickstart", check=False, **environment)
    assert "Traceback" not in done.stderr, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("│")]
    return done.returncode, {line.split("│")[1].strip(): line for line in lines}


def test_the_hub_from_lock_to_checkpoint_and_offline(make_project: Maker, tmp_path: Path) -> None:
    project = with_hub_sources(make_project(), tmp_path)
    xlm_r = ENCODERS["xlm-r-base"]
    with running_hub() as hub:
        project.environment["HF_ENDPOINT"] = hub.address
        commit = hub.publish("datasets", "facebook/xnli", xnli_files())
        hub.publish("models", xlm_r.source, folder_files(write_tiny_encoder(tmp_path / "xlm-r", "xlm-roberta")))
        code, lines = doctor(project)
        assert code == 1
        for name in ("hub-xnli", "xlm-r-base"):
            assert "not locked" in lines[name]
            assert "missing" in lines[name]
        assert "CC BY-NC 4.0" in lines["hub-xnli"]
        refused = project.xstilts("stage", "fetch", "--corpus", "hub-xnli", check=False)
        assert refused.returncode == 1
        assert "run `xstilts lock --corpus hub-xnli`" in refused.stderr
        project.xstilts("lock", "--corpus", "hub-xnli", "--encoder", "xlm-r-base")
        code, lines = doctor(project)
        assert code == 0, lines
        assert "in the hub's cache" in lines["hub-xnli"]
        assert "the hub answers" in lines["xlm-r-base"], "weights are downloaded when they are needed"
        project.xstilts("stage", "encoder", "--encoder", "xlm-r-base")
        asked = [path for path in hub.asked if "resolve" in path]
        assert not any(path.endswith(".py") for path in asked)
    project.environment["HF_ENDPOINT"] = "http://127.0.0.1:9"
    locked = read_yaml(project.root / "sources.lock")["corpora"]["hub-xnli"]
    assert locked["revision"] == commit
    project.xstilts("stage", "fetch", "--corpus", "hub-xnli", HF_HUB_OFFLINE="1")
    rows = read_jsonl(project.root / "data" / "quickstart" / "fetch" / "hub-xnli" / "en.train.jsonl.gz")
    assert len(rows) == 9
    built = project.root / "models" / "quickstart" / "encoder" / "xlm-r-base"
    facts = json.loads((built / "encoder.json").read_text())
    assert facts["weights_sha256"] == sha256_of(built / "model.safetensors")
    for home in (tmp_path / "hf", tmp_path / "empty"):
        code, lines = doctor(project, HF_HUB_OFFLINE="1", HF_HOME=str(home))
        assert code == 0, lines
        assert "converted earlier" in lines["xlm-r-base"]
    assert "fetched earlier; its source is away" in lines["hub-xnli"]


def test_the_doctor_tells_what_is_away(make_project: Maker, tmp_path: Path) -> None:
    project = with_hub_sources(make_project(), tmp_path)
    project.environment["HF_ENDPOINT"] = "http://127.0.0.1:9"
    message = project.xstilts("lock", "--corpus", "hub-xnli", check=False)
    assert message.returncode == 1
    assert "Error: The hub does not give its newest commit" in message.stderr.splitlines()[-1]
    assert "hub-xnli" not in read_yaml(project.root / "sources.lock")["corpora"]
    code, lines = doctor(project, XSTILTS_DATA="")
    assert code == 1
    assert "XSTILTS_DATA is not set" in lines["udpos"]
    assert "encoders/tiny" in lines["tiny"]
    assert "missing" not in lines["tiny"]


def test_text_of_a_corpus_does_not_reach_a_remote(make_project: Maker, tmp_path: Path) -> None:
    project = make_project()
    remote = tmp_path / "remote"
    project.dvc("remote", "add", "-q", "-d", "store", str(remote))
    project.dvc("repro", "-q", "arms", "encoder")
    kept = {path.name for path in (project.root / "data" / "quickstart" / "fetch" / "udpos").iterdir()}
    assert "de.test.jsonl.gz" in kept
    project.dvc("push", "-q", "--run-cache")
    pushed = {sha256_of(path) for path in remote.rglob("*") if path.is_file()}
    weights = project.root / "models" / "quickstart" / "encoder" / "tiny" / "model.safetensors"
    assert sha256_of(weights) in pushed, "checkpoints are pushed"
    texts = [
        path for path in (project.root / "data").rglob("*") if path.is_file() and path.suffix in (".gz", ".parquet")
    ]
    assert len(texts) > 10
    assert not pushed & {sha256_of(path) for path in texts}
