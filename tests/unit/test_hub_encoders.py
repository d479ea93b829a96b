"""Encoders from the hub: locked file by file, read from safetensors alone, saved the same way every time."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import ByteLevelBPETokenizer
from transformers import AutoTokenizer

from tests.conftest import with_head, write_tiny_encoder
from tests.loopback_hub import Hub, folder_files
from xstilts.encoders.checkpoint import LM_HEAD, write_checkpoint
from xstilts.encoders.facts import ENCODERS, XTREME_LANGUAGES
from xstilts.errors import XstiltsError
from xstilts.families import family_of
from xstilts.files import read_json, sha256_of
from xstilts.sources.lock import contact_encoder
from xstilts.tasks import TASKS
from xstilts.training.vocabulary import Marks

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


def test_the_head_of_masked_language_modelling_comes_along(hub: Hub, tmp_path: Path) -> None:
    tiny = write_tiny_encoder(tmp_path / "tiny", "xlm-roberta")
    hub.publish("models", XLM_R.source, folder_files(with_head(tiny)))
    (tmp_path / "out").mkdir()
    write_checkpoint(XLM_R, contact_encoder(XLM_R, tmp_path), tmp_path / "out", tmp_path)
    ours, theirs = (load_file(folder / LM_HEAD) for folder in (tmp_path / "out", tiny))
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    assert read_json(tmp_path / "out" / "encoder.json")["lm_head_sha256"] == sha256_of(tmp_path / "out" / LM_HEAD)


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
