"""The whole answer to a question, from points to a verdict: each verdict from data made to deserve it."""

import itertools
import json

import numpy as np
import pytest

from xstilts.errors import XstiltsError
from xstilts.inference import GainPoint, InferenceSettings, answer

SETTINGS = InferenceSettings(confidence=0.95, negligible_share=0.25, seed=0)
CURVE = [(64, 70.0), (128, 74.0), (256, 75.0)]
FIELDS = {
    "name", "kind", "targets", "arms", "points", "seeds", "effects", "measure", "features", "slope", "slope_english",
    "slope_difference", "matched_gain", "far_gain", "share_retained", "break_even", "equivalence", "detectable_slope",
    "corpus", "worth", "gain_gate", "plateau_gate", "verdict", "because", "would_settle",
}  # fmt: skip


def study(
    *, slope: float, level: float = 4.0, noise: float = 0.05, arms: int = 8, slices: int = 2, blocks: int = 1,
    seeds: int = 2, english: float | None = 0.0,
) -> list[GainPoint]:  # fmt: skip
    """Points on a line through ``level`` at divergence 0.5, with arm effects; English has a slope of its own."""
    rng = np.random.default_rng(1)
    x = rng.random((arms, slices))
    own, left = rng.normal(0, 0.1, arms), rng.normal(0, noise, (arms, slices, seeds))
    return [
        GainPoint(
            f"arm-{i}", f"block-{i % blocks}", "udpos", f"slice-{j}", s, float(x[i, j]),
            float(level + slope * (x[i, j] - 0.5) + own[i] + left[i, j, s]),
            None if english is None else float(level + english * (x[i, j] - 0.5) + left[i, j, s]),
        )
        for i, j, s in itertools.product(range(arms), range(slices), range(seeds))
    ]  # fmt: skip


def ask(points: list[GainPoint], *, plateau_passed: bool = True, **changed: object) -> dict:
    found = answer(
        points, name="pos to udpos", kind="same-task", corpus="udpos_domain", curve=CURVE, measure="proxy_a_distance",
        features="char_ngrams", plateau_passed=plateau_passed, settings=SETTINGS, **changed,
    )  # fmt: skip
    json.dumps(found, allow_nan=False)
    assert set(found) == FIELDS
    return found


@pytest.mark.parametrize(
    ("points", "verdict", "words"),
    [
        (study(slope=-4.0), "degrades", "the whole interval lies below zero."),
        (study(slope=-0.4), "degrades, negligibly", "below zero, and the slope is shown to be smaller than"),
        (study(slope=4.0), "improves", "above zero."),
        (study(slope=0.4), "improves", "above zero, though the slope is shown to be smaller than"),
        (study(slope=0.0, noise=0.2), "does not matter", "the slope is shown to be smaller than"),
        (study(slope=0.0, noise=1.5, level=3.0), "undecided", "the interval holds zero and slopes beyond"),
        (study(slope=0.0, level=0.1, noise=0.5), "no gain to degrade", "not shown to be above zero"),
        (study(slope=-4.0, arms=3), "not judged", "3 arms are too few"),
        (study(slope=-4.0, arms=4), "undecided", "allow only 24 rearrangements"),
        (study(slope=-4.0, arms=6, blocks=6), "undecided", "leave nothing to compare"),
    ],
)
def test_each_verdict_and_why(points, verdict, words):
    found = ask(points)
    assert found["verdict"] == verdict, found["because"]
    assert words in found["because"]
    open_ended = verdict in ("undecided", "not judged")
    assert (found["would_settle"] is not None) == (open_ended or verdict == "no gain to degrade")


def test_a_baseline_off_its_plateau_is_not_judged_and_no_number_is_printed():
    found = ask(study(slope=-4.0), plateau_passed=False)
    assert found["verdict"] == "not judged" and "training alone" in found["because"]
    assert found["slope"] is None and found["matched_gain"] is None and found["gain_gate"] is False
    assert found["plateau_gate"] is False


def test_a_gain_of_no_size_needs_nothing_to_settle_it():
    found = ask(study(slope=0.0, level=-1.0))
    assert found["verdict"] == "no gain to degrade" and found["would_settle"] is None


def test_the_numbers_of_a_planted_line():
    found = ask(study(slope=-4.0, english=-1.0))
    x = [one.divergence for one in study(slope=-4.0)]
    assert (found["arms"], found["points"], found["seeds"], found["effects"]) == (8, 16, 2, "arm and slice")
    assert found["slope"]["estimate"] == pytest.approx(-4.0, abs=0.3)
    assert found["slope_english"]["estimate"] == pytest.approx(-1.0, abs=0.3)
    assert found["slope_difference"]["estimate"] == pytest.approx(
        found["slope"]["estimate"] - found["slope_english"]["estimate"]
    )
    assert found["slope_difference"]["high"] < 0
    assert found["matched_gain"]["divergence"] == min(x) and found["far_gain"]["divergence"] == max(x)
    assert found["matched_gain"]["estimate"] == pytest.approx(4 - 4 * (min(x) - 0.5), abs=0.3)
    assert found["share_retained"] == pytest.approx(found["far_gain"]["estimate"] / found["matched_gain"]["estimate"])
    assert found["slope"]["low"] < -4 < found["slope"]["high"] < 0
    assert found["slope"]["exact"] is False and found["slope"]["permutations"] == 10_000


def test_too_few_shuffles_give_an_estimate_without_an_interval():
    found = ask(study(slope=-4.0, arms=4))
    assert found["slope"]["low"] is None and found["slope"]["high"] is None and found["slope"]["permutations"] == 24
    assert found["slope"]["p"] == pytest.approx(2 / 24)
    assert "interval needs at least 40 to 1" in found["because"]


def test_five_arms_are_enough_for_an_interval():
    found = ask(study(slope=-4.0, arms=5))
    assert found["slope"]["exact"] is True and found["slope"]["permutations"] == 120
    assert found["verdict"] == "degrades"


def test_without_english_text_the_english_slope_is_absent():
    found = ask(study(slope=-4.0, english=None))
    assert found["slope_english"] is None and found["slope_difference"] is None and found["verdict"] == "degrades"


def test_one_seed_is_said():
    assert "There is one seed" in ask(study(slope=-4.0, seeds=1))["because"]
    assert "There is one seed" not in ask(study(slope=-4.0))["because"]


def test_effects_can_be_forced_and_one_slice_leaves_no_choice():
    assert ask(study(slope=-4.0), effects="slice")["effects"] == "slice"
    assert ask(study(slope=-4.0, slices=1))["effects"] == "slice"


def test_the_answer_does_not_depend_on_the_order_of_points():
    points = study(slope=-1.0, noise=0.5)
    assert ask(points) == ask(points[::-1])


def test_an_undecided_answer_says_how_many_arms_it_would_take():
    settles = ask(study(slope=0.0, noise=1.5, level=3.0))["would_settle"]
    assert "four times in five" in settles
    assert "arms instead of 8" in settles or "more than 200 arms" in settles


@pytest.mark.parametrize("change", [{"confidence": 1.0}, {"negligible_share": 0.0}, {"confidence": 0.4}])
def test_settings_refuse_what_is_no_share(change):
    with pytest.raises(XstiltsError, match="inference settings"):
        InferenceSettings(**({"confidence": 0.95, "negligible_share": 0.25, "seed": 0} | change))
