"""Several tasks at once: rows, batches of one task each in proportion, a head for each, arms made of other arms."""

import json
from collections import Counter
from typing import Any

import numpy as np
import pytest

from tests.conftest import sentences
from tests.golden.test_numerics import SEVERAL, rows_for
from xstilts.arms.build import build
from xstilts.config import Study, study_from
from xstilts.errors import XstiltsError
from xstilts.families import family_of
from xstilts.tasks import TASKS, task_with
from xstilts.training.batches import batches_of_parts, training_batches

PARAMS: dict[str, Any] = {
    "study": "several", "title": "Several tasks", "wdir": ".", "params": "params.yaml", "encoders": ["e5-small-q4"],
    "corpora": ["udpos", "udpos_domain", "amazon_mtl"], "seeds": [0], "precision": "float32", "encoder": {},
    "fetch": {}, "validate": {}, "diverge": {}, "tune": {"trials": 0}, "analyse": {}, "register": {}, "runtime": {},
    "arms": {
        "labelled_items": 60, "dev_items": 20,
        "blocks": {
            "pos": {"corpus": "udpos_domain", "domains": ["news"]},
            "reviews": {"corpus": "amazon_mtl", "labelled_items": 16, "domains": ["books"]},
        },
        "combined": {"both": {"pos.news": 0.25, "reviews.books": 0.75}},
    },
    "targets": {"udpos": {"corpus": "udpos", "languages": ["en"], "train_rows": 4, "dev_rows": 4}},
    "intermediate": {"learning_rate": 1e-3, "passes": 1, "batch_size": 4},
    "target": {"default": {"learning_rate": 1e-3, "passes": 1, "batch_size": 4}},
}  # fmt: skip


def study(**combined: dict[str, float]) -> Study:
    arms = PARAMS["arms"] | ({"combined": combined} if combined else {})
    return study_from(PARAMS | {"arms": arms}, "params.yaml")


def read(corpus: str, split: str, with_gold: bool) -> list[dict[str, Any]]:
    domain = {"udpos": None, "udpos_domain": "news", "amazon_mtl": "books"}[corpus]
    rows = []
    for number, row in enumerate(sentences("en", 40, 11, f"{corpus}-{split}")):
        keys = {"id": f"en:{row['id']}", "part": "en", "document": row["id"], "domain": domain, "language": "en"}
        label = TASKS["sentiment"].labels[number % 2]
        own = {"text": " ".join(row["tokens"]), "label": label} if corpus == "amazon_mtl" else row
        rows.append({**own, **keys})
    return rows


def test_an_arm_of_several_tasks_takes_its_share_of_each_arm() -> None:
    built = build(study(), read)
    facts = built.arms["combined.both"]
    columns, rows = built.tables["arms/combined.both/train.parquet"]
    assert facts["tasks"] == ["udpos", "sentiment"]
    assert facts["mixture"] == {"pos.news": 0.25, "reviews.books": 0.75}
    assert (facts["kind"], facts["corpus"]) == ("several tasks", "udpos_domain+amazon_mtl")
    assert columns == ("id", "document", "domain", "language", "task", "content", "gold")
    parts = {arm: len(built.tables[f"arms/{arm}/train.parquet"][1]) for arm in ("pos.news", "reviews.books")}
    assert Counter(row["task"] for row in rows) == {
        "udpos": round(0.25 * parts["pos.news"]), "sentiment": round(0.75 * parts["reviews.books"]),
    }  # fmt: skip
    sources = {row["id"] for arm in parts for row in built.tables[f"arms/{arm}/train.parquet"][1]}
    assert {row["id"] for row in rows} <= sources
    dev = {row["id"] for row in built.tables["arms/combined.both/dev.parquet"][1]}
    assert not dev & {row["id"] for row in rows}


@pytest.mark.parametrize(
    ("rates", "message"),
    [
        ({"pos.news": 0.5, "reviews.books": 0.4}, "sum to 1"),
        ({"pos.news": 1.0}, "two arms or more"),
        ({"pos.news": 0.5, "pos.bio": 0.5}, "'pos.bio' cannot be used"),
        ({"pos.news": 1.5, "reviews.books": -0.5}, "rates above 0"),
    ],
)
def test_wrong_rates_are_refused(rates: dict[str, float], message: str) -> None:
    with pytest.raises(XstiltsError, match=message):
        study(both=rates)


def test_a_block_cannot_take_the_name_of_the_projects_own() -> None:
    arms = PARAMS["arms"] | {"blocks": {"combined": {"corpus": "amazon_mtl"}}, "combined": {}}
    with pytest.raises(XstiltsError, match="other than combined, control, pooled"):
        study_from(PARAMS | {"arms": arms}, "params.yaml")


def test_batches_hold_one_task_and_steps_are_in_proportion() -> None:
    parts, lengths = [0] * 60 + [1] * 20, list(range(5, 85))
    batches = batches_of_parts(parts, lengths, [1] * 80, 4, 40, np.random.default_rng(3))
    assert len(batches) == 40
    assert all(len({parts[index] for index in batch}) == 1 for batch in batches)
    steps = Counter(parts[batch[0]] for batch in batches)
    assert steps == {0: 30, 1: 10}
    assert [parts[batch[0]] for batch in batches] != sorted(parts[batch[0]] for batch in batches), "by turns"
    seen = Counter(index for batch in batches for index in batch)
    assert set(seen.values()) == {2}, "two passes over each task"


def test_one_task_has_the_batches_that_it_had() -> None:
    lengths = list(range(5, 45))
    one = batches_of_parts([0] * 40, lengths, [1] * 40, 4, 12, np.random.default_rng(3))
    assert one == training_batches(lengths, [1] * 40, 4, 12, np.random.default_rng(3))


def test_the_score_is_the_mean_of_the_tasks() -> None:
    task = task_with("multi_task", SEVERAL)
    family = family_of(task)
    rows = rows_for("multi_task", "en", 4)
    right = [{"task": row["task"], "prediction": json.loads(row["gold"])} for row in rows]
    wrong = [
        {**each, "prediction": {"negative": "positive", "positive": "negative"}[each["prediction"]]}
        if each["task"] == "sentiment" else each
        for each in right
    ]  # fmt: skip
    gold = [row["gold"] for row in rows]
    found = {metric.name: metric.value_pct for metric in family.score(wrong, gold, task)}
    assert found == {"mean_of_tasks": 50.0, "sentiment": 0.0, "udpos": 100.0}
    assert family.score(right, gold, task)[0].value_pct == 100.0
