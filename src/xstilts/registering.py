"""Choosing champions on English dev alone, and packing models for the registry."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from xstilts.cells.store import link_tree
from xstilts.families import FamilyCode
from xstilts.files import Json, write_json, write_text
from xstilts.seeds import generator
from xstilts.tasks import Task

RESAMPLES = 1000
NONE = "none"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A target cell as the choice sees it: its index row, its English dev score and its dev predictions."""

    cell: Json
    score: float
    predictions: Sequence[Any]


@dataclass(frozen=True, slots=True)
class Choice:
    """The champion of a target.

    Attributes:
        champion: the chosen cell.
        gate: share of resamples of the dev rows in which the best arm does not beat ``none`` at its seed.
        beaten: whether an arm is champion because it beat ``none``; otherwise ``none`` is.
    """

    champion: Candidate
    gate: float
    beaten: bool


def choose(candidates: Sequence[Candidate], gold: Sequence[Any], family: FamilyCode, task: Task) -> Choice:
    """Choose a target's champion on English dev; test scores are not looked at.

    The best arm is champion when a paired bootstrap over the dev rows puts it above ``none`` of the same seed in at
    least 97.5 % of the resamples; otherwise the best cell of ``none`` is.

    Args:
        candidates: all main cells of one target and encoder.
        gold: of the English dev rows, in the order of the predictions.
        family: scores.
        task: of the target.
    """
    ranked = sorted(candidates, key=lambda each: (-each.score, each.cell["arm"], each.cell["seed"]))
    baselines = {each.cell["seed"]: each for each in ranked if each.cell["arm"] == NONE}
    best = next((each for each in ranked if each.cell["arm"] != NONE), None)
    fallback = next(each for each in ranked if each.cell["arm"] == NONE)
    if best is None:
        return Choice(fallback, 1.0, False)
    lost = _share_lost(best.predictions, baselines[best.cell["seed"]].predictions, gold, family, task)
    return Choice(best, lost, True) if lost <= 0.025 else Choice(fallback, lost, False)


def _share_lost(
    arm: Sequence[Any], baseline: Sequence[Any], gold: Sequence[Any], family: FamilyCode, task: Task
) -> float:
    rng = generator(0, "champion", task.name)
    lost = 0
    for _ in range(RESAMPLES):
        chosen = rng.integers(0, len(gold), len(gold))
        right = [gold[index] for index in chosen]
        scores = [main_score(family, task, [side[index] for index in chosen], right) for side in (arm, baseline)]
        lost += scores[0] <= scores[1]
    return lost / RESAMPLES


def main_score(family: FamilyCode, task: Task, predictions: Sequence[Any], gold: Sequence[Any]) -> float:
    """The task's main metric, in percent."""
    metrics = family.score(predictions, gold, task)
    return float(next(metric.value_pct for metric in metrics if metric.name == task.main_metric))


def pack(
    cell: Path, encoder: Path, identity: Mapping[str, Json], example: Mapping[str, Any], card: str, out: Path
) -> None:
    """Make a folder that loads by itself: base encoder, the whole cell, settings, input example, card.

    Args:
        cell: folder of a cell that kept its weights.
        encoder: the base encoder's checkpoint folder.
        identity: of the cell.
        example: one row of input columns.
        card: Markdown.
        out: the folder to make.
    """
    link_tree(encoder, out / "encoder")
    link_tree(cell, out / "cell")
    write_json(
        out / "model.json",
        {
            "task": identity["task"]["name"],
            "labels": identity["task"]["labels"],
            "max_length": identity["settings"]["max_length"],
            "pooling": identity["settings"]["pooling"],
            "precision": identity["precision"],
        },
    )
    write_json(
        out / "example.json",
        {key: value.tolist() if isinstance(value, np.ndarray) else value for key, value in example.items()},
    )
    write_text(out / "README.md", card)


def card_of(title: str, facts: Mapping[str, str], scores: Mapping[str, float], note: str) -> str:
    """A model card in Markdown.

    Args:
        title: its first heading.
        facts: name to text, in order.
        scores: language to test score in percent; shown, never used to choose.
        note: what a user must know.
    """
    lines = [f"# {title}", "", *(f"- {name}: {text}" for name, text in facts.items())]
    if scores:
        lines += ["", "Test scores, shown and not used to choose:", "", "| language | % |", "| --- | --- |"]
        lines += [f"| {language} | {value:.1f} |" for language, value in scores.items()]
    return "\n".join([*lines, "", note, ""])
