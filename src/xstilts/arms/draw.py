"""Drawing one arm: a given number of labelled items, a common length histogram, documents kept whole."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from xstilts.errors import XstiltsError
from xstilts.families import FamilyCode
from xstilts.seeds import generator
from xstilts.tables import Rows

LENGTH_EDGES = (6, 11, 16, 26, 41)
"""Words: up to 5, 6 to 10, 11 to 15, 16 to 25, 26 to 40, more."""


def length_bin(length: int) -> int:
    """The bin of a row's length in words."""
    return int(np.searchsorted(LENGTH_EDGES, length, side="right"))


def item_shares(rows: Rows, family: FamilyCode) -> np.ndarray[Any, np.dtype[np.float64]]:
    """[bins] share of labelled items in rows of each length; sums to 1."""
    shares = np.zeros(len(LENGTH_EDGES) + 1)
    for row in rows:
        shares[length_bin(family.length(row))] += family.items(row)
    shares /= max(float(shares.sum()), 1.0)
    return shares


@dataclass(frozen=True, slots=True)
class Drawn:
    """An arm's rows, dev rows of other documents, and how far its lengths are from the common histogram."""

    train: list[dict[str, Any]]
    dev: list[dict[str, Any]]
    length_distance: float


def split_documents(
    rows: Rows, family: FamilyCode, dev_items: int, seed: int, *name: str
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Set whole documents apart for dev until they hold enough labelled items.

    Returns:
        (training rows, dev rows); no document is in both.
    """
    documents = sorted({str(row["document"]) for row in rows})
    order = generator(seed, "split", *name).permutation(len(documents))
    sizes = dict.fromkeys(documents, 0)
    for row in rows:
        sizes[str(row["document"])] += family.items(row)
    dev_documents: set[str] = set()
    for index in order:
        if sum(sizes[document] for document in dev_documents) >= dev_items:
            break
        dev_documents.add(documents[index])
    train = [dict(row) for row in rows if row["document"] not in dev_documents]
    return train, [dict(row) for row in rows if row["document"] in dev_documents]


def draw(
    rows: Rows,
    family: FamilyCode,
    items: int,
    shares: np.ndarray[Any, np.dtype[np.float64]],
    seed: int,
    *name: str,
) -> list[dict[str, Any]]:
    """Draw rows with a number of labelled items, following a length histogram as far as the rows allow.

    Args:
        rows: the pool.
        family: counts items and words.
        items: labelled items wanted; the draw stays within one row of it.
        shares: [bins] wanted share of items of each length.
        seed: of the draw.
        name: names the random stream.

    Returns:
        Rows in the pool's order; fewer items than wanted only when the pool is too small.
    """
    order = generator(seed, "draw", *name).permutation(len(rows))
    left = shares * items
    taken: set[int] = set()
    total = 0
    for with_quota in (True, False):
        for index in order:
            if index in taken:
                continue
            size, place = family.items(rows[index]), length_bin(family.length(rows[index]))
            if total + size <= items and (not with_quota or left[place] >= size):
                taken.add(int(index))
                left[place] -= size
                total += size
    return [dict(rows[index]) for index in sorted(taken)]


def draw_arm(
    pools: Mapping[str, tuple[Rows, Rows]],
    mixture: Mapping[str, float],
    family: FamilyCode,
    sizes: tuple[int, int],
    shares: np.ndarray[Any, np.dtype[np.float64]],
    seed: int,
    arm: str,
) -> Drawn:
    """Draw an arm's training and dev rows from the pools of its domains.

    Args:
        pools: domain to (training rows, dev rows), document-disjoint.
        mixture: domain to share of the arm.
        family: of the arm's task.
        sizes: labelled items of the training and of the dev set.
        shares: the common length histogram.
        seed: of the draws.
        arm: the arm's name.

    Raises:
        XstiltsError: if a domain has too few labelled items.
    """
    sets: list[list[dict[str, Any]]] = []
    for number, (kind, items) in enumerate(zip(("train", "dev"), sizes, strict=True)):
        rows: list[dict[str, Any]] = []
        for domain, share in mixture.items():
            wanted = round(items * share)
            found = draw(pools[domain][number], family, wanted, shares, seed, kind, arm, domain)
            have = sum(family.items(row) for row in found)
            if number == 0 and have < 0.97 * wanted:
                raise XstiltsError(
                    f"Arm '{arm}' finds {have} of {wanted} labelled {family.item} in domain '{domain}' after overlap "
                    "with the targets is removed",
                    where="params.yaml, arms.labelled_items",
                    allowed=f"at most {have} for this domain",
                    next_step="lower arms.labelled_items, or leave the domain out",
                )
            rows += found
        sets.append(rows)
    distance = 0.5 * float(np.abs(item_shares(sets[0], family) - shares).sum())
    return Drawn(sets[0], sets[1], distance)


def word_order_rows(texts: Sequence[tuple[str, str]], seed: int) -> list[dict[str, Any]]:
    """The control task: is a sentence's word order real or shuffled?

    It is learnable and carries no label of any target, so what it gives is not transfer of a task.

    Args:
        texts: (id, text) of the sentences; about every second one is shuffled.
        seed: of the shuffles.
    """
    rng = generator(seed, "word-order")
    rows = []
    for identity, text in texts:
        words = text.split()
        shuffled = len(words) > 2 and rng.random() < 0.5
        if shuffled:
            order = rng.permutation(len(words))
            while (order == np.arange(len(words))).all():
                order = rng.permutation(len(words))
            words = [words[index] for index in order]
        rows.append({"id": identity, "text": " ".join(words), "label": "shuffled" if shuffled else "real"})
    return rows
