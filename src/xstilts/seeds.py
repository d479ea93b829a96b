"""One seed, many independent random streams."""

import hashlib

import numpy as np


def derived_seed(seed: int, *name: str) -> int:
    """A 63-bit seed for one named use; another name or seed gives an unrelated one."""
    digest = hashlib.sha256("/".join((str(seed), *name)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def generator(seed: int, *name: str) -> np.random.Generator:
    """Independent stream for one use, such as ``generator(seed, "arms", "pos.fiction")``.

    Adding a new use leaves the draws of all others unchanged.
    """
    return np.random.default_rng(derived_seed(seed, *name))
