"""Families: what is labelled, how long sentences are cut, what is predicted."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from transformers import AutoTokenizer

from tests.conftest import write_tiny_encoder
from xstilts.families import FAMILIES, family_of
from xstilts.families.base import IGNORED
from xstilts.families.sentence_retrieval import nearest_candidates
from xstilts.tasks import TASKS, Family


@pytest.fixture(scope="module")
def tokenizer(tiny_encoder: Path) -> Any:
    return AutoTokenizer.from_pretrained(tiny_encoder)


def test_every_family_has_code() -> None:
    assert set(FAMILIES) == set(Family)


def test_the_first_subword_with_text_is_labelled(tokenizer: Any) -> None:
    task = TASKS["udpos"]
    row = {"tokens": ["the", "soups", "天"], "tags": ["DET", "NOUN", "X"]}
    (example,) = family_of(task).encode([row], tokenizer, task, 32)
    pieces = tokenizer.convert_ids_to_tokens(example.input_ids.tolist())
    assert [pieces[position] for position in example.positions] == ["▁the", "▁soup", "天"]
    assert pieces[int(example.positions[2]) - 1] == "▁"
    labelled = {position: task.labels[label] for position, label in enumerate(example.targets) if label != IGNORED}
    assert list(labelled.values()) == ["DET", "NOUN", "X"]
    assert list(labelled) == example.positions.tolist()


def test_a_long_sentence_is_cut_between_words_and_joined_again(tokenizer: Any) -> None:
    task = TASKS["udpos"]
    family = family_of(task)
    row = {"tokens": ["soup", "天", "unbelievable"] * 9, "tags": ["NOUN", "X", "ADJ"] * 9}
    examples = family.encode([row], tokenizer, task, 16)
    assert len(examples) > 2
    assert all(len(example.input_ids) <= 16 for example in examples)
    found = family.joined([family.decode(example.targets, example, task) for example in examples], row)
    assert found == row["tags"]


def test_a_word_without_any_subword_still_gets_a_prediction(tokenizer: Any) -> None:
    task = TASKS["udpos"]
    (example,) = family_of(task).encode([{"tokens": ["soup", "\u200b", "hot"]}], tokenizer, task, 16)
    assert len(example.positions) == 3
    assert len(example.targets) == 0


def test_pairs_are_encoded_together(tokenizer: Any) -> None:
    task = TASKS["xnli"]
    row = {"text_a": "the soup", "text_b": "is hot", "label": "neutral"}
    (example,) = family_of(task).encode([row], tokenizer, task, 32)
    assert example.targets.tolist() == [task.labels.index("neutral")]
    assert tokenizer.convert_ids_to_tokens(example.input_ids.tolist()) == [
        "<s>", "▁the", "▁soup", "</s>", "</s>", "▁is", "▁hot", "</s>",
    ]  # fmt: skip


def test_retrieval_finds_the_nearest_candidate() -> None:
    sentences = np.array([[1, 0], [0, 2], [-3, 0]], np.float32)
    candidates = np.array([[-1, 0.1], [5, 0.1], [0.1, 1]], np.float32)
    assert nearest_candidates(np.concatenate([sentences, candidates])).tolist() == [1, 2, 0]


def test_padding_on_the_left_moves_targets_and_positions_along(tmp_path: Path) -> None:
    import torch

    from xstilts.training.batches import Collator
    from xstilts.training.vocabulary import Marks, vocabulary_of

    tokenizer = AutoTokenizer.from_pretrained(write_tiny_encoder(tmp_path / "xlnet", "xlnet"))
    task = TASKS["udpos"]
    rows = [{"tokens": ["soup"], "tags": ["NOUN"]}, {"tokens": ["the", "hot", "soup"], "tags": ["DET", "ADJ", "NOUN"]}]
    examples = family_of(task).encode(rows, tokenizer, task, 16)
    batch = Collator(Marks.of(tokenizer), vocabulary_of(Marks.of(tokenizer), examples), torch.device("cpu"))(examples)
    assert batch.offsets == (2, 0)
    assert batch.inputs["attention_mask"][0].tolist() == [0, 0, 1, 1, 1]
    assert (batch.targets[0] != IGNORED).nonzero().flatten().tolist() == [
        batch.offsets[0] + int(examples[0].positions[0])
    ]
