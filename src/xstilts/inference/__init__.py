"""From scores to a verdict: gains, the slope of gain on divergence, levels, gates."""

from xstilts.inference.gains import Gain, GainPoint, Score, gain_points, paired_gains
from xstilts.inference.gates import PlateauGate, plateau_gate
from xstilts.inference.question import InferenceSettings, answer

__all__ = [
    "Gain",
    "GainPoint",
    "InferenceSettings",
    "PlateauGate",
    "Score",
    "answer",
    "gain_points",
    "paired_gains",
    "plateau_gate",
]
