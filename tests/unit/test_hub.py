"""Corpora and encoders from the hub: locked to a commit and to bytes, nothing run, clear words for what is amiss."""

import dataclasses
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import datasets
import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import ByteLevelBPETokenizer
from transformers import AutoTokenizer

from tests.conftest import write_tiny_encoder
from tests.loopback_hub import Hub, running_hub
from xstilts.encoders.checkpoint import write_checkpoint
from xstilts.encoders.facts import ENCODERS, XTREME_LANGUAGES
from xstilts.errors import XstiltsError
from xstilts.families import family_of
from xstilts.files import sha256_of
from xstilts.sources.corpora import CORPORA
from xstilts.sources.corpus import Corpus, Files
from xstilts.sources.hub_corpora import contact_hub, hub_rows, is_cached, read_rows
from xstilts.sources.lock import contact_encoder, read_lock, write_lock
from xstilts.sources.normalise import normalised_rows
from xstilts.stages.fetch import _write
from xstilts.tasks import TASKS
from xstilts.training.vocabulary import Marks

NAMES = ("entailment", "neutral", "contradiction")


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub, an empty cache, and nothing else within reach."""
    with running_hub() as found:
        monkeypatch.setenv("HF_ENDPOINT", found.address)
        fresh_cache(monkeypatch, tmp_path / "cache")
        monkeypatch.setattr("time.sleep", lambda seconds: None)  # between tries of a server that is away
        yield found


def fresh_cache(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(folder))


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


# Encoders


def folder_files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


XLM_R = ENCODERS["xlm-r-base"]


@pytest.mark.parametrize("large", [True, False])
def test_an_encoder_is_locked_and_read(hub: Hub, tmp_path: Path, large: bool) -> None:
    tiny = write_tiny_encoder(tmp_path / "tiny", "xlm-roberta")
    files = folder_files(tiny) | {"README.md": b"# card", "modeling.py": b"raise SystemExit", "tf_model.h5": b"x"}
    commit = hub.publish("models", XLM_R.source, files, large=large)
    entry = contact_encoder(XLM_R, tmp_path)
    assert entry["revision"] == commit
    assert entry["files"]["model.safetensors"] == sha256_of(tiny / "model.safetensors")
    assert set(entry["files"]) == {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
    if large:
        assert not any("model.safetensors" in path for path in hub.asked), "the list of files tells its sha256"
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_checkpoint(XLM_R, entry, tmp_path / name, tmp_path)
    assert folder_files(tmp_path / "one") == folder_files(tmp_path / "two"), "the same bytes every time"
    ours = load_file(tmp_path / "one" / "model.safetensors")
    for name, tensor in load_file(tiny / "model.safetensors").items():
        assert torch.equal(ours[name], tensor), name
    assert not Marks.of(AutoTokenizer.from_pretrained(tmp_path / "one")).with_types
    assert not any(path.endswith((".py", ".h5")) for path in hub.asked)


def test_a_pooler_that_the_source_lacks_is_not_made_up(hub: Hub, tmp_path: Path) -> None:
    tiny = write_tiny_encoder(tmp_path / "tiny", "xlm-roberta")
    tensors = load_file(tiny / "model.safetensors")
    bare = {name: tensor for name, tensor in tensors.items() if not name.startswith("pooler.")}
    assert len(bare) < len(tensors)
    save_file(bare, tiny / "model.safetensors", metadata={"format": "pt"})
    hub.publish("models", XLM_R.source, folder_files(tiny))
    (tmp_path / "out").mkdir()
    write_checkpoint(XLM_R, contact_encoder(XLM_R, tmp_path), tmp_path / "out", tmp_path)
    assert set(load_file(tmp_path / "out" / "model.safetensors")) == set(bare)
    del bare["encoder.layer.1.output.dense.weight"]
    save_file(bare, tiny / "model.safetensors", metadata={"format": "pt"})
    hub.publish("models", XLM_R.source, folder_files(tiny))
    (tmp_path / "third").mkdir()
    with pytest.raises(XstiltsError, match=r"lacks 1 tensors, the first is encoder.layer.1.output.dense.weight"):
        write_checkpoint(XLM_R, contact_encoder(XLM_R, tmp_path), tmp_path / "third", tmp_path)


def test_a_checkpoint_with_code_of_its_own_is_refused(hub: Hub, tmp_path: Path) -> None:
    files = folder_files(write_tiny_encoder(tmp_path / "tiny", "xlm-roberta"))
    code = {"model_type": "theirs", "auto_map": {"AutoConfig": "code.C", "AutoModel": "code.M"}}
    config = json.loads(files["config.json"]) | code
    files |= {"config.json": json.dumps(config).encode(), "code.py": b"raise SystemExit('their code was run')"}
    hub.publish("models", XLM_R.source, files)
    (tmp_path / "out").mkdir()
    with pytest.raises(XstiltsError, match=r"cannot be loaded: .*code is never run"):
        write_checkpoint(XLM_R, contact_encoder(XLM_R, tmp_path), tmp_path / "out", tmp_path)
    assert not any(path.endswith(".py") for path in hub.asked)


def test_pickled_weights_are_refused(hub: Hub, tmp_path: Path) -> None:
    mdeberta = ENCODERS["mdeberta-v3-base"]
    hub.publish("models", mdeberta.source, {"config.json": b"{}", "pytorch_model.bin": b"\x80", "spm.model": b""})
    with pytest.raises(
        XstiltsError,
        match=r"has no model.safetensors and no tokenizer.json; pytorch_model.bin is a pickle.*Next: convert a copy",
    ):
        contact_encoder(mdeberta, tmp_path)
    assert not any("resolve" in path for path in hub.asked)


def test_a_changed_checkpoint_is_refused(hub: Hub, tmp_path: Path) -> None:
    hub.publish("models", XLM_R.source, folder_files(write_tiny_encoder(tmp_path / "tiny", "xlm-roberta")))
    entry = contact_encoder(XLM_R, tmp_path)
    served = hub.served["models", XLM_R.source].files
    served["model.safetensors"] = served["model.safetensors"][:-1] + b"\x01"
    with pytest.raises(XstiltsError, match=r"model.safetensors of .* has sha256 .*, locked is"):
        write_checkpoint(XLM_R, entry, tmp_path / "out", tmp_path)


def test_a_lock_without_files_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(XstiltsError, match=r"has no files locked.*xstilts lock --encoder xlm-r-base"):
        write_checkpoint(XLM_R, {"revision": "0" * 40}, tmp_path, tmp_path)


def test_byte_level_tokenizers_take_words_one_by_one(hub: Hub, tmp_path: Path) -> None:
    roberta = ENCODERS["roberta-base"]
    tiny = write_tiny_encoder(tmp_path / "tiny", "roberta")
    bpe = ByteLevelBPETokenizer()
    bpe.train_from_iterator(["the soup was hot"], 300, special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
    bpe.save(str(tiny / "tokenizer.json"))
    (tiny / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "RobertaTokenizer"}))
    hub.publish("models", roberta.source, folder_files(tiny))
    (tmp_path / "out").mkdir()
    write_checkpoint(roberta, contact_encoder(roberta, tmp_path), tmp_path / "out", tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out")
    task = TASKS["udpos"]
    (example,) = family_of(task).encode([{"tokens": ["the", "soup"]}], tokenizer, task, 32)
    assert tokenizer.decode(example.input_ids, skip_special_tokens=True).strip() == "the soup"
    assert len(example.positions) == 2


def test_xlnet_pads_left_whatever_its_files_say(hub: Hub, tmp_path: Path) -> None:
    xlnet = ENCODERS["xlnet-base"]
    tiny = write_tiny_encoder(tmp_path / "tiny", "xlnet")
    settings = json.loads((tiny / "tokenizer_config.json").read_text())
    settings["padding_side"] = "right"
    (tiny / "tokenizer_config.json").write_text(json.dumps(settings))
    hub.publish("models", xlnet.source, folder_files(tiny))
    (tmp_path / "out").mkdir()
    write_checkpoint(xlnet, contact_encoder(xlnet, tmp_path), tmp_path / "out", tmp_path)
    marks = Marks.of(AutoTokenizer.from_pretrained(tmp_path / "out"))
    assert marks.left
    assert marks.with_types


def test_facts_of_the_encoders() -> None:
    hubs = [encoder for encoder in ENCODERS.values() if encoder.kind == "hub"]
    names = {"bert-base", "mbert", "roberta-base", "xlm-r-base", "xlm-r-large", "xlnet-base", "mdeberta-v3-base"}
    assert {encoder.name for encoder in hubs} == names
    assert len(XTREME_LANGUAGES) == 40 == len(set(XTREME_LANGUAGES))
    for encoder in hubs:
        assert encoder.parameters_million > 100
        assert set(encoder.languages) <= set(XTREME_LANGUAGES)
        assert encoder.languages or "not listed" in encoder.note
        assert None not in (encoder.pads_left, encoder.token_types)
    assert set(XTREME_LANGUAGES) - set(XLM_R.languages) == {"yo"}


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
