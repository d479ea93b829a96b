"""Searches side by side: a round trains what all of them ask for, and each finds what it would find alone."""

import math
from types import SimpleNamespace
from typing import Any

import pytest

from xstilts import tuning
from xstilts.errors import XstiltsError
from xstilts.sections import Training, TuneSection

DEFAULT = Training(learning_rate=3e-4, passes=1, batch_size=16, max_length=64)
BEST_RATE = {"near": 2.2e-4, "far": 3.9e-4}


class Scored:
    """Gives each trial a score that is highest at its target's best rate, and counts the rounds."""

    def __init__(self, fails: str = "") -> None:
        self.rounds: list[int] = []
        self.fails = fails

    def __call__(self, _grid: Any, _executor: Any, _name: str, groups: list[dict[str, Any]], _found: Any) -> Any:
        self.rounds.append(len(groups))
        scores = []
        for group in groups:
            name, training = group["none"]
            score = 90 - abs(math.log(training.learning_rate / BEST_RATE[name]))
            scores.append({} if name == self.fails else {"none": score, "pooled": score})
        return scores


def searched(monkeypatch: pytest.MonkeyPatch, names: list[str], **fails: str) -> tuple[tuning.Tuned, Scored]:
    scored = Scored(**fails)
    monkeypatch.setattr(tuning, "_dev_scores", scored)
    section = TuneSection(trials=6, batch=2, learning_rate=(2e-4, 4e-4))
    grid: Any = SimpleNamespace(study=SimpleNamespace(tune=section))
    found = tuning.Tuned({"intermediate": {}, "target": {}}, [], [])

    def cells(name: str, training: Training, _trial: str) -> Any:
        return {"none": (name, training)}

    tuning._together(grid, None, "target", dict.fromkeys(names, DEFAULT), cells, found)  # type: ignore[arg-type]
    return found, scored


def test_together_as_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    both, rounds = searched(monkeypatch, ["near", "far"])
    assert rounds.rounds == [4, 4, 4], "three batches of two trials of two targets"
    for name in ("near", "far"):
        alone, _ = searched(monkeypatch, [name])
        assert both.best["target"][name] == alone.best["target"][name]
        assert [row for row in both.trials if row["name"] == name] == alone.trials
    assert both.best["target"]["near"]["learning_rate"] < 3e-4 < both.best["target"]["far"]["learning_rate"]


def test_one_search_without_a_finished_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(XstiltsError, match="Every trial of target far diverged"):
        searched(monkeypatch, ["near", "far"], fails="far")
