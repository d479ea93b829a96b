"""The default study: its truth is where it was planted, before any model is trained."""

import dataclasses
import itertools
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from scipy.stats import spearmanr

from xstilts.analysis.planted import planted
from xstilts.arms.build import Built, build
from xstilts.config import Study, load_study
from xstilts.divergence import DivergenceSettings, Texts, divergence_table
from xstilts.sources.synthetic import generate, mixture_distance
from xstilts.tables import Rows

ROOT = Path(__file__).parents[2]


@cache
def default_study() -> Study:
    return load_study(ROOT, "params.yaml")


@cache
def built() -> Built:
    study = default_study()
    made = {
        corpus: generate(corpus, seed=study.fetch.seed, rows=dict(study.fetch.rows), kappa=study.fetch.kappa)
        for corpus in study.corpora
    }

    def read(corpus: str, split: str, with_gold: bool) -> list[dict[str, Any]]:
        return [
            {**row, "id": f"{language}:{split}-{row['id']}", "document": row["id"].rsplit("-", 1)[0], "part": language,
             "language": language}
            for (language, found), rows in made[corpus].items() if found == split for row in rows
        ]  # fmt: skip

    return build(study, read)


def targets_of(corpus: str) -> dict[str, str]:
    """The targets of a corpus, and the domain of each."""
    return {name: target.domain for name, target in default_study().targets.items() if target.corpus == corpus}


def truth(corpus: str) -> dict[str, Any]:
    study, arms, targets = default_study(), built().arms, targets_of(corpus)
    distances: dict[tuple[str, str, str], Mapping[str, str]] = {
        (arm, target, "all"): {"value": str(mixture_distance(facts["mixture"], domain))}
        for arm, facts in arms.items()
        for target, domain in targets.items()
    }
    found = planted(
        study, {"corpus": corpus, "targets": list(targets)}, arms, distances,
        lambda *name: built().tables["/".join(name)][1],
    )  # fmt: skip
    assert found is not None
    return found


def test_bound_cues_plant_a_gain_that_falls_with_distance() -> None:
    found = truth("synthetic-reviews")
    assert found["expects"] == "degrades"
    for target in targets_of("synthetic-reviews"):
        curve = sorted((each["divergence"], each["gain"]) for each in found["oracle"] if each["target"] == target)
        gains = [gain for _, gain in curve]
        assert len(curve) == 5
        assert gains == sorted(gains, reverse=True)
        assert gains[0] > 20
        assert gains[-1] < gains[0] / 2


def test_fixed_cues_plant_a_gain_that_does_not() -> None:
    found = truth("synthetic-reviews-fixed")
    assert found["expects"] == "no effect"
    for target in targets_of("synthetic-reviews-fixed"):
        gains = [each["gain"] for each in found["oracle"] if each["target"] == target]
        assert max(gains) - min(gains) < 2
        assert min(gains) > 10


def test_without_bound_cues_no_effect_is_planted() -> None:
    study = default_study()
    plain = dataclasses.replace(study, fetch=dataclasses.replace(study.fetch, kappa=0.0))
    found = planted(plain, {"corpus": "synthetic-reviews", "targets": []}, {}, {}, lambda *name: [])
    assert found is not None
    assert found["expects"] == "no effect"


def test_real_corpora_have_no_planted_answer() -> None:
    study = default_study()
    assert planted(study, {"corpus": "udpos_domain", "targets": []}, {}, {}, lambda *name: []) is None


def test_measured_distances_rank_the_mixtures_as_their_closed_form() -> None:
    def texts(rows: Rows) -> Texts:
        return Texts(tuple(row["text"] for row in rows), tuple(row["document"] + row["domain"] for row in rows))

    arms = {name: facts for name, facts in built().arms.items() if facts["block"] == "bound"}
    domains = targets_of("synthetic-reviews")
    targets = {target: built().tables[f"targets/{target}/dev.parquet"][1] for target in domains}
    table = divergence_table(
        {name: texts(built().tables[f"arms/{name}/train.parquet"][1]) for name in arms},
        {(target, "all"): texts(rows) for target, rows in targets.items()},
        settings=DivergenceSettings(rows=300, folds=4, repeats=2, components=50, shuffles=4, primary="char_ngrams"),
        seed=0,
    )
    for measure, target in itertools.product({row["measure"] for row in table}, targets):
        mine = [row for row in table if (row["measure"], row["target"]) == (measure, target)]
        truth = [mixture_distance(arms[row["arm"]]["mixture"], domains[target]) for row in mine]
        assert len(mine) == 5
        assert spearmanr(truth, [row["value"] for row in mine]).statistic >= 0.9, (measure, target)


@pytest.mark.parametrize("target", ["kitchen", "phones"])
def test_larger_training_sets_hold_the_smaller_ones(target: str) -> None:
    facts = default_study().targets[target]
    sets = [
        {row["id"] for row in built().tables[f"targets/{target}/{name}.parquet"][1]}
        for name in ("train", *(f"train-{count}" for count in facts.more_rows))
    ]
    assert [len(each) for each in sets] == [facts.train_rows, *facts.more_rows]
    assert all(smaller < larger for smaller, larger in itertools.pairwise(sets))
    scored = {row["text"] for row in built().tables[f"targets/{target}/inputs/en.parquet"][1]}
    trained = {row["text"] for name in built().arms for row in built().tables[f"arms/{name}/train.parquet"][1]
               if "text" in row}  # fmt: skip
    assert not scored & trained
