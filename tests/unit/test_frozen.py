"""Frozen layers: they stay, states stand for them where cells can share them, and only what was trained is kept."""

from pathlib import Path

import pytest
import torch

from tests.conftest import write_tiny_encoder
from tests.tiny_training import UDPOS, train_tiny
from xstilts.errors import XstiltsError
from xstilts.training.model import (
    ROW_IDS,
    load_model,
    save_state,
    trained_state,
)
from xstilts.training.states import can_be_kept

ARCHITECTURES = ("bert", "roberta", "xlm-roberta", "xlnet", "deberta-v2")


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_frozen_layers_stay_as_they_are_and_the_others_train(architecture: str, tmp_path: Path) -> None:
    base = write_tiny_encoder(tmp_path / architecture, architecture)
    before, *_ = train_tiny(base, steps=0)
    after, *_ = train_tiny(base, steps=2, frozen=1)
    old = before.state_dict()
    moved = {name for name, tensor in after.state_dict().items() if not torch.equal(tensor, old[name])}
    layers = {name for name in old if ".layer." in name}
    between = {name for name in old if ".rel_embeddings." in name or name.startswith("encoder.encoder.LayerNorm.")}
    assert all(tensor.dtype == torch.float32 for tensor in after.state_dict().values())
    assert {name for name in moved if name.startswith("encoder.")} <= between | {
        name for name in layers if ".layer.1." in name
    }
    assert any(name.startswith("encoder.") for name in moved)
    assert any(name.startswith("head.") for name in moved)


def test_a_cell_keeps_what_was_trained_and_nothing_else(tiny_encoder: Path, tmp_path: Path) -> None:
    whole, _, _, _, _ = train_tiny(tiny_encoder, steps=2)
    upper, vocabulary, _, _, _ = train_tiny(tiny_encoder, steps=2, frozen=1)
    state = trained_state(upper, vocabulary, None)
    assert {name for name in state if name.startswith("encoder.")} == {
        f"encoder.{name}" for name in whole.encoder.state_dict() if ".layer.1." in name
    }
    assert len(state[ROW_IDS]) == 0
    save_state(state, tmp_path / "upper.safetensors", {})
    again, _ = load_model(tiny_encoder, tmp_path / "upper.safetensors", vocabulary, UDPOS, 0, keep_head=True)
    for name, tensor in upper.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor), name


def test_states_are_kept_where_cells_can_share_them(tiny_encoder: Path, tmp_path: Path) -> None:
    for layers in (0, 1):
        model, vocabulary, _, _, _ = train_tiny(tiny_encoder, steps=1, frozen=layers)
        save_state(trained_state(model, vocabulary, None), tmp_path / f"{layers}.safetensors", {})
    assert can_be_kept(tiny_encoder, None, 1)
    assert can_be_kept(tiny_encoder, tmp_path / "1.safetensors", 1)
    assert not can_be_kept(tiny_encoder, tmp_path / "0.safetensors", 1), "its lowest layer was trained"
    assert not can_be_kept(tiny_encoder, None, 0)


def test_equal_weights_are_equal_bytes(tiny_encoder: Path, tmp_path: Path) -> None:
    model, vocabulary, _, _, _ = train_tiny(tiny_encoder, steps=1)
    state = trained_state(model, vocabulary, None)
    for number in range(8):
        save_state(state, tmp_path / f"{number}.safetensors", {"task": "udpos"})
    assert len({path.read_bytes() for path in tmp_path.glob("*.safetensors")}) == 1


def test_what_an_earlier_cell_trained_stays_in_a_frozen_one(tiny_encoder: Path, tmp_path: Path) -> None:
    first, vocabulary, _, _, _ = train_tiny(tiny_encoder, steps=2)
    save_state(trained_state(first, vocabulary, None), tmp_path / "first.safetensors", {})
    second, vocabulary, _, _, _ = train_tiny(tiny_encoder, start=tmp_path / "first.safetensors", steps=2, frozen=1)
    save_state(trained_state(second, vocabulary, tmp_path / "first.safetensors"), tmp_path / "second.safetensors", {})
    again, _ = load_model(tiny_encoder, tmp_path / "second.safetensors", vocabulary, UDPOS, 0, keep_head=True)
    for name, tensor in second.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor), name


def test_casting_frozen_matrices_once_keeps_every_bit(tiny_encoder: Path) -> None:
    runs = [
        train_tiny(tiny_encoder, steps=6, frozen=1, precision=torch.bfloat16, cast_once=cast_once)
        for cast_once in (True, False)
    ]
    assert runs[0][2] == runs[1][2]
    for name, tensor in runs[0][0].state_dict().items():
        assert torch.equal(runs[1][0].state_dict()[name], tensor), name


def test_an_encoder_keeps_a_layer_to_train(tiny_encoder: Path) -> None:
    with pytest.raises(XstiltsError, match="the encoder has 2"):
        train_tiny(tiny_encoder, steps=1, frozen=2)
