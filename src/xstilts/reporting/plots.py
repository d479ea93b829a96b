"""Rows for DVC's plots."""

from collections.abc import Mapping
from typing import Any

from xstilts.reporting.views import withheld
from xstilts.reporting.words import number

COLUMNS = ("encoder", "target", "arm", "block", "divergence", "gain")


def gain_against_divergence(analysis: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row for each encoder, target and arm whose divergence and gain are both known.

    Args:
        analysis: the content of ``analysis.json``.

    Returns:
        Rows with the keys of ``COLUMNS``; ``gain`` is in points, ``divergence`` in [0, 2] for a proxy A-distance.
        A target whose baseline had not reached its plateau has no rows.
    """
    return [
        {
            "encoder": encoder,
            "target": target,
            "arm": arm["arm"],
            "block": arm["block"],
            "divergence": number(arm["divergence"]),
            "gain": number(arm["gain"]),
        }
        for encoder, found in withheld(analysis)["encoders"].items()
        for target, facts in found["targets"].items()
        for arm in facts["arms"]
        if number(arm["divergence"]) is not None and number(arm["gain"]) is not None
    ]
