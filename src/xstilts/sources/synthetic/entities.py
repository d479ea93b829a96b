"""Sentences about names: "Barcelona" plays (an organisation), "Barcelona" is visited (a location)."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from xstilts.errors import XstiltsError
from xstilts.seeds import generator
from xstilts.sources.synthetic.lexicon import table
from xstilts.sources.synthetic.morphology import Tagged, capital

SCENES = ("sport", "travel")
"""The domains of names."""
LABELS: Mapping[tuple[str, str], str] = {
    ("sport", "city"): "ORG", ("travel", "city"): "LOC", ("sport", "person"): "PER", ("travel", "person"): "PER",
}  # fmt: skip

Words = Mapping[str, tuple[str, ...]]
"""Language to tokens."""


@dataclass(frozen=True, slots=True)
class Event:
    """What a sentence is made of: when, who, and what happens there (with ``T`` and ``X`` for the former)."""

    time: Words
    name: Words
    scene: Words
    label: str


@cache
def _words() -> dict[str, tuple[Words, ...]]:
    """Every table's rows by their first column."""
    found: dict[str, list[Words]] = {}
    for first, row in (*table("names.txt"), *table("scenes.txt")):
        found.setdefault(first, []).append({language: tuple(text.split()) for language, text in row.items()})
    return {first: tuple(rows) for first, rows in found.items()}


def named_tokens(language: str, event: Event) -> Tagged:
    """A sentence as (token, label); the labels are those of WikiANN."""
    tokens: Tagged = []
    for word in event.scene[language]:
        if word == "X":
            first, *others = event.name[language]
            tokens += [(first, f"B-{event.label}"), *((other, f"I-{event.label}") for other in others)]
        elif word == "T":
            tokens += [(each, "O") for each in event.time[language]]
        else:
            tokens.append((word, "O"))
    tokens.append(("。" if language == "zh" else ".", "O"))
    return [(capital(language, tokens[0][0]), tokens[0][1]), *tokens[1:]]


def events(seed: int, split: str, shares: tuple[int, int], domain: str, count: int, kappa: float) -> list[Event]:
    """Distinct events of a split, a share kappa about cities, the others about people.

    Raises:
        XstiltsError: if there are too few.
    """
    rng = generator(seed, "synthetic-entities", split, domain)
    cities = round(kappa * count)
    found: list[Event] = []
    for kind, wanted in (("city", cities), ("person", count - cities)):
        pool = _of_split(domain, kind, shares)
        if wanted > len(pool):
            raise XstiltsError(
                f"The generator has {len(pool)} distinct sentences about a {kind} for split '{split}', {wanted} wanted",
                where=f"params.yaml, fetch.rows.{split}",
                allowed=f"up to {len(pool)} of this kind",
                next_step="lower fetch.rows",
            )
        found += [pool[int(index)] for index in rng.permutation(len(pool))[:wanted]]
    return [found[int(index)] for index in rng.permutation(len(found))]


def _of_split(domain: str, kind: str, shares: tuple[int, int]) -> Sequence[Event]:
    low, high = shares
    pool = []
    for name in _words()[kind]:
        for scene in _words()[f"{domain} {kind}"]:
            for time in _words()["time"]:
                text = "/".join(" ".join(part["en"]) for part in (time, name, scene))
                if low <= int(hashlib.sha256(text.encode()).hexdigest(), 16) % 100 < high:
                    pool.append(Event(time, name, scene, LABELS[domain, kind]))
    return pool


def entity_row(language: str, domain: str, identity: str, event: Event) -> dict[str, Any]:
    """A row of the corpus."""
    tokens = named_tokens(language, event)
    words, labels = ([pair[side] for pair in tokens] for side in (0, 1))
    return {"id": identity, "tokens": words, "tags": labels, "domain": domain}
