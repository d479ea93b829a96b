"""Every architecture goes through every family: it trains, predicts, and accounts for every tensor."""

import math
from pathlib import Path

import pytest

from tests.golden.test_numerics import TASK_OF, run_family
from xstilts.files import read_json

ARCHITECTURES = ("bert", "roberta", "xlm-roberta", "xlnet", "deberta-v2")


WITHOUT_HEAD = {("xlnet", "masked_lm")}
"""It was pretrained by permutations, not masks."""


@pytest.mark.parametrize(
    ("architecture", "family"), sorted({(each, family) for each in ARCHITECTURES for family in TASK_OF} - WITHOUT_HEAD)
)
def test_every_architecture_in_every_family(architecture: str, family: str, tmp_path: Path) -> None:
    found = run_family(family, tmp_path, architecture=architecture)
    assert all(math.isfinite(loss) for loss in found["losses"])
    for rows in found["predictions"].values():
        missing = sum(row is None for row in rows)
        assert len(rows) == 4
        assert missing == 0 or (family == "bitext_mining" and missing < 4), "an English sentence has no prediction"
    (cell,) = (tmp_path / "cells").glob("*/result.json")
    transfer = read_json(cell)["transfer"]
    assert transfer["copied"] > 0
    assert all(name.startswith("head.") for name in transfer["new"])
    assert all("pooler" in name or name == "encoder.mask_emb" for name in transfer["unused"])
