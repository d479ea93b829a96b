"""How the report writes numbers: one decimal for points, a sign on gains, a proper minus, no bare null."""

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

MINUS = "\N{MINUS SIGN}"
NOT_ESTIMATED = "not estimated"
NO_PLATEAU = "the baseline had not reached its plateau"


def number(value: object) -> float | None:
    """A finite number from a number or a CSV field; everything else is None."""
    try:
        found = float(str(value))
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def fixed(value: object, decimals: int = 1, *, signed: bool = False, absent: str = NOT_ESTIMATED) -> str:
    """A number with a fixed count of decimals; what rounds to zero has no sign."""
    found = number(value)
    if found is None:
        return absent
    size = f"{abs(found):,.{decimals}f}"
    if not float(size.replace(",", "")):
        return size
    return (MINUS if found < 0 else "+" if signed else "") + size


def points(value: object) -> str:
    """A score in percent, or a size in points: ``71.4``."""
    return fixed(value)


def gain(value: object) -> str:
    """A difference in points, with its sign: ``+1.2``."""
    return fixed(value, signed=True)


def distance(value: object) -> str:
    """A divergence: ``0.83``."""
    return fixed(value, 2)


def count(value: object) -> str:
    """A whole number with thousands separated: ``3,000``."""
    return fixed(value, 0)


def percent(value: object) -> str:
    """A share in [0, 1] as a percentage: ``62 %``."""
    found = number(value)
    return NOT_ESTIMATED if found is None else f"{fixed(100 * found, 0)} %"


def interval(low: object, high: object) -> str:
    """An interval of gains: ``−2.9 to −0.7``; nothing when an end is missing."""
    if number(low) is None or number(high) is None:
        return ""
    return f"{gain(low)} to {gain(high)}"


def spread(values: Iterable[object]) -> str:
    """Lowest to highest of several gains; one value stands alone."""
    found = sorted(known for value in values if (known := number(value)) is not None)
    if not found:
        return NOT_ESTIMATED
    return gain(found[0]) if len(found) == 1 else interval(found[0], found[-1])


def p_value(value: object) -> str:
    """``p = 0.012``, or ``p < 0.001``."""
    found = number(value)
    if found is None:
        return f"p {NOT_ESTIMATED}"
    return "p < 0.001" if found < 0.001 else f"p = {found:.3f}"


def examples(worth: Mapping[str, Any] | None) -> str | None:
    """A gain in labelled target examples: ``about 120``; ``more than 192`` where the learning curve ends."""
    if not worth:
        return None
    extra = number(worth["extra"])
    return f"more than {count(worth['beyond'])}" if extra is None else f"about {count(extra)}"


def examples_interval(worth: Mapping[str, Any] | None) -> str:
    """The interval of the same, and how many examples every cell has."""
    if not worth:
        return ""
    high = number(worth["high"])
    ends = "more than " + count(worth["beyond"]) if high is None else count(high)
    low = number(worth["low"])
    start = f"{count(low)} to {ends}" if low is not None else ends
    return f"{start}; every cell has {count(worth['rows'])}"


def sentence(text: object) -> str:
    """Prose from another stage, its ASCII minus signs before figures made proper."""
    return re.sub(r"(?<![\w.)-])-(?=\d)", MINUS, str(text))


def measure_words(measure: object) -> str:
    """A divergence measure, or the features it is measured on, as the field calls it."""
    names = {
        "proxy_a_distance": "proxy A-distance",
        "jensen_shannon": "Jensen-Shannon distance",
        "char_ngrams": "character n-grams",
    }
    return names.get(str(measure), spaced(measure))


def plain(value: Any) -> str:
    """Any JSON value in words; null is "not stated"."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "not stated"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return fixed(value, 3)
    if isinstance(value, Mapping):
        return "; ".join(f"{spaced(key)}: {plain(inner)}" for key, inner in value.items()) or "not stated"
    if isinstance(value, list | tuple):
        return ", ".join(plain(inner) for inner in value) or "not stated"
    return re.sub(r"\b([0-9a-f]{12})[0-9a-f]{28,}\b", "\\1\N{HORIZONTAL ELLIPSIS}", str(value))


def spaced(name: object) -> str:
    """A field's name as words: ``evidence_strength`` is "evidence strength"."""
    return re.sub(r"\bf1\b", "F1", str(name).replace("_", " "))
