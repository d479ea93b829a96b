"""The page: what the templates are given, and their rendering."""

from collections.abc import Mapping, Sequence
from typing import Any

from xstilts.reporting import views, words

Row = Mapping[str, Any]
WIDE = 20  # languages; a wider table is printed on its side


def build_report(
    analysis: Row, claims: Sequence[Row], scores: Sequence[Row], divergence: Sequence[Row], *, study: str
) -> str:
    """The report as one HTML page that needs neither network nor scripts; equal input gives equal bytes.

    Args:
        analysis: the content of ``analysis.json``, as docs/formats.md has it.
        claims: lines of ``claims.jsonl``; fields that are missing are told as such.
        scores: rows of ``scores.csv`` of all encoders, numbers as text or not; they give the gains by slice.
        divergence: rows of ``divergence.csv``; they give the distances by every measure.
        study: the study's name.

    Returns:
        HTML. Gains of a target whose baseline had not reached its plateau are withheld.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    pages = Environment(
        loader=PackageLoader("xstilts.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    for write in (words.points, words.gain, words.distance, words.count, words.percent, words.interval, words.spread,
                  words.p_value, words.sentence, words.measure_words, words.plain, words.spaced,
                  words.fixed):  # fmt: skip
        pages.filters[write.__name__] = write
    shown = views.withheld(analysis)
    encoders = [
        _encoder(name, facts, scores, divergence, number) for number, (name, facts) in enumerate(_items(shown), 1)
    ]
    return pages.get_template("page.html").render(
        study=study,
        analysis=shown,
        confidence=words.percent(shown["confidence"]),
        encoders=encoders,
        judged=any(row["facts"]["verdict"] != "not judged" for each in encoders for row in each["questions"]),
        panels=[panel for encoder in encoders for panel in encoder["panels"]],
        claims=[_claim(claim) for claim in claims],
        kinds=views.KINDS,
        tint=views.tint,
        not_estimated=words.NOT_ESTIMATED,
        no_plateau=words.NO_PLATEAU,
    )


def _items(analysis: Row) -> list[tuple[str, Row]]:
    return list(analysis["encoders"].items())


def _encoder(name: str, facts: Row, scores: Sequence[Row], divergence: Sequence[Row], number: int) -> dict[str, Any]:
    own = [row for row in scores if row.get("encoder", name) == name]
    panels = [
        _panel(name, facts, target, own, divergence, key=f"t{number}-{place}")
        for place, target in enumerate(views.targets_in_order(facts), 1)
    ]
    best = {
        (question["name"], question["kind"], panel["name"]): next(
            (arm for arm in panel["arms"] if views.asked(question, arm) and arm["gain"] is not None), None
        )
        for panel in panels
        for question in panel["questions"]
    }
    return {
        "name": name,
        "seen": facts["seen_supervision"],
        "panels": panels,
        "questions": [
            {
                "facts": question,
                "sign": views.VERDICTS[question["verdict"]][0],
                "reading": views.VERDICTS[question["verdict"]][1],
                "absent": views.reasons(question),
                "worth": words.examples(question.get("worth")),
                "worth_ends": words.examples_interval(question.get("worth")),
                "best": [
                    (target, arm)
                    for target in question["targets"]
                    if (arm := best[question["name"], question["kind"], target])
                ],
            }
            for question in facts["questions"]
        ],
    }


def _panel(
    encoder: str, facts: Row, name: str, scores: Sequence[Row], divergence: Sequence[Row], *, key: str
) -> dict[str, Any]:
    """All that the page shows of one target under one encoder."""
    from markupsafe import Markup  # the figures escape their own text

    from xstilts.reporting.figures import gain_figure, language_figure

    target = facts["targets"][name]
    questions = views.questions_of(facts, name)
    arms = views.ranked(target["arms"])
    gains = views.gain_rows(target)
    languages = [row["language"] for row in views.languages_sorted(target) if row["language"] != views.ENGLISH]
    sliced = [] if views.plateau_failed(target) else scores
    return {
        "key": key,
        "encoder": encoder,
        "name": name,
        "facts": target,
        "questions": questions,
        "withheld": views.plateau_failed(target),
        "arms": arms,
        "languages": languages,
        "wide": len(languages) > WIDE,
        "figure": Markup(gain_figure(name, target, questions, name=f"{key}-gain")),
        "bars": Markup(language_figure(name, target, name=f"{key}-language")),
        "scores": views.score_rows(target),
        "gains": gains,
        "largest": views.largest_gain(gains),
        "controls": views.control_rows(target),
        "slices": views.slice_table(sliced, divergence, name, arms),
        "measures": views.divergence_table(divergence, name, arms),
    }


def _claim(claim: Row) -> dict[str, Any]:
    """A claim's sentence and figures, and whatever else it says in words."""
    interval = claim.get("interval")
    ends = (interval.get("low"), interval.get("high")) if isinstance(interval, Mapping) else interval
    low, high = ends if isinstance(ends, list | tuple) and len(ends) == 2 else (None, None)
    told = {"text", "claim", "estimate", "interval"}
    return {
        "text": words.sentence(claim.get("text") or claim.get("claim") or words.plain(None)),
        "estimate": words.fixed(claim.get("estimate"), 2, absent="no figure"),
        "interval": "" if low is None or high is None else f"{words.fixed(low, 2)} to {words.fixed(high, 2)}",
        "rest": [(words.spaced(key), words.plain(value)) for key, value in claim.items() if key not in told],
    }
