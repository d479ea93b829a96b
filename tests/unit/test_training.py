"""The trainer: exact trimming, an account of every tensor, repeatable bits, every architecture."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer

from tests.conftest import sentences, write_tiny_encoder
from tests.tiny_training import CPU, UDPOS, predicted, train_tiny
from xstilts.errors import XstiltsError
from xstilts.families import family_of
from xstilts.training.batches import Collator, budget_batches, equal_length_batches, training_batches
from xstilts.training.dropout import CUTS, MaskPool
from xstilts.training.encoded import Encoder
from xstilts.training.loop import DivergedError, parameter_groups, rate_at
from xstilts.training.model import (
    ROW_IDS,
    embedding_name,
    load_model,
    save_state,
    trained_state,
)
from xstilts.training.products import products
from xstilts.training.resume import Checkpoints
from xstilts.training.vocabulary import Marks, Vocabulary, vocabulary_of

ARCHITECTURES = ("bert", "roberta", "xlm-roberta", "xlnet", "deberta-v2")


def test_trimming_the_vocabulary_changes_no_bit(tiny_encoder: Path) -> None:
    trimmed, vocabulary, losses, _, _ = train_tiny(tiny_encoder)
    whole, everything, full_losses, _, _ = train_tiny(tiny_encoder, full=True)
    assert len(vocabulary.ids) < len(everything.ids)
    assert losses == full_losses
    unseen = sentences("de", 5, 1, "test") + sentences("zh", 5, 1, "test")
    ours = predicted(tiny_encoder, trimmed, trained_state(trimmed, vocabulary, None), unseen)
    theirs = predicted(tiny_encoder, whole, trained_state(whole, everything, None), unseen)
    assert ours == theirs
    assert [len(tags) for tags in ours] == [len(row["tokens"]) for row in unseen]


def test_training_repeats_to_the_last_bit(tiny_encoder: Path) -> None:
    first, second = (train_tiny(tiny_encoder)[0].state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_training_learns(tiny_encoder: Path) -> None:
    model, vocabulary, losses, _, rows = train_tiny(tiny_encoder, steps=150, lr=5e-3)
    assert losses[-1] < 0.5 * losses[0]
    found = predicted(tiny_encoder, model, trained_state(model, vocabulary, None), rows)
    right = [
        tag == wanted
        for row, tags in zip(rows, found, strict=True)
        for tag, wanted in zip(tags, row["tags"], strict=True)
    ]
    assert np.mean(right) > 0.9


def test_the_second_phase_starts_from_the_first_ones_encoder(tiny_encoder: Path, tmp_path: Path) -> None:
    model, vocabulary, _, first, _ = train_tiny(tiny_encoder)
    state = trained_state(model, vocabulary, None)
    save_state(state, tmp_path / "w.safetensors", {})
    next_model, report = load_model(tiny_encoder, tmp_path / "w.safetensors", vocabulary, UDPOS, head_seed=4)
    assert first.copied == report.copied == len(model.encoder.state_dict())
    assert report.new == ("head.1.bias", "head.1.weight")
    assert report.unused == ("head.1.bias", "head.1.weight")
    assert report.trained_rows == len(vocabulary.ids)
    for name, tensor in next_model.encoder.state_dict().items():
        assert torch.equal(tensor, model.encoder.state_dict()[name]), name
    base, _ = load_model(tiny_encoder, None, vocabulary, UDPOS, head_seed=4)
    assert not torch.equal(
        base.encoder.state_dict()[embedding_name(base.encoder)],
        model.encoder.state_dict()[embedding_name(model.encoder)],
    )
    assert torch.equal(base.head[1].weight, next_model.head[1].weight), "one seed, one head, whatever the start"


def test_rows_that_the_first_phase_trained_survive_the_second(tiny_encoder: Path, tmp_path: Path) -> None:
    model, vocabulary, _, _, _ = train_tiny(tiny_encoder)
    save_state(trained_state(model, vocabulary, None), tmp_path / "w.safetensors", {})
    few = Vocabulary(vocabulary.ids[:8])
    second, _ = load_model(tiny_encoder, tmp_path / "w.safetensors", few, UDPOS, head_seed=4)
    state = trained_state(second, few, tmp_path / "w.safetensors")
    assert state[ROW_IDS].tolist() == vocabulary.ids.tolist()


def test_a_missing_encoder_tensor_is_an_error(tiny_encoder: Path, tmp_path: Path) -> None:
    model, vocabulary, _, _, _ = train_tiny(tiny_encoder)
    state = trained_state(model, vocabulary, None)
    save_file(dict(list(state.items())[1:]), tmp_path / "w.safetensors", {"facts": f'{{"tensors": {len(state)}}}'})
    with pytest.raises(XstiltsError, match=f"{len(state) - 1} tensors where {len(state)} were kept"):
        load_model(tiny_encoder, tmp_path / "w.safetensors", vocabulary, UDPOS, head_seed=4)
    shutil.copytree(tiny_encoder, tmp_path / "less")
    tensors = load_file(tiny_encoder / "model.safetensors")
    del tensors["encoder.layer.1.output.dense.weight"]
    save_file(tensors, tmp_path / "less" / "model.safetensors")
    with pytest.raises(
        XstiltsError, match=r"1 encoder tensors are missing, the first is encoder.encoder.layer.1.output"
    ):
        load_model(tmp_path / "less", None, vocabulary, UDPOS, head_seed=4)


def test_every_other_tensor_of_a_checkpoint_is_told_as_unused(tiny_encoder: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_encoder, tmp_path / "more")
    tensors = load_file(tmp_path / "more" / "model.safetensors")
    save_file({**tensors, "cls.predictions.bias": torch.zeros(3)}, tmp_path / "more" / "model.safetensors")
    _, report = load_model(tmp_path / "more", None, Vocabulary(np.arange(20)), UDPOS, head_seed=0)
    assert "encoder.cls.predictions.bias" in report.unused
    assert "encoder.pooler.dense.weight" in report.unused


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_architecture_trains_and_predicts(architecture: str, tmp_path: Path) -> None:
    base = write_tiny_encoder(tmp_path / architecture, architecture)
    model, vocabulary, losses, report, rows = train_tiny(base, steps=6)
    assert all(np.isfinite(losses))
    assert report.copied == len(model.encoder.state_dict())
    found = predicted(base, model, trained_state(model, vocabulary, None), rows[:4])
    assert [len(tags) for tags in found] == [len(row["tokens"]) for row in rows[:4]]


def test_divergence_is_an_error(tiny_encoder: Path) -> None:
    with pytest.raises(DivergedError):
        train_tiny(tiny_encoder, steps=40, lr=1e30)


def test_embeddings_and_biases_do_not_decay(tiny_encoder: Path) -> None:
    model, _, _, _, _ = train_tiny(tiny_encoder, steps=1)
    embedding = model.encoder.get_input_embeddings().weight
    decayed, rest = parameter_groups(model, embedding, 0.01)
    assert decayed["weight_decay"] == 0.01
    assert rest["weight_decay"] == 0.0
    assert any(tensor is embedding for tensor in rest["params"])
    assert all(tensor.ndim > 1 for tensor in decayed["params"])
    assert len(decayed["params"]) + len(rest["params"]) == len(list(model.parameters()))


def test_the_rate_rises_and_falls() -> None:
    rates = [rate_at(step, 10, 0.3) for step in range(10)]
    assert max(rates) == rates[3] == 1.0
    assert rates[:3] == sorted(rates[:3])
    assert rates[-1] == pytest.approx(1 / 7)
    assert rate_at(0, 10, 0.0) == 1.0


def test_training_batches_cover_every_pass_and_keep_lengths_together() -> None:
    lengths = list(range(1, 101))
    items = [1] * 100
    one_pass = training_batches(lengths, items, 10, 10, np.random.default_rng(0))
    assert training_batches(lengths, items, 10, 25, np.random.default_rng(0))[:10] == one_pass
    assert {len(batch) for batch in one_pass} == {10}
    assert sorted(index for batch in one_pass for index in batch) == list(range(100))
    assert np.mean([np.ptp([lengths[index] for index in batch]) for batch in one_pass]) < 20


def test_training_batches_hold_equally_many_labelled_items() -> None:
    lengths = list(range(1, 81))
    one_pass = training_batches(lengths, lengths, 10, 8, np.random.default_rng(0))
    assert sorted(index for batch in one_pass for index in batch) == list(range(80))
    held = [sum(lengths[index] for index in batch) for batch in one_pass]
    assert max(abs(each - np.mean(held)) for each in held) <= max(lengths)
    assert len({len(batch) for batch in one_pass}) > 1


def test_budget_batches_keep_the_budget() -> None:
    lengths = [5, 40, 3, 90, 12, 7]
    batches = list(budget_batches(lengths, 48))
    assert sorted(index for batch in batches for index in batch) == list(range(6))
    assert all(len(batch) == 1 or max(lengths[index] for index in batch) * len(batch) <= 48 for batch in batches)


def test_a_step_cut_into_micro_batches_is_the_same_step(tiny_encoder: Path) -> None:
    whole, cut = (train_tiny(tiny_encoder, room=room, dropout=False) for room in (4096, 24))
    assert cut[2] == pytest.approx(whole[2], rel=1e-5)
    for name, tensor in whole[0].state_dict().items():
        assert torch.allclose(cut[0].state_dict()[name], tensor, atol=2e-5), name


def test_training_goes_on_from_a_checkpoint_to_the_last_bit(tiny_encoder: Path, tmp_path: Path) -> None:
    class KilledError(Exception):
        pass

    class Dying(Checkpoints):
        def save(self, *args: Any) -> None:
            super().save(*args)
            if args[-1]["step"] == 5:
                raise KilledError

    whole = train_tiny(tiny_encoder, steps=9)
    with pytest.raises(KilledError):
        train_tiny(tiny_encoder, steps=9, checkpoints=Dying(tmp_path / "kept", 0.0))
    assert (tmp_path / "kept" / "facts.json").is_file()
    resumed = train_tiny(tiny_encoder, steps=9, checkpoints=Checkpoints(tmp_path / "kept", 1e9))
    assert resumed[2] == whole[2][5:]
    for name, tensor in whole[0].state_dict().items():
        assert torch.equal(resumed[0].state_dict()[name], tensor), name


def test_masks_from_the_pool_drop_the_right_share_and_repeat() -> None:
    def masks(seed: int, count: int) -> list[torch.Tensor]:
        with MaskPool(seed):
            return [torch.nn.functional.dropout(torch.ones(1000, 30), 0.1, True) for _ in range(count)]

    drawn = masks(1, 40)
    shares = [float((mask == 0).float().mean()) for mask in drawn]
    assert np.mean(shares) == pytest.approx(0.1, abs=0.003)
    assert len({round(share, 5) for share in shares}) > 30, "masks differ"
    assert drawn[0].unique().tolist() == pytest.approx([0.0, 1 / 0.9])
    torch.manual_seed(99)
    assert all(torch.equal(one, two) for one, two in zip(drawn, masks(1, 40), strict=True))
    assert not torch.equal(drawn[0], masks(2, 1)[0])
    apart = (drawn[0] == 0).float().flatten() - 0.1, (drawn[1] == 0).float().flatten() - 0.1
    assert abs(float((apart[0] * apart[1]).mean())) < 0.005, "two masks are uncorrelated"


def test_masks_go_on_from_a_saved_state() -> None:
    pool = MaskPool(3)
    ones = torch.ones(7, 11)
    with pool:
        torch.nn.functional.dropout(ones, 0.2, True)
    state = {key: value.clone() if isinstance(value, torch.Tensor) else value for key, value in pool.state().items()}
    state["pools"] = dict(state["pools"])
    other = MaskPool(8)
    other.restore(state)
    for _ in range(CUTS + 5):
        with pool:
            expected = torch.nn.functional.dropout(ones, 0.2, True)
        with other:
            assert torch.equal(torch.nn.functional.dropout(ones, 0.2, True), expected)


def test_dropout_of_prediction_is_left_alone() -> None:
    ones = torch.ones(5)
    with MaskPool(0):
        assert torch.nn.functional.dropout(ones, 0.5, False) is ones


def test_rows_are_encoded_once_and_come_back_the_same(tiny_encoder: Path, tmp_path: Path) -> None:
    family = family_of(UDPOS)
    rows = sentences("en", 12, 5, "train") + sentences("zh", 3, 5, "train")
    calls = []

    def encode(given: Any, tokenizer: Any) -> Any:
        calls.append(len(given))
        return family.encode(given, tokenizer, UDPOS, 16)

    expected = family.encode(rows, AutoTokenizer.from_pretrained(tiny_encoder), UDPOS, 16)
    assert len(expected) > len(rows), "long rows make several examples"
    for _ in range(2):
        encoder = Encoder(tmp_path / "encoded", tiny_encoder, ("tiny", 16), encode)
        found = encoder.encoded("content", rows)
        assert len(found) == len(expected)
        for one, two in zip(found, expected, strict=True):
            assert one.row == two.row
            for name in ("input_ids", "type_ids", "targets", "positions"):
                assert np.array_equal(getattr(one, name), getattr(two, name))
        assert encoder.marks() == Marks.of(AutoTokenizer.from_pretrained(tiny_encoder))
        encoder.forget()
    assert calls == [len(rows)]
    encoder.encoded("other content", rows[:2])
    assert len(encoder.encoded("no rows", [])) == 0
    assert calls == [len(rows), 2, 0]
    assert [path.name for path in (tmp_path / "encoded").iterdir() if path.name.startswith(".")] == []


def test_prediction_batches_have_one_length_and_keep_the_budget() -> None:
    lengths = [5, 40, 3, 5, 12, 5, 5]
    batches = list(equal_length_batches(lengths, 16))
    assert sorted(index for batch in batches for index in batch) == list(range(7))
    assert all(len({lengths[index] for index in batch}) == 1 for batch in batches)
    assert all(len(batch) == 1 or sum(lengths[index] for index in batch) <= 16 for batch in batches)


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_a_rows_logits_do_not_depend_on_its_batch(tiny_encoder: Path, precision: torch.dtype) -> None:
    torch.set_num_threads(1)
    tokenizer = AutoTokenizer.from_pretrained(tiny_encoder)
    rows = [row for row in sentences("en", 60, 9, "test") if len(row["tokens"]) == 9]
    examples = family_of(UDPOS).encode(rows, tokenizer, UDPOS, 48)
    vocabulary = vocabulary_of(Marks.of(tokenizer), examples)
    model, _ = load_model(tiny_encoder, None, vocabulary, UDPOS, head_seed=3)
    model.for_prediction(precision)
    collate = Collator(Marks.of(tokenizer), vocabulary, CPU)
    with torch.inference_mode(), products(CPU, precision):
        together = model(collate(examples))
        for index, example in enumerate(examples):
            alone = model(collate([example]))[0]
            assert torch.allclose(alone, together[index], atol=1e-5)
            assert torch.equal(alone.argmax(-1), together[index].argmax(-1))
