"""What is planted in a synthetic study, and what a reader who counts would gain from each arm."""

from collections.abc import Callable, Mapping

from xstilts.analysis.assemble import Divergence
from xstilts.config import Study
from xstilts.files import Json
from xstilts.sources.synthetic import count_accuracy
from xstilts.tables import Rows

REVIEWS: Mapping[str, bool] = {"synthetic-reviews": True, "synthetic-reviews-fixed": False}
"""Corpora with a planted answer: whether the gain depends on the domain in them."""
Reader = Callable[..., Rows]


def planted(study: Study, question: Json, arms: Json, divergence: Divergence, read: Reader) -> Json | None:
    """The truth of one question.

    Args:
        study: its parameters.
        question: an element of ``questions``.
        arms: the arms' descriptions.
        divergence: primary distances.
        read: gives the rows of a table below ``data/<study>/arms/``.

    Returns:
        ``{"expects", "text", "oracle": [{"arm", "target", "divergence", "gain"}]}``; nothing where no answer was
        planted. The oracle knows every cue and no polarity; it counts those of the arm and of the target's training
        rows, and guesses at a tie. Its gain is its English accuracy minus that of one that read the target's rows
        alone, in points.
    """
    corpora = [question["corpus"], *(study.targets[target].corpus for target in question["targets"])]
    if any(corpus not in REVIEWS for corpus in corpora):
        return None
    effect = all(REVIEWS[corpus] for corpus in corpora) and study.fetch.kappa > 0
    oracle = []
    for target in question["targets"]:
        own, test = read("targets", target, "train.parquet"), read("targets", target, "inputs", "en.parquet")
        alone = count_accuracy([own], test)
        for arm in (name for name, facts in arms.items() if facts["corpus"] == question["corpus"]):
            gain = count_accuracy([own, read("arms", arm, "train.parquet")], test) - alone
            apart = float(divergence[arm, target, "all"]["value"])
            oracle.append({"arm": arm, "target": target, "divergence": apart, "gain": gain})
    return {"expects": "degrades" if effect else "no effect", "text": _text(study, effect=effect), "oracle": oracle}


def _text(study: Study, *, effect: bool) -> str:
    if effect:
        return (
            f"in {study.fetch.kappa:.0%} of the sentences the only cue has a meaning of its own in each domain, so "
            "that the other domain's text says nothing of it, and the gain must shrink with distance"
        )
    return "every cue here means the same in both domains, so distance must not matter"
