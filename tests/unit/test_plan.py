"""What a study would cost: FLOPs, minutes here, GPU hours, disk; and that every study of the project can be planned."""

import re
from pathlib import Path

import pytest

from tests.conftest import ROOT
from xstilts.cli.plan import Size, estimated_costs, show_plan, speed
from xstilts.config import load_study
from xstilts.files import write_json
from xstilts.layout import Layout
from xstilts.tasks import TASKS

STUDIES = sorted(path.parent.name for path in (ROOT / "studies").glob("*/params.yaml"))


def test_a_subword_costs_six_flops_for_each_weight_that_trains() -> None:
    size = Size(12, 768)
    weights = 12 * 12 * 768**2  # 85 million, those of BERT base without its embedding
    assert size.work(1000, 0) == pytest.approx(6 * weights * 1000)
    assert size.work(1000, 9) == pytest.approx(6 * weights * 1000 / 4)
    assert size.frozen(1000, 9) == pytest.approx(2 * weights * 1000 * 9 / 12)
    assert size.frozen(1000, 0) == 0
    assert size.checkpoint_mb(9) == pytest.approx(4e-6 * weights / 4)


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_can_be_planned_before_anything_is_there(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    study = load_study(ROOT, f"studies/{name}/params.yaml")
    assert study.study == name
    show_plan(study, tmp_path)
    told = capsys.readouterr().out
    for encoder in study.encoders:
        assert f"target {encoder}" in told
    assert re.search(r"About [\d,]+ (minutes|hours) with \d+ workers at \d+ GFLOP/s each", told)
    assert re.search(r"On one A100 about [\d.]+ GPU hours", told)
    assert list(tmp_path.iterdir()) == [], "a plan writes nothing"


def test_a_study_costs_what_its_encoders_cost_together(tmp_path: Path) -> None:
    study = load_study(ROOT, "studies/three-tasks/params.yaml")
    costs = {cost.name: cost for cost in estimated_costs(study, Layout(tmp_path, study.study))}
    assert len(costs) == 4 * len(study.encoders)
    assert costs["register bert-base"].cells == len(study.targets), "each target's champion once more"
    assert costs["target bert-base"].flops == costs["target xlnet-base"].flops
    seeds, arms = len(study.seeds), 8 + 6 + 2 + 1
    assert costs["intermediate bert-base"].cells == seeds * arms
    assert costs["target bert-base"].cells == seeds * len(study.targets) * (arms + 2)


@pytest.mark.parametrize(
    ("task", "pooling", "layers"),
    [("sentiment", "mean", 1.0), ("sentiment", "cls", 1 / 6), ("udpos", "cls", 1.0), ("sentiment", None, 1.0)],
)
def test_finished_cells_tell_how_fast_this_machine_is(
    task: str, pooling: str | None, layers: float, tmp_path: Path
) -> None:
    study = load_study(ROOT, "studies/smoke/params.yaml")
    layout = Layout(tmp_path, study.study)
    guess, source = speed(study, layout)
    assert guess > 0
    assert "matrix product" in source
    cell = layout.store / "a"
    labels = {"encoder": "e5-small-q4"}
    write_json(cell / "record.json", {"labels": labels, "tokens_per_s": 1000.0, "train_s": 5.0, "loop_s": 4.0})
    settings = {"frozen_layers": 11} | ({"pooling": pooling} if pooling else {})  # older cells have none
    identity = {"settings": settings, "task": {"name": task, "labels": list(TASKS[task].labels)}}
    write_json(cell / "cell.json", {"settings": settings, "identity": identity})
    found, source = speed(study, layout)
    assert found == pytest.approx(5000 / 4 * 6 * 12 * 384**2 * layers)
    assert "finished cells" in source
