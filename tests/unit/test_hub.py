"""Corpora from the hub: locked to a commit and to bytes, nothing run, clear words for what is amiss."""

import dataclasses
import io
import json
from pathlib import Path
from typing import Any

import datasets
import pytest

from tests.loopback_hub import Hub
from tests.unit.conftest import fresh_cache
from xstilts.errors import XstiltsError
from xstilts.sources.corpora import CORPORA
from xstilts.sources.corpus import Corpus, Files
from xstilts.sources.hub_corpora import contact_hub, hub_rows, is_cached, read_rows
from xstilts.sources.lock import read_lock, write_lock
from xstilts.sources.normalise import normalised_rows
from xstilts.stages.fetch import _write
from xstilts.tasks import TASKS

NAMES = ("entailment", "neutral", "contradiction")


def parquet(rows: list[dict[str, Any]], features: datasets.Features | None = None) -> bytes:
    buffer = io.BytesIO()
    datasets.Dataset.from_list(rows, features=features).to_parquet(buffer)
    return buffer.getvalue()


def nli(count: int, word: str) -> bytes:
    features = datasets.Features(
        {
            "premise": datasets.Value("string"),
            "hypothesis": datasets.Value("string"),
            "label": datasets.ClassLabel(names=list(NAMES)),
        }
    )
    return parquet([{"premise": f"{word} {n}", "hypothesis": "so", "label": n % 3} for n in range(count)], features)


def xnli_files() -> dict[str, bytes]:
    return {
        "README.md": b"# card",
        "en/train-00000-of-00002.parquet": nli(6, "train"),
        "en/train-00001-of-00002.parquet": nli(3, "more"),
        "en/validation-00000-of-00001.parquet": nli(4, "dev"),
        "en/test-00000-of-00001.parquet": nli(5, "test"),
        "de/train-00000-of-00001.parquet": nli(7, "never fetched"),
        "de/test-00000-of-00001.parquet": nli(5, "pruefung"),
        "all_languages/test-00000-of-00001.parquet": nli(9, "never fetched"),
        "xnli.py": b"raise SystemExit('a loading script was run')",
    }


XNLI = CORPORA["hub-xnli"]


def test_lock_then_fetch(hub: Hub, tmp_path: Path) -> None:
    commit = hub.publish("datasets", XNLI.repository, xnli_files())
    entry = contact_hub(XNLI)
    assert entry["repository"] == "facebook/xnli"
    assert entry["revision"] == commit
    assert {path: facts["rows"] for path, facts in entry["files"].items()} == {
        "en/train-00000-of-00002.parquet": 6,
        "en/train-00001-of-00002.parquet": 3,
        "en/validation-00000-of-00001.parquet": 4,
        "en/test-00000-of-00001.parquet": 5,
        "de/test-00000-of-00001.parquet": 5,
    }
    write_lock(tmp_path / "sources.lock", {"corpora": {"hub-xnli": entry}, "encoders": {}})
    assert read_lock(tmp_path / "sources.lock")["corpora"]["hub-xnli"] == entry
    folder = tmp_path / "fetched"
    folder.mkdir()
    counts = _write(folder, hub_rows(XNLI, entry))
    assert counts == {"de.test.jsonl.gz": 5, "en.dev.jsonl.gz": 4, "en.test.jsonl.gz": 5, "en.train.jsonl.gz": 9}
    rows = normalised_rows(XNLI, folder)
    assert {row["label"] for row in rows} == set(NAMES), "class ids are named by the file itself"
    assert {row["label"] for row in rows} == set(TASKS["xnli"].labels)
    assert rows[0].keys() >= {"text_a", "text_b", "label", "id", "split", "language"}
    assert not any("xnli.py" in path and "resolve" in path for path in hub.asked)
    assert not any("never" in row["text_a"] for row in rows)


@pytest.mark.parametrize(("name", "label"), [("hub-cosmosqa", 1), ("hub-socialiqa", "2")])
def test_data_that_the_hub_converted_lie_on_a_branch_of_their_own(
    name: str, label: int | str, hub: Hub, tmp_path: Path
) -> None:
    corpus = CORPORA[name]
    choices = corpus.columns["choices"].split("+")
    row = {"context": "Ada fell.", "question": "Why?", "label": label} | {each: f"for {each}" for each in choices}
    files = {f"default/{split}/0000.parquet": parquet([row], None) for split in ("train", "validation", "test")}
    commit = hub.publish("datasets", corpus.repository, files, branch="refs/convert/parquet")
    entry = contact_hub(corpus)
    assert entry["revision"] == commit
    assert len(entry["files"]) == 2
    folder = tmp_path / "fetched"
    folder.mkdir()
    _write(folder, hub_rows(corpus, entry))
    rows = normalised_rows(corpus, folder)
    assert [(row["split"], row["text"], row["label"]) for row in rows] == [
        (split, "Ada fell. Why?", "1") for split in ("dev", "train")
    ]
    assert list(rows[0]["choices"]) == [f"for {each}" for each in choices]
    hub.publish("datasets", corpus.repository, files)
    with pytest.raises(XstiltsError, match="refs/convert/parquet"):
        contact_hub(corpus)


def test_a_new_commit_changes_nothing_until_it_is_locked(hub: Hub) -> None:
    hub.publish("datasets", XNLI.repository, xnli_files())
    entry = contact_hub(XNLI)
    hub.publish("datasets", XNLI.repository, xnli_files() | {"en/test-00000-of-00001.parquet": nli(9, "other")})
    assert sum(len(rows) for part, split, rows in hub_rows(XNLI, entry) if (part, split) == ("en", "test")) == 5


def test_a_file_that_changed_after_the_lock_is_refused(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.publish("datasets", XNLI.repository, xnli_files())
    entry = contact_hub(XNLI)
    hub.served["datasets", XNLI.repository].files["de/test-00000-of-00001.parquet"] = nli(5, "anders")
    fresh_cache(monkeypatch, tmp_path / "other-cache")
    with pytest.raises(
        XstiltsError, match=r"de/test-00000-of-00001.parquet has sha256 .*, locked is .*Next: do not use"
    ):
        list(hub_rows(XNLI, entry))


def test_rows_are_counted(hub: Hub) -> None:
    hub.publish("datasets", XNLI.repository, xnli_files())
    entry = contact_hub(XNLI)
    entry["files"]["en/test-00000-of-00001.parquet"]["rows"] = 6
    with pytest.raises(XstiltsError, match="has 5 rows, locked are 6"):
        list(hub_rows(XNLI, entry))


def test_what_the_hub_lists_is_what_it_gives(hub: Hub) -> None:
    hub.publish("datasets", XNLI.repository, xnli_files())
    honest = hub.answer

    def lying(path: str) -> tuple[int, bytes, dict[str, str]]:
        status, body, headers = honest(path)
        return status, nli(5, "forged") if "resolve" in path else body, headers

    hub.answer = lying  # type: ignore[method-assign]
    with pytest.raises(XstiltsError, match="the hub's own list says"):
        contact_hub(XNLI)


def test_a_repository_with_a_loading_script_only_is_refused(hub: Hub) -> None:
    files = {"xnli.py": b"raise SystemExit('a loading script was run')", "en/test.pkl": b"\x80\x04."}
    hub.publish("datasets", XNLI.repository, files)
    with pytest.raises(XstiltsError, match=r"only a loading script \(xnli.py\), and scripts of others are never run"):
        contact_hub(XNLI)
    assert not any("resolve" in path for path in hub.asked)


def test_the_server_is_away(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.publish("datasets", XNLI.repository, xnli_files())
    entry = contact_hub(XNLI)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert is_cached(XNLI, entry)
    assert len(list(hub_rows(XNLI, entry))) == 4, "a filled cache is enough"
    with pytest.raises(XstiltsError, match=r"The hub does not give its newest commit: .*Next: run it where the hub"):
        contact_hub(XNLI)


def test_the_server_is_away_and_the_cache_empty(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.publish("datasets", XNLI.repository, xnli_files())
    entry = contact_hub(XNLI)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    fresh_cache(monkeypatch, tmp_path / "other-cache")
    assert not is_cached(XNLI, entry)
    with pytest.raises(XstiltsError, match=r"The hub does not give en/train-.*dataset facebook/xnli"):
        list(hub_rows(XNLI, entry))


def test_offline_mode_needs_no_server(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.publish("datasets", XNLI.repository, xnli_files())
    entry = contact_hub(XNLI)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    hub.asked.clear()
    assert len(list(hub_rows(XNLI, entry))) == 4
    assert hub.asked == []


def test_an_unknown_repository_and_a_lock_of_another_one(hub: Hub) -> None:
    with pytest.raises(XstiltsError, match="The hub has no such repository, or shows it to some accounts alone"):
        contact_hub(XNLI)
    hub.publish("datasets", XNLI.repository, xnli_files())
    entry = contact_hub(XNLI)
    with pytest.raises(XstiltsError, match="the lock is of other/xnli"):
        list(hub_rows(XNLI, entry | {"repository": "other/xnli"}))
    with pytest.raises(XstiltsError, match=r"has no use for somewhere/x\.parquet"):
        list(hub_rows(XNLI, entry | {"files": entry["files"] | {"somewhere/x.parquet": {}}}))
    gone = entry | {"revision": "0" * 40}
    with pytest.raises(XstiltsError, match="The hub does not have en/train-00000"):
        list(hub_rows(XNLI, gone))


def test_tags_that_are_class_ids_are_named_by_the_file(hub: Hub, tmp_path: Path) -> None:
    corpus = CORPORA["hub-panx"]
    labels = list(TASKS["panx"].labels)
    features = datasets.Features(
        {
            "tokens": datasets.List(datasets.Value("string")),
            "ner_tags": datasets.List(datasets.ClassLabel(names=labels)),
            "langs": datasets.List(datasets.Value("string")),
        }
    )
    rows = [{"tokens": ["Ada", "in", "Rom"], "ner_tags": [1, 0, 5], "langs": ["de"] * 3}]
    hub.publish("datasets", corpus.repository, {"PAN-X.de/test-00000-of-00001.parquet": parquet(rows, features)})
    (tmp_path / "fetched").mkdir()
    _write(tmp_path / "fetched", hub_rows(corpus, contact_hub(corpus)))
    (row,) = normalised_rows(corpus, tmp_path / "fetched")
    assert row["tokens"] == ["Ada", "in", "Rom"]
    assert row["tags"] == ["B-PER", "O", "B-LOC"]


def test_columns_inside_columns_and_labels_by_number(hub: Hub, tmp_path: Path) -> None:
    corpus = Corpus(
        name="mine",
        task="sentiment",
        source="hub",
        licence="x",
        repository="me/mine",
        files=(Files("{part}.{part}.jsonl", "test"),),
        parts={"english": "en"},
        columns={"text": "review.body"},
        labels={"0": "negative", "1": "positive"},
    )
    line = json.dumps({"review": {"body": "good"}, "label": 1}) + "\n"
    hub.publish("datasets", "me/mine", {"english.english.jsonl": line.encode(), "english.french.jsonl": b"{}\n"})
    (tmp_path / "fetched").mkdir()
    _write(tmp_path / "fetched", hub_rows(corpus, contact_hub(corpus)))
    (row,) = normalised_rows(corpus, tmp_path / "fetched")
    assert (row["text"], row["label"], row["language"]) == ("good", "positive", "en")


@pytest.mark.parametrize(("name", "text"), [("a.csv", 'a,b\n"x, y",2\n'), ("a.tsv", "a\tb\nx, y\t2\n")])
def test_tables_are_read_by_their_header(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    assert read_rows(tmp_path / name, name) == [{"a": "x, y", "b": "2"}]
    (tmp_path / name).write_text(text + "only one\n")
    with pytest.raises(XstiltsError, match=f"{name}, line 3"):
        read_rows(tmp_path / name, name)


def test_a_damaged_parquet_file(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(nli(3, "x")[:-40])
    with pytest.raises(XstiltsError, match=r"No Parquet file: .*a.parquet"):
        read_rows(tmp_path / "a.parquet", "a.parquet")


def test_files_of_a_corpus_are_matched_whole() -> None:
    files = Files("{part}/test-*.parquet", "test")
    paths = [
        "de/test-1.parquet",
        "x/de/test-1.parquet",
        "de/test-1.parquet.py",
        "../test-1.parquet",
        "de/test-a/b.parquet",
    ]
    assert list(files.found(paths, {})) == [("de/test-1.parquet", "de", "de")]
    longer = dataclasses.replace(files, part="{part}_news")
    assert list(longer.found(paths, {"de": "ger"})) == [("de/test-1.parquet", "de", "ger_news")]
    assert list(files.found(paths, {"fr": "fr"})) == []
