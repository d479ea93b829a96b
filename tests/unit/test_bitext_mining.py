"""Bitext mining: rows from both sides, pairs held to a threshold from elsewhere, and what an embedding is made of."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from tests.conftest import write_tiny_encoder
from xstilts.errors import XstiltsError
from xstilts.families.bitext_mining import BitextMining, chosen_pairs
from xstilts.guards.flags import flag_table
from xstilts.sections import Target
from xstilts.sources.corpus import Corpus
from xstilts.sources.normalise import normalised_rows
from xstilts.tasks import TASKS
from xstilts.training.layers import keep_layers, stack_of
from xstilts.training.model import load_model
from xstilts.training.vocabulary import Vocabulary

BUCC = TASKS["bucc2018"]
CORPUS = Corpus(name="bitext", task="bucc2018", source="jsonl", licence="made here")


def write(folder: Path, name: str, rows: list[dict[str, str]]) -> None:
    (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


@pytest.fixture
def bitext(tmp_path: Path) -> Path:
    for split in ("dev", "test"):
        for language in ("zh", "en"):
            rows = [{"id": f"{language}-{split}{n}", "sentence": f"{language} {split} {n}"} for n in range(3)]
            write(tmp_path, f"zh-en_{language}.{split}", rows)
        write(tmp_path, f"zh-en_gold.{split}", [{"zh": f"zh-{split}1", "en": f"en-{split}2"}])
    return tmp_path


def test_rows_hold_both_sides_and_dev_pairs_fit_the_threshold(bitext: Path) -> None:
    rows = {row["id"]: row for row in normalised_rows(CORPUS, bitext)}
    assert len(rows) == 12
    assert {row["language"] for row in rows.values()} == {"zh"}
    row = rows["zh-en.test:zh-test1"]
    assert (row["side"], row["bitext"], row["split"]) == ("source", "test", "test")
    assert row["pairs"] == {"english": ["en-test2"], "use": "score"}
    assert rows["zh-en.test:en-test2"]["pairs"] == {"english": [], "use": "score"}
    assert rows["zh-en.dev:zh-dev1"]["pairs"] == {"english": ["en-dev2"], "use": "threshold"}


def test_where_no_test_pairs_are_all_rows_are_scored(bitext: Path) -> None:
    only_dev = Corpus(name="bitext", task="bucc2018", source="jsonl", licence="", splits={"test": "dev"})
    rows = normalised_rows(only_dev, bitext)
    assert {(row["split"], row["pairs"]["use"]) for row in rows} == {("test", "score")}
    assert len(rows) == 6


def test_a_missing_side_is_named(bitext: Path) -> None:
    (bitext / "zh-en_en.test.jsonl").unlink()
    with pytest.raises(XstiltsError, match=r"no file zh-en_en\.test\.jsonl"):
        normalised_rows(CORPUS, bitext)


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({}, set()),
        ({"zh-test1": ["en-test9"]}, {"zh-en.test:zh-test1"}),
        ({"zh-test1": []}, {f"zh-en.test:{side}-test{n}" for side in ("zh", "en") for n in range(3)}),
    ],
)
def test_wrong_gold_pairs_are_flagged(bitext: Path, change: dict[str, list[str]], wrong: set[str]) -> None:
    rows = normalised_rows(CORPUS, bitext)
    for row in rows:
        if row["sentence_id"] in change:
            row["pairs"] = {**row["pairs"], "english": change[row["sentence_id"]]}
    flags = flag_table(pd.DataFrame(rows), BUCC, overlap_min_characters=20)
    assert set(flags.loc[flags["gold_pairs"], "id"]) == wrong


def gold(use: str, *english: str) -> dict[str, Any]:
    return {"english": list(english), "use": use}


def mined(english: str, score: float) -> dict[str, Any]:
    return {"english": english, "score": score}


def test_the_threshold_comes_from_the_rows_that_fit_it() -> None:
    right = [gold("threshold", "a"), gold("threshold"), gold("score", "c"), gold("score", "d"), gold("score")]
    found = [mined("a", 1.2), mined("b", 1.0), mined("c", 1.15), mined("d", 1.05), None]
    assert chosen_pairs(found, right) == [("2", "c")], "1.1 is midway between the right and the wrong dev pair"
    metrics = {metric.name: metric.value_pct for metric in BitextMining().score(found, right, BUCC, "zh")}
    assert metrics["precision"] == 100.0
    assert metrics["recall"] == 50.0


def test_without_such_rows_each_half_is_held_to_the_threshold_of_the_other() -> None:
    right = [gold("score", "a"), gold("score", "b"), gold("score"), gold("score")]
    found = [mined("a", 1.38), mined("b", 1.3), mined("x", 1.21), mined("y", 1.1)]
    # rows 0 and 2 give (1.38 + 1.21) / 2 = 1.295, rows 1 and 3 give (1.3 + 1.1) / 2 = 1.2
    assert chosen_pairs(found, right) == [("0", "a"), ("1", "b"), ("2", "x")]


def test_bitexts_are_mined_apart() -> None:
    rows = [
        {"text": f"{side} {name}", "sentence_id": f"{side}-{name}", "side": side, "bitext": name}
        for name in ("dev", "test")
        for side in ("source", "english")
    ]
    vectors = [torch.tensor([1.0, 0.0]), torch.tensor([0.9, 0.1]), torch.tensor([0.0, 1.0]), torch.tensor([0.1, 0.9])]
    found = BitextMining().gathered([], [vector.numpy() for vector in vectors], rows)
    assert [each and each["english"] for each in found] == ["english-dev", None, "english-test", None]


@pytest.mark.parametrize("architecture", ["bert", "xlnet", "deberta-v2"])
def test_a_layer_gives_what_it_gives_in_the_whole_encoder(architecture: str, tmp_path: Path) -> None:
    base = write_tiny_encoder(tmp_path, architecture)
    model, _ = load_model(base, None, Vocabulary(torch.arange(20).numpy()), BUCC, 0)
    model.eval()
    inputs = {"input_ids": torch.arange(5, 11)[None], "attention_mask": torch.ones(1, 6)}
    whole = model.encoder(**inputs, output_hidden_states=True).hidden_states[1]
    keep_layers(model.encoder, 1)
    assert len(stack_of(model.encoder)) == 1
    assert torch.allclose(model.encoder(**inputs).last_hidden_state.reshape(6, -1), whole.reshape(6, -1), atol=1e-6)


def test_a_layer_that_is_not_there_and_one_for_a_trained_target(tiny_encoder: Path) -> None:
    model, _ = load_model(tiny_encoder, None, Vocabulary(torch.arange(20).numpy()), BUCC, 0)
    with pytest.raises(XstiltsError, match="the encoder has 2"):
        keep_layers(model.encoder, 3)
    with pytest.raises(XstiltsError, match="layer"):
        Target(corpus="xnli", languages=("en",), train_rows=8, dev_rows=8, layer=7)
