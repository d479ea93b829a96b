"""Every task goes through its family: rows are checked, encoded, trained on for a step, predicted and scored.

``ROWS`` of a family fit each of its tasks once their labels are put in. A task whose rows need
more has an entry of its own in ``OWN``.
"""

import json
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
import torch
from transformers import AutoTokenizer

from tests.conftest import sentences
from xstilts.families import family_of
from xstilts.guards.flags import flag_table
from xstilts.guards.suites import SUITES, checks_of
from xstilts.sources.corpora import CORPORA
from xstilts.tasks import TASKS, Family, Task, task_with
from xstilts.training.batches import Collator
from xstilts.training.encoded import Encoded
from xstilts.training.model import load_model
from xstilts.training.predict import predict
from xstilts.training.vocabulary import Marks, vocabulary_for

COUNT = 8
Row = dict[str, Any]


def _texts(split: str) -> list[Row]:
    return [{"tokens": row["tokens"], "text": " ".join(row["tokens"])} for row in sentences("en", COUNT, 6, split)]


ROWS: dict[Family, Callable[[Task, Row, int], Row]] = {
    Family.TOKEN_TAGGING: lambda task, row, n: {
        "tokens": row["tokens"],
        "tags": [task.labels[(n + at) % len(task.labels)] for at in range(len(row["tokens"]))],
    },
    Family.SENTENCE_CLASSIFICATION: lambda task, row, n: {
        "text": row["text"], "label": task.labels[n % len(task.labels)],
    },
    Family.PAIR_CLASSIFICATION: lambda task, row, n: {
        "text_a": row["text"], "text_b": row["tokens"][0], "label": task.labels[n % len(task.labels)],
    },
    Family.PAIR_REGRESSION: lambda task, row, n: {
        "text_a": row["text"], "text_b": row["tokens"][0],
        "score": float(task.labels[0]) + n * (float(task.labels[1]) - float(task.labels[0])) / COUNT,
    },
    Family.MULTIPLE_CHOICE: lambda task, row, n: {
        "text": row["text"], "choices": row["tokens"][: len(task.labels)], "label": task.labels[n % len(task.labels)],
    },
    Family.SPAN_QA: lambda task, row, n: {
        "question": row["tokens"][1], "context": row["text"], "answers": [{"text": row["text"], "start": 0}],
    },
    Family.MASKED_LM: lambda task, row, n: {"text": row["text"]},
    Family.SENTENCE_RETRIEVAL: lambda task, row, n: {"text_a": row["text"], "text_b": row["text"], "match": n},
    Family.BITEXT_MINING: lambda task, row, n: {
        "text": row["text"], "sentence_id": f"s-{n}", "side": "source" if n < COUNT / 2 else "english",
        "bitext": "test",
        "pairs": {"english": [f"s-{n + COUNT // 2}"] if n < COUNT / 2 else [], "use": "score"},
    },
}  # fmt: skip


def _several(task: Task, row: Row, n: int) -> Row:
    """A row of one of several tasks, by turns."""
    name = task.labels[n % len(task.labels)]
    own = TASKS[name]
    made = ROWS[own.family](own, row, n)
    (wrapped,) = family_of(task).rows_of(name, [made])  # type: ignore[attr-defined]
    return {column: wrapped[column] for column in ("task", "content", "gold")}


ROWS[Family.MULTI_TASK] = _several
OWN: dict[str, Callable[[Task, Row, int], Row]] = {}


def rows_of(task: Task, split: str) -> list[Row]:
    make = OWN.get(task.name, ROWS[task.family])
    keys = {"part": "en", "language": "en", "split": split, "domain": None}
    return [
        {**keys, "id": f"en:{split}-{n}", "document": f"{split}-{n}", **make(task, row, n)}
        for n, row in enumerate(_texts(split))
    ]


@pytest.mark.parametrize("name", sorted(TASKS))
def test_a_task_from_rows_to_a_score(name: str, tiny_encoder: Any) -> None:
    task = task_with(name, ("sentiment", "udpos", "xquad", "cosmosqa"))
    family = family_of(task)
    train, test = rows_of(task, "train"), rows_of(task, "test")
    if task.family in SUITES:  # those that corpora carry
        flags = flag_table(pd.DataFrame(train + test if task.family.trained else test), task, overlap_min_characters=20)
        stopping = [check.name for check in checks_of(task) if check.stops and check.name in flags]
        assert not flags[[check for check in stopping if flags[check].dtype == bool]].to_numpy().any()

    tokenizer = AutoTokenizer.from_pretrained(tiny_encoder)
    examples = Encoded.of(family.encode(train, tokenizer, task, 48))
    inputs = [{column: row[column] for column in family.inputs} for row in test]
    tested = Encoded.of(family.encode(inputs, tokenizer, task, 48))
    marks = Marks.of(tokenizer)
    vocabulary = vocabulary_for(tiny_encoder, family, task, marks, [examples, tested])
    model, _ = load_model(tiny_encoder, None, vocabulary, task, head_seed=1)
    collate = Collator(marks, vocabulary, torch.device("cpu"))
    if task.family.trained:
        for part in sorted({example.part for example in examples}):
            batch = collate([example for example in examples if example.part == part])
            loss = family.batch_loss(model(batch).float(), batch)
            loss.backward()
            assert torch.isfinite(loss)
        assert any(tensor.grad is not None for tensor in model.head.parameters())

    predictions = predict(model, {"en": tested}, {"en": inputs}, task, collate)["en"]
    gold = [row[family.gold] for row in test]
    metrics = {metric.name: metric for metric in family.score(predictions, gold, task, "en")}
    assert task.main_metric in metrics
    assert {metric.name: metric.value_pct for metric in family.score(gold_as_predicted(task, gold), gold, task, "en")}[
        task.main_metric
    ] == pytest.approx(100.0), "what is right scores full marks"
    if task.family.trained and task.family is not Family.MULTI_TASK:
        assert len(family.baseline([row[family.gold] for row in train], inputs)) == len(test)


def gold_as_predicted(task: Task, gold: list[Any]) -> list[Any]:
    if task.family is Family.BITEXT_MINING:
        return [{"english": each["english"][0], "score": 1.0} if each["english"] else None for each in gold]
    if task.family is Family.MULTI_TASK:
        names = [task.labels[n % len(task.labels)] for n in range(len(gold))]
        return [
            {"task": name, "prediction": gold_as_predicted(TASKS[name], [json.loads(each)])[0]}
            for name, each in zip(names, gold, strict=True)
        ]
    if task.family is Family.MASKED_LM:
        return [{"right": 1, "masked": 1}] * len(gold)
    return [answers[0]["text"] for answers in gold] if task.family is Family.SPAN_QA else gold


def test_xtremes_tasks_say_what_is_called_the_test_set() -> None:
    for task in TASKS.values():
        assert bool(task.tested_on) is task.in_xtreme, task.name
        assert set(task.without_dev) <= set(task.languages), task.name
    assert sum(task.in_xtreme for task in TASKS.values()) == 9
    assert "en" not in TASKS["xquad"].without_dev


def test_every_family_has_rows_and_every_corpus_a_known_task() -> None:
    assert set(ROWS) == set(Family)
    assert {corpus.task for corpus in CORPORA.values()} <= set(TASKS)
    assert OWN.keys() <= TASKS.keys()
