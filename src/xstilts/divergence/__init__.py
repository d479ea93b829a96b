"""How far the text of an arm lies from the English text of a target's slice."""

from xstilts.divergence.features import Texts
from xstilts.divergence.table import DivergenceSettings, divergence_table

__all__ = ["DivergenceSettings", "Texts", "divergence_table"]
