"""Masked language modelling: masks as BERT's, the head that the encoder was pretrained with, arms without labels."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoConfig, AutoModelForMaskedLM, AutoTokenizer

from tests.conftest import sentences, with_head, write_tiny_encoder
from tests.unit.test_multi_task import PARAMS, read
from xstilts.arms.build import build
from xstilts.cells.grid import Grid
from xstilts.config import study_from
from xstilts.encoders.checkpoint import LM_HEAD
from xstilts.errors import XstiltsError
from xstilts.families import family_of
from xstilts.families.base import IGNORED
from xstilts.files import write_json
from xstilts.layout import Layout
from xstilts.tasks import TASKS, task_with
from xstilts.training.batches import Batch, Collator
from xstilts.training.lm_head import save_lm_head
from xstilts.training.model import TaskModel, load_model
from xstilts.training.vocabulary import Marks, vocabulary_for

MLM = TASKS["masked_lm"]
FAMILY = family_of(MLM)
SEVERAL = task_with("multi_task", ("masked_lm", "sentiment"))


def texts(count: int) -> list[dict[str, Any]]:
    return [{"text": " ".join(row["tokens"])} for row in sentences("en", count, 8, "mlm")]


def model_and_batch(base: Path, task: Any = MLM) -> tuple[TaskModel, Batch]:
    tokenizer = AutoTokenizer.from_pretrained(base)
    marks = Marks.of(tokenizer)
    examples = FAMILY.encode(texts(6), tokenizer, MLM, 40)
    vocabulary = vocabulary_for(base, family_of(task), task, marks, [examples])
    model, account = load_model(base, None, vocabulary, task, head_seed=1)
    assert not any("masked_lm" in name or "predict" in name for name in account.new), "it is not drawn afresh"
    return model, Collator(marks, vocabulary, torch.device("cpu"))(examples)


@pytest.mark.parametrize("architecture", ["bert", "roberta", "xlm-roberta", "deberta-v2"])
def test_the_head_is_that_of_transformers(architecture: str, tmp_path: Path) -> None:
    base = write_tiny_encoder(tmp_path / "encoder", architecture)
    model, batch = model_and_batch(base)
    whole = AutoModelForMaskedLM.from_config(AutoConfig.from_pretrained(base), attn_implementation="eager")
    (name,) = (name for name, _ in whole.named_children() if name != whole.base_model_prefix)
    theirs = AutoModelForMaskedLM.from_pretrained(with_head(base)).get_submodule(name)
    whole.get_submodule(name).load_state_dict(theirs.state_dict())
    whole.base_model.load_state_dict(model.encoder.state_dict(), strict=False)
    whole.tie_weights()
    with torch.inference_mode():
        ours, right = model.eval()(batch), whole.eval()(**batch.inputs).logits[batch.targets != IGNORED]
    torch.testing.assert_close(ours, right)
    assert ours.shape == (int((batch.targets != IGNORED).sum()), whole.config.vocab_size)


def test_a_step_moves_every_row_of_the_embedding(tiny_encoder: Path) -> None:
    model, batch = model_and_batch(tiny_encoder)
    loss = FAMILY.batch_loss(model(batch), batch)
    loss.backward()  # type: ignore[no-untyped-call]
    weight = model.encoder.get_input_embeddings().weight  # type: ignore[operator]
    assert (weight.grad.abs().sum(1) > 0).all(), "those of subwords that no text has, too"
    optimizer = torch.optim.AdamW([each for each in model.parameters() if each.requires_grad], lr=1e-2)
    for _ in range(10):
        optimizer.zero_grad()
        later = FAMILY.batch_loss(model(batch), batch)
        later.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert later < 0.8 * loss


def test_it_can_be_one_of_several_tasks(tiny_encoder: Path) -> None:
    model, batch = model_and_batch(tiny_encoder, SEVERAL)
    loss = family_of(SEVERAL).batch_loss(model(batch), batch)
    assert torch.isfinite(loss)
    assert {name.split(".")[0] for name in model.head.state_dict()} == {"masked_lm", "sentiment"}


def test_masks_are_those_of_bert(tiny_encoder: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_encoder)
    rows = texts(3000)
    once, again = (FAMILY.encode(part, tokenizer, MLM, 40) for part in (rows, rows[::-1]))
    assert all(np.array_equal(a.input_ids, b.input_ids) for a, b in zip(once, again[::-1], strict=True))
    plain = tokenizer([row["text"] for row in rows], truncation=True, max_length=40)["input_ids"]
    fates = np.zeros(3)
    inner = 0
    for example, ids in zip(once, plain, strict=True):
        places = example.positions
        assert len(places) == (example.targets != IGNORED).sum() >= 1
        assert np.array_equal(example.targets[places], np.array(ids)[places])
        assert not {0, len(ids) - 1} & set(places.tolist()), "marks are not predicted"
        rest = np.setdiff1d(np.arange(len(ids)), places)
        assert np.array_equal(example.input_ids[rest], np.array(ids)[rest])
        masked = example.input_ids[places] == tokenizer.mask_token_id
        same = ~masked & (example.input_ids[places] == example.targets[places])
        fates += [masked.sum(), (~masked & ~same).sum(), same.sum()]
        inner += len(ids) - 2
    assert fates.sum() / inner == pytest.approx(0.15, abs=0.02)
    assert fates / fates.sum() == pytest.approx([0.8, 0.1, 0.1], abs=0.02)


def test_an_encoder_without_the_head(tmp_path: Path) -> None:
    base = write_tiny_encoder(tmp_path / "encoder")
    (base / LM_HEAD).unlink()
    with pytest.raises(XstiltsError, match="no head for masked language modelling"):
        model_and_batch(base)
    assert not save_lm_head(base, tmp_path), "a checkpoint of the encoder alone"
    assert not save_lm_head(write_tiny_encoder(tmp_path / "xlnet", "xlnet"), tmp_path), "no such head in transformers"
    assert not (tmp_path / LM_HEAD).exists()


def blocks(**of_encoder: Any) -> dict[str, Any]:
    text = {"corpus": "amazon_mtl", "objective": "masked_lm", "labelled_items": 16, "domains": ["books"]}
    arms = {"labelled_items": 60, "dev_items": 20, "blocks": {"text": text}}
    return PARAMS | {"arms": arms} | of_encoder


def test_arms_of_text_alone() -> None:
    built = build(study_from(blocks(encoders=["mbert"]), "params.yaml"), read)
    columns, rows = built.tables["arms/text.books/train.parquet"]
    assert columns == ("id", "document", "domain", "language", "text")
    assert len(rows) == 16
    assert all("label" not in row for row in rows)
    assert built.arms["text.books"]["task"] == "masked_lm"
    assert built.arms["text.books"]["corpus"] == "amazon_mtl without labels", "a question of its own"
    assert built.arms["pooled.masked_lm"]["train"]["rows"] == 16, "what tuning is done on"


def test_a_local_encoder_without_the_head_is_refused_before_any_cell(tmp_path: Path) -> None:
    study = study_from(blocks(encoders=["mine"], encoder={"local": {"mine": "encoders/mine"}}), "params.yaml")
    arms = {"arms": build(study, read).arms, "targets": {}}
    layout = Layout(tmp_path, study.study)
    write_json(layout.models("encoder", "mine") / "encoder.json", {"weights_sha256": "0"})
    grid = Grid(study, layout, "mine", arms, "float32")
    with pytest.raises(XstiltsError, match="no head for masked language modelling"):
        grid.intermediate("text.books", 0, study.intermediate)


def test_an_encoder_that_is_known_to_have_no_head_is_refused_at_once() -> None:
    with pytest.raises(XstiltsError, match="e5-small-q4 has none") as error:
        study_from(blocks(encoders=["e5-small-q4"]), "params.yaml")
    assert "xlm-r-base" in str(error.value)
