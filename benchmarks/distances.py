"""How well each distance measure ranks mixtures whose distance is known in closed form.

    python benchmarks/distances.py [--seeds 5] [--rows 400]

Mixtures with 0, 10, ... 100 % of a domain's text are measured against other text of that domain; by construction their
distance is 2 (1 - lambda). The measures of stage ``diverge`` stand beside three cheaper ones that the field uses. The
ratio is the mean rank correlation of the primary measure over that of the best cheap one.
"""

import argparse
import json
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.spatial.distance import cosine
from scipy.stats import spearmanr

from workload import machine

SHARES = tuple(share / 10 for share in range(11))
PRIMARY = "proxy A-distance, character n-grams"
CHEAP = {
    "1 - Jaccard of word types": lambda left, right: 1 - len(set(left) & set(right)) / len(set(left) | set(right)),
    "cosine of word counts": lambda left, right: cosine(*_counts(left, right)),
    "mean length": lambda left, right: abs(len(left) - len(right)),
}


def _counts(left: Sequence[str], right: Sequence[str]) -> tuple[list[int], list[int]]:
    types = sorted({*left, *right})
    return [left.count(word) for word in types], [right.count(word) for word in types]


def mixtures(target: str, seed: int, rows: int, kappa: float) -> tuple[dict[str, list[Any]], list[Any]]:
    """Mixtures by their share of the target's domain, and text of that domain that is in none of them."""
    from xstilts.seeds import generator
    from xstilts.sources.synthetic import DOMAINS, generate

    made = generate("synthetic-reviews", seed=seed, rows={"train": 2 * rows, "test": rows}, kappa=kappa)
    by_domain = {domain: [row for row in made["en", "train"] if row["domain"] == domain] for domain in DOMAINS}
    other = next(domain for domain in DOMAINS if domain != target)
    found = {}
    for share in SHARES:
        rng = generator(seed, "mixture", str(share))
        taken = {target: round(share * rows), other: rows - round(share * rows)}
        found[f"{share:.1f}"] = [
            by_domain[domain][index] for domain, count in taken.items()
            for index in rng.permutation(len(by_domain[domain]))[:count]
        ]  # fmt: skip
    return found, [row for row in made["en", "test"] if row["domain"] == target]


def measured(target: str, seed: int, rows: int, kappa: float) -> dict[str, list[float]]:
    """Every measure of every mixture, in the order of ``SHARES``."""
    from xstilts.divergence import DivergenceSettings, Texts, divergence_table

    arms, test = mixtures(target, seed, rows, kappa)

    def texts(found: Sequence[Mapping[str, Any]]) -> Any:
        return Texts(
            tuple(row["text"] for row in found), tuple(f"{row['domain']}{row['id'].rsplit('-', 1)[0]}" for row in found)
        )

    settings = DivergenceSettings(rows=rows, folds=5, repeats=5, components=100, shuffles=10, primary="char_ngrams")
    sides = {name: texts(found) for name, found in arms.items()}
    table = divergence_table(sides, {(target, "all"): texts(test)}, settings=settings, seed=seed)
    names = {"proxy_a_distance": PRIMARY, "jensen_shannon": "Jensen-Shannon divergence, words"}
    values: dict[str, dict[str, float]] = {}
    for row in table:
        values.setdefault(names[row["measure"]], {})[row["arm"]] = float(row["value"])
    words = {name: " ".join(row["text"] for row in found).lower().split() for name, found in arms.items()}
    reference = " ".join(row["text"] for row in test).lower().split()
    for name, measure in CHEAP.items():
        values[name] = {arm: float(measure(said, reference)) for arm, said in words.items()}
    return {name: [by_arm[arm] for arm in arms] for name, by_arm in values.items()}


def main() -> None:
    """Measure, print a table, a JSON line and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=400, help="of a mixture, and of the text it is held against")
    parser.add_argument("--kappa", type=float, default=0.6)
    chosen = parser.parse_args()
    from xstilts.sources.synthetic import DOMAINS, mixture_distance

    found: dict[str, list[float]] = {}
    for seed in range(chosen.seeds):
        for target in DOMAINS:
            truth = [mixture_distance({target: share}, target) for share in SHARES]
            for name, values in measured(target, seed, chosen.rows, chosen.kappa).items():
                flat = float(np.ptp(values)) == 0.0
                found.setdefault(name, []).append(0.0 if flat else float(spearmanr(truth, values).statistic))
    line = "{:<40}{:>8}{:>8}  {}"
    print(line.format("measure", "mean", "least", "rank correlation with 2 (1 - lambda)"))
    for name, values in found.items():
        verdict = "good" if min(values) >= 0.95 else "fails"
        print(line.format(name, f"{statistics.fmean(values):.3f}", f"{min(values):.3f}", verdict))
    ratio = statistics.fmean(found[PRIMARY]) / max(statistics.fmean(found[name]) for name in CHEAP)
    facts = {"seeds": chosen.seeds, "rows": chosen.rows, "kappa": chosen.kappa}
    print(json.dumps({"machine": machine(), **facts, "correlations": found, "ratio": ratio}))
    print(f"ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
