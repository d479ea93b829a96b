"""What a whole sequence is read off: the mean of its subwords, or the classification subword, which then runs alone."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional
from transformers import AutoTokenizer

from tests.conftest import write_tiny_encoder
from tests.golden.test_numerics import SEVERAL, TASK_OF, rows_for, run_family
from xstilts.families import family_of
from xstilts.tasks import task_with
from xstilts.training import layers
from xstilts.training.batches import Batch, Collator
from xstilts.training.layers import ALIKE, read_off
from xstilts.training.model import TaskModel, load_model
from xstilts.training.pooling import Pooling
from xstilts.training.vocabulary import Marks, vocabulary_for

CPU = torch.device("cpu")


def model_of(base: Path, family: str, pooling: str) -> tuple[TaskModel, Batch]:
    """A model without dropout, and a batch of rows of several lengths."""
    task = task_with(TASK_OF[family], SEVERAL)
    code = family_of(task)
    tokenizer = AutoTokenizer.from_pretrained(base)
    examples = code.encode(rows_for(family, "en", 6), tokenizer, task, 40)
    examples = [example for example in examples if example.part == examples[0].part]
    marks = Marks.of(tokenizer)
    vocabulary = vocabulary_for(base, code, task, marks, [examples])
    model, _ = load_model(base, None, vocabulary, task, head_seed=3)
    generator = torch.Generator().manual_seed(5)
    # As they are drawn, biases are 0 and the states of different texts nearly equal.
    for tensor in model.encoder.parameters():
        tensor.data.mul_(8 if tensor.ndim > 1 else 1)
        tensor.data.add_(0.3 * torch.randn(tensor.shape, generator=generator) if tensor.ndim == 1 else 0.0)
    assert len({len(example.input_ids) for example in examples}) > 1, "nothing is padded"
    return model.eval(), Collator(marks, vocabulary, CPU, pooling)(examples)


def gradients(model: TaskModel, batch: Batch) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Logits, and the gradient of each tensor that has one."""
    model.zero_grad(set_to_none=True)
    logits = model(batch)
    model.family.batch_loss(logits, batch).backward()  # type: ignore[no-untyped-call]
    found = {name: tensor.grad for name, tensor in model.named_parameters() if tensor.grad is not None}
    return logits.detach(), {name: tensor.clone() for name, tensor in found.items()}


@pytest.mark.parametrize("architecture", ALIKE)
@pytest.mark.parametrize("family", ["sentence_classification", "pair_regression", "multiple_choice"])
@pytest.mark.parametrize("kept", [1.0, 0.7])
def test_the_classification_subword_alone_is_what_the_whole_layer_gives(
    kept: float, family: str, architecture: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in (functional, layers):  # dropout that takes the same from every share: they no longer sum to 1
        monkeypatch.setattr(place, "dropout", lambda values, *_args, **_kwargs: values * kept)
    model, batch = model_of(write_tiny_encoder(tmp_path / "encoder", architecture), family, "cls")
    whole, slopes = gradients(model, batch)
    assert model.encoder(**batch.inputs).last_hidden_state.shape[1] > 1
    read_off(model, "cls")
    assert model.encoder(**batch.inputs).last_hidden_state.shape[1] == 1
    alone, again = gradients(model, batch)
    assert whole.std(0).max() > 0.02, "all rows look the same"
    torch.testing.assert_close(alone, whole)
    assert again.keys() == slopes.keys()
    torch.testing.assert_close(model.for_prediction(torch.bfloat16)(batch), alone, atol=0.05, rtol=0.05)
    for name, slope in slopes.items():
        torch.testing.assert_close(again[name], slope, msg=lambda text, name=name: f"{name}: {text}")


@pytest.mark.parametrize(
    ("architecture", "family", "pooling"),
    [
        ("bert", "token_tagging", "cls"),  # reads each subword
        ("bert", "multi_task", "cls"),  # one of its tasks does
        ("bert", "sentence_classification", "mean"),
        ("xlnet", "sentence_classification", "cls"),  # not made of BERT's parts
        ("deberta-v2", "sentence_classification", "cls"),
    ],
)
def test_the_last_layer_runs_whole_where_more_is_read(
    architecture: str, family: str, pooling: str, tmp_path: Path
) -> None:
    model, batch = model_of(write_tiny_encoder(tmp_path / "encoder", architecture), family, pooling)
    before = model(batch)
    read_off(model, pooling)
    assert torch.equal(model(batch), before)
    assert model.encoder(**batch.inputs).last_hidden_state.shape[1] == batch.inputs["input_ids"].shape[1]


def test_the_classification_subword_is_the_last_one_where_padding_is_left(tmp_path: Path) -> None:
    model, batch = model_of(write_tiny_encoder(tmp_path / "encoder", "xlnet"), "sentence_classification", "cls")
    hidden = model.encoder(**batch.inputs).last_hidden_state
    assert torch.equal(model(batch), model.head(hidden[:, -1]))


def test_pooling_by_hand() -> None:
    hidden = torch.arange(12.0).reshape(1, 3, 4)
    whole = torch.ones(1, 3, dtype=torch.long)
    assert Pooling()(hidden, torch.tensor([[1, 1, 0]])).tolist() == [[2.0, 3.0, 4.0, 5.0]]
    assert Pooling("cls")(hidden, whole).tolist() == [[0.0, 1.0, 2.0, 3.0]]
    assert Pooling("cls", last=True)(hidden, whole).tolist() == [[8.0, 9.0, 10.0, 11.0]]


@pytest.mark.parametrize("frozen", [0, 1])
def test_a_cell_reads_what_its_settings_say(frozen: int, tmp_path: Path) -> None:
    found: dict[str, Any] = {
        pooling: run_family("sentence_classification", tmp_path / pooling, frozen=frozen, pooling=pooling)
        for pooling in ("mean", "cls")
    }
    assert found["cls"]["losses"] != found["mean"]["losses"]
