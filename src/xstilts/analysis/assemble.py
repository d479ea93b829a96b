"""One encoder's part of ``analysis.json``: targets, arms, languages, questions."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean

from xstilts.config import Study
from xstilts.errors import XstiltsError
from xstilts.families import family_of
from xstilts.files import Json
from xstilts.inference import (
    Gain,
    GainPoint,
    InferenceSettings,
    PlateauGate,
    Score,
    answer,
    gain_points,
    paired_gains,
    plateau_gate,
)
from xstilts.sections import AnalyseSection
from xstilts.tasks import TASKS

ALL, ENGLISH, NONE, MAJORITY = "all", "en", "none", "majority"
CONTROL = "control"

Divergence = Mapping[tuple[str, str, str], Mapping[str, str]]
"""(arm, target, slice) to the row of the primary measure."""


@dataclass(frozen=True)
class Material:
    """What one encoder's analysis is made of.

    Attributes:
        study: parameters.
        description: ``arms.json``.
        scores: rows of ``scores.csv`` of the headline's metric and variant ``main``, values as numbers.
        larger: (target, rows) to the same of ``none`` with more target rows.
        dev: (target, variant) to seed to the baseline's English dev score.
        divergence: primary distances.
        seen_supervision: of the encoder.
    """

    study: Study
    description: Json
    scores: Sequence[Mapping[str, Json]]
    larger: Mapping[tuple[str, int], Sequence[Mapping[str, Json]]]
    dev: Mapping[tuple[str, str], Mapping[int, float]]
    divergence: Divergence
    seen_supervision: Sequence[str]

    def languages(self, target: str) -> list[str]:
        """Scored languages of a target."""
        return list(self.description["targets"][target]["inputs"])

    def kind_of(self, arm: str, target: str) -> str:
        """``same-task``, ``different-task`` or ``control``."""
        facts = self.description["arms"][arm]
        if facts["block"] == CONTROL:
            return CONTROL
        return "same-task" if facts["kind"] == self.description["targets"][target]["kind"] else "different-task"


def analyse_encoder(material: Material) -> tuple[Json, list[Gain]]:
    """Everything about one encoder.

    Returns:
        Its entry in ``analysis.json``, and all paired gains.
    """
    scores = [_score(row) for row in material.scores if row["arm"] != MAJORITY]
    gains = paired_gains(scores)
    gates = {target: _plateau(material, target) for target in material.study.targets}
    targets = {target: _target(material, target, gains, gates[target]) for target in material.study.targets}
    return {
        "seen_supervision": list(material.seen_supervision),
        "targets": targets,
        "questions": _questions(material, gains, gates),
    }, gains


def _score(row: Mapping[str, Json]) -> Score:
    return Score(
        arm=row["arm"], block=row["block"], domain=row["domain"], target=row["target"], slice=row["slice"],
        seed=row["seed"], language=row["language"], value=row["value"],
    )  # fmt: skip


def _plateau(material: Material, target: str) -> PlateauGate | None:
    main, doubled = material.dev.get((target, "main"), {}), material.dev.get((target, "plateau"), {})
    if not doubled:
        return None
    return plateau_gate(main, doubled, allowed=material.study.analyse.plateau_points)


def _mean_score(
    material: Material,
    target: str,
    arm: str,
    languages: Sequence[str],
    scores: Sequence[Mapping[str, Json]] | None = None,
) -> float | None:
    """Mean over languages of the mean over seeds, whole languages only; nothing when a language is missing."""
    values = []
    for language in languages:
        found = [
            float(row["value"])
            for row in (material.scores if scores is None else scores)
            if (row["target"], row["arm"], row["language"], row["slice"]) == (target, arm, language, ALL)
        ]
        if not found:
            return None
        values.append(fmean(found))
    return fmean(values) if values else None


def _target(material: Material, target: str, gains: Sequence[Gain], gate: PlateauGate | None) -> Json:
    facts = material.description["targets"][target]
    languages = material.languages(target)
    others = [language for language in languages if language != ENGLISH]
    english, rest = (_mean_score(material, target, NONE, chosen) for chosen in ([ENGLISH], others))
    mine = [gain for gain in gains if gain.target == target and gain.slice == ALL]
    arms = sorted({gain.arm for gain in mine})
    return {
        "task": facts["task"],
        "metric": str(next(row["metric"] for row in material.scores if row["target"] == target)),
        "kind": facts["kind"],
        "train_rows": facts["train"]["rows"],
        "learning_curve": _learning_curve(material, target, others),
        "languages": languages,
        "plateau": asdict(gate) if gate else None,
        "baseline": {
            "english": english,
            "others": rest,
            "majority_others": _mean_score(material, target, MAJORITY, others),
            "transfer_gap": None if english is None or rest is None else english - rest,
        },
        "arms": [_arm(material, target, arm, mine, others) for arm in arms],
        "by_language": [_language(material, target, language, mine, arms) for language in languages],
    }


def _learning_curve(material: Material, target: str, others: Sequence[str]) -> list[Json]:
    """Scores of ``none`` over the languages other than English, by English training rows."""
    own = int(material.description["targets"][target]["train"]["rows"])
    curve = [{"rows": own, "others": _mean_score(material, target, NONE, others)}]
    for (name, rows), scores in sorted(material.larger.items()):
        if name == target:
            curve.append({"rows": rows, "others": _mean_score(material, target, NONE, others, scores)})
    return curve


def _shared_curve(material: Material, targets: Sequence[str]) -> list[tuple[int, float]]:
    """The mean of several targets' learning curves, at the numbers of rows that all of them have."""
    curves = []
    for target in targets:
        others = [language for language in material.languages(target) if language != ENGLISH]
        found = {point["rows"]: point["others"] for point in _learning_curve(material, target, others)}
        curves.append({rows: score for rows, score in found.items() if score is not None})
    shared = sorted(set.intersection(*(set(curve) for curve in curves)))
    return [(rows, fmean(curve[rows] for curve in curves)) for rows in shared]


def _arm(material: Material, target: str, arm: str, gains: Sequence[Gain], others: Sequence[str]) -> Json:
    facts = material.description["arms"][arm]
    mine = [gain for gain in gains if gain.arm == arm]
    distance = material.divergence.get((arm, target, ALL))
    by_seed = {
        seed: fmean(gain.gain for gain in mine if gain.seed == seed and gain.language in others)
        for seed in sorted({gain.seed for gain in mine})
    }
    english = [gain.gain for gain in mine if gain.language == ENGLISH]
    return {
        "arm": arm,
        "block": facts["block"],
        "corpus": facts["corpus"],
        "domain": facts["domain"],
        "kind": material.kind_of(arm, target),
        "divergence": float(distance["value"]) if distance else None,
        "floor": float(distance["floor"]) if distance else None,
        "gain": fmean(by_seed.values()),
        "gain_english": fmean(english) if english else None,
        "score": _mean_score(material, target, arm, others),
        "seeds": [{"seed": seed, "gain": gain} for seed, gain in by_seed.items()],
    }


def _language(material: Material, target: str, language: str, gains: Sequence[Gain], arms: Sequence[str]) -> Json:
    real = [gain.gain for gain in gains if gain.language == language and material.kind_of(gain.arm, target) != CONTROL]
    return {
        "language": language,
        "majority": _mean_score(material, target, MAJORITY, [language]),
        "none": _mean_score(material, target, NONE, [language]),
        "arms": {arm: _mean_score(material, target, arm, [language]) for arm in arms},
        "gain": fmean(real) if real else None,
    }


def _questions(material: Material, gains: Sequence[Gain], gates: Mapping[str, PlateauGate | None]) -> list[Json]:
    """Arms of different corpora, same-task and different-task targets, are asked about apart; tasks never pooled."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    arms = material.description["arms"]
    for target, facts in material.description["targets"].items():
        tried = dict.fromkeys(gain.arm for gain in gains if gain.target == target)
        for kind, corpus in dict.fromkeys((material.kind_of(arm, target), arms[arm]["corpus"]) for arm in tried):
            if kind != CONTROL:
                groups.setdefault((facts["task"], kind, corpus), []).append(target)
    corpora = Counter((task, kind) for task, kind, _ in groups)
    return [
        _question(
            material, gains, gates, task if corpora[task, kind] == 1 else f"{task} from {corpus}", kind, corpus, targets
        )
        for (task, kind, corpus), targets in groups.items()
    ]


def _question(
    material: Material,
    gains: Sequence[Gain],
    gates: Mapping[str, PlateauGate | None],
    name: str,
    kind: str,
    corpus: str,
    targets: Sequence[str],
) -> Json:
    points: list[GainPoint] = []
    arms = {arm for arm, facts in material.description["arms"].items() if facts["corpus"] == corpus}
    for target in targets:
        mine = [gain for gain in gains if gain.target == target and gain.arm in arms]
        mine = [gain for gain in mine if material.kind_of(gain.arm, target) == kind]
        mine = _scored_slices(material, target, mine)
        languages = {
            (target, name): sorted({gain.language for gain in mine if gain.slice == name})
            for name in {gain.slice for gain in mine}
        }
        distances = {key: float(row["value"]) for key, row in material.divergence.items()}
        points += gain_points(mine, divergence=distances, languages=languages)
    analyse: AnalyseSection = material.study.analyse
    first = next(iter(material.divergence.values()), None)
    if first is None:
        raise XstiltsError("No distances were measured", where="stage diverge", next_step="run `xstilts repro`")
    train = [material.description["arms"][arm]["train"] for arm in sorted(arms & {point.arm for point in points})]
    cost = {
        "items": family_of(TASKS[material.description["arms"][points[0].arm]["task"]]).item,
        "labelled_items": round(fmean(facts["labelled_items"] for facts in train)),
        "words": round(fmean(facts["words"] for facts in train)),
    }
    return {"cost": cost} | answer(
        points,
        name=name,
        kind="same-task" if kind == "same-task" else "different-task",
        corpus=corpus,
        curve=_shared_curve(material, targets),
        measure=first["measure"],
        features=first["features"],
        plateau_passed=all(gate is None or gate.passed for gate in (gates[target] for target in targets)),
        settings=InferenceSettings(analyse.confidence, analyse.negligible_share, analyse.seed),
    )


def _scored_slices(material: Material, target: str, gains: Sequence[Gain]) -> list[Gain]:
    """The slices by domain that several languages have; the whole text where the target has no such slices."""
    names = {gain.slice for gain in gains if gain.slice != ALL}
    multilingual = {
        name
        for name in names
        if len({gain.language for gain in gains if gain.slice == name}) == len(material.languages(target))
    }
    wanted = multilingual if len(multilingual) > 1 else {ALL}
    return [gain for gain in gains if gain.slice in wanted]
