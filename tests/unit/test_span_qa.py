"""Span question answering: windows, spans, round trips, the best answer over windows."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer

from tests.conftest import write_tiny_encoder
from xstilts.families import family_of
from xstilts.families.base import IGNORED
from xstilts.families.span_qa import BOTH, END, LONGEST, START, SpanQA, best_span, round_trip
from xstilts.tasks import TASKS
from xstilts.training.batches import Collator
from xstilts.training.vocabulary import Marks, vocabulary_of

XQUAD = TASKS["xquad"]
CONTEXT = "the soup is hot the soups are cold the phone is unbelievable the phones are hot"


@pytest.fixture(params=["xlm-roberta", "bert", "xlnet"])
def tokenizer(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    return AutoTokenizer.from_pretrained(write_tiny_encoder(tmp_path / request.param, request.param))


def row(answer: str, context: str = CONTEXT, question: str = "which soup") -> dict[str, Any]:
    return {"question": question, "context": context, "answers": [{"text": answer, "start": context.index(answer)}]}


def marked(example: Any) -> list[int]:
    return [int(mark) for mark in example.targets if mark != IGNORED]


def test_the_marks_stand_on_the_answers_first_and_last_subword(tokenizer: Any) -> None:
    (example,) = SpanQA().encode([row("soups are cold")], tokenizer, XQUAD, 80)
    places = np.flatnonzero(example.targets != IGNORED)
    assert marked(example) == [START, END]
    pieces = tokenizer.convert_ids_to_tokens(example.input_ids.tolist())
    assert pieces[places[0]].strip("▁") == "soup"
    assert "".join(pieces[places[0] : places[1] + 1]).replace("▁", " ").strip() == "soups are cold"


def test_what_the_marks_point_at_is_predicted(tokenizer: Any) -> None:
    family = SpanQA()
    rows = [row("soups are cold"), row("hot"), row("unbelievable", question="which soup is hot " * 9)]
    examples = family.encode(rows, tokenizer, XQUAD, 40)
    assert len(examples) > len(rows)
    assert all(len(example.input_ids) <= 40 for example in examples)
    outputs = []
    for example in examples:
        logits = np.zeros((len(example.input_ids), 2), np.float32)
        logits[:, 0][np.isin(example.targets, (START, BOTH))] = 5.0
        logits[:, 1][np.isin(example.targets, (END, BOTH))] = 5.0
        outputs.append((*best_span(logits, example.positions), float("-inf")))
    assert family.gathered(examples, outputs, rows) == ["soups are cold", "hot", "unbelievable"]


def test_a_window_without_the_whole_answer_points_at_cls(tokenizer: Any) -> None:
    examples = SpanQA().encode([row("phones are hot")], tokenizer, XQUAD, 20)
    assert len(examples) > 2
    kinds = [marked(example) for example in examples]
    assert kinds[0] == [BOTH]
    assert int(examples[0].input_ids[np.flatnonzero(examples[0].targets == BOTH)[0]]) == tokenizer.cls_token_id
    assert [START, END] in kinds


def test_an_unanswerable_question_points_at_cls_and_may_stay_without_an_answer(tokenizer: Any) -> None:
    family, task = SpanQA(), TASKS["squad_v2"]
    (example,) = family.encode([{**row("hot"), "answers": []}], tokenizer, task, 80)
    assert marked(example) == [BOTH]
    assert (
        int(example.input_ids[example.positions[0]])
        == tokenizer.cls_token_id
        == int(example.input_ids[np.flatnonzero(example.targets == BOTH)[0]])
    )
    windows = [(3.0, 4, 8, 5.0), (4.0, 12, 15, 4.5)]
    assert family.joined(windows, row("hot")) == "", "CLS wins in both windows"
    assert family.joined([windows[0], (4.6, 12, 15, 4.5)], row("hot")) == CONTEXT[12:15]
    gold = [[], row("hot")["answers"], []]
    f1 = {metric.name: metric.value_pct for metric in family.score(["", "", "hot"], gold, task)}
    assert f1["f1"] == f1["exact_match"] == pytest.approx(100 / 3)


def test_a_task_without_unanswerable_questions_always_answers(tokenizer: Any) -> None:
    (example,) = SpanQA().encode([row("hot")], tokenizer, XQUAD, 80)
    batch = Collator(Marks.of(tokenizer), vocabulary_of(Marks.of(tokenizer), [example]), torch.device("cpu"))([example])
    logits = torch.zeros(1, len(example.input_ids), 2)
    logits[0, int(example.positions[0])] = 9.0
    for name, expected in (("xquad", "the"), ("squad_v2", "")):
        (output,) = SpanQA().outputs(logits, batch, TASKS[name])
        assert SpanQA().joined([output], row("hot")) == expected


def test_the_loss_is_that_of_start_and_end() -> None:
    logits = torch.tensor([[[2.0, 0.0], [0.0, 3.0], [0.0, 0.0]], [[0.0, 0.0], [1.0, 4.0], [-1e4, -1e4]]])
    targets = torch.tensor([[START, END, IGNORED], [IGNORED, BOTH, IGNORED]])
    plain = torch.nn.functional.cross_entropy
    wanted = plain(logits[..., 0], torch.tensor([0, 1]), reduction="sum")
    wanted = wanted + plain(logits[..., 1], torch.tensor([1, 1]), reduction="sum")
    assert SpanQA().loss(logits, targets).item() == pytest.approx(wanted.item())


def test_an_answer_is_no_longer_than_allowed_and_ends_after_it_starts() -> None:
    rng, count = np.random.default_rng(3), LONGEST + 12
    positions = np.concatenate([[0, 1], np.stack([np.arange(count), np.arange(count) + 1], 1).ravel()])
    for _ in range(20):
        logits = rng.normal(size=(count + 2, 2)).astype(np.float32)
        logits[0] = logits[-1] = 99.0  # outside of the context
        inner = logits[1:-1]
        wanted = max(
            (float(inner[start, 0] + inner[end, 1]), start, end + 1)
            for start in range(count)
            for end in range(start, min(count, start + LONGEST))
        )
        assert best_span(logits, positions) == pytest.approx(wanted)
    assert best_span(logits, np.array([0, 1])) == (float("-inf"), 0, 0)


def test_a_round_trip_tells_what_a_tokenizer_can_never_give_back(tokenizer: Any) -> None:
    rows = [row("soups are cold"), row("oup"), row("phones are hot")]
    assert round_trip(rows, tokenizer, XQUAD, 80) == [True, False, True]
    assert round_trip([row(CONTEXT)], tokenizer, XQUAD, 20) == [False], "no window holds it"


def test_overlap_is_judged_by_the_context_too() -> None:
    texts = family_of(XQUAD).held_texts(row("hot"))
    assert CONTEXT in texts
    assert f"which soup {CONTEXT}" in texts
