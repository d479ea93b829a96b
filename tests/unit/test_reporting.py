"""The page: whole, self-contained, equal for equal input, and silent where a gate forbids numbers."""

import csv
import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from xstilts.files import read_json, read_jsonl
from xstilts.reporting import build_report, gain_against_divergence
from xstilts.reporting.views import withheld

DATA = Path(__file__).parent / "data"
VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "path", "rect", "circle", "line", "use"}


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def real() -> dict[str, Any]:
    folder = DATA / "report_real"
    return {
        "analysis": read_json(folder / "analysis.json"),
        "claims": read_jsonl(folder / "claims.jsonl"),
        "scores": table(folder / "scores.csv"),
        "divergence": table(folder / "divergence.csv"),
        "study": "pos-by-genre",
    }


def page_of(given: dict[str, Any]) -> str:
    return build_report(**given)


class Outline(HTMLParser):
    """Headings, addresses, and whether every tag is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.headings: list[str] = []
        self.images_without_text = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.addresses += [str(found[name]) for name in ("src", "href", "xlink:href") if found.get(name)]
        if tag in ("h1", "h2", "h3"):
            self.headings.append(tag)
        if tag == "img" and not found.get("alt"):
            self.images_without_text += 1
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open:
            while self.open.pop() != tag:
                pass


def test_the_page_needs_no_network_and_is_whole() -> None:
    outline = Outline()
    outline.feed(page_of(real()))
    assert outline.open == []
    assert outline.headings[0] == "h1"
    assert outline.headings.count("h1") == 1
    assert outline.images_without_text == 0
    foreign = [address for address in outline.addresses if not address.startswith(("#", "data:"))]
    assert foreign == []
    assert "<script" not in page_of(real())


def test_equal_input_gives_equal_bytes() -> None:
    assert page_of(real()) == page_of(real())


def test_the_verdict_and_its_numbers_are_on_the_page() -> None:
    given = real()
    page = page_of(given)
    for found in given["analysis"]["encoders"].values():
        for question in found["questions"]:
            assert question["verdict"].lower() in page.lower()
    for claim in given["claims"]:
        assert claim["text"] in html.unescape(page)


@pytest.mark.parametrize("passed", [True, False])
def test_gains_of_an_untrained_baseline_are_withheld(passed: bool) -> None:
    given = real()
    (encoder,) = given["analysis"]["encoders"].values()
    for target in encoder["targets"].values():
        target["plateau"]["passed"] = passed
        for arm in target["arms"]:
            arm["gain"] = 77.123
    assert ("77.1" in page_of(given)) is passed


def test_a_study_without_a_verdict_leads_to_its_scores() -> None:
    given = real()
    questions = [each for encoder in given["analysis"]["encoders"].values() for each in encoder["questions"]]
    for question in questions:
        question |= {"verdict": "not judged", "plateau_gate": None, "slope": None, "matched_gain": None}
        question |= {"far_gain": None, "share_retained": None, "break_even": None}
    page = page_of(given)
    assert "No question of this study was judged" in page
    assert page.count("Slope, gains, share kept, break-even") == len(questions), "one line for all that is absent"
    questions[0]["verdict"] = "undecided"
    assert "No question of this study was judged" not in page_of(given)


def test_a_synthetic_study_says_so() -> None:
    analysis = read_json(DATA / "report_synthetic" / "analysis.json")
    page = build_report(analysis, [], [], [], study=analysis["study"])
    assert re.search(r"synthetic", page, re.IGNORECASE)


def test_a_planted_truth_is_told_and_drawn_on_an_axis_of_its_own() -> None:
    analysis = read_json(DATA / "report_synthetic" / "analysis.json")
    axis = "planted: gain in English of a reader who counts"
    assert axis not in build_report(analysis, [], [], [], study=analysis["study"])
    (encoder,) = analysis["encoders"].values()
    for question in encoder["questions"]:
        oracle = [
            {"arm": arm["arm"], "target": name, "divergence": arm["divergence"], "gain": 30 - 20 * arm["divergence"]}
            for name in question["targets"]
            for arm in encoder["targets"][name]["arms"]
            if arm["divergence"] is not None
        ]
        question["planted"] = {"expects": "degrades", "text": "a truth of this test", "oracle": oracle}
    page = build_report(analysis, [], [], [], study=analysis["study"])
    assert axis in page
    assert page.count("a truth of this test") == len(encoder["questions"])


def test_text_from_outside_is_escaped() -> None:
    given = json.loads(json.dumps(real()))
    given["analysis"]["title"] = "<script>alert(1)</script>"
    assert "<script>alert" not in page_of(given)


def test_the_plot_table_has_a_row_for_each_arm_and_target() -> None:
    analysis = real()["analysis"]
    rows = gain_against_divergence(analysis)
    (encoder,) = analysis["encoders"].values()
    arms = [arm for target in encoder["targets"].values() for arm in target["arms"] if arm["divergence"] is not None]
    assert 0 < len(rows) <= len(arms)
    assert all({"encoder", "target", "arm", "block", "divergence", "gain"} == set(row) for row in rows)
    assert all(row["divergence"] == pytest.approx(row["divergence"]) for row in rows)


def test_a_gate_that_nothing_was_there_to_test_is_neither_passed_nor_failed() -> None:
    question = {"targets": ["tatoeba"], "plateau_gate": True, "gain_gate": False, "matched_gain": None}
    target = {"plateau": None, "arms": [], "by_language": []}
    shown = withheld({"encoders": {"tiny": {"targets": {"tatoeba": target}, "questions": [question]}}})
    (found,) = shown["encoders"]["tiny"]["questions"]
    assert found["plateau_gate"] is None, "a target without training has no plateau"
    assert found["gain_gate"] is None, "one arm has no level"
